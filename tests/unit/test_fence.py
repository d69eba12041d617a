"""Promises 16 to 19: each operation takes effect once, however often and in whatever order."""

from __future__ import annotations

import pytest

from messages.base import Command, Message
from messages.failures import (
    IdempotencyConflict,
    OperationReversed,
    PermanentFailure,
    Refused,
)
from tests.harness.participants import Participant


def test_a_repeated_action_gets_the_stored_answer_and_has_its_effect_once(
    participant: Participant,
) -> None:
    request = participant.request()
    answer = participant.act(request)
    once = participant.standing()

    assert participant.act(request) == answer
    assert participant.standing() == once > 0


def test_a_compensation_takes_the_effect_back_once(participant: Participant) -> None:
    other = participant.request()
    participant.act(other)
    before = participant.standing()
    request = participant.request()
    participant.act(request)

    first = participant.undo(request)
    repeated = participant.undo(request)

    assert first.had_effect
    assert repeated == first
    assert participant.standing() == before


def test_a_compensation_without_its_action_succeeds_and_keeps_the_late_action_out(
    participant: Participant,
) -> None:
    request = participant.request()

    assert not participant.undo(request).had_effect
    with pytest.raises(OperationReversed):
        participant.act(request)
    assert not participant.undo(request).had_effect
    assert participant.standing() == 0


def test_an_action_that_arrives_after_its_compensation_is_not_done_again(
    participant: Participant,
) -> None:
    request = participant.request()
    participant.act(request)
    participant.undo(request)

    with pytest.raises(OperationReversed):
        participant.act(request)
    assert participant.undo(request).had_effect
    assert participant.standing() == 0


def test_a_refusal_is_final_and_told_in_the_same_words(participant: Participant) -> None:
    request = participant.unacceptable_request()
    first = _refusal(participant, request)
    second = _refusal(participant, request)

    assert (type(second), str(second)) == (type(first), str(first))
    assert participant.standing() == 0


def test_the_compensation_of_a_refused_action_succeeds_and_leaves_it_refused(
    participant: Participant,
) -> None:
    request = participant.unacceptable_request()
    first = _refusal(participant, request)

    assert not participant.undo(request).had_effect
    late = _refusal(participant, request)
    assert (type(late), str(late)) == (type(first), str(first))
    assert not participant.undo(request).had_effect


def test_another_request_under_the_same_key_is_a_conflict(participant: Participant) -> None:
    request = participant.request()
    other = _with_key_of(request, participant.request(**_OTHER))
    participant.act(request)
    once = participant.standing()

    with pytest.raises(IdempotencyConflict):
        participant.act(other)
    with pytest.raises(IdempotencyConflict):
        participant.undo(other)
    assert participant.standing() == once

    participant.undo(request)
    with pytest.raises(IdempotencyConflict):
        participant.act(other)
    with pytest.raises(IdempotencyConflict):
        participant.undo(other)


def test_another_request_than_the_refused_one_is_a_conflict(participant: Participant) -> None:
    refused = participant.unacceptable_request()
    _refusal(participant, refused)

    with pytest.raises(IdempotencyConflict):
        participant.act(_with_key_of(refused, participant.request()))


def test_the_same_order_in_another_run_is_another_operation(participant: Participant) -> None:
    request = participant.request()
    again = request.model_copy(
        update={"idempotency_key": request.idempotency_key.replace("/run_1/", "/run_2/")}
    )
    participant.act(request)
    once = participant.standing()
    participant.undo(request)

    assert _ids(participant.act(again))
    assert participant.standing() == once


def test_a_key_that_no_saga_made_is_refused_for_good(participant: Participant) -> None:
    request = participant.request().model_copy(update={"idempotency_key": "nonsense"})

    with pytest.raises(PermanentFailure):
        participant.act(request)


def test_every_answer_carries_ids_of_its_own(participant: Participant) -> None:
    one, two = (_ids(participant.act(participant.request())) for _ in range(2))

    assert one
    assert not one & two


#: A change that every service's request shows.
_OTHER: dict[str, object] = {
    "user_id": "user_456",
    "items": [{"id": "item_2", "quantity": 2}],
}


def _with_key_of(request: Command, other: Command) -> Command:
    return other.model_copy(
        update={"idempotency_key": request.idempotency_key, "order_id": request.order_id}
    )


def _refusal(participant: Participant, request: Command) -> Refused:
    with pytest.raises(Refused) as refused:
        participant.act(request)
    return refused.value


def _ids(answer: Message) -> set[str]:
    return {value for value in answer.model_dump().values() if isinstance(value, str)}
