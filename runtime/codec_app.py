"""Web application of the codec server, by Temporal's remote codec protocol."""

from __future__ import annotations

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

from runtime.encryption import EncryptionCodec, Keys, UnknownKey

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


def _knows_token(request: Request, token: str) -> bool:
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    given = request.path_params.get("token", given)
    return secrets.compare_digest(given.encode(), token.encode())
