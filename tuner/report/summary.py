"""The first paragraphs of a report on a study: the answer in words, with its uncertainty; and the notes below them."""

import math
from collections import Counter
from collections.abc import Sequence

from pianoroll_tf.choices import label
from tuner.report.data import StudyData
from tuner.report.language import N_, Language, decimals_between
from tuner.study.measures import HIGHER, LOWER, MEASURES
from tuner.study.results import edge_names
from tuner.study.results_model import COLLAPSED, DIVERGED, FINISHED
from tuner.study.statistics import LEVEL, NOT_SHOWN, SHOWN, TOO_FEW_SEEDS, Pair, least_p

QUESTION = "nll"  # the measure that answers which loss and optimizer is best
# Measures by which the losses are compared in the second paragraph
COMPARED = (
    *("nll", "pr_auc", "f1", "onset_f1", "ece", "ece_raw", "steps_to_copy", "curve_area", "gradient_ratio"),
    *("roughness", "step_density_error", "recall_rare", "music_overlap", "music_auc"),
)
DIFFERENCES = {
    SHOWN: N_(
        "{subject} is lower with {better} than with {worse}, by {amount} nats per step (95 % interval {interval}; "
        "{seeds}; Wilcoxon’s test with Holm’s correction, {p}): a difference is shown."
    ),
    TOO_FEW_SEEDS: N_(
        "{subject} was lower with {better} than with {worse} at all of {n} seeds, by {amount} nats per step on average "
        "(95 % interval {interval}), but these are too few for a test to show a difference ({p})."
    ),
    NOT_SHOWN: N_(
        "{subject} shows no difference between {first} and {second}: {mean} nats per step on average (95 % interval "
        "{interval}; {seeds}; {p})."
    ),
}
WORSE = {
    SHOWN: N_("It is shown that {worse} is worse than {better}{averaged} in: {measures}."),
    TOO_FEW_SEEDS: N_(
        "At every seed, though too few to show it, {worse} was worse than {better}{averaged} in: {measures}."
    ),
}
OUTCOMES = {COLLAPSED: N_("Collapsed: {names}."), DIVERGED: N_("Diverged: {names}.")}
MAX_PAIRS = 3  # of optimizers, or of losses, that the first paragraph compares; of more, only those of the best


def paragraphs(data: StudyData, language: Language) -> list[str]:
    """The paragraphs: which runs there are, what is best, what differs by how much; then the losses by measure."""
    _ = language.gettext
    sentences = _introduction(data, language)
    if not data.runs:
        return [" ".join([*sentences, _("No run has been measured yet.")])]
    study, compared = data.study.settings.study, data.comparison.measures[QUESTION]
    sentences += _best(data, language)
    of_losses = of_optimizers = _("The test NLL")
    if len(study.optimizers) > 1:
        of_losses = _("Averaged over the optimizers, the test NLL")
    if len(study.losses) > 1:
        of_optimizers = _("Averaged over the losses, the test NLL")
    pairs, more = pairs_to_compare(compared.losses), pairs_to_compare(compared.optimizers)
    sentences += [difference(pair, language, "loss", of_losses) for pair in pairs]
    sentences += [difference(pair, language, "optimizer", of_optimizers) for pair in more]
    by_measure = _losses_by_measure(data, language)
    return [" ".join(found) for found in (sentences, by_measure) if found]


def _introduction(data: StudyData, language: Language) -> list[str]:
    """What was compared, on what, and how the runs ended."""
    _, ngettext = language.gettext, language.ngettext
    study, outcomes = data.study.settings.study, data.comparison.outcomes
    total = len(data.study.combinations) * data.seeds
    finished = language.number(sum(each[FINISHED] for each in outcomes.values()))
    pieces, times = data.study.records["splits"]["test"]["pieces"], ngettext("{n} time", "{n} times", data.seeds)
    if len(data.main) > 1:
        names = language.join([label("loss", each) for each in study.losses])
        losses = ngettext("The loss {names}", "The losses {names}", len(study.losses), names=names)
        names = language.join([label("optimizer", each) for each in study.optimizers])
        optimizers = ngettext("the optimizer {names}", "the optimizers {names}", len(study.optimizers), names=names)
        message = N_("{losses} and {optimizers} were compared in every combination.")
        if len(data.main) < len(study.losses) * len(study.optimizers):
            message = N_("{losses} and {optimizers} were compared, not in every combination.")
        sentences = [_(message, losses=losses, optimizers=optimizers)]
    else:
        name = language.combination(data.main[0])
        sentences = [_("Only {name} was trained: only the baselines can be compared with it.", name=name)]
    trained = ngettext(
        "Each combination is trained once and judged on {n} piece that no training sees.",
        "Each combination is trained once and judged on {n} pieces that no training sees.",
        pieces,
    )
    if data.seeds > 1:
        trained = ngettext(
            "Each combination is trained {times} from different random seeds and judged on {n} piece that no training "
            "sees.",
            "Each combination is trained {times} from different random seeds and judged on {n} pieces that no training "
            "sees.",
            pieces,
            times=times,
        )
    ended = ngettext("{ended} of {n} run ended well.", "{ended} of {n} runs ended well.", total, ended=finished)
    sentences += [trained, ended]
    for outcome, message in OUTCOMES.items():
        counts = {each: outcomes[each.name][outcome] for each in data.study.combinations}
        labels = [f"{language.combination(each)} ({count})" for each, count in counts.items() if count]
        if labels:
            sentences.append(_(message, names=language.join(labels)))
    if data.comparison.missing:
        missing = ngettext("{n} run", "{n} runs", data.comparison.missing)
        sentences.append(_("Still to do: {missing}, so all that follows is provisional.", missing=missing))
    return sentences


def _best(data: StudyData, language: Language) -> list[str]:
    """The combination with the lowest mean, and the baselines."""
    _ = language.gettext
    summaries = data.comparison.measures[QUESTION].summaries
    means = {each: mean for each in data.main if (mean := summaries[each.name].mean) is not None}
    if not means:
        return [_("No run ended with a model that can be evaluated.")]
    best = min(means, key=lambda each: means[each])
    summary, interval = summaries[best.name], ""
    if summary.low is not None and summary.high is not None:
        interval = _(" (95 % interval {interval})", interval=language.interval(summary.low, summary.high))
    message = N_("{name} has the lowest mean test NLL: {mean} nats per step{interval}")
    if len(means) == 1:
        message = N_("{name} has a test NLL of {mean} nats per step{interval}")
    sentence = _(message, name=language.combination(best), mean=language.mean(summary)[0], interval=interval)
    if baselines := data.baselines.get("test"):
        nll = {name: language.number(baselines[name]["nll"], 2) for name in ("copy_last_step", "note_frequency")}
        sentence += _(", where copying the last step has {copy_last_step} and note frequency {note_frequency}", **nll)
    return [sentence + "."]


def pairs_to_compare(pairs: Sequence[Pair]) -> list[Pair]:
    """The pairs with a mean; of more than `MAX_PAIRS` only those of the loss or optimizer that wins most."""
    compared = [pair for pair in pairs if pair.mean is not None]
    if len(pairs) <= MAX_PAIRS or not compared:
        return compared
    wins = Counter(pair.first if pair.mean < 0 else pair.second for pair in pairs if pair.mean is not None)
    best = wins.most_common(1)[0][0]
    return [pair for pair in compared if best in (pair.first, pair.second)]


def difference(pair: Pair, language: Language, table: str, subject: str) -> str:
    """The sentence on a paired difference of `subject`, the test NLL, between entries of a table of `choices`."""
    assert pair.mean is not None
    first, second = label(table, pair.first), label(table, pair.second)
    better, worse = (first, second) if pair.mean < 0 else (second, first)
    named = {"subject": subject, "better": better, "worse": worse}
    if pair.low is None or pair.high is None:
        return language.gettext(
            "{subject} was lower with {better} than with {worse} by {amount} nats per step at the only seed that both "
            "have: without an interval, this may be due to chance.",
            amount=language.number(abs(pair.mean)),
            **named,
        )
    decimals, low, high = decimals_between(pair.low, pair.high), pair.low, pair.high
    if pair.verdict in (SHOWN, TOO_FEW_SEEDS) and pair.mean < 0:  # the sentence gives the lead of the better one
        low, high = -high, -low
    return language.gettext(
        DIFFERENCES[pair.verdict],
        first=first,
        second=second,
        amount=language.number(abs(pair.mean), decimals),
        mean=language.number(pair.mean, decimals),
        interval=language.interval(low, high),
        n=language.number(pair.seeds),
        seeds=language.ngettext("{n} seed", "{n} seeds", pair.seeds),
        p=language.p_equals(pair.adjusted),
        **named,
    )


def _losses_by_measure(data: StudyData, language: Language) -> list[str]:
    """In which measures each loss is worse than each other: shown, at every seed, or neither."""
    sentences, averaged = [], ""
    if len(data.study.settings.study.optimizers) > 1:
        averaged = language.gettext(", averaged over the optimizers,")
    for index, compared in enumerate(data.comparison.measures[QUESTION].losses):
        first, second = label("loss", compared.first), label("loss", compared.second)
        worse_in: dict[tuple[str, bool], list[str]] = {}  # verdict, whether the first is the worse one → measures
        undecided = []
        for measure in COMPARED:
            pair = data.comparison.measures[measure].losses[index]
            if pair.mean is None or (measure == "ece_raw" and pair.mean == 0):
                continue
            better = MEASURES[measure].better
            if pair.mean and better in (LOWER, HIGHER) and pair.seeds > 1 and pair.verdict in WORSE:
                key = pair.verdict, (pair.mean > 0) == (better == LOWER)
                worse_in.setdefault(key, []).append(_with_exceptions(data, measure, pair, language))
            else:
                undecided.append(language.head(measure))
        for (verdict, first_is_worse), measures in worse_in.items():
            worse, better = (first, second) if first_is_worse else (second, first)
            values = {"worse": worse, "better": better, "averaged": averaged}
            sentences.append(language.gettext(WORSE[verdict], measures="; ".join(measures), **values))
        if undecided and compared.seeds > 1:
            message = N_("No difference between {first} and {second} is shown in: {measures}.")
            sentences.append(language.gettext(message, first=first, second=second, measures="; ".join(undecided)))
    return sentences


def _with_exceptions(data: StudyData, measure: str, pair: Pair, language: Language) -> str:
    """The name of a measure, and the optimizers for which the losses differ the other way round than on average."""
    combinations = {(each.loss, each.optimizer): each.name for each in data.main if not each.change}
    summaries = data.comparison.measures[measure].summaries
    exceptions = []
    for optimizer in data.study.settings.study.optimizers:
        names = [combinations.get((loss, optimizer)) for loss in (pair.first, pair.second)]
        first, second = (summaries[name].mean if name else None for name in names)
        if first is not None and second is not None and pair.mean is not None and (first - second) * pair.mean < 0:
            exceptions.append(label("optimizer", optimizer))
    joined = language.join(exceptions)
    return language.head(measure) + (joined and language.gettext(" (the other way round with {names})", names=joined))


def limits(data: StudyData, language: Language) -> list[str]:
    """What a reader must know to judge the results, one note each."""
    _, notes = language.gettext, []
    if data.seeds == 1:
        message = N_(
            "With one run per combination there is no interval and no test: every difference may be due to chance."
        )
        notes.append(_(message))
    elif least_p(data.seeds) >= 1 - LEVEL:
        message = N_(
            "With {n} seeds a paired test cannot give less than p = {p}: no difference can be significant at 0.05, "
            "however large. Only the intervals, and whether all seeds agree, can be considered."
        )
        notes.append(_(message, n=language.number(data.seeds), p=language.p(least_p(data.seeds))))
    if data.seeds > 1:
        notes.append(
            _(
                "Intervals are Student’s t intervals of the mean over the seeds: with two or three seeds they are "
                "wide, as so few say little about their spread. Holm’s correction is for the pairs of one measure; "
                "each measure is tested on its own."
            )
        )
    gains = {each: values for each in data.main if (values := data.values("last_gain", each))}
    if gains:
        means = {each: math.fsum(values) / len(values) for each, values in gains.items()}
        most = max(means, key=lambda each: means[each])
        message = N_(
            "The last tenth of the epochs brought {share} of the gain in validation NLL on average, at most {most} "
            "({name}): longer training can change results by as much."
        )
        share, highest = (language.percent(value) for value in (math.fsum(means.values()) / len(means), means[most]))
        notes.append(_(message, share=share, most=highest, name=language.combination(most)))
    if names := _at_edges(data, language):
        message = N_(
            "At the edge of what tuning tried, so that better values may lie beyond: {names}. No value of these "
            "settings is called the best."
        )
        notes.append(_(message, names="; ".join(names)))
    notes.append(
        _(
            "The seeds vary weights, windows and dropout, not the data: the results are of this corpus, this size of "
            "model and this budget of tuning."
        )
    )
    return notes


def _at_edges(data: StudyData, language: Language) -> list[str]:
    """The combinations with settings whose chosen value is at an edge: "BCE · Adam (learning_rate)"."""
    found = []
    for each in data.main:
        own = [run for run in data.tuning if run.combination == each.name]
        if edges := edge_names(data.study, each.name, own):
            settings = dict.fromkeys(edge.partition(":")[0] for edge in edges)
            found.append(f"{language.combination(each)} ({', '.join(settings)})")
    return found


def missing(data: StudyData, language: Language) -> list[str]:
    """What an unfinished study lacks, one note each; empty if it is finished."""
    _, notes, unmeasured = language.gettext, [], []
    if data.missing_tuning:
        count, ngettext = data.missing_tuning, language.ngettext
        notes.append(ngettext("the first stage: {n} run of tuning", "the first stage: {n} runs of tuning", count))
    for each in data.study.combinations:
        name, seeds = language.combination(each), data.missing.get(each.name, [])
        if len(seeds) == data.seeds:
            unmeasured.append(name)
        elif seeds:
            notes.append(_("{name}: seeds {seeds}", name=name, seeds=language.join([*map(str, seeds)])))
    if unmeasured:
        notes.append(_("all seeds of: {names}", names="; ".join(unmeasured)))
    if data.runs and not data.music:
        notes.append(_("the comparison of music with its ceiling (music.csv), which tuner.study writes at its end"))
    return notes
