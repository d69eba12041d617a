"""The commands that we print: they do what they say, wherever they are pasted."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from cli.command_lines import command, shell_word
from runtime.programs import program

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        "two words",
        'it\'s $HOME `id` "now"; # *',
        "back\\slash",
        "bücher-購入",
        "\x1b[31mred\x1b[0m",
        "two\nlines with 'quotes' and \\n",
        "\u202eright to left",
        "",
    ],
)
def test_whatever_an_id_or_a_note_contains_the_shell_reads_it_as_one_word(text: str) -> None:
    word = shell_word(text)
    read = subprocess.run(
        ["bash", "-c", f"printf %s {word}"],
        env={"LC_ALL": "C.UTF-8"}, capture_output=True, timeout=30, check=True,
    )  # fmt: skip

    assert read.stdout.decode() == text
    assert word.isprintable()


def test_an_id_that_looks_like_an_option_is_none() -> None:
    assert command("resolve", "--help", "--step", "x").endswith("resolve --step x -- --help")


def test_commands_name_our_programs_from_wherever_we_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    assert program("starter.py").endswith("python starter.py")
    elsewhere = tmp_path / "else where"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    shown = subprocess.run(
        ["bash", "-c", f"{program('starter.py')} status --help"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert shown.returncode == 0, shown.stderr
    assert "Show the steps of an order" in shown.stdout
