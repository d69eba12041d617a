"""How orders, sagas and operations are named."""

from __future__ import annotations

from typing import NamedTuple


def order_saga_id(order_id: str) -> str:
    """The workflow id of the orchestrated saga of an order."""
    return f"order_saga_{order_id}"


class OperationId(NamedTuple):
    """One operation of one run of one saga: what an idempotency key stands for."""

    #: Workflow id of the saga.
    saga_id: str
    #: First run id of the saga's execution chain. A failed order that is placed again has
    #: another one, and so fresh keys; a reset keeps it, and so keeps its keys.
    run_id: str
    #: Name of the saga's step; its action and its compensation share the key.
    step: str

    def __str__(self) -> str:
        return f"{self.saga_id}/{self.run_id}/{self.step}"

    @classmethod
    def parse(cls, key: str) -> OperationId:
        """Read an idempotency key back.

        Raises:
            ValueError: the key was not made by :meth:`__str__`.
        """
        # From the right: a saga id may itself contain slashes, the other two never do.
        parts = key.rsplit("/", 2)
        if len(parts) != 3:
            raise ValueError(f"not an idempotency key of a saga: {key!r}")
        return cls(*parts)
