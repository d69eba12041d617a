"""Codec server: decrypts what the Web UI and Temporal's CLI show.

``python -m runtime.codec_server`` runs it until Ctrl-C. Temporal's own server never sees a key. The
browser, or the CLI, sends each payload to the codec server, by Temporal's remote codec protocol.
"""

from __future__ import annotations

import runtime.interruptible  # noqa: F401 - must be first; its docstring says why

# isort: split
import argparse
import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence

from google.protobuf.json_format import MessageToJson, Parse, ParseError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from temporalio.api.common.v1 import Payload, Payloads
from temporalio.converter import PayloadCodec

from runtime.argument_parser import ArgumentParser
from runtime.encryption import BadKeys, EncryptionCodec, Keys, UnknownKey
from runtime.exits import ExitCode, run, stop_requested
from runtime.http_server import http_server, listener
from settings import read_settings

DEFAULT_PORT = 8081
#: Where the Web UI of the embedded server is.
DEFAULT_ORIGINS = ("http://127.0.0.1:8233", "http://localhost:8233")

_Code = Callable[[Sequence[Payload]], Awaitable[list[Payload]]]


class _Readable(EncryptionCodec):
    """Codec that leaves a payload whose key is missing as it is: the rest of a page is shown."""

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """See base class."""
        return [await self._shown(payload) for payload in payloads]

    async def _shown(self, payload: Payload) -> Payload:
        try:
            [shown] = await super().decode([payload])
        except UnknownKey as error:
            print(f"codec: cannot show a payload: {error}", flush=True)
            return payload
        return shown


def codec_app(keys: Keys, token: str, origins: Sequence[str]) -> Starlette:
    """Return the web application.

    Args:
        token: has to be in each request: ``Authorization: Bearer TOKEN``, as the CLI sends it, or
            in the path, ``/TOKEN/decode``, because the Web UI has no field for a token.
        origins: of the Web UIs whose pages a browser allows to read the answers.
    """
    codec: PayloadCodec = _Readable(keys)

    def endpoint(code: _Code) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            if not _knows_token(request, token):
                return JSONResponse({"message": "a token is needed"}, 401)
            try:
                asked = Parse(await request.body(), Payloads(), ignore_unknown_fields=True)
            except ParseError:
                return JSONResponse({"message": "the body is no JSON of Payloads"}, 400)
            coded = Payloads(payloads=await code(asked.payloads))
            return Response(MessageToJson(coded), media_type="application/json")

        return answer

    async def live(_: Request) -> Response:
        return JSONResponse({"live": True})

    decode, encode = endpoint(codec.decode), endpoint(codec.encode)
    return Starlette(
        routes=[
            Route("/live", live),
            *(
                Route(f"{prefix}/{name}", code, methods=["POST"])
                for name, code in (("decode", decode), ("encode", encode))
                for prefix in ("", "/{token}")
            ),
        ],
        middleware=[
            Middleware(
                CORSMiddleware,
                allow_origins=origins,
                allow_methods=["POST"],
                allow_headers=["authorization", "content-type", "x-namespace"],
            )
        ],
    )


async def main() -> ExitCode:
    """Run the codec server until a signal arrives."""
    chosen = _arguments()
    settings = read_settings()
    keys = settings.keys()
    if not keys.ids:
        raise BadKeys("the codec server needs keys; ORDER_SAGA_ENCRYPTION_KEYS names no key file")
    token = settings.codec_token or secrets.token_urlsafe(24)
    stop = stop_requested()
    listening = listener(chosen.host, chosen.port)
    app = codec_app(keys, token, chosen.origin or DEFAULT_ORIGINS)
    server = http_server(app)
    url = f"http://{chosen.host}:{listening.getsockname()[1]}"
    shown = token if settings.codec_token is None else "$ORDER_SAGA_CODEC_TOKEN"
    print(f"codec: for the Web UI {url}/{shown}", flush=True)
    print(f"codec: for the CLI --codec-endpoint {url} --codec-auth 'Bearer {shown}'", flush=True)
    serving = asyncio.create_task(server.serve([listening]))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    await serving
    return ExitCode.SUCCESS


class _Chosen(argparse.Namespace):
    host: str
    port: int
    origin: list[str] | None


def _arguments() -> _Chosen:
    parser = ArgumentParser(
        "python -m runtime.codec_server",
        "Decrypt payloads for the Web UI and Temporal's CLI, until Ctrl-C.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="port (default: 8081)")
    parser.add_argument(
        "--origin",
        action="append",
        help="scheme, host and port of a Web UI, as the browser shows it; may be repeated"
        f" (default: {' and '.join(DEFAULT_ORIGINS)})",
    )
    return parser.parse_args(namespace=_Chosen())


def _knows_token(request: Request, token: str) -> bool:
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    given = request.path_params.get("token", given)
    return secrets.compare_digest(given.encode(), token.encode())


if __name__ == "__main__":
    run(main)
