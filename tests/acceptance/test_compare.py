"""``make compare``: the numbers that the documentation quotes."""

from __future__ import annotations

import re

from tests.harness.children import ended


def test_an_orchestrated_order_costs_what_the_documentation_says() -> None:
    compared = ended("-m", "trials.bench.compare", "--rounds", "1", "--in-flight", "2")
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
