"""Pages of which parts are written by a program, between two marks."""

from __future__ import annotations


def within(page: str, name: str, part: str) -> str:
    """Return the page with this part between its marks; append it if the marks are not there."""
    begin, end = f"<!-- begin: {name} -->", f"<!-- end: {name} -->"
    before, _, rest = page.partition(begin)
    after = rest.partition(end)[2]
    return f"{before}{begin}\n\n{part}\n\n{end}{after or chr(10)}"
