"""Sale: authorize a payment, ship the goods, capture the payment, and send a receipt.

Shipping is the pivot. What the carrier has taken cannot be called back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from messages.sagas import CancelOrder, ResolveCompensation, SagaSucceeded, SagaView
    from tests.second_saga.services import Receipt, SaleRequest, SaleServices

from workflows.chain import idempotency_key
from workflows.orchestration.saga import Saga
from workflows.orchestration.step import Pivot, Retriable, Step

AUTHORIZE = Step(
    "authorize",
    SaleServices.authorize,
    Receipt,
    settlement="settle_sale",
    compensation=SaleServices.void_authorization,
)
SHIP = Pivot("ship", SaleServices.ship, Receipt, settlement="settle_sale")
CAPTURE = Retriable("capture", SaleServices.capture, Receipt, settlement="settle_sale")
SEND_RECEIPT = Retriable(
    "send_receipt", SaleServices.send_receipt, Receipt, settlement="settle_sale"
)
STEPS = (AUTHORIZE, SHIP, CAPTURE, SEND_RECEIPT)


@workflow.defn
class Sale:
    """Sells something; captures the payment and sends the receipt at once, if told so."""

    @workflow.init
    def __init__(self, order_id: str, deadline: float, at_once: bool) -> None:
        self._order_id = order_id
        self._at_once = at_once
        self._saga = Saga(
            f"sale of {order_id}", STEPS, timedelta(seconds=deadline), requests=self._requests
        )

    @workflow.run
    async def run(self, order_id: str, deadline: float, at_once: bool) -> SagaSucceeded:
        return await self._saga.run(self._sell)

    async def _sell(self, saga: Saga) -> None:
        await saga.step(AUTHORIZE, self._request)
        await saga.step(SHIP, self._request)
        if self._at_once:
            await asyncio.gather(
                saga.step(CAPTURE, self._request), saga.step(SEND_RECEIPT, self._request)
            )
        else:
            await saga.step(CAPTURE, self._request)
            await saga.step(SEND_RECEIPT, self._request)

    def _request(self, key: str) -> SaleRequest:
        return SaleRequest(idempotency_key=key, order_id=self._order_id)

    def _requests(self) -> Mapping[str, SaleRequest]:
        return {step.name: self._request(idempotency_key(step.name)) for step in STEPS}

    @workflow.query
    def status(self) -> SagaView:
        return self._saga.view()

    @workflow.update
    def cancel_order(self, request: CancelOrder) -> None:
        self._saga.cancel(request.reason)

    @cancel_order.validator
    def _may_cancel(self, request: CancelOrder) -> None:
        self._saga.check_cancel()

    @workflow.update
    def resolve_compensation(self, decision: ResolveCompensation) -> None:
        self._saga.resolve(decision)

    @resolve_compensation.validator
    def _may_resolve(self, decision: ResolveCompensation) -> None:
        self._saga.check_resolve(decision)
