"""Programs of this project, and how a person starts them: in a checkout, or installed by pip."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

__version__ = "0.1.0"

#: Folder with all code: the checkout, or the installed package.
ROOT = Path(__file__).resolve().parents[1]
#: True in the package that pip installs, because a checkout is no package.
INSTALLED = (ROOT / "__init__.py").exists()

_COMMAND = "order-saga"
#: Installed commands, by the programs of a checkout that they run.
_INSTALLED = {
    "python starter.py": _COMMAND,
    "python worker.py": f"{_COMMAND} worker",
    "python -m runtime": f"{_COMMAND} server",
    "python -m runtime.codec_server": f"{_COMMAND} codec",
}


def usage_name(name: str) -> str:
    """Return the name of a program, such as ``python worker.py``, in its own usage text."""
    return _INSTALLED[name] if INSTALLED else name


def server_commands() -> str:
    """Return the commands that start a server, for the message that there is none."""
    programs = (
        (f"{_COMMAND} server", f"{_COMMAND} demo") if INSTALLED else ("make server", "make demo")
    )
    return " or ".join(f"`{program}`" for program in programs)


def program(file: str) -> str:
    """Return the command that runs ``starter.py`` or ``worker.py`` from the current directory."""
    if INSTALLED:
        return _INSTALLED[f"python {file}"].replace(_COMMAND, _installed_command(), 1)
    return f"{_python()} {shlex.quote(os.path.relpath(ROOT / file))}"


def _python() -> str:
    """Return the command for this interpreter: its path, if its environment is not active."""
    if sys.prefix == sys.base_prefix or "VIRTUAL_ENV" in os.environ:
        return "python"
    # Not resolved: in a virtual environment the path is a link to the interpreter outside.
    return shlex.quote(os.path.relpath(Path(sys.executable)))


def _installed_command() -> str:
    ours = Path(sys.executable).with_name(_COMMAND)
    on_path = shutil.which(_COMMAND)
    if on_path is not None and Path(on_path).resolve() == ours.resolve():
        return _COMMAND
    return shlex.quote(os.path.relpath(ours))
