"""One module per subject: its experiments, and the rows they put into the table of `python -m benchmarks.run`."""

SHORT = (  # names of modules, in the order of the table
    "limits",
    "building",
    "formats",
    "pipelines",
    "training",
    "scale",
    "sampling",
    "heads",
    "evaluating",
    "searching",
    "startup",
)
LONG = ("growth_files", "growth_training", "growth_sampling")
