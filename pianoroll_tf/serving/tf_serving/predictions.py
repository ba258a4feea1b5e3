"""Answers of a signature of the model: music through the engine, in one batch with others; all else directly."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from pianoroll_tf.config import NUM_PITCHES
from pianoroll_tf.data.roll import as_states
from pianoroll_tf.generation.saved_model import MAX_ROW_SEED
from pianoroll_tf.serving.drawing.piece_request import SETTINGS, Asked, number
from pianoroll_tf.serving.drawing.registry import Served
from pianoroll_tf.serving.refusals import bad
from pianoroll_tf.serving.settings import Limits
from pianoroll_tf.serving.state import Gone, State

MUSIC = ("serving_default", "generate", "generate_simple", "generate_rows", "compose_rows")  # signatures that draw


async def answer(
    gone: Gone, state: State, served: Served, signature: str, inputs: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """The outputs of a signature for a client.

    Args:
        gone: What ends when the client hangs up.
        state: Of the server.
        served: The version.
        signature: Its name.
        inputs: Of the signature's types and shapes.

    Raises:
        Refusal: 400, 429, 503 or 504.
    """
    rows = max((len(value) for value in inputs.values() if value.ndim), default=1)
    if rows > state.limits.most_rows:
        raise bad(f"rows must be <= {state.limits.most_rows}. Received: rows={rows}")
    if signature not in MUSIC:
        return await state.direct.run(served, signature, inputs, state.limits.request_seconds)
    pieces = ask_rows(inputs, state.limits)
    state.check_room(rows=len(pieces))
    pieces = [dataclasses.replace(piece, meter=served.model.meter) for piece in pieces]
    rolls = await state.draw(gone, served, pieces)
    padded = np.zeros((len(rolls), max(map(len, rolls), default=0), NUM_PITCHES), np.uint8)
    for row, roll in zip(padded, rolls, strict=True):
        row[: len(roll)] = roll
    return {"roll": padded}


def ask_rows(inputs: Mapping[str, np.ndarray], limits: Limits) -> list[Asked]:
    """The pieces that the inputs of a signature ask for: scalars hold for all rows, seeds then count up.

    Raises:
        Refusal: 400, naming the input and its range.
    """
    lengths = {name: len(value) for name, value in inputs.items() if value.ndim}
    rows = next(iter(lengths.values()), 1)
    if len(set(lengths.values())) > 1:
        raise bad(f"inputs must have equally many rows. Received: {lengths}")
    columns = {name: np.broadcast_to(value, rows) for name, value in inputs.items() if name != "primer"}
    seeds = columns["seed"].astype(object) + (np.arange(rows) if not inputs["seed"].ndim else 0)
    primers = inputs.get("primer", np.zeros((rows, 0, NUM_PITCHES), np.uint8))
    if primers.shape[1] > limits.primer_steps:
        raise bad(f"primer must have at most {limits.primer_steps} steps. Received: {primers.shape[1]} steps")
    pieces = []
    for row in range(rows):
        steps, seed = int(columns["steps"][row]), int(seeds[row])
        if not 1 <= steps <= limits.most_steps:
            raise bad(f"steps must be >= 1 and <= {limits.most_steps}. Received: steps={steps}")
        if not 0 <= seed <= MAX_ROW_SEED:
            raise bad(f"seed must be >= 0 and <= {MAX_ROW_SEED} in every row. Received: seed={seed}")
        settings = {name: number(name, float(columns[name][row])) for name in SETTINGS if name in columns}
        pieces.append(Asked(steps=steps, seed=seed, primer=as_states(primers[row]), **settings))
    total = sum(piece.steps for piece in pieces)
    if total > limits.most_steps:
        raise bad(f"steps of all rows must be <= {limits.most_steps}. Received: steps={total}")
    return pieces
