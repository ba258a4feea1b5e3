"""The network, its losses, optimizers and metrics, and its training."""
