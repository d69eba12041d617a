"""Check of the number of arguments of signals, updates and queries.

The data converter refuses unreadable arguments, and too many of them. The SDK does not call it
for a message without any payload, so that case is checked here.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Protocol

from temporalio import workflow
from temporalio.exceptions import ApplicationError
from temporalio.worker import (
    HandleQueryInput,
    HandleSignalInput,
    HandleUpdateInput,
    Interceptor,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
)
from temporalio.workflow import _Definition

from workflows.closing import no_input


class CheckedArguments(Interceptor):
    """Interceptor by which workflows ignore or refuse a message without its argument.

    Otherwise the handler would raise a ``TypeError``. That fails the workflow task, and every
    retry of the task as well.
    """

    def workflow_interceptor_class(
        self, input: WorkflowInterceptorClassInput
    ) -> type[WorkflowInboundInterceptor] | None:
        """See base class."""
        return _Checked


class _Checked(WorkflowInboundInterceptor):
    async def handle_signal(self, input: HandleSignalInput) -> None:
        """Ignore a signal that does not fit its handler: a signal has no answer."""
        try:
            _check(_definition().signals.get(input.signal), input.args)
        except ApplicationError as error:
            workflow.logger.warning("signal %s ignored: %s", input.signal, error.message)
            return
        await super().handle_signal(input)

    async def handle_query(self, input: HandleQueryInput) -> object:
        """Fail a query that does not fit its handler."""
        _check(_definition().queries.get(input.query), input.args)
        return await super().handle_query(input)

    def handle_update_validator(self, input: HandleUpdateInput) -> None:
        """Refuse an update that does not fit its handler."""
        _check(_definition().updates.get(input.update), input.args)
        super().handle_update_validator(input)

    async def handle_update_handler(self, input: HandleUpdateInput) -> object:
        """Refuse the update also if it has no validator."""
        _check(_definition().updates.get(input.update), input.args)
        return await super().handle_update_handler(input)


class _Handler(Protocol):
    @property
    def fn(self) -> Callable[..., object]: ...


def _definition() -> _Definition:
    # workflow.get_signal_handler and its siblings return wrappers that accept any arguments.
    return _Definition.must_from_class(type(workflow.instance()))


def _check(handler: _Handler | None, args: Sequence[object]) -> None:
    if handler is None:
        return  # set at run time, or one of the SDK's own, so there is no method to check
    try:
        inspect.signature(handler.fn).bind(workflow.instance(), *args)
    except TypeError as error:
        raise no_input(str(error)) from None
