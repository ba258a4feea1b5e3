"""The results of a study as dataclasses: its settings, its runs, their comparison. Needs no framework."""

import dataclasses
from typing import Any

from tuner.study.settings import AllSettings, Combination
from tuner.study.statistics import Pair, Ranks, Summary

FINISHED, COLLAPSED, DIVERGED = "finished", "collapsed", "diverged"  # outcomes


@dataclasses.dataclass(frozen=True)
class Study:
    """What study.json holds.

    Attributes:
        combinations: Losses × optimizers in the order given, then the ablations.
        design: Combination → setting → the fields of its `Ladder`; in studies of earlier versions the settings of each
            tuning run.
        records: `path`, `manifest_sha256`, `settings` (of build_records), `density` (share of active cells in
            training), and `splits`: split → `pieces`, `steps`.
        versions: Package → version.
        plugins: From `choices.origins`.
    """

    settings: AllSettings
    combinations: list[Combination]
    design: dict[str, Any]
    records: dict[str, Any]
    versions: dict[str, str]
    plugins: dict[str, dict[str, str]] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class TuningRun:
    """One run of the first stage; the combination's best has the lowest `val_nll`.

    Attributes:
        run: Its number, from 0.
        settings: learning_rate, weight_decay, gamma, alpha; None where it has none.
        outcome: `FINISHED` or `DIVERGED`.
        cause: In words, unless finished.
        val_nll: Lowest validation NLL, nats per step; None when diverged.
        epochs: Number of epochs trained.
    """

    combination: str
    run: int
    settings: dict[str, float | None]
    outcome: str
    cause: str
    val_nll: float | None
    epochs: int


@dataclasses.dataclass(frozen=True)
class Run:
    """One run of the second stage, measured.

    Attributes:
        seed: Of weights, windows, dropout; music has other seeds, the same for every combination.
        settings: What the first stage chose: learning_rate, weight_decay, gamma, alpha; None where it has none.
        outcome: `FINISHED`; `COLLAPSED`: after its last epoch it is worse than "note frequency", or the density that
            it predicts is off by more than a factor of 10; `DIVERGED`: a number became NaN or infinite.
        cause: In words, unless finished.
        measures: Measures of this run alone, by their name in `measures.MEASURES`; None: it has no such value.
            Those that depend on other runs ("within 2 % of the best of all") are in results.csv.
        tables: Columns for figures. `reliability`, and `reliability_raw` where the loss is not proper: `probability`
            and `frequency` (None: no cell), `cells`, 15 each. `pitch`: `frequency` (share of training steps), `cells`
            (sounding in the test split), `recall` (None: no cell), 84 each. `polyphony`: true `notes` of a step (0, 1,
            …), `steps` with so many, `predicted` (mean number of expected notes; None: no step).
        steps_per_epoch: Batches per epoch; None in studies of earlier versions.
    """

    combination: str
    seed: int
    settings: dict[str, float | None]
    outcome: str
    cause: str
    measures: dict[str, float | None]
    tables: dict[str, dict[str, list]]
    steps_per_epoch: int | None = None


@dataclasses.dataclass(frozen=True)
class Compared:
    """A measure over the seeds.

    Attributes:
        summaries: Combination, ablations too → mean with interval.
        pairs: Each combination with each, without ablations.
        losses: Each loss with each, averaged over the optimizers within a seed.
        optimizers: Each optimizer with each, averaged over the losses within a seed.
        ablations: Each ablation (first) with its parent (second).
        ranks: Without ablations; None for a measure of which neither more nor less is better.
    """

    summaries: dict[str, Summary]
    pairs: list[Pair]
    losses: list[Pair]
    optimizers: list[Pair]
    ablations: list[Pair]
    ranks: Ranks | None


@dataclasses.dataclass(frozen=True)
class Comparison:
    """What comparison.json holds.

    Attributes:
        missing: Runs of the second stage that are not done yet.
        outcomes: Combination → outcome → number of runs.
        measures: Name in `measures.MEASURES` → what the seeds say of it.
    """

    missing: int
    outcomes: dict[str, dict[str, int]]
    measures: dict[str, Compared]
