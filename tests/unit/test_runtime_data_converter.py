"""Input that fits no model fails what it was given to, clearly, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from google.protobuf.duration_pb2 import Duration
from temporalio import workflow
from temporalio.api.common.v1 import Payload, Payloads
from temporalio.api.failure.v1 import ApplicationFailureInfo, Failure
from temporalio.client import Client, WorkflowFailureError, WorkflowUpdateFailedError
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory, CancelledError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

with workflow.unsafe.imports_passed_through():
    import pydantic

    from messages.base import Message
    from messages.wire import INVALID_INPUT
    from runtime.data_converter import data_converter


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


def a_payload(data: bytes, encoding: bytes | None = b"json/plain", **more: bytes) -> Payload:
    return Payload(metadata={"encoding": encoding, **more} if encoding else more, data=data)


@pytest.mark.parametrize("hint", [None, Greeting, int, list[int], Greeting | None])
@pytest.mark.parametrize(
    "payload",
    [
        a_payload(b"\xff", b"unheard/of"),
        a_payload(b"{}", None),
        a_payload(b"{}", b"\xff" * 10_000),
        a_payload(b"\xff"),
        a_payload(b"[" * 100_000),
        a_payload(b"x", b"binary/null"),
        a_payload(b"\xff", b"binary/protobuf", messageType=b"temporal.api.common.v1.Payload"),
        a_payload(b"{}", b"json/protobuf", messageType=b"\xff"),
        a_payload(b"{}", b"json/external-storage-reference"),
    ],
)
async def test_whatever_cannot_be_read_is_one_kind_of_failure(
    payload: Payload, hint: type | None
) -> None:
    with pytest.raises(ApplicationError) as refused:
        await data_converter.decode([payload], [hint] if hint else None)

    assert refused.value.type == INVALID_INPUT
    assert refused.value.non_retryable
    assert refused.value.category is ApplicationErrorCategory.BENIGN
    assert len(refused.value.message) < 500


@pytest.mark.parametrize("nothing", [a_payload(b"", b"binary/null"), a_payload(b"null")])
async def test_nothing_is_read_only_where_something_may_be_left_out(nothing: Payload) -> None:
    for hint in (Greeting | None, list[int] | None, None, type(None), object):
        hints = [hint] if hint else None
        assert await data_converter.decode([nothing], hints) == [None]  # type: ignore[list-item, arg-type, unused-ignore]
    for needed in (Greeting, int, str, list[int]):
        with pytest.raises(ApplicationError):
            await data_converter.decode([nothing], [needed])


async def test_other_encodings_are_read_where_they_are_asked_for() -> None:
    for value in (b"raw", Payload(data=b"x")):
        (payload,) = await data_converter.encode([value])
        assert await data_converter.decode([payload], [type(value)]) == [value]
        assert await data_converter.decode([payload]) == [value]
        with pytest.raises(ApplicationError):
            await data_converter.decode([payload], [Greeting])
        assert (await data_converter.decode([payload], [RawValue]))[0].payload == payload


@pytest.mark.parametrize(("given", "hints"), [(2, None), (1, []), (2, [Greeting])])
async def test_more_arguments_than_are_taken_are_refused(
    given: int, hints: list[type] | None
) -> None:
    payloads = await data_converter.encode([Greeting(name="you", times=1)] * given)
    with pytest.raises(ApplicationError, match="arguments given, at most"):
        await data_converter.decode(payloads, hints)


async def test_a_failure_tells_all_its_details_that_can_be_read() -> None:
    failure = Failure()
    await data_converter.encode_failure(ApplicationError("no", 1, {"a": 2}), failure)
    read = await data_converter.decode_failure(failure)
    assert isinstance(read, ApplicationError)
    assert read.details == (1, {"a": 2})


@pytest.mark.parametrize("depth", [1, 3])
@pytest.mark.parametrize(
    "info",
    [
        ApplicationFailureInfo(details=Payloads(payloads=[a_payload(b"\xff", b"unheard/of")])),
        ApplicationFailureInfo(category=99),  # type: ignore[arg-type]
        ApplicationFailureInfo(next_retry_delay=Duration(seconds=2**62)),
    ],
    ids=["details", "category", "delay"],
)
async def test_a_failure_is_read_without_what_cannot_be_read(
    info: ApplicationFailureInfo, depth: int
) -> None:
    info.type, info.non_retryable = "OutOfStock", True
    failure = Failure(message="sold out", application_failure_info=info)
    for _ in range(depth - 1):
        failure = Failure(message="outer", application_failure_info=info, cause=failure)

    read = data_converter.failure_converter.from_failure(failure, data_converter.payload_converter)

    for _ in range(depth - 1):
        assert read.__cause__ is not None
        read = read.__cause__
    assert isinstance(read, ApplicationError)
    assert (read.message, read.type, read.non_retryable) == ("sold out", "OutOfStock", True)
    assert read.details == ()


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
