"""What a plan's report says of the plan itself: how far it is done, its wording, its data, how to repeat it."""

from tuner.report import summary as report_summary
from tuner.report.language import DASH, N_, Language
from tuner.report.page import Block, Code, Table, Text
from tuner.report.paper.data import PaperData
from tuner.report.reproduce import commands, plain, settings_table

SPLITS = ("train", "val", "test")


def interim(paper: PaperData, language: Language) -> list[str]:
    """The first paragraph of a report on a plan that is not finished."""
    if not paper.is_interim:
        return []
    count = language.ngettext(
        "{done} of {n} study is finished",
        "{done} of {n} studies are finished",
        len(paper.plan.studies),
        done=len(paper.finished),
    )
    return [language.gettext("Interim, of {date}: {count}. All that follows may change.", date=paper.date, count=count)]


def unfinished(paper: PaperData, language: Language) -> list[Text]:
    """What is not finished, study by study."""
    items = []
    for name in paper.plan.studies:
        if name in paper.finished:
            continue
        left = language.gettext("not begun")
        if name in paper.studies:
            left = "; ".join(report_summary.missing(paper.studies[name], language)) or language.gettext(
                "not compared yet"
            )
        items.append(f"{name}: {left}")
    return [Text(language.gettext("Not finished by {date}:", date=paper.date), items)] if items else []


def plan(paper: PaperData, language: Language) -> list[Block]:
    """When the plan was fixed, its hypotheses and analysis word for word, and its amendments."""
    _, fixed = language.gettext, paper.fixed
    when = fixed["fixed"].replace("T", " ").replace("+00:00", " UTC")
    text = _(
        "The plan was fixed on {when}, before the first run; its sha256 is {sha256}.", when=when, sha256=fixed["sha256"]
    )
    blocks: list[Block] = [Text(text), *_wording(fixed["values"], language)]
    if not fixed["amendments"]:
        return [*blocks, Text(_("It has not been amended."))]
    rows = [[each["changed"], each["why"], each["sha256"]] for each in fixed["amendments"]]
    blocks.append(Table(_("Amendments"), [_("date"), _("reason"), "sha256"], rows, left=True))
    for each in fixed["amendments"][-1:]:
        if any(each["values"].get(key) != fixed["values"].get(key) for key in ("hypotheses", "analysis")):
            blocks += [
                Text(_("Hypotheses and analysis after the last amendment:")),
                *_wording(each["values"], language),
            ]
    return blocks


def _wording(values: dict, language: Language) -> list[Block]:
    texts = {"hypotheses": N_("Hypotheses, as the plan has them:"), "analysis": N_("Analysis, as the plan has it:")}
    return [Text(language.gettext(text), values[key]) for key, text in texts.items() if values.get(key)]


def data(paper: PaperData, language: Language) -> Table:
    """The corpora: pieces and steps of each split, the grid, the share of sounding cells."""
    _, rows = language.gettext, []
    by_corpus = {paper.planned(name).corpus: data.study.records for name, data in paper.studies.items()}
    for corpus in dict.fromkeys(study.corpus for study in paper.plan.studies.values()):
        records = by_corpus.get(corpus)
        if records is None:
            rows.append([corpus, *[DASH] * 5, _("not begun")])
            continue
        made, splits = records["settings"], [records["splits"][name] for name in SPLITS if name in records["splits"]]
        unit, key = (_("{n} per beat"), "steps_per_beat")
        if made["grid"] == "seconds":
            unit, key = (_("{n} per second"), "steps_per_second")
        counts = [" / ".join(language.number(split[name]) for split in splits) for name in ("pieces", "steps")]
        steps = unit.format(n=plain(made[key]))
        sha256 = records["manifest_sha256"][:12]
        rows.append([corpus, *counts, made["grid"], steps, language.percent(records["density"], 2), sha256])
    heads = [
        _("corpus"),
        _("pieces"),
        _("steps"),
        _("grid"),
        _("steps of the grid"),
        _("sounding cells"),
        _("sha256 of the records"),
    ]
    return Table(_("The corpora; pieces and steps in training / validation / test"), heads, rows)


def repeat(paper: PaperData, language: Language) -> list[Block]:
    """The commands, the settings of the plan, the versions."""
    _ = language.gettext
    flag = [] if language.code == "en" else ["--lang", language.code]
    lines = commands(["tuner.plan", "PLAN.toml", "DIR", "--data", "DATA"], ["tuner.report", "DIR", *flag])
    values = paper.fixed["amendments"][-1]["values"] if paper.fixed["amendments"] else paper.fixed["values"]
    own = {
        name: "; ".join(f"{key}: {plain(value)}" for key, value in entry.items())
        for name, entry in values["studies"].items()
    }
    versions = {package: _unique(paper, package) for package in _packages(paper)}
    return [
        Text(_("In the repository one command does all of it, and resumes what was interrupted:")),
        Code(["make study"]),
        Text(_("Any plan is executed and reported by two (DATA is the folder that “data” in braces stands for):")),
        lines,
        settings_table(
            values.get("defaults", {}),
            _("Settings that all studies share, where they differ from the defaults"),
            language,
        ),
        Table(_("Settings of each study"), [_("study"), _("settings")], [list(row) for row in own.items()], left=True),
        Table(_("Versions"), [_("package"), _("version")], [list(row) for row in versions.items()], left=True),
    ]


def _packages(paper: PaperData) -> list[str]:
    return list(dict.fromkeys(name for data in paper.studies.values() for name in data.study.versions))


def _unique(paper: PaperData, package: str) -> str:
    """The version of a package, or all that the studies were started with."""
    found = (data.study.versions.get(package) for data in paper.studies.values())
    return ", ".join(dict.fromkeys(version for version in found if version))
