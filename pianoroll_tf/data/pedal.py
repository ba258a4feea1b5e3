"""Notes held by the sustain pedal, as a synthesizer plays them: event by event, in the order of the file."""

import itertools
from collections import defaultdict, deque

import numpy as np

from pianoroll_tf.data.smf import CONTROLLER, DRUM_CHANNEL, NOTE_OFF, NOTE_ON, events

SUSTAIN, RESET_ALL = 64, 121  # controllers
MIN_DOWN = 64  # value of the pedal from which it is down


def sustained_notes(data: bytes, drums: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Reads `(start_ticks, end_ticks, pitch)`, int64 [notes] each, with ends moved to the release of the pedal.

    A note-off ends the oldest open note of its track, channel and pitch; notes that never end are dropped. A note that
    ends while the pedal of its channel is down lasts until the pedal is released or the same pitch is struck again on
    that channel; if neither happens, until the last note of the file ends. Events at the same tick act in the order of
    the file, tracks one after another, so a pedal that is released and pressed again at one tick ends the notes
    before. Channels of different ports are different. The notes of channel 10 are kept if `drums` is set.

    Args:
        data: A MIDI file, as `smf.plain_header` returns it.
        drums: Whether to keep the notes of channel 10.

    Raises:
        MidiError: The file is damaged.
    """
    open_notes: dict[tuple[int, int, int], deque[int]] = defaultdict(deque)  # (track, channel, pitch) → starts
    held: dict[int, dict[int, list[int]]] = defaultdict(dict)  # channel → pitch → indices of notes held by the pedal
    down: set[int] = set()
    starts: list[int] = []
    ends: list[int] = []
    pitches: list[int] = []
    last = 0
    for track, tick, kind, channel, number, value in sorted(events(data), key=lambda event: event.tick):
        if kind == CONTROLLER and number in (SUSTAIN, RESET_ALL):
            if number == SUSTAIN and value >= MIN_DOWN:
                down.add(channel)
                continue
            down.discard(channel)
            for index in itertools.chain.from_iterable(held.pop(channel, {}).values()):
                ends[index] = tick
        elif kind not in (NOTE_ON, NOTE_OFF) or (channel % 16 == DRUM_CHANNEL and not drums):
            continue
        elif kind == NOTE_ON and value:
            for index in held[channel].pop(number, ()):
                ends[index] = tick
            open_notes[track, channel, number].append(tick)
        elif open_notes[track, channel, number]:
            if channel in down:
                held[channel].setdefault(number, []).append(len(starts))
            starts.append(open_notes[track, channel, number].popleft())
            ends.append(tick)
            pitches.append(number)
            last = tick
    for by_pitch in held.values():
        for index in itertools.chain.from_iterable(by_pitch.values()):
            ends[index] = last
    return np.array(starts, np.int64), np.array(ends, np.int64), np.array(pitches, np.int64)
