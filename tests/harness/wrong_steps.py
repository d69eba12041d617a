"""Calls of a step with a wrong request or reply: the type check refuses them.

Nothing runs this. mypy reports an ignored error that is not there, so ``make check`` fails as
soon as one of these calls is accepted.
"""

from __future__ import annotations

from messages.inventory import ReserveInventory
from messages.payment import Payment, ProcessPayment
from workflows.orchestration.order_saga import PROCESS_PAYMENT, RESERVE_INVENTORY
from workflows.orchestration.saga import Saga


async def right(saga: Saga, request: ProcessPayment) -> Payment:
    return await saga.step(PROCESS_PAYMENT, lambda key: request)


async def wrong_request(saga: Saga, request: ProcessPayment) -> None:
    await saga.step(RESERVE_INVENTORY, lambda key: request)  # type: ignore[arg-type, return-value]


async def wrong_reply(saga: Saga, request: ReserveInventory) -> Payment:
    return await saga.step(RESERVE_INVENTORY, lambda key: request)  # type: ignore[arg-type]
