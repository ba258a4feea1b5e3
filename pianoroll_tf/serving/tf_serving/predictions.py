"""Runs a signature of the model: those that draw music through the engine, batched with other requests."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from pianoroll_tf.config import NUM_PITCHES, SamplingConfig
from pianoroll_tf.data.roll import as_states
from pianoroll_tf.generation.saved_model import MAX_ROW_SEED
from pianoroll_tf.serving.drawing.piece_request import PieceRequest
from pianoroll_tf.serving.drawing.registry import ServedVersion
from pianoroll_tf.serving.refusals import InvalidRequestError
from pianoroll_tf.serving.settings import Limits
from pianoroll_tf.serving.state import Disconnect, State

MUSIC_SIGNATURES = ("serving_default", "generate", "generate_simple", "generate_rows", "compose_rows")
SAMPLING_INPUTS = ("temperature", "top_p", "density")


async def predict(
    disconnect: Disconnect, state: State, served: ServedVersion, signature: str, inputs: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """The outputs of a signature.

    Args:
        disconnect: Returns when the client disconnects.
        state: Of the server.
        served: The version.
        signature: Its name.
        inputs: Of the types and ranks of the signature.

    Raises:
        Refusal: The inputs are not allowed, too many requests wait, or the response takes too long.
    """
    rows = max((len(value) for value in inputs.values() if value.ndim), default=1)
    if rows > state.limits.most_rows:
        raise InvalidRequestError(f"rows must be <= {state.limits.most_rows}. Received: rows={rows}")
    if signature not in MUSIC_SIGNATURES:
        return await state.signature_runner.run(served, signature, inputs, state.limits.request_seconds)
    pieces = piece_requests(inputs, state.limits)
    state.check_capacity(len(pieces))
    pieces = [dataclasses.replace(piece, meter=served.model.meter) for piece in pieces]
    rolls = await state.draw(disconnect, served, pieces)
    padded = np.zeros((len(rolls), max(map(len, rolls), default=0), NUM_PITCHES), np.uint8)
    for row, roll in zip(padded, rolls, strict=True):
        row[: len(roll)] = roll
    return {"roll": padded}


def piece_requests(inputs: Mapping[str, np.ndarray], limits: Limits) -> list[PieceRequest]:
    """The pieces that the inputs of a signature request: a scalar applies to all rows; row i has a scalar seed plus i.

    Raises:
        InvalidRequestError: An input is outside its range; the message names both.
    """
    lengths = {name: len(value) for name, value in inputs.items() if value.ndim}
    rows = next(iter(lengths.values()), 1)
    if len(set(lengths.values())) > 1:
        raise InvalidRequestError(f"inputs must have the same number of rows. Received: {lengths}")
    columns = {name: np.broadcast_to(value, rows) for name, value in inputs.items() if name != "primer"}
    seeds = columns["seed"].astype(object) + (np.arange(rows) if not inputs["seed"].ndim else 0)
    primers = inputs.get("primer", np.zeros((rows, 0, NUM_PITCHES), np.uint8))
    if primers.shape[1] > limits.primer_steps:
        received = f"{primers.shape[1]} steps"
        raise InvalidRequestError(f"primer must have at most {limits.primer_steps} steps. Received: {received}")
    pieces = []
    for row in range(rows):
        steps, seed = int(columns["steps"][row]), int(seeds[row])
        if not 1 <= steps <= limits.most_steps:
            raise InvalidRequestError(f"steps must be >= 1 and <= {limits.most_steps}. Received: steps={steps}")
        if not 0 <= seed <= MAX_ROW_SEED:
            raise InvalidRequestError(f"seed must be >= 0 and <= {MAX_ROW_SEED} in every row. Received: seed={seed}")
        settings: dict[str, Any] = {name: float(columns[name][row]) for name in SAMPLING_INPUTS if name in columns}
        try:
            SamplingConfig(**settings)
        except ValueError as error:
            raise InvalidRequestError(str(error)) from error
        pieces.append(PieceRequest(steps=steps, seed=seed, primer=as_states(primers[row]), **settings))
    total = int(columns["steps"].sum())
    if total > limits.most_steps:
        raise InvalidRequestError(f"steps of all rows must be <= {limits.most_steps}. Received: steps={total}")
    return pieces
