"""The product's policies, with fewer attempts before what never works is given up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from temporalio.common import RetryPolicy

from workflows import policies


@contextmanager
def few_attempts() -> Iterator[None]:
    """Have pauses grow faster in a step's window and the deadline, which stay as long as ever.

    Skipped time costs nothing. An attempt is a round trip, and some twenty of them, one after
    the other, take minutes on a machine that is busy with other things.
    """
    steep = RetryPolicy(
        initial_interval=timedelta(seconds=0.2),
        backoff_coefficient=10,
        maximum_interval=timedelta(minutes=5),
    )
    four = replace(policies.DELIVERY.retry, maximum_attempts=4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(policies, "FORWARD", replace(policies.FORWARD, retry=steep))
        patch.setattr(policies, "DELIVERY", replace(policies.DELIVERY, retry=four))
        yield
