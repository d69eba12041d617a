"""The commands in the pages do what a reader expects: each page's, in order, as in a fresh clone.

A note directly above a block says why it is not run, or with what its command exits; see
``tools/documents.py``.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.children import ROOT
from tests.harness.system import TEMPORAL, System, a_system
from tests.harness.waiting import PATIENCE
from tools.documents import Block, Document, documents

PAGES = {page.path.relative_to(ROOT).as_posix(): page for page in documents(ROOT)}
#: Not part of a clone: environments, ledgers, settings and caches of whoever runs the tests.
NOT_CLONED = (
    *(".git", ".venv*", ".data", ".env"),
    *("*_cache", "__pycache__", ".hypothesis", ".coverage*"),
)

#: What make would run is seen to exist, but some of it takes long, and some does not end.
PRELUDE = """\
set -euo pipefail
make() { command make --dry-run "$@" >/dev/null; }
"""


class Reader:
    """Somebody who types what the pages say, with a server and a worker running."""

    def __init__(self, system: System, clone: Path) -> None:
        self._clone = clone
        path = os.pathsep.join((str(clone / ".bin"), system.env["PATH"]))
        # Coverage would look for the clone's files when the clone is gone.
        measured = {name for name in system.env if name.startswith("COV")}
        self._env = {k: v for k, v in system.env.items() if k not in measured} | {"PATH": path}

    def type(self, commands: str) -> subprocess.CompletedProcess[str]:
        """Run commands in a shell of their own, at the top of the clone."""
        with subprocess.Popen(
            ["bash", "-c", PRELUDE + commands],
            cwd=self._clone,
            env=self._env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as shell:
            try:
                output, _ = shell.communicate(timeout=PATIENCE)
            finally:
                _end_group(shell.pid)
        return subprocess.CompletedProcess(commands, shell.returncode, output)


def _end_group(leader: int) -> None:
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """A reader with a clone, its environment, and Temporal's own command line."""
    folder = tmp_path_factory.mktemp("documented")
    clone = folder / "order-saga"
    shutil.copytree(ROOT, clone, ignore=shutil.ignore_patterns(*NOT_CLONED))
    (clone / ".venv").symlink_to(sys.prefix)
    (clone / ".bin").mkdir()
    (clone / ".bin" / "temporal").symlink_to(TEMPORAL)
    with a_system(folder) as system:
        for default in ("ORDER_SAGA_TASK_QUEUE", "ORDER_SAGA_RECONCILE_EVERY_SECONDS"):
            del system.env[default]
        system.start_worker()
        yield Reader(system, clone)


def is_run(page: Document) -> bool:
    return any(block.is_run for block in page.blocks)


@pytest.mark.parametrize("name", [name for name, page in PAGES.items() if is_run(page)])
def test_the_commands_of_a_page_do_what_it_says(reader: Reader, name: str) -> None:
    for block in PAGES[name].blocks:
        if block.is_run:
            assert_does_what_it_says(reader, block, name)


def assert_does_what_it_says(reader: Reader, block: Block, page: str) -> None:
    done = reader.type(block.commands())
    said = f"{page}:{block.line}:\n{block.commands()}{done.stdout}"
    assert done.returncode == block.exit_code, said


def test_a_command_that_fails_in_the_middle_of_a_block_fails_it(reader: Reader) -> None:
    assert reader.type("make help\nmake test ARGS=x\ntrue\n").returncode == 0
    assert reader.type("make nothing\ntrue\n").returncode != 0
    assert reader.type(".venv/bin/python starter.py nothing | cat\ntrue\n").returncode == 2
