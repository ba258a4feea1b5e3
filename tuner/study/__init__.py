"""The study: losses and optimizers compared over seeds."""
