"""A worker's memory: the settings reach the C library and the collector."""

from __future__ import annotations

import gc
import os
import subprocess
from pathlib import Path

from runtime.memory import FOR_MANY_THREADS, keep_what_is_loaded
from runtime.programs import ROOT


def test_the_c_library_understands_the_setting() -> None:
    for loader in Path("/").glob("lib*/ld-linux*.so.*"):
        environment = {**os.environ, "GLIBC_TUNABLES": FOR_MANY_THREADS}
        asked = [str(loader), "--list-tunables"]
        known = subprocess.run(asked, env=environment, check=True, capture_output=True, text=True)

        assert "glibc.malloc.arena_max: 0x2 " in known.stdout
        assert "glibc.malloc.tcache_max: 0x100 " in known.stdout


def test_the_image_has_the_same_setting() -> None:
    lines = (ROOT / "docker" / "Dockerfile").read_text().splitlines()

    assert f"ENV GLIBC_TUNABLES={FOR_MANY_THREADS}" in lines


def test_the_collector_looks_at_what_came_later_only() -> None:
    loaded: list[object] = []
    keep_what_is_loaded()
    try:
        came_later: list[object] = []
        looked_at = {id(each) for each in gc.get_objects()}
    finally:
        gc.unfreeze()

    assert id(loaded) not in looked_at
    assert id(came_later) in looked_at
