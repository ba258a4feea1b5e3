"""The measures of a study: name, label, unit, and which values are better. Needs no framework."""

import dataclasses

STABILITY, CONVERGENCE, QUALITY, MUSIC_GROUP, SPARSITY = "stability", "convergence", "quality", "music", "sparsity"
LOWER, HIGHER, ONE = "lower", "higher", "near 1"  # which values are better; "": none


@dataclasses.dataclass(frozen=True)
class Measure:
    """A column of results.csv.

    Attributes:
        unit: "" for a number without unit or a share.
        head: A shorter name, for the head of a table's column; empty: the label.
        better: `LOWER`, `HIGHER`, `ONE` or "".
    """

    group: str
    label: str
    unit: str = ""
    head: str = ""
    better: str = LOWER


# Feature of music whose distributions in generated and in test pieces are compared → label, unit of the distance.
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

# Fact of music, as `pianoroll_tf.generation.music` computes them → label, unit. Neither more nor less is better of a
# fact, but it should be near that of real music: the measure with "_gap" is its distance from that.
FACTS = {
    "synchrony": ("onsets that share their step with another", ""),
    "beyond_chance": ("onsets that share their step, more than by chance", ""),
    "clash": ("steps with a semitone clash", ""),
    "on_beat": ("onsets on the beat", ""),
    "recurring_bars": ("bars whose rhythm recurs in the piece", ""),
    "restruck": ("onsets that strike a sounding pitch again", ""),
    "one_step": ("notes of one step", ""),
    "shared_steps": ("steps in a row shared with a training piece, median", "steps"),
}
METRE = "on_beat"  # its gap is that of the whole metre: the share of onsets that lie on another position of the beat

# Class of rarity of a pitch, for which recall is measured → upper limit of the share of training steps with it, label.
RARITY = {
    "rare": (0.005, "below 0.5 %"),
    "uncommon": (0.02, "0.5 to 2 %"),
    "common": (0.06, "2 to 6 %"),
    "frequent": (1.0, "above 6 %"),
}

NATS, TERA = "nats per step", "10¹² operations"
# Point of a training up to which its cost is counted → label, shorter name for the head of a column
POINTS = {
    "to_copy": ("to the baseline “copy the last step”", "to the baseline"),
    "to_best": ("to within 2 % of the best of all runs", "to 2 % of the best"),
    "to_settled": ("to within 1 % of the run’s own best", "to 1 % of its best"),
    "to_own_best": ("to the run’s best validation", "to its best"),
}
# Unit of cost, the first word of a measure's name → its unit, its name in the head of a column
COSTS = {
    "epochs": ("epochs", "epochs"),
    "steps": ("steps", "steps"),
    "seconds": ("seconds", "seconds"),
    "examples": ("windows", "windows"),
    "operations": (TERA, TERA),
}

MEASURES = {
    # The spread of val_nll over seeds is the standard deviation of its summary; outcomes are counted separately.
    "val_nll": Measure(STABILITY, "validation NLL of the weights kept", NATS, "validation NLL"),
    "last_val_nll": Measure(STABILITY, "validation NLL after the last epoch", NATS, "NLL after the last epoch"),
    "gradient_ratio": Measure(
        STABILITY, "gradient norm, 99th percentile over median", head="gradient norm, p99 / median"
    ),
    "roughness": Measure(STABILITY, "roughness of the validation curve", NATS, "roughness of the curve"),
    **{
        f"{cost}_{point}": Measure(CONVERGENCE, label, unit, f"{name} {head}")
        for point, (label, head) in POINTS.items()
        for cost, (unit, name) in COSTS.items()
        if cost != "seconds" or point in ("to_copy", "to_best")  # noise, as of earlier studies; in results.csv only
    },
    "curve_area": Measure(CONVERGENCE, "mean of the validation NLL over the run", NATS, "mean NLL over the run"),
    "last_gain": Measure(
        CONVERGENCE, "share of the gain in validation NLL that the last tenth of the epochs brought", head="last gain"
    ),
    "nll": Measure(QUALITY, "test NLL", NATS),
    "pr_auc": Measure(QUALITY, "PR-AUC", better=HIGHER),
    "f1": Measure(QUALITY, "F1", better=HIGHER),
    "onset_f1": Measure(QUALITY, "onset F1", better=HIGHER),
    "ece": Measure(QUALITY, "calibration error", head="ECE"),
    "ece_raw": Measure(QUALITY, "calibration error before posterior correction", head="ECE, raw output"),
    "music_overlap": Measure(
        MUSIC_GROUP, "overlap with the test music, mean of all", head="overlap with real music", better=HIGHER
    ),
    **{
        f"music_{name}_overlap": Measure(MUSIC_GROUP, f"{label}, overlap", head=label, better=HIGHER)
        for name, (label, _) in MUSIC.items()
    },
    **{
        f"music_{name}_distance": Measure(MUSIC_GROUP, f"{label}, distance", unit, label)
        for name, (label, unit) in MUSIC.items()
    },
    **{f"music_{name}": Measure(MUSIC_GROUP, label, unit, label, better="") for name, (label, unit) in FACTS.items()},
    **{
        f"music_{name}_gap": Measure(MUSIC_GROUP, f"{label}, distance from real music", unit, label)
        for name, (label, unit) in FACTS.items()
    },
    "music_auc": Measure(
        MUSIC_GROUP, "AUC of a classifier that tells the music from real music", head="classifier’s AUC"
    ),
    "music_best_auc": Measure(
        MUSIC_GROUP, "AUC of the one fact that tells it best from real music", head="AUC of the best fact"
    ),
    "free_density_ratio": Measure(
        MUSIC_GROUP,
        "density of ungoverned music over that of the data",
        head="density of ungoverned music / data",
        better=ONE,
    ),
    "density_ratio": Measure(SPARSITY, "predicted density over true", head="density, predicted / true", better=ONE),
    "step_density_error": Measure(
        SPARSITY, "error of the expected number of notes of a step", "notes", "error of the number of notes"
    ),
    "silent_ratio": Measure(
        SPARSITY, "steps predicted silent over silent steps", head="silent steps, predicted / true", better=ONE
    ),
    "silent_predicted": Measure(SPARSITY, "steps predicted silent", "share of steps", better=""),
    **{
        f"recall_{name}": Measure(
            SPARSITY,
            f"recall of pitches that sound {label} of the time",
            head=f"recall, pitches {label}",
            better=HIGHER,
        )
        for name, (_, label) in RARITY.items()
    },
}
