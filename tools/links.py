"""Check of the links between the pages and to files of the project."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from tools.documents import Document, documents
from tools.findings import Finding

ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def check_links(root: Path) -> Iterator[Finding]:
    """Find the links whose file or anchor does not exist."""
    pages = {page.path: page for page in documents(root)}
    for page in pages.values():
        for link in page.links:
            if not ELSEWHERE.match(link.content) and (wrong := _wrong(link.content, page, pages)):
                yield Finding(page.path.relative_to(root).as_posix(), link.line, wrong)


def _wrong(link: str, page: Document, pages: dict[Path, Document]) -> str | None:
    file, _, anchor = unquote(link).partition("#")
    if file.startswith("/"):
        return f"{link} leads out of the project; give the path from this page"
    target = (page.path.parent / file).resolve() if file else page.path
    if not target.exists():
        return f"no such file: {link}"
    if anchor and not _has(target, anchor, pages):
        return f"no such heading: {link}"
    return None


def _has(target: Path, anchor: str, pages: dict[Path, Document]) -> bool:
    if target in pages:
        return anchor in pages[target].anchors
    lines = re.fullmatch(r"L(\d+)(?:-L(\d+))?", anchor)
    if lines is None or not target.is_file():
        return False
    return int(lines[2] or lines[1]) <= len(target.read_text("utf-8").splitlines())
