"""Promise 25: an operator's decision is a row of the service's own ledger, and moves nothing."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime, timezone

import pytest

from messages.base import Command, Resolution
from messages.failures import OperationReversed, PermanentFailure
from messages.settling import Decision, Settle
from services.audit import audit
from services.mock import Services, open_services
from tests.harness.builders import an_order, requests_for
from tests.harness.participants import Participant

ADA = Resolution(operator="ada", note="letter 4711", at=datetime(2026, 3, 1, tzinfo=timezone.utc))
BOB = ADA.model_copy(update={"operator": "bob"})


def settle(request: Command, by: Resolution = ADA, decision: Decision = "undone") -> Settle:
    return Settle(
        idempotency_key=request.idempotency_key,
        order_id=request.order_id,
        resolution=by,
        decision=decision,
    )


def test_what_was_undone_by_hand_is_not_undone_again(participant: Participant) -> None:
    request = participant.request()
    participant.act(request)
    stood = participant.standing()

    assert participant.settle(settle(request)).settled == ADA
    reversal = participant.undo(request)

    assert (reversal.had_effect, reversal.settled) == (False, ADA)
    assert participant.standing() == stood


def test_a_decision_without_its_action_keeps_the_late_action_out(participant: Participant) -> None:
    request = participant.request()
    before = participant.standing()
    participant.settle(settle(request))

    with pytest.raises(OperationReversed):
        participant.act(request)
    assert participant.undo(request).settled == ADA
    assert participant.standing() == before


def test_the_first_decision_counts(participant: Participant) -> None:
    request = participant.request()
    participant.settle(settle(request))
    assert participant.settle(settle(request, by=BOB)).settled == ADA


def test_what_is_undone_already_needs_no_decision(participant: Participant) -> None:
    request = participant.request()
    participant.act(request)
    participant.undo(request)
    reversal = participant.settle(settle(request))
    assert (reversal.had_effect, reversal.settled) == (True, None)


def test_a_decision_outlives_the_process(
    services: Services, ledgers: dict[str, str], participant: Participant
) -> None:
    request = participant.request()
    participant.act(request)
    participant.settle(settle(request))
    with closing(open_services(ledgers)) as again:
        assert Participant(participant.name, again, participant.url).undo(request).settled == ADA


def test_an_effect_that_is_right_is_kept_and_nobody_has_to_look_at_it_again(
    services: Services, participant: Participant
) -> None:
    request = participant.request()
    participant.act(request)
    records = services.records(participant.name)
    assert len(records.unsettled("").runs) == 1
    participant.settle(settle(request, decision="kept"))
    assert records.unsettled("").runs == ()
    assert participant.act(request) is not None


def test_what_an_operator_has_kept_is_not_looked_at_again_when_another_ledger_has_a_gap(
    services: Services, participant: Participant
) -> None:
    request = participant.request()
    participant.act(request)
    participant.settle(settle(request, decision="kept"))
    records = services.records(participant.name)
    assert records.unseal(3_600) == 0
    assert records.unsettled("").runs == ()


def test_only_what_stands_can_be_kept(participant: Participant) -> None:
    request = participant.request()
    with pytest.raises(PermanentFailure, match="nothing of"):
        participant.settle(settle(request, decision="kept"))
    participant.act(request)
    participant.undo(request)
    with pytest.raises(PermanentFailure, match="nothing of"):
        participant.settle(settle(request, decision="kept"))


def test_the_audit_reads_decisions_from_the_ledgers_alone(
    services: Services, ledgers: dict[str, str], participant: Participant
) -> None:
    acted, never = (
        getattr(requests_for(an_order(), run_id), participant.name) for run_id in ("1", "2")
    )
    participant.act(acted)
    participant.settle(settle(acted))
    participant.settle(settle(never))
    report = audit(ledgers)
    assert report.clean, report.violations
    assert report.resolved_manually == 2
