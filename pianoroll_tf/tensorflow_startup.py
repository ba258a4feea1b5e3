"""Importing TensorFlow without its log, and how the C library keeps the memory it works in."""

import argparse
import ctypes
import logging
import os
import sys
import tempfile

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h
_MALLOC = {_M_TRIM_THRESHOLD: 1 << 30, _M_MMAP_THRESHOLD: 1 << 25}  # bytes; the latter is the most it may be


def keep_freed_memory() -> bool:
    """Has the C library keep what is freed, up to a limit, instead of giving it back to the system at once.

    A batch of windows is 5 MB. Where these come from the system anew each time, zeroed page by page, that takes twice
    as long as filling them.

    Returns:
        Whether it could be asked for; only glibc can.

    Reference: mallopt(3).
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return all(mallopt(parameter, size) == 1 for parameter, size in _MALLOC.items())


def load_tensorflow(args: argparse.Namespace) -> None:
    """Imports TensorFlow without the lines it prints before its log level counts, and without warnings that tell a
    user nothing (as of functions traced anew), unless `--debug`.
    """
    keep_freed_memory()
    if args.debug:
        return
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    if "tensorflow" in sys.modules:
        return
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        try:
            import tensorflow  # noqa: F401  (only for its effect)
        except Exception:  # who tells it to stop meanwhile wants to know none of it
            said.seek(0)
            os.write(saved, said.read())
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)
