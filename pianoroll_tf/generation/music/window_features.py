"""Features of a short window of music for the classifier of the two-sample test."""

import numpy as np

from pianoroll_tf.config import NUM_PITCHES
from pianoroll_tf.data.roll import STRUCK, as_states, roll_to_notes
from pianoroll_tf.generation.music.facts import clashes, restruck

WINDOW_STEPS = 64  # sixteenths: four bars of 4/4
MAX_CHORD, LENGTHS = 6, (1, 2, 3, 4, 6, 8, 12, 16)
LAGS = (2, 4, 8, 12, 16, 32)  # steps, of the autocorrelations


def windows(roll: np.ndarray) -> list[np.ndarray]:
    """Cuts a piece into whole windows, uint8 [WINDOW_STEPS, 84] each; a shorter piece is padded with silence."""
    states = as_states(roll)
    states = np.pad(states, [[0, max(0, WINDOW_STEPS - len(states))], [0, 0]])
    whole = len(states) // WINDOW_STEPS * WINDOW_STEPS
    return list(states[:whole].reshape(-1, WINDOW_STEPS, NUM_PITCHES))


def window_features(window: np.ndarray) -> dict[str, float]:
    """Computes the features, name → number, of states [steps, 84]; 0 if they are not defined without notes.

    >>> facts = window_features(np.pad(np.full((4, 1), 1, np.uint8), [[0, 60], [36, 47]]))
    >>> facts["notes of 4 steps"], facts["onsets on place 1 of 4"], facts["silent steps"]
    (1.0, 1.0, 0.9375)
    """
    states = as_states(window)
    sounds, struck = states != 0, states == STRUCK
    start, end, pitch = roll_to_notes(states)
    onset_count, voices = struck.sum(axis=1), sounds.sum(axis=1)
    facts: dict[str, float] = {
        "onsets per step": onset_count.mean(),
        "onsets per step, spread": onset_count.std(),
        "voices": voices.mean(),
        "voices, spread": voices.std(),
        "silent steps": (voices == 0).mean(),
        "clashes": clashes(sounds).mean(),
        "re-struck": restruck(sounds, struck) if struck.any() else 0.0,
    }
    chords = np.minimum(onset_count[onset_count > 0], MAX_CHORD)
    facts |= _shares("chords of {} onsets", chords, range(1, MAX_CHORD + 1))
    facts |= _shares("steps of {} voices", np.minimum(voices, MAX_CHORD), range(MAX_CHORD + 1))
    bounded = [max(length for length in LENGTHS if length <= steps) for steps in end - start]
    facts |= _shares("notes of {} steps", bounded, LENGTHS)
    facts |= _shares("onsets on place {} of 4", start % 4 + 1, range(1, 5))
    facts |= _shares("steps between onsets: {}", np.minimum(np.diff(np.flatnonzero(onset_count)), 8), range(1, 9))
    facts |= _pitches(pitch) | _lines(sounds, struck) | _harmony(sounds) | _recurrence(onset_count, sounds)
    return {name: float(value) for name, value in facts.items()}


def _shares(name: str, values, classes) -> dict[str, float]:
    """Share of each class among the values; 0 if there are no values."""
    values = np.asarray(values)
    return {name.format(value): float((values == value).mean()) if len(values) else 0.0 for value in classes}


def _pitches(pitch: np.ndarray) -> dict[str, float]:
    """Distribution of the pitches of notes, and entropy of their pitch classes."""
    if not len(pitch):
        return dict.fromkeys(("pitch", "pitch, spread", "range", "pitch classes", "entropy of pitch classes"), 0.0)
    share = np.bincount(pitch % 12, minlength=12) / len(pitch)
    known = share[share > 0]
    return {
        "pitch": pitch.mean(),
        "pitch, spread": pitch.std(),
        "range": float(np.ptp(pitch)),
        "pitch classes": float(len(known)),
        "entropy of pitch classes": float(-(known * np.log(known)).sum()),
    }


def _lines(sounds: np.ndarray, struck: np.ndarray) -> dict[str, float]:
    """Intervals of the highest and the lowest voice from onset to onset."""
    facts: dict[str, float] = {}
    steps = np.flatnonzero(struck.any(axis=1))
    edges = {"top": sounds.shape[1] - 1 - sounds[steps, ::-1].argmax(axis=1), "bass": sounds[steps].argmax(axis=1)}
    for line, pitch in edges.items():
        moves = np.diff(pitch)
        facts |= _shares(line + " moves by {}", np.minimum(np.abs(moves), 8), range(9))
        turns = moves[1:] * moves[:-1]
        facts[f"{line} turns"] = float((turns < 0).mean()) if len(turns) else 0.0
    return facts


def _harmony(sounds: np.ndarray) -> dict[str, float]:
    """Share of steps in which two pitch classes sound at each interval."""
    classes = sounds.reshape(len(sounds), -1, 12).any(axis=1)
    return {
        f"steps with interval {interval}": (classes & np.roll(classes, interval, axis=1)).any(axis=1).mean()
        for interval in range(1, 7)
    }


def _recurrence(onset_count: np.ndarray, sounds: np.ndarray) -> dict[str, float]:
    """Autocorrelation of rhythm and harmony."""
    chroma = sounds.reshape(len(sounds), -1, 12).sum(axis=1).astype(float)
    facts = {}
    for lag in LAGS:
        facts[f"rhythm after {lag} steps"] = _correlation(onset_count[:-lag], onset_count[lag:])
        facts[f"harmony after {lag} steps"] = _correlation(chroma[:-lag].ravel(), chroma[lag:].ravel())
    return facts


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    if not one.std() or not other.std():
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])
