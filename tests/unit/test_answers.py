"""A fence tells each of its answers, with the service whose fence it is."""

from __future__ import annotations

from contextlib import closing, suppress
from pathlib import Path

from messages.failures import ServiceError
from messages.metrics import FENCE_ANSWERS
from messages.payment import ProcessPayment
from services.faults import FaultPlan
from services.mock import open_services
from services.payment import PaymentService
from tests.harness.builders import an_order, requests_for


def request(**changes: object) -> ProcessPayment:
    return requests_for(an_order(**changes)).payment  # type: ignore[arg-type]


def test_each_answer_of_a_fence_is_told(tmp_path: Path) -> None:
    told: list[tuple[str, str]] = []
    url = f"sqlite:///{tmp_path / 'payment.db'}"
    with closing(
        open_services(
            {"payment": url}, FaultPlan(), ("payment",), listener=lambda *a: told.append(a)
        )
    ) as services:
        payment = services.get(PaymentService)
        asked, refused = request(), request(user_id="user_broke")
        other = asked.model_copy(update={"user_id": "user_other"})
        again = asked.model_copy(update={"idempotency_key": "order_saga_x/run_2/process_payment"})
        for call, about in (
            (payment.charge, asked),
            (payment.charge, asked),
            (payment.charge, other),
            (payment.charge, again),
            (payment.refund, asked),
            (payment.refund, asked),
            (payment.charge, asked),
            (payment.charge, refused),
            (payment.charge, refused),
            (payment.refund, refused),
        ):
            with suppress(ServiceError):
                call(about)

    assert [answer for _, answer in told] == [
        *("applied", "repeated", "conflict", "already_placed"),
        *("reversed", "repeated", "too_late"),
        *("refused", "repeated", "nothing_to_reverse"),
    ]
    assert {service for service, _ in told} == {"payment"}
    assert {answer for _, answer in told} <= set(FENCE_ANSWERS.labels["answer"])
