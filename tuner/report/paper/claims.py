"""What others claim about focal loss, imbalance and optimizers, in their setting, and what these studies say to it."""

from collections.abc import Mapping

from pianoroll_tf.choices import label
from tuner.report.language import N_, Language
from tuner.report.page import Text
from tuner.report.paper.answer import Findings, group_state, state_in_words
from tuner.report.paper.data import PaperData, combinations, values
from tuner.report.paper.findings import EVERYWHERE, OVERALL, Finding, loss_pairs, optimizer_pairs
from tuner.report.paper.grids import label_of, pair_name
from tuner.study.settings import Combination
from tuner.study.statistics import summarise

LIN = N_(
    "Lin et al. 2017 (Focal Loss for Dense Object Detection) made the focal loss for one-stage detectors, where some "
    "thousand background locations come to one object, and found a higher average precision of detection than with "
    "cross-entropy, weighted or not. They claim nothing about likelihood, which is judged here, and in the corpora of "
    "these studies sounding cells are not that rare ({densities})."
)
MUKHOTI = N_(
    "Mukhoti et al. 2020 (Calibrating Deep Neural Networks using Focal Loss) found classifiers of images and texts, "
    "trained until they are overconfident, better calibrated with the focal loss than with cross-entropy, by the output"
    " as it is and with temperature scaling. Here training stops when validation does not improve, and a cell is a rare"
    " yes or no."
)
CHAROENPHAKDEE = N_(
    "Charoenphakdee et al. 2021 (On Focal Loss for Class-Posterior Probability Estimation) proved that minimizing the "
    "focal loss finds the best classifier, but that its output is not the posterior probability (it is classification-"
    "calibrated, not strictly proper), and gave the closed form that recovers it. All numbers here are taken after that"
    " correction."
)
KING = N_(
    "King and Zeng 2001 (Logistic Regression in Rare Events Data) showed for logistic regression that probabilities of "
    "rare events are underestimated in small samples, and that weights, or a correction of the intercept by the known "
    "prior, make up for samples in which events are more frequent than in the population. Here the sample is that of "
    "the population and large; weights change only how cells count in training, and the posterior is corrected for "
    "them."
)
BUDA = N_(
    "Buda et al. 2018 (A systematic study of the class imbalance problem in convolutional neural networks) found that "
    "imbalance harms the classification of images, that oversampling was the best remedy in almost all cases, and that "
    "thresholds which take the priors into account compensate for it. Cells of one step cannot be sampled one by one, "
    "so that oversampling has no counterpart here; a positive weight comes closest."
)
CHOI = N_(
    "Choi et al. 2019 (On Empirical Comparisons of Optimizers for Deep Learning) argue and find that an optimizer which"
    " can approximate another (as Adam and RMSprop can momentum) is never worse if all its settings are tuned, and that"
    " the ranges that are searched can reverse a ranking. Here the settings of the table of tuning are tuned, each "
    "until it is not at an edge as far as the budget allows, but not all: the betas of Adam are not."
)
SCHMIDT = N_(
    "Schmidt et al. 2021 (Descending through a Crowded Valley) compared fifteen optimizers on eight problems: which is "
    "best depends on the problem, none wins everywhere, Adam remains competitive, and trying several with their "
    "defaults helps about as much as tuning one."
)
LOSHCHILOV = N_(
    "Loshchilov and Hutter 2019 (Decoupled Weight Decay Regularization) showed on images that for Adam weight decay is "
    "not the same as an L2 penalty, and that the decoupled one generalizes better. Here Adam has neither, so that AdamW"
    " − Adam is the effect of a decay, not of its decoupling."
)


def claims(paper: PaperData, findings: Findings, language: Language) -> list[Text]:
    """One paragraph for each paper: what it claims, and what these studies say to it where they can."""
    every = combinations(paper.main.values())
    losses, optimizers = loss_pairs(every), optimizer_pairs(every)
    focal = losses.get("focal", [])
    pairs = {
        LIN: [_differences(paper, focal, "pr_auc", language), _grouped(focal, findings, language)],
        MUKHOTI: [_levels(paper, focal, "ece_raw", language)],
        CHAROENPHAKDEE: [_levels(paper, focal, "ece", language)],
        KING: [_grouped(losses.get("weighted_bce", []), findings, language)],
        BUDA: [_differences(paper, losses.get("weighted_bce", []), "pr_auc", language)],
        CHOI: [_grouped(optimizers.get(("rmsprop", "adam"), []), findings, language)],
        SCHMIDT: [_lowest(paper, language)],
        LOSHCHILOV: [_grouped(optimizers.get(("adamw", "adam"), []), findings, language)],
    }
    densities = sorted(data.study.records["density"] for data in paper.studies.values())
    shares = language.gettext("no study has begun")
    if densities:
        ends = (language.percent(each, 2) for each in (densities[0], densities[-1]))
        shares = language.gettext("{low} to {high} of all", **dict(zip(("low", "high"), ends, strict=True)))
    return [
        Text(" ".join([language.gettext(message, densities=shares), *filter(None, found)]))
        for message, found in pairs.items()
    ]


def _grouped(pairs, findings: Findings, language: Language) -> str:
    """What the tests say of the NLL in these pairs."""
    found: list[Finding] = [findings[a.name, b.name] for a, b in pairs if (a.name, b.name) in findings]
    if not found:
        return ""
    parts = []
    for each in found:
        names = label_of(each.first, language), label_of(each.second, language)
        parts.append(f"{pair_name(each.first, each.second, language)}: {state_in_words(each, names, language)}")
    message = N_("For the test NLL these studies find: {parts}.")
    if group_state(found) in (EVERYWHERE, OVERALL):
        message = N_("For the test NLL these studies show: {parts}.")
    return language.gettext(message, parts="; ".join(parts))


def _by_corpus(paper: PaperData, pairs, measure: str) -> tuple[str, Mapping[str, tuple[Combination, Combination]]]:
    """The optimizer of the first pair, and the corpora that have both with the values of a measure."""
    first, second = pairs[0]
    there = {
        name: (first, second)
        for name, data in paper.main.items()
        if {first, second} <= set(data.main)
        and all(any(value is not None for value in values(data, each, measure)) for each in (first, second))
    }
    return label("optimizer", first.optimizer), there


def _differences(paper: PaperData, pairs, measure: str, language: Language) -> str:
    """The mean differences of a measure by corpus, which the plan did not name."""
    if not pairs:
        return ""
    optimizer, there = _by_corpus(paper, pairs, measure)
    parts = []
    for name, (first, second) in there.items():
        data = paper.main[name]
        rows = zip(values(data, first, measure), values(data, second, measure), strict=True)
        found = summarise([a - b for a, b in rows if a is not None and b is not None])
        if found.mean is not None:
            mean, between = language.mean(found)
            parts.append(f"{name} {mean}" + (f" ({between})" if between else ""))
    if not parts:
        return ""
    message = N_("Exploratory, {measure}, {first} − {second} with {optimizer} (95 % interval): {parts}.")
    losses = {"first": label("loss", pairs[0][0].loss), "second": label("loss", pairs[0][1].loss)}
    return language.gettext(
        message, measure=language.measure(measure), optimizer=optimizer, parts="; ".join(parts), **losses
    )


def _levels(paper: PaperData, pairs, measure: str, language: Language) -> str:
    """The means of a measure with either loss by corpus, which the plan did not name."""
    if not pairs:
        return ""
    optimizer, there = _by_corpus(paper, pairs, measure)
    parts = []
    for name, both in there.items():
        means = [summarise(values(paper.main[name], each, measure)).mean for each in both]
        parts.append(f"{name} {language.number(means[0], 4)}, {language.number(means[1], 4)}")
    if not parts:
        return ""
    losses = {"first": label("loss", pairs[0][0].loss), "second": label("loss", pairs[0][1].loss)}
    message = N_("Exploratory, {measure} with {first} and with {second}, {optimizer}: {parts}.")
    return language.gettext(
        message, measure=language.measure(measure), optimizer=optimizer, parts="; ".join(parts), **losses
    )


def _lowest(paper: PaperData, language: Language) -> str:
    """The combination with the lowest mean test NLL in each corpus."""
    parts = []
    for name, data in paper.main.items():
        means = {each: mean for each in data.main if (mean := summarise(values(data, each)).mean) is not None}
        if len(means) > 1:
            parts.append(f"{name} {label_of(min(means, key=means.__getitem__), language)}")
    return language.gettext("Lowest mean test NLL here: {parts}.", parts="; ".join(parts)) if parts else ""
