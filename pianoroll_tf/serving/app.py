"""The server as an ASGI application: which path is answered by what, and how refusals are told."""

from os import PathLike
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from pianoroll_tf.serving.http import endpoints, guards, monitoring
from pianoroll_tf.serving.refusals import Refusal
from pianoroll_tf.serving.settings import Address
from pianoroll_tf.serving.state import ClientGoneError, State
from pianoroll_tf.serving.tf_serving import rest

PAGE = Path(__file__).with_name("page") / "dist"
HOW_TO_BUILD = """The page is not built here. To build it, in the project's folder:

    make page

The API works without it: GET /about, POST /generate, /v1/models/NAME.
"""


def make_app(state: State, address: Address, page: Path = PAGE) -> Starlette:
    """The application.

    Args:
        state: What all requests share.
        address: Where it is served, and for whom.
        page: The built page.
    """
    meter = CollectorRegistry()
    meter.register(monitoring.EngineCollector(state))
    middleware = [Middleware(monitoring.Metered, meter=meter)]
    if address.allow_origin:
        exposed = ["X-Seed", "X-Model-Version", "Content-Disposition"]
        origins = list(address.allow_origin)
        headers = ["Content-Type"]
        made = Middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=["GET", "POST"],
            allow_headers=headers,
            expose_headers=exposed,
        )
        middleware.append(made)
    middleware.append(Middleware(guards.Guard, address=address, limits=state.limits, turns=state.turns))
    handlers = {Refusal: refuse, HTTPException: refuse_by_framework, ClientGoneError: nobody, Exception: fail}
    app = Starlette(routes=make_routes(page), middleware=middleware, exception_handlers=handlers)
    app.state.shared, app.state.meter, app.state.page = state, meter, page
    app.state.loop_watch = monitoring.LoopWatch(meter)
    return app


def make_routes(page: Path) -> list[BaseRoute]:
    """All paths."""
    routes: list[BaseRoute] = [
        Route("/", home),
        Route("/about", endpoints.about),
        Route("/primer", endpoints.primer, methods=["POST"]),
        Route("/generate", endpoints.generate, methods=["POST"]),
        Route("/healthz", monitoring.healthz),
        Route("/readyz", monitoring.readyz),
        Route("/metrics", monitoring.metrics),
        Route("/v1/{rest:path}", rest.look, methods=["GET"]),
        Route("/v1/{rest:path}", rest.predict, methods=["POST"]),
    ]
    return [*routes, Mount("/page", PageFiles(directory=page))] if page.is_dir() else routes


class PageFiles(StaticFiles):
    """The page's files; those under assets/ have a hash in their names and never change."""

    def file_response(self, full_path: PathLike, *args: Any, **options: Any) -> Response:
        """A file with how long it may be kept."""
        response = super().file_response(full_path, *args, **options)
        is_fixed = Path(full_path).parent.name == "assets"
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if is_fixed else "no-cache"
        return response


async def home(request: Request) -> Response:
    """The page, or how to build it."""
    index = request.app.state.page / "index.html"
    return (
        FileResponse(index, headers={"Cache-Control": "no-cache"})
        if index.is_file()
        else PlainTextResponse(HOW_TO_BUILD)
    )


async def refuse(request: Request, refusal: Refusal) -> Response:
    """One line of JSON."""
    return guards.refuse(refusal)


async def refuse_by_framework(request: Request, error: HTTPException) -> Response:
    """The same for what the framework refuses: no such path, not this method."""
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)


async def nobody(request: Request, error: ClientGoneError) -> Response:
    """An answer that nobody reads; 499 is what logs call it."""
    return Response(status_code=499)


async def fail(request: Request, error: Exception) -> Response:
    """What went wrong here is told to the log, not to the client."""
    return JSONResponse({"error": "the server failed; its log says why"}, 500)
