"""Musical facts of a piece, from its MIDI file: whether notes begin together, on the beat, are repeated, and so on."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from pianoroll_tf.config import NUM_PITCHES, RecordsConfig
from pianoroll_tf.data.clock import Meter
from pianoroll_tf.data.midi import parse_notes
from pianoroll_tf.data.roll import STRUCK, as_states, notes_to_roll, roll_to_notes, to_dense

STEPS_PER_BEAT = 4  # sixteenths, whatever the grid of the model
GRID = RecordsConfig(grid="beats", steps_per_beat=STEPS_PER_BEAT)
CHANCE_SHIFTS = 8  # random shifts over which `synchrony_by_chance` is averaged


@dataclasses.dataclass(frozen=True)
class PieceFacts:
    """Facts about one piece; shares are within 0..1, and None if there are no notes (or bars) to count.

    Attributes:
        synchrony: Share of onsets that share their step with another onset.
        synchrony_by_chance: The same after random shifts of the pitches in time against each other.
        clash: Share of sounding steps in which two pitches a semitone apart sound, in any octaves.
        phase: Share of onsets on each sixteenth of the beat, 4 numbers; None too on a grid of seconds.
        recurring_bars: Share of the bars with onsets whose rhythm (set of onset steps) occurs in another bar.
        one_step: Share of notes that are one step long.
        restruck: Share of onsets whose pitch sounded at the step before.
        voices: Mean number of pitches over the steps in which any sounds.
        density: Share of active cells.
        onsets: Onsets per step.
        steps: Length in sixteenths.
        pitches: Range from the lowest to the highest pitch in semitones.
    """

    synchrony: float | None
    synchrony_by_chance: float | None
    clash: float | None
    phase: tuple[float, ...] | None
    recurring_bars: float | None
    one_step: float | None
    restruck: float | None
    voices: float
    density: float
    onsets: float
    steps: int
    pitches: int


def read_piece(midi: bytes) -> tuple[np.ndarray, Meter]:
    """Reads a MIDI file as states on sixteenths, uint8 [steps, 84], and its first time signature (4/4 by default).

    Raises:
        MidiError: The file cannot be read.
        RollLimitError: The piece is beyond a limit.
    """
    notes = parse_notes(midi)
    roll, _ = notes_to_roll(notes, GRID)
    return to_dense(roll), notes.meters[0][1] if notes.meters else Meter()


def piece_facts(
    roll: np.ndarray,
    meter: Meter = Meter(),  # noqa: B008 (frozen)
    steps_per_beat: int | None = STEPS_PER_BEAT,
) -> PieceFacts:
    """Computes the facts about a piece, [steps >= 1, 84], in any form that `data.roll.as_states` reads.

    On another grid than sixteenths, with `steps_per_beat`, the facts are about its steps; None is a grid of seconds,
    which has neither beats nor bars.

    >>> roll = np.zeros((8, 84), np.uint8)
    >>> roll[0, [36, 40]] = roll[4, 36] = 2  # a chord on the first beat, a note on the second
    >>> facts = piece_facts(roll)
    >>> round(facts.synchrony, 2), facts.phase, facts.one_step
    (0.67, (1.0, 0.0, 0.0, 0.0), 1.0)
    """
    states = as_states(roll)
    sounds, struck = states != 0, states == STRUCK
    begins, ends, _ = roll_to_notes(states)
    sounding, used = sounds.any(axis=1), np.flatnonzero(sounds.any(axis=0))
    any_notes = len(begins) > 0
    return PieceFacts(
        synchrony=synchrony(struck) if any_notes else None,
        synchrony_by_chance=synchrony_by_chance(struck) if any_notes else None,
        clash=float(clashes(sounds)[sounding].mean()) if any_notes else None,
        phase=_phase(begins, steps_per_beat) if any_notes and steps_per_beat else None,
        recurring_bars=recurring_bars(struck, meter.bar_steps(steps_per_beat)) if steps_per_beat else None,
        one_step=float((ends - begins == 1).mean()) if any_notes else None,
        restruck=restruck(sounds, struck) if any_notes else None,
        voices=float(sounds.sum(axis=1)[sounding].mean()) if any_notes else 0.0,
        density=float(sounds.mean()),
        onsets=float(struck.sum() / len(struck)),
        steps=len(states),
        pitches=int(used[-1] - used[0]) if len(used) else 0,
    )


def _phase(begins: np.ndarray, steps_per_beat: int) -> tuple[float, ...]:
    counts = np.bincount(begins % steps_per_beat, minlength=steps_per_beat)
    return tuple((counts / counts.sum()).tolist())


def restruck(sounds: np.ndarray, struck: np.ndarray) -> float:
    """Share of onsets whose pitch sounded at the step before; both are bool [steps, pitches]."""
    return float(np.pad(sounds, [[1, 0], [0, 0]])[:-1][struck].mean())


def clashes(sounds: np.ndarray) -> np.ndarray:
    """Steps in which two pitch classes a semitone apart sound, bool [steps]; `sounds` is bool [steps, 12 per octave].

    >>> row = np.zeros((1, 84), bool)
    >>> row[0, [0, 13]] = True  # a minor ninth
    >>> clashes(row).tolist()
    [True]
    """
    classes = sounds.reshape(len(sounds), -1, 12).any(axis=1)
    return np.any(classes & np.roll(classes, 1, axis=1), axis=1)


def synchrony(struck: np.ndarray) -> float:
    """Share of onsets at whose step another pitch begins; `struck` is bool [steps, pitches] with at least one.

    >>> synchrony(np.array([[1, 1, 0], [0, 0, 1]], bool)).__round__(3)
    0.667
    """
    count = struck.sum(axis=1)
    return float(count[count > 1].sum() / count.sum())


def synchrony_by_chance(struck: np.ndarray) -> float:
    """Mean synchrony after the onsets of each pitch are rotated in time by a random number of steps."""
    rng = np.random.default_rng(0)
    used = struck[:, struck.any(axis=0)]
    step = np.arange(len(used))[:, np.newaxis]
    values = [
        synchrony(used[(step - rng.integers(0, len(used), used.shape[1])) % len(used), np.arange(used.shape[1])])
        for _ in range(CHANCE_SHIFTS)
    ]
    return float(np.mean(values))


def recurring_bars(struck: np.ndarray, bar_steps: int) -> float | None:
    """Share of the whole bars with onsets whose rhythm occurs in another bar; None without such bars.

    >>> recurring_bars(np.array([[1], [0], [1], [0], [1], [1]], bool), bar_steps=2)
    0.6666666666666666
    """
    bars = len(struck) // bar_steps
    patterns = np.any(struck, axis=1)[: bars * bar_steps].reshape(bars, bar_steps)
    patterns = patterns[patterns.any(axis=1)]
    if not len(patterns):
        return None
    _, which, counts = np.unique(patterns, axis=0, return_inverse=True, return_counts=True)
    return float((counts[which.ravel()] > 1).mean())


def corpus_facts(pieces: Sequence[PieceFacts]) -> dict[str, float]:
    """Averages the facts of at least one piece; shares are weighted by onsets or steps.

    Returns:
        Name → number. `phase` is split into `phase_1` … `phase_4`; `density_spread`, `onsets_spread`, `steps_spread`
        and `pitches_spread` are standard deviations over the pieces.
    """
    steps = np.array([piece.steps for piece in pieces], float)
    notes = steps * [piece.onsets for piece in pieces]
    sounding = steps * [piece.density * NUM_PITCHES / (piece.voices or 1.0) for piece in pieces]  # steps with notes
    mean: dict[str, float] = {}
    weights = {"clash": sounding, "voices": sounding, "density": steps, "onsets": steps, "steps": None, "pitches": None}
    for field in dataclasses.fields(PieceFacts):
        known = [index for index, piece in enumerate(pieces) if getattr(piece, field.name) is not None]
        if not known:
            continue
        weight = weights.get(field.name, notes)
        chosen = None if weight is None or not weight[known].sum() else weight[known]
        rows = np.array([getattr(pieces[index], field.name) for index in known], float)
        average = np.average(rows, axis=0, weights=chosen)
        if field.name == "phase":
            mean |= {f"phase_{position}": float(share) for position, share in enumerate(average, 1)}
        else:
            mean[field.name] = float(average)
    for name in ("density", "onsets", "steps", "pitches"):
        mean[f"{name}_spread"] = float(np.std([getattr(piece, name) for piece in pieces]))
    return mean
