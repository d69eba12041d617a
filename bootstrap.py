"""Installer of a lock file into the checkout's ``.venv``: ``python3 -I bootstrap.py LOCK``.

A second argument names another environment.

It runs before anything is installed, so it needs only the standard library. The annotations
are quoted so that a Python that is too old can load it and say so.
"""

import contextlib
import fcntl
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

OLDEST = (3, 10)
VENV = Path(sys.argv[2] if len(sys.argv) > 2 else ".venv")
PYTHON = VENV / "bin" / "python"
UV_LOCK = "requirements-uv.lock"


def main() -> None:
    """Install the lock file named on the command line.

    Only one installation runs at a time. After an interrupted one, the next starts again.
    """
    if sys.version_info < OLDEST:
        raise SystemExit(
            f"error: Python {OLDEST[0]}.{OLDEST[1]} or newer is needed, and {sys.executable} is"
            f" {sys.version.split()[0]}; name another Python: make PYTHON=…"
        )
    lock = sys.argv[1]
    # Beside the environment, not in it, because creating the environment empties its directory.
    with open(f"{VENV}.installing", "a+") as progress:
        fcntl.flock(progress, fcntl.LOCK_EX)
        progress.seek(0)
        interrupted = progress.read() != ""
        progress.write(f"{os.getpid()}\n")
        progress.flush()
        uv = shutil.which("uv")
        if interrupted or not _usable():
            _create(uv)
        _install(uv, lock)
        progress.truncate(0)


def _usable() -> bool:
    check = f"import sys; sys.exit(sys.version_info < {OLDEST})"
    return PYTHON.exists() and subprocess.call([PYTHON, "-c", check]) == 0


def _create(uv: "str | None") -> None:
    print(f"creating {VENV} with Python {sys.version.split()[0]}", flush=True)
    if uv and _succeeds(uv, "venv", "--quiet", "--clear", "--python", sys.executable, VENV):
        return
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        raise SystemExit(
            "error: this Python came without venv and ensurepip; install them (on Debian and"
            " Ubuntu: apt install python3-venv), or install uv"
        )
    shutil.rmtree(VENV, ignore_errors=True)
    if not _succeeds(sys.executable, "-m", "venv", VENV):
        raise SystemExit(f"error: {sys.executable} -m venv failed; see above")


def _install(uv: "str | None", lock: str) -> None:
    print(f"installing {lock}", flush=True)
    uv = uv or _bootstrapped_uv()
    if uv and _succeeds(
        uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", PYTHON,
        "--require-hashes", "-r", lock,
        environment=_index_of_pip(),
    ):  # fmt: skip
        return
    print("uv could not install it; trying pip", flush=True)
    subprocess.call([PYTHON, "-m", "ensurepip"], stdout=subprocess.DEVNULL)
    if not _pip_install(lock):
        raise SystemExit(f"error: {lock} could not be installed; see above")


def _bootstrapped_uv() -> "str | None":
    own = VENV / "bin" / "uv"
    return str(own) if own.exists() or _pip_install(UV_LOCK) else None


def _pip_install(lock: str) -> bool:
    quietly = ("--quiet", "--disable-pip-version-check", "--require-hashes")
    return _succeeds(PYTHON, "-m", "pip", "install", *quietly, "-r", lock)


def _index_of_pip() -> "dict[str, str]":
    """Return the package index of pip's settings, unless uv has its own."""
    if {"UV_DEFAULT_INDEX", "UV_INDEX_URL"} & os.environ.keys():
        return {}
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        settings = subprocess.check_output(
            [sys.executable, "-m", "pip", "config", "list"], stderr=subprocess.DEVNULL, text=True
        )
        for line in settings.splitlines():
            name, _, value = line.partition("=")
            if name.endswith(".index-url"):
                return {"UV_DEFAULT_INDEX": value.strip("'\"")}
    return {}


def _succeeds(*command: "str | Path", environment: "dict[str, str] | None" = None) -> bool:
    return subprocess.call(command, env={**os.environ, **(environment or {})}) == 0


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit(130) from None
