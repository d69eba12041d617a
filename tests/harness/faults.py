"""Builders of fault plans: what the mock services do wrong, and for which calls.

Each fault hits every call of its operation, or the first ``times`` ones of each order.
"""

from __future__ import annotations

from functools import partial

from services.faults import Fault, FaultPlan, Kind, When
from tests.harness.steps import STEPS


def fault(
    kind: Kind,
    *operations: str,
    times: int | None = None,
    orders: str | tuple[str, ...] = "*",
    when: When | None = None,
    seconds: float | None = None,
) -> Fault:
    """Return a rule of a fault plan; ``orders`` are shell patterns of order ids."""
    rule = {
        "operations": operations,
        "kind": kind,
        "count": times,
        "rate": 1.0 if times is None else None,
        "orders": (orders,) if isinstance(orders, str) else orders,
        "when": when,
        "seconds": seconds,
    }
    return Fault.model_validate(rule)


#: The service refuses for good.
refusal = partial(fault, "refusal")
#: The service fails before the effect, in a way that may pass.
transient = partial(fault, "transient")
#: The service acts, and its reply is lost.
lost_reply = partial(fault, "lost_reply")
#: The service fails in a way that no retry mends.
permanent = partial(fault, "permanent")
#: The service takes its time.
delay = partial(fault, "delay")


def only_for(orders: str, *faults: Fault) -> tuple[Fault, ...]:
    """Return the same rules, for these orders only."""
    return tuple(rule.model_copy(update={"orders": (orders,)}) for rule in faults)


def plan(*faults: Fault) -> FaultPlan:
    """Return the plan of these rules; its random seed is always the same."""
    return FaultPlan(seed=1, fault=faults)


def as_toml(*faults: Fault) -> str:
    """Return the plan of these rules as a file has it."""
    lines: list[str] = []
    for rule in faults:
        lines += ["[[fault]]"]
        for name, value in rule.model_dump(exclude_none=True, mode="json").items():
            lines.append(f"{name} = {value!r}".replace("'", '"'))
    return "\n".join(lines) + "\n"


#: The last step fails in a way that leaves open what happened, so all four are undone.
LAST_STEP_FAILS = permanent(STEPS[-1], when="after")
#: The last step is refused, so that the other services have something to undo.
LOYALTY_REFUSES = refusal("award_loyalty_points")
SHIPPING_REFUSES = refusal("prepare_shipping")
REFUND_FAILS_ONCE = permanent("refund_payment", times=1)
#: The order does not come past the payment: shipping is asked again and again.
SHIPPING_IS_DOWN = transient("prepare_shipping")
