"""The start of each program: nothing is imported that only other work needs."""

from __future__ import annotations

import pytest

from tests.harness.children import ended

#: Packages that take longer to import than all that the help needs. Typer imports pydantic itself.
EXPENSIVE = {
    "temporalio", "google", "pydantic_settings", "sqlalchemy", "rich", "cryptography", "starlette",
}  # fmt: skip
#: Modules that the commands about orders do not need, unless Temporal has forgotten an order.
OF_OTHERS = {"temporalio.worker", "temporalio.testing", "sqlalchemy", "rich.markdown"}

PROGRAMS = (
    ("starter.py",),
    ("starter.py", "order"),
    ("worker.py",),
    ("-m", "runtime"),
    ("-m", "runtime.codec_server"),
)


@pytest.mark.parametrize("program", PROGRAMS, ids=" ".join)
def test_the_help_imports_no_package_that_only_the_work_of_a_program_needs(
    program: tuple[str, ...],
) -> None:
    helped = ended("-X", "importtime", *program, "--help")

    assert helped.returncode == 0, helped.stderr
    assert "usage: " in helped.stdout.lower()
    assert "runtime.exits" in imported(helped.stderr)
    assert EXPENSIVE.isdisjoint(imported(helped.stderr))


def test_the_commands_about_orders_import_nothing_that_only_workers_or_audits_need() -> None:
    work = ["order", "status", "cancel", "inbox", "resolve"]
    imports = ", ".join(("cli.session", *(f"cli.operations.{name}" for name in work)))
    started = ended("-X", "importtime", "-c", f"import starter, {imports}")

    assert started.returncode == 0, started.stderr
    assert OF_OTHERS.isdisjoint(imported(started.stderr))


def imported(said: str) -> set[str]:
    """Return the modules that a program has imported, from what ``-X importtime`` made it say."""
    return {line.split("|")[-1].strip() for line in said.splitlines() if "import time:" in line}
