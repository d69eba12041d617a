"""The arguments of signals, updates and queries: what a handler cannot be called with, it never is.

The data converter sees to what can be read and to too many arguments. It is not asked when there
are none.
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
    """Interceptor that has workflows ignore or refuse a message that lacks its argument.

    A handler called without it would raise a ``TypeError``, which fails the workflow task, and
    again each time that the server repeats it.
    """

    def workflow_interceptor_class(
        self, input: WorkflowInterceptorClassInput
    ) -> type[WorkflowInboundInterceptor] | None:
        """See base class."""
        return _Checked


class _Checked(WorkflowInboundInterceptor):
    async def handle_signal(self, input: HandleSignalInput) -> None:
        """Ignore what the handler cannot take: nobody waits for an answer to a signal."""
        try:
            _check(_definition().signals.get(input.signal), input.args)
        except ApplicationError as error:
            workflow.logger.warning("signal %s ignored: %s", input.signal, error.message)
            return
        await super().handle_signal(input)

    async def handle_query(self, input: HandleQueryInput) -> object:
        """Let a query fail that the handler cannot take."""
        _check(_definition().queries.get(input.query), input.args)
        return await super().handle_query(input)

    def handle_update_validator(self, input: HandleUpdateInput) -> None:
        """Refuse what the handler cannot take."""
        _check(_definition().updates.get(input.update), input.args)
        super().handle_update_validator(input)

    async def handle_update_handler(self, input: HandleUpdateInput) -> object:
        """Refuse it also where there is no validator."""
        _check(_definition().updates.get(input.update), input.args)
        return await super().handle_update_handler(input)


class _Handler(Protocol):
    @property
    def fn(self) -> Callable[..., object]: ...


def _definition() -> _Definition:
    # The handlers that the SDK itself hands out take whatever they are given.
    return _Definition.must_from_class(type(workflow.instance()))


def _check(handler: _Handler | None, args: Sequence[object]) -> None:
    if handler is None:
        return  # set while the workflow runs, and so no method
    try:
        inspect.signature(handler.fn).bind(workflow.instance(), *args)
    except TypeError as error:
        raise no_input(str(error)) from None
