"""One module per subject: its experiments, and the rows they put into the table of `python -m benchmarks.run`."""
