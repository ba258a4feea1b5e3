"""Labels of losses and optimizers in a report."""

LOSSES = {"bce": "BCE", "focal": "focal"}
OPTIMIZERS = {"adam": "Adam", "adamw": "AdamW", "rmsprop": "RMSprop"}
