"""The server as an ASGI application: which path is answered by what, and how refusals are told."""

import contextlib
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from pianoroll_tf.serving import music
from pianoroll_tf.serving.refusals import Refusal
from pianoroll_tf.serving.state import ClientGoneError, State

PAGE = Path(__file__).with_name("page") / "dist"


def make_app(state: State) -> Starlette:
    """The application.

    Args:
        state: What all requests share.
    """
    routes = [
        Route("/about", music.about),
        Route("/primer", music.primer, methods=["POST"]),
        Route("/generate", music.generate, methods=["POST"]),
    ]
    handlers = {
        Refusal: refuse,
        HTTPException: refuse_by_framework,
        ClientGoneError: nobody,
        Exception: fail,
    }
    app = Starlette(routes=routes, exception_handlers=handlers)
    app.state.shared = state
    return app


async def refuse(request: Request, refusal: Refusal) -> Response:
    """One line of JSON."""
    return JSONResponse({"error": refusal.text}, refusal.status, refusal.headers)


async def refuse_by_framework(request: Request, error: HTTPException) -> Response:
    """The same for what the framework refuses."""
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)


async def nobody(request: Request, error: ClientGoneError) -> Response:
    """An answer that nobody reads; 499 is what logs call it."""
    return Response(status_code=499)


async def fail(request: Request, error: Exception) -> Response:
    """What went wrong here is told to the log, not to the client."""
    return JSONResponse({"error": "the server failed; its log says why"}, 500)


__all__ = ["PAGE", "PlainTextResponse", "contextlib", "make_app"]
