"""One list of faults, for both kinds of saga."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

STEPS = ("reserve_inventory", "process_payment", "prepare_shipping", "award_loyalty_points")
UNDOS = ("release_inventory", "refund_payment", "cancel_shipment", "deduct_loyalty_points")
ALL: tuple[str, ...] = STEPS
NOTHING: tuple[str, ...] = ()

#: Longer than the time of one attempt, so that the effect lands when nobody waits for it.
TOO_LONG = 3.5


class Case(NamedTuple):
    """What is done to one order, and what of it must stand in the end."""

    name: str
    faults: tuple[dict[str, object], ...]
    stands: tuple[str, ...]
    #: Sent while the step that the name begins with is being taken.
    cancel: Literal["update", "native"] | None = None
    #: Whether the trouble never ends: then somebody has to give up.
    hopeless: bool = False

    @property
    def order_id(self) -> str:
        """Names the case everywhere."""
        return self.name.replace(" ", "-")


def _fault(operation: str, kind: str, **how: object) -> dict[str, object]:
    return {"operations": [operation], "kind": kind, **(how or {"rate": 1.0})}


def cases() -> Iterator[Case]:
    """Every step and every compensation, with every kind of trouble."""
    yield Case("no trouble", (), ALL)
    for step in STEPS:
        yield from _of_step(step)
    for undo in UNDOS[:3]:
        yield from _of_undo(undo)


def _of_step(step: str) -> Iterator[Case]:
    yield Case(f"{step} refused", (_fault(step, "refusal"),), NOTHING)
    yield Case(f"{step} transient once", (_fault(step, "transient", count=1),), ALL)
    yield Case(f"{step} transient thrice", (_fault(step, "transient", count=3),), ALL)
    yield Case(f"{step} transient for ever", (_fault(step, "transient"),), NOTHING, hopeless=True)
    yield Case(f"{step} reply lost", (_fault(step, "lost_reply", count=1),), ALL)
    yield Case(f"{step} reply always lost", (_fault(step, "lost_reply"),), NOTHING, hopeless=True)
    before = _fault(step, "permanent", rate=1.0, when="before")
    yield Case(f"{step} broken before the effect", (before,), NOTHING, hopeless=True)
    after = _fault(step, "permanent", rate=1.0, when="after")
    yield Case(f"{step} broken after the effect", (after,), NOTHING, hopeless=True)
    yield Case(f"{step} late once", (_fault(step, "delay", count=1, seconds=TOO_LONG),), ALL)
    yield Case(
        f"{step} always late",
        (_fault(step, "delay", rate=1.0, seconds=TOO_LONG),),
        NOTHING,
        hopeless=True,
    )
    yield Case(f"{step} cancelled meanwhile", (), NOTHING, "update")
    yield Case(f"{step} cancelled natively meanwhile", (), NOTHING, "native")


def _of_undo(undo: str) -> Iterator[Case]:
    refused = _fault("award_loyalty_points", "refusal")
    for name, fault in (
        ("transient thrice", _fault(undo, "transient", count=3)),
        ("reply lost", _fault(undo, "lost_reply", count=1)),
        ("late once", _fault(undo, "delay", count=1, seconds=TOO_LONG)),
    ):
        yield Case(f"{undo} {name}", (refused, fault), NOTHING)
