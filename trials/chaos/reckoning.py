"""Comparison of what the customers were told with the contents of the ledgers."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from cli.modes import Mode
from cli.simulation.fates import Summary
from messages.participants import STEPS
from tests.harness.system import System
from trials.chaos.books import Books
from trials.chaos.customers import Customers, inbox

#: Outcome of an order by the closing status, as Temporal's own command line spells it.
_ENDS = {"COMPLETED": "succeeded", "FAILED": "undone", "CANCELED": "undone"}
_STEPS = frozenset(STEPS)
_PARKED, _NOWHERE = "parked", "without an end"
#: Words in the orders of a simulation.
_ORDERS_WORDS = ("Main St", "Springfield", '"user_id"', '"items"', '"total_amount"')


@dataclass
class Reckoning:
    """Outcomes of the orders, and what is wrong with them."""

    ends: Counter[str] = field(default_factory=Counter)
    #: Orders whose outcome contradicts the ledgers, or that never ended: the problem by saga id.
    lost: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    #: Orders with an effect that happened twice, or with effects of two runs, by saga id.
    doubled: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    #: Findings of the product's own audit.
    violations: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Tell whether nothing was lost, doubled or left behind."""
        return not (self.lost or self.doubled or self.violations)


def reckon(system: System, customers: list[Customers], books: Books) -> Reckoning:
    """Compare, order by order, and let the product audit itself as well."""
    audit = system.starter("audit", "--json").stdout
    found = Reckoning(violations=[v["problem"] for v in json.loads(audit)["violations"]])
    for saga_id, torn in books.torn:
        found.lost[saga_id].append(torn)
    for saga_id, twice in books.doubled:
        found.doubled[saga_id].append(twice)
    ends = _ends(system)
    for run, end in ends.items():
        found.ends[end] += 1
        if problem := _broken_promise(end, books.standing.get(run, set())):
            found.lost[run[0]].append(problem)
    for saga_id, _ in books.standing.keys() - ends.keys():
        found.lost[saga_id].append("has effects, but nobody knows of such a run")
    for saga_id, runs in Counter(saga_id for saga_id, _ in books.standing).items():
        if runs > 1:
            found.doubled[saga_id].append(f"{runs} of its runs left effects")
    for group in customers:
        for prefix, summary in group.told():
            batch = Counter(end for (saga_id, _), end in ends.items() if saga_id.startswith(prefix))
            if problem := _broken_word(summary, batch):
                found.lost[f"{prefix}*"].append(problem)
    return found


def readable_words(system: System) -> list[str]:
    """Return a finding for each kind of word that the server's database must not have."""
    stored = b"".join(file.read_bytes() for file in system.data_dir.glob("temporal.db*"))
    found = [word for word in _ORDERS_WORDS if word.encode() in stored]
    return [f"{word!r} can be read in Temporal's database" for word in found]


def _ends(system: System) -> dict[tuple[str, str], str]:
    """Return how each run of an order ended, according to Temporal."""
    orders = " OR ".join(f'WorkflowType = "{mode.workflow}"' for mode in Mode)
    listed = system.temporal(
        *("workflow", "list", "--limit", "100000", "--query", orders, "--output", "json")
    )
    ends = {}
    for run in json.loads(listed.stdout):
        which = run["execution"]["workflowId"], run["execution"]["runId"]
        status = run["status"].removeprefix("WORKFLOW_EXECUTION_STATUS_")
        ends[which] = _ENDS.get(status, _NOWHERE)
    without_an_end = {which for which, end in ends.items() if end == _NOWHERE}
    if without_an_end:
        ends.update(dict.fromkeys(_parked(system) & without_an_end, _PARKED))
    return ends


def _parked(system: System) -> set[tuple[str, str]]:
    return {
        (Mode(str(item["mode"])).saga_id(str(item["order_id"])), str(item["run_id"]))
        for item in inbox(system)
    }


def _broken_promise(end: str, standing: set[str]) -> str | None:
    if end == "succeeded" and standing != _STEPS:
        return f"succeeded without {' and '.join(sorted(_STEPS - standing))}"
    if end == "undone" and standing:
        return f"did not succeed, but {' and '.join(sorted(standing))} stands"
    return "never ended" if end == _NOWHERE else None


def _broken_word(summary: Summary, batch: Counter[str]) -> str | None:
    """Compare what the customers of a batch were told with how its orders ended."""
    if batch.total() != summary.orders:
        return f"{summary.orders} orders were placed, and Temporal has {batch.total()}"
    # An order that was still open then may have succeeded since.
    told, had = summary.succeeded, batch["succeeded"]
    if summary.broken_off or not told <= had <= told + summary.parked:
        return f"{told} orders were told success, and {had} had it"
    return None
