"""The saga with a step more before all others: put in without care, by a patch, and for good."""

from __future__ import annotations

from types import NoneType

from temporalio import activity, workflow

with workflow.unsafe.imports_passed_through():
    from messages.base import Reversal
    from messages.ids import order_saga_id
    from messages.orders import Order
    from messages.payment import ProcessPayment
    from messages.sagas import SagaSucceeded

from workflows.orchestration.order_saga import STEPS, OrderSaga
from workflows.orchestration.saga import Saga
from workflows.orchestration.step import Step
from workflows.policies import deadline_of


class FraudActivities:
    """Trusts everybody."""

    @activity.defn
    def check_fraud(self, request: ProcessPayment) -> None:
        return

    @activity.defn
    def forget_check(self, request: ProcessPayment) -> Reversal:
        return Reversal(had_effect=True)


CHECK_FRAUD = Step(
    "check_fraud",
    action=FraudActivities.check_fraud,
    compensation=FraudActivities.forget_check,
    reply=NoneType,
)


@workflow.defn(name="OrderSaga")
class Unpatched(OrderSaga):
    """Checks every order, also those that were begun without."""

    @workflow.init
    def __init__(self, order: Order | None = None) -> None:
        super().__init__(order)
        steps = (CHECK_FRAUD, *STEPS)
        self._saga = Saga(order_saga_id(self._order.order_id), steps, deadline_of(self._order))

    @workflow.run
    async def run(self, order: Order | None = None) -> SagaSucceeded:
        return await super().run(order)

    async def _place(self, saga: Saga) -> None:
        if self._is_to_be_checked():
            await saga.step(CHECK_FRAUD, lambda key: ProcessPayment.of(self._order, key))
        await super()._place(saga)

    def _is_to_be_checked(self) -> bool:
        return True


@workflow.defn(name="OrderSaga")
class Patched(Unpatched):
    """Checks those that begin from now on."""

    @workflow.run
    async def run(self, order: Order | None = None) -> SagaSucceeded:
        return await super().run(order)

    def _is_to_be_checked(self) -> bool:
        return workflow.patched("fraud-check")


@workflow.defn(name="OrderSaga")
class PatchedForGood(Patched):
    """Once no order is open that was begun without."""

    @workflow.run
    async def run(self, order: Order | None = None) -> SagaSucceeded:
        return await super().run(order)

    def _is_to_be_checked(self) -> bool:
        workflow.deprecate_patch("fraud-check")
        return True
