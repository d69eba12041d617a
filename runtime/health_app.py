"""Web application that tells a worker's health."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from runtime.health import Readiness


def health_app(readiness: Readiness) -> Starlette:
    """Return the application: ``/live``, and ``/ready``, which names what is missing."""

    async def live(_: Request) -> Response:
        return JSONResponse({"live": True})

    async def ready(_: Request) -> Response:
        missing = await readiness.missing()
        return JSONResponse({"ready": not missing, "missing": missing}, 503 if missing else 200)

    return Starlette(routes=[Route("/live", live), Route("/ready", ready)])
