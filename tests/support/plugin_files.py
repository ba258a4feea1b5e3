"""The plugin of docs/changing.md as a file, and tables that are as before when a test has ended."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

from repository import ROOT

from pianoroll_tf import choices, plugins


def guide_plugin(path: Path) -> str:
    """Writes the plugin of the guide to a file; returns its path."""
    blocks = re.findall(r"^```python\n(.*?)^```", (ROOT / "docs" / "changing.md").read_text(), re.DOTALL | re.MULTILINE)
    [text] = [code for code in blocks if "register_head" in code]
    path.write_text(text)
    return str(path)


@contextlib.contextmanager
def tables_as_before() -> Iterator[None]:
    """Within the context, plugins may be loaded; afterwards they are forgotten."""
    from pianoroll_tf.modeling import heads, losses, optimizers

    tables = [*choices.CHOICES.values(), choices.ORIGINS]
    tables += [losses.LOSSES, losses.POSTERIOR_LOGITS, optimizers.OPTIMIZERS, heads.HEADS]
    before, loaded = [dict(table) for table in tables], set(plugins._loaded)
    try:
        yield
    finally:
        for table, entries in zip(tables, before, strict=True):
            table.clear()
            table.update(entries)
        plugins._loaded.clear()
        plugins._loaded.update(loaded)
