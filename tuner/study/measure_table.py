"""What a study measures: name, label, unit, and whether less or more of it is better. Needs no framework."""

import dataclasses

STABILITY, CONVERGENCE, QUALITY, MUSIC_GROUP, SPARSITY = "stability", "convergence", "quality", "music", "sparsity"
LOWER, HIGHER, ONE = "lower", "higher", "near 1"  # which values are better; "": neither


@dataclasses.dataclass(frozen=True)
class Measure:
    """A column of results.csv.

    Attributes:
        group: What it is a measure of.
        label: Its name.
        unit: "" for a bare number or a share.
        better: `LOWER`, `HIGHER`, `ONE` or "".
        head: A shorter name, for the head of a table's column; empty: the label.
    """

    group: str
    label: str
    unit: str = ""
    better: str = LOWER
    head: str = ""


# Name → a measure of one run that compares the generated music with the test split, by the distribution of it.
# (label, unit of the distance)
MUSIC = {
    "density": ("density of a piece", "share of cells"),
    "polyphony": ("polyphony of a piece", "pitches"),
    "pitch": ("pitch histogram", "semitones"),
    "pitch_class": ("pitch-class histogram", "semitones"),
    "note_length": ("note length", "steps"),
    "onset_interval": ("onset interval", "steps"),
    "scale_consistency": ("scale consistency of a piece", "share of cells"),
    "longest_note": ("longest held note of a piece", "steps"),
    "empty_steps": ("share of empty steps of a piece", "share of steps"),
}

# Recall is taken apart by how rare a pitch is: the share of training steps in which it sounds, up to which → label.
RARITY = {
    "rare": (0.005, "below 0.5 %"),
    "uncommon": (0.02, "0.5 to 2 %"),
    "common": (0.06, "2 to 6 %"),
    "frequent": (1.0, "above 6 %"),
}

MEASURES = {
    # The spread of val_nll over seeds is the standard deviation of its summary; outcomes are counted apart.
    "val_nll": Measure(STABILITY, "validation NLL of the weights kept", "nats per step", head="validation NLL"),
    "last_val_nll": Measure(
        STABILITY, "validation NLL after the last epoch", "nats per step", head="NLL after the last epoch"
    ),
    "gradient_ratio": Measure(
        STABILITY, "gradient norm, 99th percentile over median", head="gradient norm, p99 / median"
    ),
    "roughness": Measure(
        STABILITY, "roughness of the validation curve", "nats per step", head="roughness of the curve"
    ),
    "epochs_to_copy": Measure(
        CONVERGENCE, "to the baseline “copy the last step”", "epochs", head="epochs to the baseline"
    ),
    "steps_to_copy": Measure(
        CONVERGENCE, "to the baseline “copy the last step”", "steps", head="steps to the baseline"
    ),
    "seconds_to_copy": Measure(
        CONVERGENCE, "to the baseline “copy the last step”", "seconds", head="seconds to the baseline"
    ),
    "epochs_to_best": Measure(
        CONVERGENCE, "to within 2 % of the best of all runs", "epochs", head="epochs to 2 % of the best"
    ),
    "steps_to_best": Measure(
        CONVERGENCE, "to within 2 % of the best of all runs", "steps", head="steps to 2 % of the best"
    ),
    "seconds_to_best": Measure(
        CONVERGENCE, "to within 2 % of the best of all runs", "seconds", head="seconds to 2 % of the best"
    ),
    "curve_area": Measure(
        CONVERGENCE, "mean of the validation NLL over the run", "nats per step", head="mean NLL over the run"
    ),
    "nll": Measure(QUALITY, "test NLL", "nats per step"),
    "pr_auc": Measure(QUALITY, "PR-AUC", better=HIGHER),
    "f1": Measure(QUALITY, "F1", better=HIGHER),
    "onset_f1": Measure(QUALITY, "onset F1", better=HIGHER),
    "ece": Measure(QUALITY, "calibration error", head="ECE"),
    "ece_raw": Measure(QUALITY, "calibration error before posterior correction", head="ECE, raw output"),
    "music_overlap": Measure(
        MUSIC_GROUP, "overlap with the test music, mean of all", better=HIGHER, head="overlap with real music"
    ),
    **{
        f"music_{name}_overlap": Measure(MUSIC_GROUP, f"{label}, overlap", better=HIGHER, head=label)
        for name, (label, _) in MUSIC.items()
    },
    **{
        f"music_{name}_distance": Measure(MUSIC_GROUP, f"{label}, distance", unit, head=label)
        for name, (label, unit) in MUSIC.items()
    },
    "free_density_ratio": Measure(
        MUSIC_GROUP,
        "density of ungoverned music over that of the data",
        better=ONE,
        head="density of ungoverned music / data",
    ),
    "density_ratio": Measure(SPARSITY, "predicted density over true", better=ONE, head="density, predicted / true"),
    "step_density_error": Measure(
        SPARSITY, "error of the expected number of notes of a step", "notes", head="error of the number of notes"
    ),
    "silent_ratio": Measure(
        SPARSITY, "steps predicted silent over silent steps", better=ONE, head="silent steps, predicted / true"
    ),
    "silent_predicted": Measure(
        SPARSITY, "steps predicted silent", "share of steps", better="", head="steps predicted silent"
    ),
    **{
        f"recall_{name}": Measure(
            SPARSITY,
            f"recall of pitches that sound {label} of the time",
            better=HIGHER,
            head=f"recall, pitches {label}",
        )
        for name, (_, label) in RARITY.items()
    },
}
