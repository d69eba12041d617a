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

from runtime.argument_parser import ArgumentParser
from runtime.exits import ExitCode, run, stop_requested

DEFAULT_PORT = 8081
#: Where the Web UI of the embedded server is.
DEFAULT_ORIGINS = ("http://127.0.0.1:8233", "http://localhost:8233")


async def main() -> ExitCode:
    """Run the codec server until a signal arrives."""
    chosen = _arguments()
    # Imported here, because the help does not need a web server or the SDK.
    from runtime.codec_app import codec_app
    from runtime.encryption import BadKeys
    from runtime.http_server import http_server, listener
    from settings import read_settings

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


if __name__ == "__main__":
    run(main)
