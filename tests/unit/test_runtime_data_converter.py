"""Input that fits no model fails what it was given to, clearly, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from temporalio import workflow
from temporalio.api.failure.v1 import Failure
from temporalio.client import Client, WorkflowFailureError, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory, CancelledError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

with workflow.unsafe.imports_passed_through():
    import pydantic

    from messages.base import Message
    from runtime.data_converter import INVALID_INPUT, data_converter


class Greeting(Message):
    name: str
    times: int = pydantic.Field(ge=1)


@workflow.defn
class Greeter:
    @workflow.init
    def __init__(self, greeting: Greeting) -> None:
        self.told = [greeting.name] * greeting.times
        self.done = False

    @workflow.run
    async def run(self, _: Greeting) -> list[str]:
        await workflow.wait_condition(lambda: self.done)
        return self.told

    @workflow.update
    async def also(self, greeting: Greeting) -> None:
        self.told += [greeting.name] * greeting.times
        self.done = True


@pytest.fixture(scope="module")
async def client(env: WorkflowEnvironment) -> AsyncIterator[Client]:
    config = env.client.config()
    config["data_converter"] = data_converter
    client = Client(**config)
    async with Worker(client, task_queue="greeters", workflows=[Greeter]):
        yield client


async def test_a_workflow_started_with_bad_input_fails_and_says_where(client: Client) -> None:
    with pytest.raises(WorkflowFailureError) as failed:
        await client.execute_workflow(
            "Greeter", {"name": "you", "times": 0}, id=str(uuid4()), task_queue="greeters"
        )

    cause = failed.value.cause
    assert isinstance(cause, ApplicationError)
    assert cause.type == INVALID_INPUT
    assert cause.message.startswith("times: ")
    assert cause.message.endswith("(got 0)")


async def test_an_update_with_bad_input_is_refused_and_the_run_goes_on(client: Client) -> None:
    greeter = await client.start_workflow(
        Greeter.run, Greeting(name="you", times=2), id=str(uuid4()), task_queue="greeters"
    )

    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await greeter.execute_update("also", {"nom": "me"})

    cause = refused.value.cause
    assert isinstance(cause, ApplicationError)
    assert cause.type == INVALID_INPUT
    assert "nom: " in cause.message
    await greeter.execute_update(Greeter.also, Greeting(name="me", times=1))
    assert await greeter.result() == ["you", "you", "me"]


@pytest.mark.parametrize(
    ("error", "traced"),
    [
        (ApplicationError("no", category=ApplicationErrorCategory.BENIGN), False),
        (CancelledError("off"), False),
        (ApplicationError("broken"), True),
        (RuntimeError("broken"), True),
    ],
    ids=["business as usual", "a cancel", "a failure", "a defect"],
)
async def test_where_it_was_raised_is_told_of_what_went_wrong_only(
    error: Exception, traced: bool
) -> None:
    try:
        try:
            raise ValueError("the cause")
        except ValueError as cause:
            raise error from cause
    except Exception as raised:
        failure = Failure()
        await data_converter.encode_failure(raised, failure)
    assert bool(failure.stack_trace) is traced
    assert bool(failure.cause.stack_trace) is traced
    assert failure.cause.message == "the cause"
