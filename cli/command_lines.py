"""Command lines that a person can paste into a shell."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

_CHECKOUT = Path(__file__).resolve().parents[1]


def command(name: str, order_id: str, *options: str) -> str:
    """Return a command line of ``starter.py`` that can be pasted into a shell."""
    words = [name, order_id, *options]
    if order_id.startswith("-"):
        words = [name, *options, "--", order_id]
    return f"{program('starter.py')} " + " ".join(map(shell_word, words))


def program(file: str) -> str:
    """Return the command that runs a program of this checkout from the current directory."""
    return f"{python()} {shell_word(os.path.relpath(_CHECKOUT / file))}"


def python() -> str:
    """Return the command for this interpreter: its path, if its environment is not active."""
    if sys.prefix == sys.base_prefix or "VIRTUAL_ENV" in os.environ:
        return "python"
    # Not resolved: in a virtual environment the path is a link to the interpreter outside.
    return shlex.quote(os.path.relpath(Path(sys.executable)))


def shell_word(text: str) -> str:
    """Return the text as one word for a shell, without control characters."""
    if text.isprintable():
        return shlex.quote(text)
    return f"$'{''.join(map(_escaped, text))}'"


def _escaped(character: str) -> str:
    if character.isprintable() and character not in "\\'":
        return character
    return "".join(f"\\x{byte:02x}" for byte in character.encode(errors="replace"))
