"""Command lines that a person can paste into a shell."""

from __future__ import annotations

import shlex

from runtime.programs import program


def command(name: str, order_id: str, *options: str) -> str:
    """Return a command line of ``starter.py`` that can be pasted into a shell."""
    words = [name, order_id, *options]
    if order_id.startswith("-"):
        words = [name, *options, "--", order_id]
    return f"{program('starter.py')} " + " ".join(map(shell_word, words))


def shell_word(text: str) -> str:
    """Return the text as one word for a shell, without control characters."""
    if text.isprintable():
        return shlex.quote(text)
    return f"$'{''.join(map(_escaped, text))}'"


def _escaped(character: str) -> str:
    if character.isprintable() and character not in "\\'":
        return character
    return "".join(f"\\x{byte:02x}" for byte in character.encode(errors="replace"))
