"""The text of a small plan with two studies, of which the first chooses the combinations of the second."""

SMALL = """
title = "A small plan"
question = "Which?"
hypotheses = ["One."]
analysis = ["Means."]

[corpora.one]
midi = "{data}/one"
grid = "seconds"

[defaults]
epochs = 3
gru_units = 8

[studies.main]
corpus = "one"
losses = ["bce", "focal"]
optimizers = ["adam"]
batch_size = 4

[studies.later]
corpus = "one"
after = "main"
choose = "best losses"
epochs = 5
head = "nade"
"""
