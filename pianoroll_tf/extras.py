"""Packages that only some commands need, and which extra of this package brings each."""

import importlib.util

from pianoroll_tf.errors import UserError

EXTRAS = {  # package, as it is imported → extra
    "apache_beam": "beam",
    "matplotlib": "train",
    "scipy": "train",
    "sklearn": "train",
    "tensorboard": "train",
    "music21": "demo",
    "babel": "tuner",
    "jinja2": "tuner",
    "keras_tuner": "tuner",
    "pydantic": "serve",
    "starlette": "serve",
    "uvicorn": "serve",
    "tensorflow_serving": "grpc",
}


def advice(package: str) -> str:
    """What to install when a package of `EXTRAS` is missing.

    >>> advice("sklearn")
    "this needs the package sklearn: pip install 'pianoroll_tf[train]'"
    """
    return f"this needs the package {package}: pip install 'pianoroll_tf[{EXTRAS[package]}]'"


def require(*packages: str) -> None:
    """Raises UserError, before long work begins, if a package of `EXTRAS` is not installed."""
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise UserError(advice(package))
