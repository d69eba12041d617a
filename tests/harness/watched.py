"""Services that let somebody interfere exactly before or after an effect."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, cast

from messages.base import Command
from services.fenced_service import FencedService
from services.mock import Services

_OPERATIONS = {
    "reserve": "reserve_inventory",
    "release": "release_inventory",
    "charge": "process_payment",
    "refund": "refund_payment",
    "prepare": "prepare_shipping",
    "cancel": "cancel_shipment",
    "award": "award_loyalty_points",
    "deduct": "deduct_loyalty_points",
}


class Watch(Protocol):
    """Function that is called in the thread of each attempt, and may hold it up."""

    def __call__(self, operation: str, order_id: str, *, after: bool) -> None: ...


class _Watched:
    def __init__(self, service: object, watch: Watch) -> None:
        self._service = service
        self._watch = watch

    def __getattr__(self, method: str) -> Callable[[Command], object]:
        call = cast("Callable[[Command], object]", getattr(self._service, method))
        operation = _OPERATIONS.get(method)
        if operation is None:
            return call  # a decision, which has no effect

        def watched(request: Command) -> object:
            self._watch(operation, request.order_id, after=False)
            try:
                return call(request)
            finally:
                self._watch(operation, request.order_id, after=True)

        return watched


class WatchedServices(Services):
    """The open services, each call of which is watched."""

    @classmethod
    def of(cls, services: Services, watch: Watch) -> WatchedServices:
        """Watch these."""
        watched = cls(**vars(services))
        object.__setattr__(watched, "_watch", watch)
        return watched

    def __getitem__(self, service: str) -> FencedService:
        watch: Watch = vars(self)["_watch"]
        return cast("FencedService", _Watched(super().__getitem__(service), watch))
