"""Checks of docstrings and pages: ``python -m tools`` prints one line for each finding."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import typer.main

from starter import app
from tools.commands import Known, check_commands, make_targets
from tools.docstrings import check_docstrings
from tools.findings import ROOT, Finding
from tools.links import check_links


def main() -> int:
    """Print all findings; exit with 1 when there are any."""
    findings = sorted(set(_findings()))
    for finding in findings:
        print(finding)
    return 1 if findings else 0


def _findings() -> Iterator[Finding]:
    yield from check_docstrings(ROOT)
    yield from check_links(ROOT)
    yield from check_commands(ROOT, Known(make_targets(ROOT), _starter()))


def _starter() -> dict[str, set[str]]:
    commands = getattr(typer.main.get_command(app), "commands", {})
    return {
        name: {"--help", "-h"}.union(
            *((*each.opts, *each.secondary_opts) for each in command.params)
        )
        for name, command in commands.items()
    }


if __name__ == "__main__":
    sys.exit(main())
