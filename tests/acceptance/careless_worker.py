"""The product's worker, with changed workflows that runs begun before do not survive."""

from __future__ import annotations

import worker
from runtime.exits import run
from tests.replay.careless import Announced, Untold
from tests.replay.payment_first import PaymentFirst

worker.WORKFLOWS = (PaymentFirst, Untold, Announced)  # type: ignore[assignment]
run(worker.main)
