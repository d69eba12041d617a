"""Activities by which the reconciler asks a service's ledger; the service's worker hosts them."""

from __future__ import annotations

from collections.abc import Callable

from temporalio import activity

from activities.ports import Records
from messages.ledgers import FencedOperation, LedgerIdentity, RunOperation, UnsettledPage

#: Names of the activities; ``{}`` is the service's name.
IDENTIFY = "identify_ledger_of_{}"
UNSETTLED = "find_unsettled_in_{}"
OPERATIONS = "look_up_runs_in_{}"
OPERATION = "look_up_operation_in_{}"
SEAL = "seal_runs_in_{}"
UNSEAL = "unseal_runs_in_{}"
CLOSE_GAP = "close_gap_of_{}"


def records_activities(service: str, records: Records) -> list[Callable[..., object]]:
    """Return the activities by which this service's ledger is asked."""

    @activity.defn(name=IDENTIFY.format(service))
    def identify() -> LedgerIdentity:
        return records.identity()

    @activity.defn(name=UNSETTLED.format(service))
    def unsettled(after: str) -> UnsettledPage:
        return records.unsettled(after)

    @activity.defn(name=OPERATIONS.format(service))
    def operations(run_ids: list[str]) -> list[RunOperation]:
        return list(records.operations(run_ids))

    @activity.defn(name=OPERATION.format(service))
    def operation(run_id: str) -> FencedOperation | None:
        return records.operation(run_id)

    @activity.defn(name=SEAL.format(service))
    def seal(run_ids: list[str]) -> int:
        return records.seal(run_ids)

    @activity.defn(name=UNSEAL.format(service))
    def unseal(seconds: float) -> int:
        return records.unseal(seconds)

    @activity.defn(name=CLOSE_GAP.format(service))
    def close_gap(until: str) -> bool:
        return records.close_gap(until)

    return [identify, unsettled, operations, operation, seal, unseal, close_gap]
