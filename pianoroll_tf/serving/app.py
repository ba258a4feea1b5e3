"""The server as an ASGI application: its routes, middleware, and how errors become responses."""

from os import PathLike
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from pianoroll_tf.serving.http import endpoints, guards, monitoring, openapi, render
from pianoroll_tf.serving.refusals import Refusal
from pianoroll_tf.serving.settings import Address
from pianoroll_tf.serving.state import State
from pianoroll_tf.serving.tf_serving import rest

PAGE = Path(__file__).with_name("page") / "dist"
HOW_TO_BUILD = """The page has not been built. To build it, run in the project's folder:

    make page

The API works without it: GET /about, POST /generate, /v1/models/NAME; GET /docs describes it.
"""


def make_app(state: State, address: Address, page: Path = PAGE) -> Starlette:
    """The application; `page` is the folder of the built page."""
    metrics = CollectorRegistry()
    metrics.register(monitoring.EngineCollector(state))
    middleware = [Middleware(monitoring.RequestMetrics, metrics=metrics)]
    if address.allow_origin:
        cors = Middleware(
            CORSMiddleware,
            allow_origins=list(address.allow_origin),
            allow_methods=["GET", "POST"],
            allow_headers=["Content-Type", "Last-Event-ID"],
            expose_headers=["X-Seed", "X-Model-Version", "Content-Disposition"],
        )
        middleware.append(cors)
    middleware.append(Middleware(guards.Guard, address=address, limits=state.limits, queue=state.queue))
    handlers: dict[Any, Any] = {
        Refusal: guards.refused,
        HTTPException: refused_by_framework,
        ClientDisconnect: client_closed,
        Exception: failed,
    }
    app = Starlette(routes=make_routes(page), middleware=middleware, exception_handlers=handlers)
    app.state.shared, app.state.metrics, app.state.page = state, metrics, page
    return app


def make_routes(page: Path) -> list[BaseRoute]:
    """All routes."""
    routes: list[BaseRoute] = [
        Route("/", home),
        Route("/about", endpoints.about),
        Route("/primer", endpoints.primer, methods=["POST"]),
        Route("/generate", endpoints.generate, methods=["POST"]),
        Route("/infill", endpoints.infill, methods=["POST"]),
        Route("/render", render.render, methods=["POST"]),
        Route("/openapi.json", openapi.openapi),
        Route("/docs", openapi.docs),
        Route("/healthz", monitoring.healthz),
        Route("/readyz", monitoring.readyz),
        Route("/metrics", monitoring.metrics),
        Route("/v1/{rest:path}", rest.get_model, methods=["GET"]),
        Route("/v1/{rest:path}", rest.predict, methods=["POST"]),
    ]
    return [*routes, Mount("/page", PageFiles(directory=page))] if page.is_dir() else routes


class PageFiles(StaticFiles):
    """The page's files; those under assets/ have a hash in their names and never change."""

    def file_response(self, full_path: str | PathLike[str], *args: Any, **options: Any) -> Response:
        """A file with a Cache-Control header."""
        response = super().file_response(full_path, *args, **options)
        is_fixed = Path(full_path).parent.name == "assets"
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if is_fixed else "no-cache"
        return response


async def home(request: Request) -> Response:
    """`GET /`: the page, or how to build it."""
    index = request.app.state.page / "index.html"
    if not index.is_file():
        return PlainTextResponse(HOW_TO_BUILD)
    return FileResponse(index, headers={"Cache-Control": "no-cache"})


async def refused_by_framework(request: Request, error: HTTPException) -> Response:
    """The response to what Starlette refuses: there is no such path, or no such method."""
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)


async def client_closed(request: Request, error: ClientDisconnect) -> Response:
    """A response that nobody reads; 499 appears in metrics only."""
    return Response(status_code=499)


async def failed(request: Request, error: Exception) -> Response:
    """The response to an unexpected error, which goes to the log and not to the client."""
    return JSONResponse({"error": "internal error; see the server's log"}, 500)
