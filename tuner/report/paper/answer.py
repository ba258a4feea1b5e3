"""The answer of a plan's report in three sentences: which loss, which optimizer, whether rarity favours the focal loss.

Each chooses its words by what is shown. The tests of the first two are Wilcoxon's over the blocks of corpus and seed;
their intervals have n = corpora.
"""

from collections.abc import Mapping, Sequence

from pianoroll_tf.choices import label
from tuner.report.language import N_, Language, decimals_between
from tuner.report.paper import rarity
from tuner.report.paper.data import PaperData, combinations
from tuner.report.paper.findings import (
    DIFFERS,
    EVERYWHERE,
    OPEN,
    OVERALL,
    TOO_FEW,
    Finding,
    loss_pairs,
    optimizer_pairs,
)
from tuner.study.across import HOLDS, REVERSED
from tuner.study.across import OPEN as NOT_SHOWN
from tuner.study.statistics import summarise

Findings = Mapping[tuple[str, str], Finding]
MIXED = "mixed"  # the pairs of a group say different things

LOSS = {
    EVERYWHERE: N_(
        "Which loss: the test NLL is lower with {better} than with {worse}{all} in {corpora}: {details}; in per cent of"
        " that of copying the last step."
    ),
    OVERALL: N_(
        "Which loss: over all corpora together the test NLL is lower with {better} than with {worse}{all}, but not "
        "every corpus shows it by itself: {details}; in per cent of that of copying the last step."
    ),
    TOO_FEW: N_(
        "Which loss: every seed so far has a lower test NLL with {better} than with {worse}{all}, but these are too few"
        " for a test to show a difference: {details}; in per cent of that of copying the last step."
    ),
    OPEN: N_(
        "Which loss: no difference of the test NLL between {better} and {worse} is shown: {better} − {worse} is "
        "{details}; in per cent of that of copying the last step."
    ),
    MIXED: N_(
        "Which loss: no one answer, as it differs between optimizers or corpora, or is not shown for all of them: "
        "{better} − {worse} in the test NLL is {details}; in per cent of that of copying the last step."
    ),
}
OPTIMIZER = {
    EVERYWHERE: N_("{better} is lower than {worse}{all} in {corpora}, {details}"),
    OVERALL: N_("{better} is lower than {worse}{all} over all corpora together, but not in each by itself, {details}"),
    TOO_FEW: N_("{better} was lower than {worse}{all} at every seed so far, too few for a test to show it, {details}"),
    OPEN: N_("no difference between {better} and {worse} is shown, {better} − {worse} being {details}"),
    MIXED: N_(
        "between {better} and {worse} it differs between losses or corpora, or is not shown for all of them, {better} −"
        " {worse} being {details}"
    ),
}
LEADS = (EVERYWHERE, OVERALL, TOO_FEW)  # of which a sentence gives the lead of the better one
STATES = {
    EVERYWHERE: N_("lower in every corpus"),
    OVERALL: N_("lower over all corpora, but not shown in {open}"),
    DIFFERS: N_("lower in {holds}, higher in {reversed}"),
    TOO_FEW: N_("too few runs"),
    OPEN: N_("not shown"),
}


def sentences(paper: PaperData, findings: Findings, language: Language) -> list[str]:
    """The three sentences; of plans without more than one loss, or optimizer, or condition of density, fewer."""
    every = combinations(paper.main.values())
    found = [_loss(every, findings, language), _optimizer(every, findings, language), _rarity(paper, language)]
    return [sentence for sentence in found if sentence]


def _loss(every, findings: Findings, language: Language) -> str:
    """The first sentence: the loss that has most optimizers in common with BCE, and BCE."""
    groups = list(loss_pairs(every).values())
    if not groups:
        return ""
    first, second = groups[0][0]
    found = [findings[a.name, b.name] for a, b in groups[0] if (a.name, b.name) in findings]
    names = label("loss", first.loss), label("loss", second.loss)
    if not found:
        message = N_("Which loss: no runs of {better} and {worse} can be compared yet.")
        return language.gettext(message, better=names[0], worse=names[1])
    everything = language.ngettext(" with {n} optimizer", " with each of {n} optimizers", len(found))
    return _sentence(LOSS, found, names, everything, "optimizer", language)


def _optimizer(every, findings: Findings, language: Language) -> str:
    """The second sentence: each other optimizer and the first one."""
    _, groups = language.gettext, optimizer_pairs(every)
    if not groups:
        return ""
    base, parts = next(iter(groups))[1], []
    for names, pairs in groups.items():
        found = [findings[a.name, b.name] for a, b in pairs if (a.name, b.name) in findings]
        if names[1] == base and found:
            labels = label("optimizer", names[0]), label("optimizer", names[1])
            everything = language.ngettext(" with {n} loss", " with each of {n} losses", len(found))
            parts.append(_sentence(OPTIMIZER, found, labels, everything, "loss", language))
    if not parts:
        return _("Which optimizer: no runs of two optimizers can be compared yet.")
    return _(
        "Which optimizer, by the test NLL in per cent of that of copying the last step: {parts}.",
        parts="; ".join(parts),
    )


def _sentence(
    messages: Mapping[str, str],
    found: Sequence[Finding],
    names: tuple[str, str],
    everything: str,
    table: str,
    language: Language,
) -> str:
    """The sentence on a group of differences (first − second) that differ in an entry of a table of `choices`."""
    state = group_state(found)
    better, worse = names if sum(each.mean for each in found) <= 0 or state == MIXED else names[::-1]
    corpora = max(len(each.difference.corpora) for each in found)
    return language.gettext(
        messages[state],
        better=better,
        worse=worse,
        all=everything if len(found) > 1 else "",
        corpora=language.ngettext("{n} corpus", "each of {n} corpora", corpora),
        details=", ".join(_detail(each, table, state, names, language) for each in found),
    )


def group_state(found: Sequence[Finding]) -> str:
    """What several differences say together: a state of `Finding`, or `MIXED`."""
    states = {each.state for each in found}
    same_sign = len({each.mean > 0 for each in found}) == 1
    if states <= {EVERYWHERE, OVERALL} and same_sign:
        return EVERYWHERE if states == {EVERYWHERE} else OVERALL
    if states == {TOO_FEW} and same_sign:
        return TOO_FEW
    return OPEN if states <= {OPEN, TOO_FEW} else MIXED


def _detail(found: Finding, table: str, state: str, names: tuple[str, str], language: Language) -> str:
    """One difference: "by 1.00 % with Adam (95 % interval 0.87 to 1.13; p = 0.002)"; it is signed unless all agree."""
    bounds, mean = found.interval, found.mean
    if state in LEADS:
        mean, bounds = abs(mean), bounds if bounds is None or mean > 0 else (-bounds[1], -bounds[0])
    decimals = None if bounds is None else decimals_between(*bounds)
    rest = [language.p_equals(found.pair.adjusted)]
    if bounds is not None:
        rest.insert(0, language.gettext("95 % interval {interval}", interval=language.interval(*bounds)))
    if state == MIXED:
        rest.append(state_in_words(found, names, language))
    message = N_("by {amount} % with {name} ({rest})") if state in LEADS else N_("{amount} % with {name} ({rest})")
    name, amount = label(table, getattr(found.first, table)), language.number(mean, decimals)
    return language.gettext(message, amount=amount, name=name, rest="; ".join(rest))


def state_in_words(found: Finding, names: tuple[str, str], language: Language) -> str:
    """What is said of a difference: "focal lower in every corpus"; `names` are those of its first and second."""
    says = found.difference.says
    where = {kind: language.join([name for name, said in says.items() if said == kind]) for kind in _KINDS}
    text = language.gettext(STATES[found.state], open=where[NOT_SHOWN], holds=where[HOLDS], reversed=where[REVERSED])
    return text if found.state in (OPEN, TOO_FEW) else f"{names[0] if found.mean < 0 else names[1]} {text}"


_KINDS = (HOLDS, REVERSED, NOT_SHOWN)


def _rarity(paper: PaperData, language: Language) -> str:
    """The third sentence: whether the advantage of the focal loss grows as cells become rarer."""
    if not any(name.startswith("density-") for name in paper.plan.studies):
        return ""
    found = rarity.trend_of(paper.density)
    if found is None:
        return language.gettext(
            "Rarity: nothing can be said yet about whether the focal loss gains as sounding cells become rarer, as "
            "fewer than two conditions of density have results."
        )
    message = N_("Rarity: it is not shown that the advantage of the focal loss over BCE grows as cells become rarer: ")
    if found.is_shown:
        message = N_("Rarity: the advantage of the focal loss over BCE grows as cells become rarer: ")
    elif not found.can_show:
        message = N_(
            "Rarity: there are too few conditions or seeds to test whether the advantage of the focal loss over BCE "
            "grows as cells become rarer: "
        )
    rest = language.gettext(
        "Spearman’s correlation of the advantage with the density is {rho} over {values} in {conditions} (one-sided "
        "permutation test, {p}); {rare}, {dense}.",
        rho=language.number(found.rho, 2),
        values=language.ngettext("{n} value", "{n} values", found.values),
        conditions=language.ngettext("{n} condition", "{n} conditions", found.conditions),
        p=language.p_equals(found.p),
        **dict(zip(("rare", "dense"), _ends(paper, language), strict=True)),
    )
    return language.gettext(message) + rest


def _ends(paper: PaperData, language: Language) -> list[str]:
    """The advantage of the focal loss where cells are rarest, and where they are most frequent."""
    rows = [
        (data.study.records["density"], summarise(rarity.advantage(data, "focal"))) for data in paper.density.values()
    ]
    rows = sorted((row for row in rows if row[1].mean is not None), key=lambda row: row[0])
    messages = (
        N_("where {share} of the cells sound it is {mean} % of copying’s NLL{interval}"),
        N_("where {share} do, {mean} %{interval}"),
    )
    texts = []
    for (density, found), message in zip((rows[0], rows[-1]), messages, strict=True):
        mean, interval = language.mean(found)
        between = language.gettext(" (95 % interval {interval})", interval=interval) if interval else ""
        texts.append(language.gettext(message, share=language.percent(density, 2), mean=mean, interval=between))
    return texts
