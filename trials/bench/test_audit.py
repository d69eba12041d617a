"""An audit needs no more memory when there are more orders."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

from cli.order_file import read_order
from runtime.programs import ROOT
from services.audit.books import PAGE
from settings import Settings
from tests.harness.audits import next_audit
from trials.bench.filled import fill

FEW, MANY = 2 * PAGE, 8 * PAGE


def test_the_memory_of_an_audit_does_not_grow_with_the_orders(tmp_path: Path) -> None:
    few, many = (_filled(tmp_path, orders) for orders in (FEW, MANY))
    next_audit(few.ledger_urls())  # whatever is built once is there now
    assert _peak(many, MANY) < 1.2 * _peak(few, FEW)


def _filled(folder: Path, orders: int) -> Settings:
    settings = Settings(data_dir=folder / str(orders), faults=None)
    fill(settings, read_order(str(ROOT / "examples" / "order.json")), orders)
    return settings


def _peak(settings: Settings, orders: int) -> int:
    tracemalloc.start()
    try:
        report = next_audit(settings.ledger_urls(), full=True)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert report.clean, report.violations[:3]
    assert report.succeeded == report.sagas == orders
    return peak
