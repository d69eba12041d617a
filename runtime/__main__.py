"""Embedded Temporal server in the foreground, until Ctrl-C: ``python -m runtime``."""

from __future__ import annotations

import runtime.interruptible  # noqa: F401 - must be first; its docstring says why

# isort: split
import argparse
from pathlib import Path

from runtime.argument_parser import ArgumentParser
from runtime.exits import ExitCode, run, stop_requested


async def main() -> ExitCode:
    """Run the server until a signal arrives."""
    chosen = _arguments()
    # Imported here, because the help does not need the SDK.
    from runtime.devserver import DEFAULT_PORT, DevServer
    from runtime.processes import while_alive
    from settings import read_settings

    data_dir = chosen.data_dir or read_settings().data_dir
    stop = stop_requested()
    async with DevServer(data_dir, port=chosen.port, ui_port=chosen.ui_port, report=_say) as server:
        if chosen.port is None and server.port != DEFAULT_PORT:
            _say(f"in the other terminals: export TEMPORAL_ADDRESS={server.address}")
        _say(f"Temporal server at {server.address}, Web UI {server.ui_url}; Ctrl-C stops it")
        await while_alive(stop.wait(), server.process)
        _say("stopping the Temporal server")
    return ExitCode.SUCCESS


class _Chosen(argparse.Namespace):
    port: int | None
    ui_port: int | None
    data_dir: Path | None


def _arguments() -> _Chosen:
    parser = ArgumentParser(
        "python -m runtime", "Run the embedded Temporal server in the foreground, until Ctrl-C."
    )
    parser.add_argument("--port", type=_port, help="port of the gRPC front end (default: 7233)")
    parser.add_argument("--ui-port", type=_port, help="port of the Web UI (default: port + 1000)")
    parser.add_argument(
        "--data-dir",
        type=Path,
        help="directory of the server's database (default: ORDER_SAGA_DATA_DIR, or .data)",
    )
    return parser.parse_args(namespace=_Chosen())


def _port(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port number from 1 to 65535")
    return int(text)


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    run(main)
