"""The wheel: one package with everything, and one command that runs it from any folder."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.harness.children import ROOT, ended

#: Folders with Python code that a wheel does not have.
NOT_INSTALLED = {"docker", "tests", "tools", "trials"}
#: Command of a checkout, in the middle of a text.
OF_A_CHECKOUT = re.compile(r"python (starter\.py|worker\.py|-m runtime)(?!$|\.codec_server$)")
#: May name such a command: the table of them, and the ledgers' errors, which know of no program.
MAY_NAME_ONE = {"runtime/programs.py"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of the checkout, as pip builds it, unpacked as pip unpacks it."""
    there = tmp_path_factory.mktemp("wheel")
    built = ended("-m", "hatchling", "build", "-t", "wheel", "-d", there)
    assert built.returncode == 0, built.stderr
    [path] = there.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        archive.extractall(there / "unpacked")
    return there / "unpacked"


def order_saga(wheel: Path, cwd: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the installed command in an empty folder."""
    cwd.mkdir(exist_ok=True)
    environment = {**os.environ, "PYTHONPATH": str(wheel), "TEMPORAL_ADDRESS": "127.0.0.1:1"}
    return ended("-c", "import order_saga; order_saga.main()", *words, cwd=cwd, env=environment)


def test_all_code_is_in_one_package_and_nothing_else_is_installed(wheel: Path) -> None:
    known = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "--", "*.py", "*.toml"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    folders = {name.split("/")[0] for name in known if name.count("/")}
    programs = {"settings.py", "starter.py", "worker.py"}
    expected = {
        name for name in known if name.split("/")[0] in folders - NOT_INSTALLED or name in programs
    }

    installed = {
        path.relative_to(wheel / "order_saga").as_posix()
        for path in (wheel / "order_saga").rglob("*")
        if path.suffix in {".py", ".toml"}
    }

    # The entry point is the package itself.
    assert installed == expected - {"cli/installed.py"} | {"__init__.py"}
    assert [path.name for path in wheel.iterdir() if path.suffix != ".dist-info"] == ["order_saga"]


def test_the_installed_command_has_the_commands_of_the_starter_and_the_programs(
    wheel: Path, tmp_path: Path
) -> None:
    helped = order_saga(wheel, tmp_path / "empty", "--help")
    version = order_saga(wheel, tmp_path / "empty", "--version")
    worker = order_saga(wheel, tmp_path / "empty", "worker", "--help")

    for command in ("order", "status", "worker", "server", "codec", "--install-completion"):
        assert f"\n  {command} " in helped.stdout
    assert version.stdout.startswith("order-saga ")
    assert "usage: order-saga worker" in worker.stdout


def test_the_installed_command_says_what_to_type_without_a_checkout(
    wheel: Path, tmp_path: Path
) -> None:
    no_server = order_saga(wheel, tmp_path / "empty", "status", "order-1")
    unknown = order_saga(wheel, tmp_path / "empty", "server", "--prot", "1")

    assert no_server.returncode == 3
    assert "start one with `order-saga server` or `order-saga demo`" in no_server.stderr
    assert unknown.returncode == 2
    assert "(see order-saga server --help)" in unknown.stderr
    assert "Traceback" not in no_server.stderr + unknown.stderr


def test_no_text_of_an_installed_program_names_a_command_of_a_checkout(wheel: Path) -> None:
    root = wheel / "order_saga"
    code = {path.relative_to(root).as_posix(): path for path in root.rglob("*.py")}
    naming = {
        name
        for name, path in code.items()
        for text in texts_in(ast.parse(path.read_text()))
        if OF_A_CHECKOUT.search(text)
    }

    assert naming <= MAY_NAME_ONE


def texts_in(module: ast.Module) -> list[str]:
    """Return all texts of a module but its docstrings."""
    said = {id(node.value) for node in ast.walk(module) if isinstance(node, ast.Expr)}
    return [
        node.value
        for node in ast.walk(module)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said
    ]
