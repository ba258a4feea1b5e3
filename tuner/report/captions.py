"""Texts of a report: titles and first paragraphs of sections, captions of tables, texts of figures.

Each is a message of the catalogue.
"""

# Section of a report on a study → its title and first paragraph
SECTIONS: dict[str, tuple[str, str]] = {
    "quality": (
        "Quality on the test split",
        "All numbers are taken from posterior probabilities, in the same way for every loss. NLL is the negative "
        "log-likelihood of a step, in nats; PR-AUC is the average precision over all cells; onset F1 counts only cells "
        "that were silent in the step before; ECE is the expected calibration error. Thresholds of F1 are chosen on "
        "validation. In small print: the 95 % interval of the mean over the seeds.",
    ),
    "differences": (
        "What differs, and with what certainty",
        "For each seed, all combinations share initial weights and the order of batches, so differences are taken "
        "within a seed. The effect size is the mean difference over the standard deviation of the differences (Cohen’s "
        "d_z).",
    ),
    "convergence": (
        "Speed of convergence",
        "Every point of a curve is the NLL of the validation split after an epoch. The cost is counted in steps, in "
        "windows (with repetition) and in floating-point operations of the network’s matrix products, forward and "
        "backward: these do not depend on the machine. The last gain says whether the training was long enough: the "
        "share of the gain in validation NLL, from the first epoch to the best, that the last tenth of the epochs "
        "brought.",
    ),
    "stability": (
        "Stability of training",
        "A run has collapsed if after its last epoch it is worse than “note frequency”, or if the density that it "
        "predicts is off by more than a factor of 10; it has diverged if a number became NaN or infinite. Roughness is "
        "the median distance of a point of the validation curve from the middle of its neighbours.",
    ),
    "calibration": (
        "Calibration, before and after correction",
        "The focal loss is not proper: the network’s own sigmoid is not the probability of a note. Everything else in "
        "this report is taken from the posterior, recovered in closed form; here the raw output is shown beside it.",
    ),
    "calibration_proper": (
        "Calibration, before and after correction",
        "The points of a calibrated model lie on the diagonal.",
    ),
    "sparsity": (
        "How each loss and optimizer copes with sparsity",
        "Few cells of a piano-roll are active, and some pitches hardly ever are. Recall is measured at the threshold "
        "that is best for F1 on validation.",
    ),
    "music": (
        "Generated music",
        "Each combination generated {pieces} from scratch, with the same seeds for all, under the governor that an "
        "export of the model would have. The distribution of each feature over the pieces is compared with that of the "
        "test split, cut to the same length; two random halves of the test split are the ceiling of such a comparison. "
        "These distributions do not see time: noise with the right density has most of the overlap. The facts below "
        "do: whether notes begin together, on the beat, in rhythms that recur, and whether a classifier can tell the "
        "music from real music. Of a fact neither more nor less is better, but its distance from real music should be "
        "small.",
    ),
    "listening": (
        "Listening",
        "Listeners heard pairs of equally long and equally loud excerpts, all played by the same synthesizer, without "
        "knowing what had made them, and said which of the two they preferred. Both losses of a pair were trained with "
        "the same optimizer. “No difference” is counted but is a vote for neither: the share and the tests are of the "
        "votes that prefer one. Of several votes of a listener for a pair, the last one counts. The test is the exact "
        "two-sided binomial test that the share is a half, corrected by Holm’s method for all rows; the interval is "
        "that of Clopper and Pearson. They take votes as independent, which those of several listeners for the same "
        "pair are not. Where there are several listeners, a second test counts each pair once, for what most of its "
        "votes prefer, and a preference is called shown only if both tests show it.",
    ),
    "listening_unvoted": ("Listening", ""),
    "ablations": (
        "Ablations",
        "Each ablation changes one thing in its parent and keeps the parent’s settings: “uncorrected” are the very "
        "models of the parent, judged and sampled as if their output were the posterior; “bias from 0” is trained "
        "again with an output bias that starts at 0 and not at the log-odds of each pitch.",
    ),
    "tuning": (
        "Tuning",
        "Every combination could use the same number of tuning runs of the same length. Each setting was moved apart "
        "from the others, further in the direction in which the validation NLL fell, until it was higher on both "
        "sides. The run with the lowest validation NLL was chosen.",
    ),
    "repeat": ("Settings, data, versions, commands", ""),
}

# Table of means → its caption
MEANS = {
    "quality": "Numbers on the test split, means over the seeds",
    "stability": "How the runs ended",
    "convergence": (
        "What it takes to reach the baseline “copy the last step”, and to get within 2 % of the best validation NLL of "
        "all runs"
    ),
    "convergence_own": (
        "What it takes to get within 1 % of the best validation NLL of the run itself, and to reach it"
    ),
    "convergence_curve": (
        "Mean over the run of the best validation NLL so far, and the share of its gain that the last tenth brought"
    ),
    "sparsity": "Density and silence, predicted and true",
    "recall": "Recall of cells, by the share of training steps in which their pitch sounds",
    "music": "Overlap of single runs, which have fewer pieces, and the density of their music without the governor",
}

# Figure → its alternative text, for those who do not see it, and its caption
FIGURES: dict[str, tuple[str, str]] = {
    "means": (
        "For each combination the value of every run, the mean and its interval, one panel per measure; the numbers "
        "are in the table above.",
        "Grey: every run. Coloured: mean and 95 % interval over the seeds. Colour and shape show the loss.",
    ),
    "nll_differences": (
        "Paired differences of the test NLL with intervals; the numbers are in the table below.",
        "Mean paired differences of the test NLL with their 95 % intervals. Left of 0, the first of a pair is better.",
    ),
    "ranks": (
        "Mean ranks of the combinations; the numbers are in the table below.",
        "Mean ranks. Combinations within the grey zone cannot be distinguished from the best (Nemenyi’s critical "
        "difference, 0.05).",
    ),
    "curves_by_optimizer": (
        "Validation NLL by epoch, one panel per optimizer, one line per loss; how soon each reaches the baseline is in "
        "the table below.",
        "Validation curves of the losses, by optimizer: mean over the seeds, and a band from the lowest to the "
        "highest. After the first run that stopped early, each run is a thin line. Above: all epochs, except the fall "
        "at the start; below: the second half, enlarged. Runs that diverged are left out.",
    ),
    "curves_by_loss": (
        "Validation NLL by epoch, one panel per loss, one line per optimizer; how soon each reaches the baseline is in "
        "the table below.",
        "Validation curves of the optimizers, by loss: mean over the seeds, and a band from the lowest to the highest.",
    ),
    "cost": (
        "Steps and operations that each combination took to the baseline and to within 1 % of its own best; the "
        "numbers are in the tables below.",
        "Cost up to the baseline and up to within 1 % of the run’s own best. Runs that never got there have no point.",
    ),
    "stability_means": (
        "Measures of stability of each combination; the numbers are in the table above.",
        "Lower is more stable. Grey: every run; coloured: mean and 95 % interval.",
    ),
    "reliability": (
        "Reliability curves of each combination, all runs together; the ECE in the first table says how far they are "
        "off.",
        "Reliability on the test split, cells of all runs together. A calibrated prediction lies on the diagonal.",
    ),
    "sparsity": (
        "Left: recall of each pitch by how often it sounds in training. Right: expected number of notes by the true "
        "one.",
        "Left: recall of each pitch (with at least 50 sounding cells in the test split, runs together) by its rarity. "
        "Right: density by step, the mean expected number of notes by the true number. All runs and optimizers of a "
        "loss together.",
    ),
    "recall": (
        "Recall of each combination in four classes of rarity; the numbers are in the table above.",
        "Recall by rarity of the pitch. Grey: every run; coloured: mean and 95 % interval.",
    ),
    "ablations_means": (
        "Ablations beside their parents, one panel per measure; their differences are in the tables below.",
        "Ablations (hollow) beside their parents. Grey: every run; coloured: mean and 95 % interval over the seeds.",
    ),
    "rolls": (
        "Piano-rolls of real pieces and of one generated by each of: {names}.",
        "Real pieces (grey; of median and of upper-quartile density in the test split) and the first piece of each "
        "combination, not selected. They can be played below.",
    ),
    "search_trials": (
        "The objective of each trial in order of start, and the best so far; the numbers are in the table above.",
        "The objective by trial.",
    ),
    "search_settings": (
        "The objective of the trials against each setting, one panel per setting; the numbers are in the table above.",
        "The objective against each setting, for the trials in which it has an effect. A bar is the median of a "
        "choice.",
    ),
    "search_parallel": (
        "Every trial as a line through its settings, coloured by its objective; the numbers are in the table above.",
        "Every trial as a line through its settings; bright is good, the best is thick. A line skips settings without "
        "effect in its trial.",
    ),
    "search_curves": (
        "Validation curves of the best trials by epoch; their best values are in the table above.",
        "Validation curves of the best trials; the first epoch may be outside the axis.",
    ),
}
