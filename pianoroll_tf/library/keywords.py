"""The settings of a run as keywords, without its sections: `epochs=3, loss="focal", gamma=2.0`."""

import dataclasses
import difflib
from typing import Any

from pianoroll_tf.choices import CHOICES, own_settings
from pianoroll_tf.config import SECTIONS, ModelConfig, as_fields
from pianoroll_tf.settings import Settings, to_dict


def run_sections(values: dict[str, Any], model: ModelConfig | None = None) -> dict[str, Settings]:
    """Distributes settings of a run to its sections.

    Args:
        values: Setting → value; the names are those of the flags of `train` with underscores. Settings that only a
            registered loss, optimizer or head has are among them.
        model: Defaults of the settings of the model; None: those of `ModelConfig`.

    Returns:
        Section → its settings, with the defaults of those that are missing.

    Raises:
        ValueError: There is no such setting, or a value is not allowed.

    >>> sections = run_sections({"epochs": 3, "loss": "focal", "gamma": 1.0})
    >>> sections["training"].epochs, sections["loss"].gamma, sections["optimizer"].optimizer
    (3, 1.0, 'adamw')
    >>> run_sections({"gama": 1.0})
    Traceback (most recent call last):
    ValueError: a setting must be one of gamma. Received: gama=1.0
    """
    places = setting_places()
    parts: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
    for name, value in values.items():
        if name not in places:
            allowed = difflib.get_close_matches(name, places, n=3) or sorted(places)
            raise ValueError(f"a setting must be one of {', '.join(allowed)}. Received: {name}={value!r}")
        parts[places[name]][name] = value
    if model is not None:
        inherited = to_dict(model)
        options = inherited.pop("options", {})
        same = parts["model"].get("head", model.head) == model.head
        parts["model"] = inherited | (options if same else {}) | parts["model"]
    return {section: kind(**as_fields(kind, parts[section])) for section, kind in SECTIONS.items()}


def setting_places() -> dict[str, str]:
    """Name of each setting of a run → its section."""
    fields = {section: [field.name for field in dataclasses.fields(kind)] for section, kind in SECTIONS.items()}
    places = {name: section for section, names in fields.items() for name in names if name != "options"}
    for table in CHOICES:  # own settings of an entry belong to the section that chooses it
        places = dict.fromkeys(own_settings(table), places[table]) | places
    return places
