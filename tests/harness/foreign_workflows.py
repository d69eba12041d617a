"""Workflows under our types' names that other code than ours runs."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from messages.sagas import ResolveCompensation, SagaStatus, SagaView, StepState, StepView

from workflows.progress import SAGA_STATUS_KEY


def _park() -> None:
    parked = SagaStatus.NEEDS_INTERVENTION.value
    workflow.upsert_search_attributes([SAGA_STATUS_KEY.value_set(parked)])


@workflow.defn(name="OrderSaga")
class StrangeOrder:
    """Waits for an operator, and says what nobody understands."""

    @workflow.run
    async def run(self) -> None:
        _park()
        await workflow.wait_condition(lambda: False)

    @workflow.query
    def status(self) -> list[int]:
        return [42]


@workflow.defn(name="EventDelivery")
class StrangeDelivery(StrangeOrder):
    """The same of a delivery."""

    @workflow.run
    async def run(self) -> None:
        await super().run()

    @workflow.query
    def status(self) -> list[int]:
        return [42]


@workflow.defn(name="OrderSaga")
class StrangeResult:
    """Ends at once, with what nobody understands."""

    @workflow.run
    async def run(self, order: object = None) -> int:
        return 42


@workflow.defn(name="UndoLeftover")
class StrangeLeftover:
    """A leftover that is settled by whatever an operator decides but trying again."""

    @workflow.init
    def __init__(self, step: str) -> None:
        self._step = StepView(
            name=step, state=StepState.NEEDS_INTERVENTION, compensation_error="it cannot be proved"
        )

    @workflow.run
    async def run(self, step: str) -> None:
        _park()
        await workflow.wait_condition(lambda: self._step.state is StepState.COMPENSATED)

    @workflow.query
    def status(self) -> SagaView:
        info = workflow.info()
        parked = self._step.state is StepState.NEEDS_INTERVENTION
        return SagaView(
            saga_id=info.workflow_id,
            status=SagaStatus.NEEDS_INTERVENTION if parked else SagaStatus.FAILED,
            steps=(self._step,),
            started_at=info.start_time,
            deadline=info.start_time,
            error=self._step.compensation_error,
        )

    @workflow.update
    def resolve_compensation(self, decision: ResolveCompensation) -> None:
        if decision.action != "retry":
            self._step = self._step.model_copy(update={"state": StepState.COMPENSATED})


@workflow.defn(name="OrderSaga")
class NoWayBack:
    """Waits for its cancel, and undoes nothing."""

    @workflow.run
    async def run(self) -> None:
        await workflow.wait_condition(lambda: False)
