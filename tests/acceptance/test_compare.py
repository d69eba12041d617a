"""``make compare``: the numbers that the documentation quotes."""

from __future__ import annotations

import re
import subprocess
import sys

from tests.harness.system import ROOT
from tests.harness.waiting import PATIENCE


def test_an_orchestrated_order_costs_what_the_documentation_says() -> None:
    compared = subprocess.run(
        [sys.executable, "-m", "trials.bench.compare", "--rounds", "1", "--in-flight", "2"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE * 2,
        check=False,
    )
    assert compared.returncode == 0, compared.stderr
    succeeds, refused = compared.stdout.split("An order that succeeds")[1].split("One refused")
    assert re.findall(r"(?:workflows|activities) +(\d+) +(\d+)", succeeds) == [
        ("1", "5"),
        ("4", "4"),
    ]
    assert re.search(r"events +29 ", succeeds)
    assert re.findall(r"(?:workflows|activities) +(\d+) +(\d+)", refused) == [
        ("1", "8"),
        ("5", "7"),
    ]
