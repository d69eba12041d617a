"""The product's worker, with changed workflows that runs begun before do not survive."""

from __future__ import annotations

import worker
from runtime.exits import run
from tests.harness.incompatible_workflows import Announced, PaymentFirst, Untold

worker.WORKFLOWS = (PaymentFirst, Untold, Announced)  # type: ignore[assignment]
run(worker.main)
