"""Imports TensorFlow without its log, and sets how the C library keeps freed memory."""

import argparse
import ctypes
import logging
import os
import sys
import tempfile

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h
_MALLOC = {_M_TRIM_THRESHOLD: 1 << 30, _M_MMAP_THRESHOLD: 1 << 25}  # bytes; the second is the maximum


def keep_freed_memory() -> bool:
    """Makes the C library keep freed memory, up to a limit, by mallopt(3); False if it cannot, as only glibc can.

    A batch of windows has 5 MB. Getting them from the system each time, zeroed page by page, takes twice as long as
    filling them.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return all(mallopt(parameter, size) == 1 for parameter, size in _MALLOC.items())


def limit_threads(threads: int | None) -> None:
    """Limits the CPUs that TensorFlow uses in this process; to be called before its first operation. None: all."""
    if threads:
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)


def load_tensorflow(args: argparse.Namespace) -> None:
    """Imports TensorFlow for a command: as `import_tensorflow` does or, with `--debug`, with its log."""
    if args.debug:
        keep_freed_memory()
        return
    import_tensorflow()
    logging.getLogger("tensorflow").setLevel(logging.ERROR)


def import_tensorflow() -> None:
    """Imports TensorFlow unless it is imported already, and discards what it prints.

    That is what it prints before its log level takes effect, and warnings that do not concern a user, such as those of
    retraced functions. A program that has imported TensorFlow itself keeps the log it has set up.
    """
    keep_freed_memory()
    if "tensorflow" in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as output:
        os.dup2(output.fileno(), 2)
        try:
            import tensorflow  # noqa: F401  (imported for its side effects)
        except Exception:  # not KeyboardInterrupt: then the output is of no interest
            output.seek(0)
            os.write(saved, output.read())
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)
