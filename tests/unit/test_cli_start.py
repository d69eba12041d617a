"""The start of the command line: nothing is imported that only other work needs."""

from __future__ import annotations

from tests.harness.children import ended

#: Packages that take longer to import than all that the help needs.
EXPENSIVE = ("temporalio", "sqlalchemy", "rich", "cryptography")
#: Modules that the commands about orders do not need, unless Temporal has forgotten an order.
OF_OTHERS = ("temporalio.worker", "temporalio.testing", "sqlalchemy", "rich.markdown")


def test_the_help_imports_no_package_that_only_the_work_of_a_command_needs() -> None:
    helped = ended(
        "-c",
        "import sys, starter; starter.app(['order', '--help'], standalone_mode=False);"
        f" sys.exit(' '.join(name for name in {EXPENSIVE} if name in sys.modules) or 0)",
    )

    assert helped.returncode == 0, helped.stderr
    assert "Usage:" in helped.stdout


def test_the_commands_about_orders_import_nothing_that_only_workers_or_audits_need() -> None:
    work = ["order", "status", "cancel", "inbox", "resolve"]
    imports = ", ".join(("cli.session", *(f"cli.operations.{name}" for name in work)))
    imported = ended(
        "-c",
        f"import sys, starter, {imports};"
        f" sys.exit(' '.join(name for name in {OF_OTHERS} if name in sys.modules) or 0)",
    )

    assert imported.returncode == 0, imported.stderr
