"""The server that one writes in an afternoon: an ASGI application that asks the SavedModel, one request at a time.

python -m benchmarks.serving_naive saved_models/NAME/VERSION PORT
"""

import sys
import threading

import numpy as np
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from benchmarks.worker import import_tensorflow

PITCHES = 84
STEPS_PER_SECOND = 8.0


def make_app(folder: str) -> Starlette:
    """`POST /generate` with `steps` and `seed` in JSON → audio/midi, and `GET /healthz`."""
    tf = import_tensorflow()
    from pianoroll_tf.generation.render import midi_bytes

    program = tf.saved_model.load(folder)
    draw, one_at_a_time = program.signatures["generate_simple"], threading.Lock()

    def piece(steps: int, seed: int) -> bytes:
        primer = tf.constant(np.zeros((1, 0, PITCHES), np.uint8))
        with one_at_a_time:
            asked = {"primer": primer, "steps": tf.constant(steps, tf.int32), "seed": tf.constant(seed, tf.int64)}
            return midi_bytes(draw(**asked)["roll"].numpy()[0], STEPS_PER_SECOND)

    async def generate(request: Request) -> Response:
        fields = await request.json()
        content = await run_in_threadpool(piece, fields["steps"], fields["seed"])
        return Response(content, media_type="audio/midi")

    async def healthz(request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    app = Starlette(routes=[Route("/generate", generate, methods=["POST"]), Route("/healthz", healthz)])
    app.state.program = program  # its variables live as long as it does
    return app


if __name__ == "__main__":
    uvicorn.run(make_app(sys.argv[1]), port=int(sys.argv[2]), log_level="warning")
