"""Check of the first word of docstrings, as far as ruff has no rule for it.

Ruff's D401 checks that a function's docstring begins with a verb in the imperative.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tools.findings import Finding, files

#: Words that begin a subordinate clause, so that the docstring has no main clause.
OPENS_A_CLAUSE = {
    *("How", "If", "What", "When", "Where", "Whether"),
    *("Which", "Who", "Whom", "Whose", "Why"),
}
#: Verbs with which a module's or class's docstring must not begin. The docstring of an exception
#: may be a whole sentence, because it serves as a message.
NO_NOUN = {"Are", "Can", "Did", "Do", "Does", "Has", "Have", "Is", "Was"}

Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def check_docstrings(root: Path) -> Iterator[Finding]:
    """Find the docstrings in all Python files that begin with a wrong word."""
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
