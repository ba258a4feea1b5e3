"""The paragraph that answers the question, held against numbers chosen by hand."""

import dataclasses

import pytest
from synthetic_study import tiny_settings, write_study

from tuner.report import data as report_data
from tuner.report import summary as report_summary
from tuner.report.language import Language
from tuner.study.statistics import NOT_SHOWN, SHOWN, TOO_FEW_SEEDS, Pair

EN, RU = Language("en"), Language("ru")


def pair(mean, low, high, verdict, seeds=6, adjusted=0.03125, names=("bce", "focal")):
    return Pair(*names, seeds, mean, low, high, None, 0.03125, 0.03125, adjusted, verdict)


@pytest.mark.parametrize(
    ("found", "english"),
    [
        (
            pair(-0.0194, -0.0211, -0.0175, SHOWN),
            "The test NLL is lower with BCE than with focal, by 0.0194 nats per step (95 % interval 0.0175 to 0.0211; "
            "6 seeds; Wilcoxon’s test with Holm’s correction, p = 0.0312): a difference is shown.",
        ),
        (
            pair(0.5, 0.4, 0.6, TOO_FEW_SEEDS, seeds=5, adjusted=0.0625),
            "The test NLL was lower with focal than with BCE at all of 5 seeds, by 0.50 nats per step on average "
            "(95 % interval 0.40 to 0.60), but these are too few for a test to show a difference (p = 0.0625).",
        ),
        (
            pair(-0.01, -0.03, 0.02, NOT_SHOWN, adjusted=1.0),
            "The test NLL shows no difference between BCE and focal: −0.010 nats per step on average "
            "(95 % interval −0.030 to 0.020; 6 seeds; p = 1).",
        ),
        (
            pair(0.25, None, None, NOT_SHOWN, seeds=1, adjusted=1.0),
            "The test NLL was lower with focal than with BCE by 0.2500 nats per step at the only seed that both have: "
            "without an interval, this may be due to chance.",
        ),
    ],
)
def test_a_difference_in_words(found, english):
    assert report_summary.difference(found, EN, "loss", "The test NLL") == english


def test_a_difference_in_russian():
    text = report_summary.difference(
        pair(-0.0194, -0.0211, -0.0175, SHOWN), RU, "loss", RU.gettext("Averaged over the optimizers, the test NLL")
    )
    assert text.startswith("В среднем по оптимизаторам NLL на тесте с BCE ниже, чем с focal, на 0,0194 ната на шаг")
    assert "95 %-й интервал от 0,0175 до 0,0211; 6 зёрен" in text


def with_losses(data, means=None, **pairs):
    """The data, with other differences of the losses in some measures, and none in all others.

    `means`: measure → combination → its mean; elsewhere each has that of the difference with every optimizer.
    """
    measures = {}
    for name, each in data.comparison.measures.items():
        found = pairs.get(name, pair(None, None, None, NOT_SHOWN, seeds=0))
        own = (means or {}).get(name, {})
        summaries = {
            key: dataclasses.replace(summary, mean=own.get(key, found.mean if key.startswith("bce") else 0.0))
            for key, summary in each.summaries.items()
        }
        measures[name] = dataclasses.replace(each, losses=[found], summaries=summaries)
    return dataclasses.replace(data, comparison=dataclasses.replace(data.comparison, measures=measures))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return report_data.read(write_study(tmp_path_factory.mktemp("study") / "made-up", tiny_settings()))


def test_the_losses_are_compared_by_measure(data):
    """More PR-AUC is better, more NLL is worse; a density ratio is in neither list."""
    found = with_losses(
        data,
        nll=pair(-1.0, -1.2, -0.8, SHOWN),
        pr_auc=pair(-0.1, -0.2, -0.05, SHOWN),
        ece=pair(-0.1, -0.2, -0.05, TOO_FEW_SEEDS),
        f1=pair(0.1, -0.1, 0.2, NOT_SHOWN),
        density_ratio=pair(0.1, 0.05, 0.2, SHOWN),
    )
    _, where = report_summary.paragraphs(found, EN)
    assert where == (
        "It is shown that focal is worse than BCE, averaged over the optimizers, in: test NLL. "
        "It is shown that BCE is worse than focal, averaged over the optimizers, in: PR-AUC. "
        "At every seed, though too few to show it, focal was worse than BCE, averaged over the optimizers, in: ECE. "
        "No difference between BCE and focal is shown in: F1."
    )


def test_an_average_does_not_hide_an_optimizer_that_disagrees(data):
    """PR-AUC: 0.3 lower with Adam and 0.1 higher with RMSprop is 0.1 lower on average."""
    found = with_losses(
        data,
        {"pr_auc": {"bce-adam": 0.4, "focal-adam": 0.7, "bce-rmsprop": 0.6, "focal-rmsprop": 0.5}},
        pr_auc=pair(-0.1, -0.2, -0.05, SHOWN),
    )
    assert report_summary.paragraphs(found, EN)[1] == (
        "It is shown that BCE is worse than focal, averaged over the optimizers, in: "
        "PR-AUC (the other way round with RMSprop)."
    )
    assert report_summary.paragraphs(found, RU)[1].endswith("PR-AUC (с RMSprop наоборот).")


def test_the_first_paragraph_of_a_whole_study(data):
    first = report_summary.paragraphs(data, EN)[0]
    assert first.startswith(
        "The losses BCE and focal and the optimizers Adam and RMSprop were compared in every combination. Each "
        "combination is trained 3 times from different random seeds and judged on 11 pieces that no training sees. "
        "12 of 12 runs ended well. BCE\u00a0·\u00a0Adam has the lowest mean test NLL: 5."
    )
    assert "where copying the last step has 6.54 and note frequency 12.06." in first
    assert "Averaged over the optimizers, the test NLL was lower with BCE than with focal at all of 3 seeds" in first
    text = report_summary.limits(data, EN)
    assert "With 3 seeds a paired test cannot give less than p = 0.25" in text[0]
    assert report_summary.missing(data, EN) == []


def test_the_gain_of_the_last_epochs_is_named(data):
    found = {each: data.values("last_gain", each) for each in data.main}
    means = [sum(values) / len(values) for values in found.values()]
    [line] = [
        line for line in report_summary.limits(data, EN) if line.startswith("The last tenth of the epochs brought")
    ]
    assert f"brought {EN.percent(sum(means) / 4)} of the gain" in line
    assert f"at most {EN.percent(max(means))} (" in line
    assert EN.combination(list(found)[means.index(max(means))]) in line


def test_values_at_an_edge_are_named(data, tmp_path):
    assert not [line for line in report_summary.limits(data, RU) if "На краю" in line]
    settings = tiny_settings(tuning_runs=2, most_tuning_runs=2, optimizers=("adam",))
    few = report_data.read(write_study(tmp_path / "few", settings))
    [edge] = [line for line in report_summary.limits(few, EN) if "edge" in line]
    # two runs tried the rate upwards alone, and gamma and alpha not at all
    assert "BCE\u00a0·\u00a0Adam (learning_rate); " in edge
    assert "focal\u00a0·\u00a0Adam (learning_rate, gamma, alpha). No value" in edge


def test_of_many_optimizers_only_the_pairs_of_the_best_are_compared():
    names = ["a", "b", "c", "d"]
    pairs = [pair(-1.0 if one == "b" else 1.0, 0, 0, SHOWN, names=(one, other)) for one in names for other in names]
    pairs = [each for each in pairs if each.first < each.second]
    compared = report_summary.pairs_to_compare(pairs)
    assert [(each.first, each.second) for each in compared] == [("a", "b"), ("b", "c"), ("b", "d")]
    assert report_summary.pairs_to_compare(pairs[:3]) == pairs[:3]


def test_one_run_of_one_combination(tmp_path):
    settings = tiny_settings(losses=("bce",), optimizers=("adam",), seeds=1)
    data = report_data.read(write_study(tmp_path / "study", settings))
    [text] = report_summary.paragraphs(data, EN)
    assert text.startswith("Only BCE\u00a0·\u00a0Adam was trained: only the baselines can be compared with it.")
    assert "is trained once" in text
    assert "interval" not in text
    assert "every difference may be due to chance" in report_summary.limits(data, EN)[0]


def test_nothing_measured_yet_and_nothing_that_could_be_judged(tmp_path):
    settings = tiny_settings(losses=("bce",), optimizers=("adam",), seeds=2)
    both = [("bce-adam", 0), ("bce-adam", 1)]
    data = report_data.read(write_study(tmp_path / "none", settings, skipped=both, with_music=False))
    assert report_summary.paragraphs(data, EN)[0].endswith("No run has been measured yet.")
    assert report_summary.missing(data, EN) == ["all seeds of: BCE\u00a0·\u00a0Adam"]
    data = report_data.read(write_study(tmp_path / "diverged", settings, diverged=both))
    text = " ".join(report_summary.paragraphs(data, RU))
    assert "Расхождение: BCE\u00a0·\u00a0Adam (2)." in text
    assert "Ни один прогон не закончился моделью" in text


def test_what_is_missing_is_named(tmp_path):
    skipped = [("bce-adam", 1), ("bce-adam", 2), ("focal-adam", 0)]
    settings = tiny_settings(optimizers=("adam",))
    folder = write_study(tmp_path / "study", settings, skipped=skipped, with_music=False)
    (folder / "tuning" / "focal-adam" / "1" / "outcome.json").unlink()
    data = report_data.read(folder)
    assert report_summary.missing(data, EN) == [
        "the first stage: 1 run of tuning",
        "BCE\u00a0·\u00a0Adam: seeds 1 and 2",
        "focal\u00a0·\u00a0Adam: seeds 0",
        "the comparison of music with its ceiling (music.csv), which tuner.study writes at its end",
    ]
    assert "Still to do: 3 runs" in report_summary.paragraphs(data, EN)[0]
