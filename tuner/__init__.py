"""Search and study over losses and optimizers."""
