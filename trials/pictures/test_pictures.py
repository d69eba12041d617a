"""Parts of ``make pictures`` that need no browser."""

from __future__ import annotations

import os
from pathlib import Path
from xml.etree import ElementTree

from cli.simulation.fates import SUCCEEDED
from tests.harness.children import ended
from trials.pictures.day import Ended
from trials.pictures.plots import plots


def test_without_chromium_it_says_what_to_install(tmp_path: Path) -> None:
    asked = ended("-m", "trials.pictures", env={**os.environ, "PATH": str(tmp_path)})

    assert asked.returncode == 2
    assert asked.stderr.splitlines() == [
        "error: pictures need Chromium; install it (on Debian: apt install chromium)"
    ]


def test_each_plot_shows_every_hour_also_those_without_an_order() -> None:
    refused = "rolled back at process_payment"
    day = [Ended(9, SUCCEEDED, 80.0, 0), Ended(9, refused, 120.0, 1), Ended(23, SUCCEEDED, 70.0, 0)]

    for name, svg in plots(day).items():
        shown = " ".join(ElementTree.fromstring(svg).itertext())
        assert name.endswith(".svg")
        assert all(f"{hour:02}" in shown for hour in range(24)), name
