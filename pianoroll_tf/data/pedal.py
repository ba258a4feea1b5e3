"""Notes held by the sustain pedal, which acts on its channel, whatever the track."""

from collections import defaultdict, deque
from collections.abc import Iterable

import numpy as np

from pianoroll_tf.data.smf import CONTROLLER, NOTE_OFF, NOTE_ON, Event, events

SUSTAIN, RESET_ALL = 64, 121  # controllers
MIN_DOWN = 64  # value of the pedal from which it is down
DRUM_CHANNEL = 9


def sustained_notes(data: bytes, drums: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Reads `(start_ticks, end_ticks, pitch)`, int64 [notes] each, with ends moved to the release of the pedal.

    A note that ends while the pedal of its channel is down lasts until the pedal is released or the same pitch is
    struck again on that channel; if neither happens, until the last note of the file ends. The notes of channel 10 are
    kept if `drums` is set. Raises MidiError for a damaged file.
    """
    channel_events = [event for event in events(data) if drums or event.channel != DRUM_CHANNEL]
    start, end, pitch, channel = pair_notes(channel_events)
    ends = end.copy()
    for number in np.unique(channel):
        mine = channel == number
        ticks, down = _pedal(event for event in channel_events if event.channel == number)
        held = _release(end[mine], ticks, down, last=int(end.max()))
        ends[mine] = np.minimum(held, _next_onset(start[mine], end[mine], pitch[mine]))
    return start, ends, pitch


def pair_notes(channel_events: Iterable[Event]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Pairs note-ons and note-offs: `(start_ticks, end_ticks, pitch, channel)`, int64 [notes] each.

    A note-off ends the oldest open note of its track, channel and pitch; notes that never end are dropped.
    """
    waiting: dict[tuple[int, int, int], deque[int]] = defaultdict(deque)
    notes = []
    for track, tick, kind, channel, pitch, velocity in channel_events:
        if kind == NOTE_ON and velocity:
            waiting[track, channel, pitch].append(tick)
        elif kind in (NOTE_ON, NOTE_OFF) and waiting[track, channel, pitch]:
            notes.append((waiting[track, channel, pitch].popleft(), tick, pitch, channel))
    starts, ends, pitches, channels = np.array(notes, np.int64).reshape(-1, 4).T
    return starts, ends, pitches, channels


def _pedal(channel_events: Iterable[Event]) -> tuple[np.ndarray, np.ndarray]:
    """Changes of a channel's pedal: ticks, and whether it is down from there on; the last event at a tick counts."""
    changes: dict[int, bool] = {}
    pedals = [event for event in channel_events if event.kind == CONTROLLER and event.data1 in (SUSTAIN, RESET_ALL)]
    for event in sorted(pedals, key=lambda event: event.tick):
        changes[event.tick] = event.data1 == SUSTAIN and event.data2 >= MIN_DOWN
    return np.array(list(changes), np.int64), np.array(list(changes.values()), bool)


def _release(end: np.ndarray, ticks: np.ndarray, down: np.ndarray, last: int) -> np.ndarray:
    """When each note that ends at `end` stops sounding: at once, or at the next release of the pedal."""
    state = np.searchsorted(ticks, end, side="right") - 1  # the last change up to `end`; -1: none
    held = np.concatenate([down, [False]])[state]
    ups = ticks[~down]
    release = np.append(ups, last)[np.searchsorted(ups, end, side="right")]
    return np.where(held, np.maximum(release, end), end)


def _next_onset(start: np.ndarray, end: np.ndarray, pitch: np.ndarray) -> np.ndarray:
    """The first onset of the same pitch after each note's own and not before its end; the maximum of int64 if none."""
    following = np.full(len(start), np.iinfo(np.int64).max)
    for number in np.unique(pitch):
        mine = pitch == number
        onsets = np.append(np.sort(start[mine]), np.iinfo(np.int64).max)
        following[mine] = onsets[np.searchsorted(onsets, np.maximum(end[mine], start[mine] + 1), side="left")]
    return following
