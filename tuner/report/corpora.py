"""The tables of a comparison over corpora: which differences hold everywhere, and what can be generalized."""

from collections.abc import Mapping, Sequence

from pianoroll_tf.choices import label
from tuner.report.language import DASH, N_, Language
from tuner.report.page import Cell, Table
from tuner.study.across import HOLDS, OPEN, REVERSED, Across, Difference
from tuner.study.settings import Combination
from tuner.study.statistics import summarise

SAYS = {HOLDS: N_("holds"), REVERSED: N_("reversed"), OPEN: N_("not shown")}
EXCEPTIONS = {REVERSED: N_("reversed in {names}"), OPEN: N_("not shown in {names}")}


def tables(found: Across, combinations: Sequence[Combination], language: Language) -> list[Table]:
    """One table each for losses, optimizers and combinations, corpora as rows; those without pairs are left out."""
    _ = language.gettext
    names = {each.name: language.combination(each) for each in combinations}
    losses = {each.loss: label("loss", each.loss) for each in combinations}
    optimizers = {each.optimizer: label("optimizer", each.optimizer) for each in combinations}
    captions = {
        _("Losses over the corpora, averaged over the optimizers"): (found.losses, losses),
        _("Optimizers over the corpora, averaged over the losses"): (found.optimizers, optimizers),
        _("Combinations over the corpora"): (found.differences, names),
    }
    return [differences(pairs, labels, caption, language) for caption, (pairs, labels) in captions.items() if pairs]


def differences(pairs: Sequence[Difference], labels: Mapping[str, str], caption: str, language: Language) -> Table:
    """Corpora as rows, pairs as columns; below them the mean over the corpora, its test, and where it holds."""
    _ = language.gettext
    rows: list[list[Cell]] = []
    for corpus in pairs[0].corpora:
        cells = [(language.mean(each.corpora[corpus]), _(SAYS[each.says[corpus]])) for each in pairs]
        rows.append([corpus, *((mean, f"{between}\n{says}" if between else says) for (mean, between), says in cells)])
    n, overall = len(pairs[0].corpora), [summarise([part.mean for part in each.corpora.values()]) for each in pairs]
    spans = [DASH if each.bootstrap is None else language.interval(*each.bootstrap) for each in pairs]
    rows += [
        [(_("mean of the corpora"), _("95 % interval, n = {n}", n=n)), *(language.mean(each) for each in overall)],
        [_("interval, corpora and seeds drawn again"), *spans],
        [_("p of the t test over corpora, with Holm"), *(language.p(each.adjusted) for each in pairs)],
        [
            (_("p of the sign test over corpora"), _("at least {p}", p=language.p(pairs[0].least))),
            *(language.p(each.sign) for each in pairs),
        ],
        [_("verdict"), *(verdict(each, language) for each in pairs)],
    ]
    heads = [_("corpus"), *(f"{labels[each.first]} − {labels[each.second]}" for each in pairs)]
    return Table(caption, heads, rows)


def verdict(found: Difference, language: Language) -> str:
    """Whether a difference holds in every corpus, and in which it does not."""
    if found.holds_everywhere:
        return language.gettext("holds everywhere")
    parts = []
    for said, message in EXCEPTIONS.items():
        if names := [corpus for corpus, each in found.says.items() if each == said]:
            parts.append(language.gettext(message, names=language.join(names)))
    return "; ".join(parts)


def model(found: Across, language: Language) -> Table | None:
    """The F tests of the mixed model and its contrasts; None without a model."""
    _ = language.gettext
    if found.model is None:
        return None
    names = {"loss": _("loss"), "optimizer": _("optimizer"), "loss:optimizer": _("loss × optimizer")}
    rows: list[list[Cell]] = []
    for effect in found.model.effects:
        test = f"F({effect.numerator}, {effect.denominator}) = {language.number(effect.f, 2)}"
        rows.append([names[effect.name], DASH, test, language.p(effect.p)])
    for each in found.model.contrasts:
        pair = f"{label(each.effect, each.first)} − {label(each.effect, each.second)}"
        between = language.interval(each.low, each.high)
        rows.append([pair, (language.number(each.mean, 4), between), DASH, language.p(each.adjusted)])
    heads = [_("effect or pair"), _("difference, 95 % interval"), _("test"), _("p, pairs with Holm")]
    caption = _(
        "Mixed model: loss, optimizer and their interaction fixed; intercept and slopes random over {n} corpora",
        n=found.model.corpora,
    )
    return Table(caption, heads, rows)
