"""Finds the version and signature that a REST or gRPC request names, with TensorFlow Serving's messages, and runs it.

Signatures that draw music are run by the engine, batched with other requests, and all others on threads of their own.
"""

import asyncio
import dataclasses
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import tensorflow as tf

from pianoroll_tf.config import NUM_PITCHES, SamplingConfig
from pianoroll_tf.data.roll import as_states
from pianoroll_tf.generation.saved_model import MAX_ROW_SEED
from pianoroll_tf.serving.drawing.engine import PieceRequest
from pianoroll_tf.serving.drawing.registry import Registry, ServedVersion
from pianoroll_tf.serving.refusals import DeadlineError, InvalidRequestError, NotFoundError, OverloadedError
from pianoroll_tf.serving.settings import Limits
from pianoroll_tf.serving.state import Disconnect, State

DEFAULT_SIGNATURE = "serving_default"
MUSIC_SIGNATURES = (DEFAULT_SIGNATURE, "generate", "generate_simple", "generate_rows", "compose_rows")
SAMPLING_INPUTS = ("temperature", "top_p", "density")
MAX_RUNS = 32  # requests for other signatures that are computed or wait


def use_version(registry: Registry, name: str, version: int | None) -> AbstractContextManager[ServedVersion]:
    """A version of a model, which is not dropped before the `with` statement ends; None: the newest."""
    if name != registry.name or (version is not None and version not in registry.served):
        spec = f"Latest({name})" if version is None else f"Specific({name}, {version})"
        raise NotFoundError(f"Servable not found for request: {spec}")
    return registry.use(version)


def find_statuses(registry: Registry, name: str, version: int | None) -> list[dict[str, Any]]:
    """The status of a version of a model, as the fields of a `ModelVersionStatus`; None: of all, newest first."""
    statuses = registry.statuses if name == registry.name else {}
    if not statuses:
        raise NotFoundError(f"Could not find any versions of model {name}")
    if version is not None and version not in statuses:
        raise NotFoundError(f"Could not find version {version} of model {name}")
    return [
        {"version": number, "state": one.state, "status": {"error_code": one.code, "error_message": one.message}}
        for number, one in statuses.items()
        if version in (None, number)
    ]


def find_inputs(served: ServedVersion, signature: str) -> dict[str, tf.TensorSpec]:
    """The inputs of a signature, by name."""
    if signature not in served.signatures:
        raise InvalidRequestError(f'Serving signature name: "{signature}" not found in signature def')
    inputs = served.signatures[signature].inputs
    return {name: tf.TensorSpec(info.tensor_shape, info.dtype) for name, info in sorted(inputs.items())}


async def predict(
    disconnect: Disconnect, state: State, served: ServedVersion, signature: str, inputs: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """The outputs of a signature for inputs of its types and ranks; no music is drawn once `disconnect` returns."""
    rows = max((len(value) for value in inputs.values() if value.ndim), default=1)
    if rows > state.limits.most_rows:
        raise InvalidRequestError(f"rows must be <= {state.limits.most_rows}. Received: rows={rows}")
    if signature not in MUSIC_SIGNATURES:
        return await run_signature(state, served, signature, inputs)
    pieces = piece_requests(inputs, state.limits)
    state.check_capacity(len(pieces))
    pieces = [dataclasses.replace(piece, meter=served.model.meter) for piece in pieces]
    rolls = await state.draw(disconnect, served, pieces)
    padded = np.zeros((len(rolls), max(map(len, rolls), default=0), NUM_PITCHES), np.uint8)
    for row, roll in zip(padded, rolls, strict=True):
        row[: len(roll)] = roll
    return {"roll": padded}


async def run_signature(
    state: State, served: ServedVersion, signature: str, inputs: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """The outputs of a signature, run as it was exported on another thread."""

    def run() -> dict[str, np.ndarray]:
        tensors = {name: tf.constant(value) for name, value in inputs.items()}
        outputs = served.model.program.signatures[signature](**tensors)
        return {name: value.numpy() for name, value in sorted(outputs.items())}

    def count(running: asyncio.Future) -> None:
        state.signature_runs -= 1

    if state.signature_runs >= MAX_RUNS:
        raise OverloadedError("too many requests are waiting")
    state.signature_runs += 1
    running = asyncio.get_running_loop().run_in_executor(state.signature_threads, run)
    running.add_done_callback(count)
    seconds = state.limits.request_seconds
    try:
        return await asyncio.wait_for(asyncio.shield(running), seconds)
    except TimeoutError as error:
        raise DeadlineError(f"the response takes more than {seconds:g} s") from error
    except (tf.errors.InvalidArgumentError, ValueError) as error:
        raise InvalidRequestError("inputs must fit the signature. Received: other shapes or values") from error


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
