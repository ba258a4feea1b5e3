"""Plugins: modules outside the package that register losses, optimizers and heads when they are imported.

They are named by `--plugin`, by the variable `PIANOROLL_TF_PLUGINS`, which the processes of a search inherit, or by the
entry points `pianoroll_tf.plugins` of installed packages.
"""

import argparse
import hashlib
import importlib
import importlib.util
import logging
import os
import shlex
import sys
import traceback
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import ModuleType

from pianoroll_tf.choices import CHOICES, ORIGINS
from pianoroll_tf.errors import UsageError, UserError
from pianoroll_tf.messages import one_line
from pianoroll_tf.tensorflow_startup import load_tensorflow

GROUP = "pianoroll_tf.plugins"  # of entry points; the value of each is a module
VARIABLE = "PIANOROLL_TF_PLUGINS"  # files and modules, separated like the folders of PATH

_log = logging.getLogger(__name__)
_loaded: set[str] = set()  # absolute paths and names of plugins, and of the modules that they imported


def named(words: Sequence[str]) -> list[str]:
    """The plugins of the environment, then those given on the command line."""
    return [name for name in os.environ.get(VARIABLE, "").split(os.pathsep) if name] + list(words)


def load(names: Iterable[str], debug: bool = False) -> None:
    """Imports installed plugins, then those named: `my_losses.py`, `my_package.losses`; each once in a process.

    Args:
        names: Python files and modules.
        debug: Raise what a plugin raised, and show TensorFlow's messages.

    Raises:
        UsageError: A plugin cannot be imported, registers nothing, or its entries are not allowed; none of its entries
            is left in the tables.
    """
    for name in dict.fromkeys([*_installed(), *names]):
        path = Path(name).resolve() if name.endswith(".py") or Path(name).name != name else None
        if str(path or name) in _loaded:
            continue
        if path is not None and not path.is_file():
            raise UsageError(f"--plugin must be a Python file or a module. Received: {name}, which is no file")
        if not debug:
            os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        load_tensorflow(argparse.Namespace(debug=debug))  # without its log; whatever registers an entry imports Keras
        there = set(sys.modules)
        try:
            origin, added = _import(name, path)
        except (Exception, SystemExit) as error:
            if debug:
                raise
            raise UsageError(f"the plugin {name} cannot be used: {_cause(error, path)}") from error
        ORIGINS.update(dict.fromkeys(added, origin))
        _loaded.add(str(path or name))
        for other in sys.modules.keys() - there:  # a plugin that this one imports has registered its entries
            _loaded.update({other, str(getattr(sys.modules[other], "__file__", None) or other)})


def _installed() -> list[str]:
    """The modules that the entry points of installed packages name."""
    from importlib.metadata import entry_points  # takes a tenth of a second

    return sorted(point.module for point in entry_points(group=GROUP))


def _import(name: str, path: Path | None) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Imports a plugin; returns its entry of `ORIGINS`, and table and key of all that it registered."""
    before = {table: set(entries) for table, entries in CHOICES.items()}
    try:
        module = importlib.import_module(name) if path is None else _import_file(path)
        added = [(table, key) for table, entries in CHOICES.items() for key in entries if key not in before[table]]
        if not added:
            raise ValueError("it registers no loss, optimizer or head")
        digest = hashlib.sha256(Path(module.__file__ or "").read_bytes()).hexdigest()
    except BaseException:
        for table, entries in CHOICES.items():
            for key in entries.keys() - before[table]:
                del entries[key]
        raise
    return {"plugin": name if path is None else os.path.normpath(name), "sha256": digest}, added


def _import_file(path: Path) -> ModuleType:
    """Imports a file under a name that hides no other module."""
    name = f"pianoroll_tf_plugin_{hashlib.sha256(os.fsencode(path)).hexdigest()[:8]}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError("no Python file")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)  # dataclasses look their module up there
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _cause(error: BaseException, path: Path | None) -> str:
    """Why a plugin failed, on one line: what registering refused, else the type of the error, its text and line."""
    if type(error) is ValueError:
        return one_line(error)
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    line = error.lineno if isinstance(error, SyntaxError) else lines[-1] if lines else None
    return f"{type(error).__name__}: {one_line(error)}" + (f" (line {line})" if line else "")


def require(recorded: Mapping[str, Mapping[str, str]], where: object) -> None:
    """Checks that the entries that a run, a search or a study uses are there; a plugin that has changed is logged.

    A file is never executed because another file names it: the user must give it.

    Args:
        recorded: From `choices.origins`.
        where: What recorded it, for the message.

    Raises:
        UserError: An entry is missing; the text names its plugin.
    """
    for what, origin in recorded.items():
        table, _, key = what.partition(" ")
        plugin = shlex.quote(origin["plugin"])
        if key not in CHOICES[table]:
            raise UserError(f"{table} {key!r} of {where} comes from the plugin {plugin}: give --plugin {plugin}")
        if ORIGINS.get((table, key), origin)["sha256"] != origin["sha256"]:
            _log.warning("note: the plugin %s, from which %s has its %s %r, has changed", plugin, where, table, key)


def plugin_flags(recorded: Mapping[str, Mapping[str, str]]) -> list[str]:
    """The flags that load the plugins of a run, a search or a study, from `choices.origins`.

    >>> plugin_flags({"loss weighted": {"plugin": "my.py"}, "head deep": {"plugin": "my.py"}})
    ['--plugin', 'my.py']
    """
    names = dict.fromkeys(origin["plugin"] for origin in recorded.values())
    return [word for name in names for word in ("--plugin", name)]
