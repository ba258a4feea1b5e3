"""Reads several studies, one a corpus, and compares their combinations over the corpora."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from pianoroll_tf.errors import UserError
from tuner.study import folder as study_folder
from tuner.study.across import Across, across, relative
from tuner.study.measures import HIGHER, MEASURES
from tuner.study.results import complete

RELATIVE = {"nll": "test", "val_nll": "val", "last_val_nll": "val"}  # measure → split of the baseline it is divided by
BASELINE = "copy_last_step"


def compare_studies(folders: Mapping[str, Path | str], measure: str = "nll") -> Across:
    """Compares the combinations that all studies have by a measure.

    Args:
        folders: Corpus → folder of its study.
        measure: Entry of `MEASURES`. An NLL is taken as the logarithm of its ratio to that of copying the last step;
            other measures, which are shares, are compared as they are.

    Only seeds whose runs are all done are compared; `Across.left_out` has the others. Runs that diverged are done.

    Raises:
        UserError: A folder is no study, or no combination is in all of them.
    """
    studies = {corpus: study_folder.read_study(folder) for corpus, folder in folders.items()}
    shared = [
        each
        for each in next(iter(studies.values())).combinations
        if not each.ablation and all(each in study.combinations for study in studies.values())
    ]
    if not shared:
        raise UserError(f"studies must have combinations in common. Received: {', '.join(map(str, folders.values()))}")
    values, left_out = {}, {}
    for corpus, study in studies.items():
        runs = complete(Path(folders[corpus]), study, study_folder.read_runs(folders[corpus]))
        found = {(run.combination, run.seed): run.measures.get(measure) for run in runs}
        seeds = range(study.settings.study.seeds)
        done = [seed for seed in seeds if all((each.name, seed) in found for each in shared)]
        values[corpus] = {each.name: [found[each.name, seed] for seed in done] for each in shared}
        if len(done) < len(seeds):
            left_out[corpus] = [seed for seed in seeds if seed not in done]
    if measure in RELATIVE:
        values = relative(values, {corpus: _baseline(Path(folder), measure) for corpus, folder in folders.items()})
    compared = across(values, shared, lower_is_better=MEASURES[measure].better != HIGHER)
    return dataclasses.replace(compared, left_out=left_out)


def _baseline(folder: Path, measure: str) -> float:
    """The NLL of copying the last step in a study, nats per step."""
    baselines = study_folder.read_checksummed(folder / study_folder.BASELINES)
    return baselines[RELATIVE[measure]][BASELINE]["nll"]
