"""Names on the wire stand in one place, and are those by which the workflows go."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from temporalio.workflow import _Definition

from messages import wire
from worker import WORKFLOWS

ROOT = Path(__file__).parents[2]
PRODUCT = ("messages", "activities", "workflows", "services", "runs", "runtime", "cli", "*.py")

NAMES = {value for name, value in vars(wire).items() if name.isupper() and isinstance(value, str)}
#: Words of everyday use, which stand in the product with other meanings too.
EVERYDAY = {wire.STATUS, wire.EVENTS, wire.REPORT, wire.RESULT_MEMO}


def strings_of(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_no_name_on_the_wire_is_spelt_out_a_second_time() -> None:
    spelt_out = {
        (str(file.relative_to(ROOT)), name)
        for part in PRODUCT
        for file in (ROOT.glob(part) if part == "*.py" else (ROOT / part).rglob("*.py"))
        if file != ROOT / "messages" / "wire.py"
        for name in (NAMES - EVERYDAY).intersection(strings_of(file.read_text()))
    }

    assert spelt_out == set()


def test_the_workflows_go_by_these_names() -> None:
    definitions = [_Definition.must_from_class(workflow) for workflow in WORKFLOWS]
    handlers = {
        name
        for known in definitions
        for handled in (known.queries, known.updates, known.signals)
        for name in handled
    }

    assert {known.name for known in definitions} == set(wire.WORKFLOW_TYPES)
    assert handlers <= NAMES
