"""Rules for the first word of a docstring that no rule of ruff covers.

That a function's docstring opens with a verb is ruff's D401.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tools.findings import Finding, files

#: Words that open a subordinate clause: the docstring would have no main one.
OPENS_A_CLAUSE = {
    *("How", "If", "What", "When", "Where", "Whether"),
    *("Which", "Who", "Whom", "Whose", "Why"),
}
#: Verbs that stand where a noun should name the module or class. An exception's docstring is
#: its message, so any whole sentence may open one.
NO_NOUN = {"Are", "Can", "Did", "Do", "Does", "Has", "Have", "Is", "Was"}

Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def check_docstrings(root: Path) -> Iterator[Finding]:
    """Find the docstrings of all Python files that open with the wrong word."""
    for path in files(root, ".py"):
        name = path.relative_to(root).as_posix()
        for node in ast.walk(ast.parse(path.read_text("utf-8"), name)):
            if isinstance(node, Documented) and (wrong := _wrong_opening(node)):
                yield Finding(name, node.body[0].lineno, wrong)


def _wrong_opening(node: Documented) -> str | None:
    first_word = (ast.get_docstring(node) or "").partition(" ")[0].strip(",.:;…")
    is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    if first_word not in OPENS_A_CLAUSE and (is_function or first_word not in NO_NOUN):
        return None
    kind = type(node).__name__.removesuffix("Def").removeprefix("Async").lower()
    return (
        f"a {kind}'s docstring begins with a {'verb' if is_function else 'noun'}, not {first_word}"
    )
