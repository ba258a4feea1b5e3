"""Builds records with Apache Beam, on one machine or on many; imported only if `--runner beam` asks for it."""

import importlib
import logging

logging.disable(logging.WARNING)  # Beam reports on packages for clouds that are not installed
try:
    importlib.import_module("apache_beam.runners.runner")
finally:
    logging.disable(logging.NOTSET)
logging.getLogger("apache_beam").setLevel(logging.CRITICAL)
