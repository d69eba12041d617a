"""The page of licences is that of what the locks install."""

from __future__ import annotations

import sys

import pytest

from tests.harness.children import ROOT
from tools.licences import licences, page


@pytest.mark.skipif(sys.version_info < (3, 11), reason="an older Python needs more packages")
def test_the_page_of_licences_is_current() -> None:
    found = licences(ROOT)
    assert len(found) > 20
    # Otherwise: make licences
    assert (ROOT / "docs" / "licences.md").read_text() == page(found)
