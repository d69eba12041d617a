"""Both ways to cancel an order, and how an order ends that was cancelled."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from temporalio.client import WorkflowExecutionStatus, WorkflowUpdateFailedError

from messages.sagas import CancelOrder, SagaRolledBack, SagaStatus
from tests.harness.runs import Run, closed_as
from tests.harness.shop import Handle, Shop

Cancel = Callable[[Run], Awaitable[None]]


async def by_update(handle: Run) -> None:
    """Cancel an order as its customer does."""
    await handle.execute_update("cancel_order", CancelOrder(reason="changed my mind"))


async def natively(handle: Run) -> None:
    """Cancel an order through Temporal."""
    await handle.cancel()


async def assert_cancelled(shop: Shop, handle: Handle, cancel: Cancel) -> SagaRolledBack:
    """Assert that the run ended as cancelled, in the way that fits how it was cancelled."""
    result = await shop.rolls_back(handle)
    assert result.status == "CANCELLED"
    closed = await closed_as(handle)
    if cancel is natively:
        assert closed is WorkflowExecutionStatus.CANCELED
    else:
        assert closed is WorkflowExecutionStatus.FAILED
        assert result.error == "changed my mind"
    assert (await shop.status(handle)).status is SagaStatus.CANCELLED
    await shop.until_listed_as(handle, SagaStatus.CANCELLED)
    return result


async def assert_too_late(handle: Handle, cancel: Cancel) -> None:
    """Assert that a cancel is refused, or changes nothing, while the order is being undone."""
    if cancel is natively:
        await cancel(handle)
        return
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await cancel(handle)
    assert "too late to cancel" in str(refused.value.cause)
