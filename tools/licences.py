"""Page of the licences of everything that is installed to run the system.

``python -m tools.licences`` prints it, and ``make licences`` keeps it in docs/licences.md.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement

#: Locks of what runs: on a laptop, and in the image.
LOCKS = ("requirements.lock", "requirements-postgres.lock")

_HEAD = """\
# Licences

Order Saga itself has the [MIT license](../LICENSE). Its locks install these packages on a laptop
and in the image, with the licences that they declare. `make licences` writes this page.

| package | licence |
|---|---|
"""


def licences(root: Path) -> dict[str, str]:
    """Return the licence of each package of the locks that this Python needs, by its name."""
    names = {name for lock in LOCKS for name in _needed((root / lock).read_text("utf-8"))}
    tool = Path(sys.executable).with_name("pip-licenses")
    options = ("--from=mixed", "--format=json", "--packages", *sorted(names))
    told = subprocess.run([tool, *options], capture_output=True, text=True, check=True).stdout
    return {_normal(each["Name"]): each["License"].replace("\n", " ") for each in json.loads(told)}


def page(found: dict[str, str]) -> str:
    """Return the page."""
    return _HEAD + "".join(f"| {name} | {found[name]} |\n" for name in sorted(found))


def _needed(lock: str) -> Iterator[str]:
    for line in re.findall(r"^[\w.-]+==[^\\\n]+", lock, re.MULTILINE):
        requirement = Requirement(line)
        # The environment may still have what only an older Python or another system needs.
        if requirement.marker is None or requirement.marker.evaluate():
            yield requirement.name


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    sys.stdout.write(page(licences(Path())))
