"""The titles of the sections of a plan's report, and their first paragraphs."""

from tuner.report.language import N_

# Section → its title, its first paragraph
SECTIONS = {
    "plan": (N_("The plan"), ""),
    "data": (N_("Data"), ""),
    "nll": (
        N_("Results: test NLL"),
        N_(
            "The main measure: the negative log-likelihood of a step of the test split in nats, taken from posterior "
            "probabilities. In small print the 95 % interval of the mean over the seeds (Student’s t)."
        ),
    ),
    "pairs": (
        N_("Results: losses and optimizers, over the corpora"),
        N_(
            "All differences are taken within a seed. A finding holds everywhere if its interval excludes 0 on the same"
            " side in every corpus. Wilcoxon’s test takes corpus and seed as blocks, corrected by Holm for all pairs of"
            " combinations: it is of these corpora. The mean over all corpora has an interval with n = corpora, and the"
            " mixed model takes corpora as random: they are of music in general."
        ),
    ),
    "density": (
        N_("Results: does rarity favour the focal loss?"),
        N_(
            "The advantage of a loss is how much lower its test NLL is than that of BCE within a seed, in per cent of "
            "the NLL of copying the last step. The permutation test permutes the conditions within the seeds."
        ),
    ),
    "robustness": (
        N_("Results: other heads, sizes and schedules"),
        N_(
            "Kendall’s rank correlation of the mean test NLL with that of the main study: 1 is the same order, −1 the "
            "reverse. With three combinations its p cannot fall below 0.33, with four below 0.083: it describes, and "
            "shows nothing."
        ),
    ),
    "convergence": (
        N_("Results: speed of convergence"),
        N_(
            "Exploratory, without tests. What a run took to get within 1 % of its own best validation NLL, in steps, "
            "windows and floating-point operations, and the share of its gain that the last tenth of its epochs "
            "brought: near 0 the curve had flattened. The tables are followed by the curves."
        ),
    ),
    "stability": (
        N_("Results: stability of training"),
        N_(
            "Exploratory, without tests. A run has collapsed if after its last epoch it is worse than “note frequency”,"
            " or if the density that it predicts is off by more than a factor of 10; it has diverged if a number became"
            " NaN or infinite. Roughness is that of the validation curve; the gradient’s ratio is the 99th percentile "
            "of its norm over the median."
        ),
    ),
    "music": (
        N_("Results: generated music"),
        N_("Secondary. Facts of the music that each run generated from scratch, beside those of the test split."),
    ),
    "tuning": (
        N_("Tuning"),
        N_(
            "Every combination of a study could use the same number of runs. A value at an edge of what was tried is "
            "named so, and no value there is called the best."
        ),
    ),
    "claims": (
        N_("What others claim"),
        N_("Each of these is about another setting than this one, so that nothing here refutes or confirms it there."),
    ),
    "change": (N_("What would change the answer, and limits"), ""),
    "repeat": (N_("How to repeat it"), ""),
}
