"""The product's policies, with seconds in place of minutes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from temporalio.common import RetryPolicy

from workflows import policies


def hurry(patch: pytest.MonkeyPatch, *, attempt: float) -> None:
    """Give each attempt so many seconds, and up soon; undoing is as patient as ever."""
    once, pause = timedelta(seconds=attempt), timedelta(seconds=0.02)
    forever = RetryPolicy(initial_interval=pause, maximum_interval=pause)
    some = replace(forever, maximum_attempts=6)
    patch.setattr(policies, "FORWARD", policies.Policy(once, timedelta(minutes=5), forever))
    patch.setattr(policies, "COMPENSATION", replace(policies.COMPENSATION, attempt=once))
    patch.setattr(policies, "DELIVERY", policies.DeliveryPolicy(once, some))
    patch.setattr(policies, "UNDO_DELIVERY", replace(policies.UNDO_DELIVERY, attempt=once))
