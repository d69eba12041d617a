"""Ends of a program, seen from the shell: its code, and what it says."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from runtime.exits import DEFECT, INTERRUPTED, PIPE_CLOSED, ExitCode
from tests.harness.children import ROOT, ended, heed_signals, kill_holders

PROGRAM = """
import asyncio
from temporalio.service import RPCError, RPCStatusCode
from runtime.exits import ExitCode, FatalError, run, stop_requested

async def main() -> ExitCode:
    {body}

run(main)
"""


def program_of(body: str) -> subprocess.CompletedProcess[str]:
    """Run a program whose main function has this body."""
    return ended("-c", PROGRAM.format(body=body))


@pytest.mark.parametrize("code", list(ExitCode))
def test_the_returned_code_is_the_exit_code_and_what_was_printed_arrives(code: ExitCode) -> None:
    program = program_of(f"print('x', end=''); return ExitCode({code:d})")

    assert (program.returncode, program.stdout, program.stderr) == (code, "x", "")


def test_a_fatal_error_is_one_line_and_its_code() -> None:
    program = program_of("raise FatalError('first\\n  second')")

    assert program.returncode == ExitCode.BAD_INPUT
    assert program.stderr == "error: first second\n"


def test_a_server_lost_on_the_way_is_no_server() -> None:
    program = program_of("raise RPCError('tcp connect error', RPCStatusCode.UNAVAILABLE, b'')")

    assert program.returncode == ExitCode.NO_SERVER
    assert program.stderr.startswith("error: the Temporal server does not answer any more")
    assert len(program.stderr.splitlines()) == 1


def test_what_the_server_will_never_take_is_bad_input() -> None:
    program = program_of(
        "raise RPCError('workflow id exceeds length limit', RPCStatusCode.INVALID_ARGUMENT, b'')"
    )

    assert program.returncode == ExitCode.BAD_INPUT
    assert program.stderr == (
        "error: the Temporal server refuses this: workflow id exceeds length limit\n"
    )


def test_a_defect_keeps_its_traceback_and_looks_like_no_outcome() -> None:
    program = program_of("raise ZeroDivisionError")

    assert program.returncode == DEFECT
    assert "Traceback" in program.stderr


def test_an_interrupt_ends_without_a_word() -> None:
    program = program_of(
        "import os, signal; os.kill(os.getpid(), signal.SIGINT); await asyncio.sleep(9)"
    )

    assert (program.returncode, program.stderr) == (INTERRUPTED, "")


def test_a_reader_that_leaves_early_gets_no_traceback() -> None:
    body = "[print('x' * 1000, flush=True) for _ in range(10_000)]; return ExitCode.SUCCESS"
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(body=body)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=heed_signals,
    ) as program:  # fmt: skip
        try:
            assert program.stdout is not None
            program.stdout.readline()
            program.stdout.close()
            program.stdout = None
            _, said = program.communicate(timeout=30)
        finally:
            program.kill()

    assert (program.returncode, said) == (PIPE_CLOSED, b"")


@pytest.mark.parametrize(
    ("name", "says"),
    [(("worker.py",), ".env.example"), (("-m", "runtime"), "--data-dir")],
    ids=["worker", "server"],
)
def test_a_program_that_is_asked_for_help_gives_it_and_does_nothing_else(
    name: tuple[str, ...], says: str
) -> None:
    helped = ended(*name, "--help")

    assert (helped.returncode, helped.stderr) == (ExitCode.SUCCESS, "")
    assert says in helped.stdout


@pytest.mark.parametrize("name", [("worker.py",), ("-m", "runtime")], ids=["worker", "server"])
@pytest.mark.parametrize("wrong", ["--hepl", "start"])
def test_an_argument_that_a_program_does_not_know_is_refused_in_one_line(
    name: tuple[str, ...], wrong: str
) -> None:
    refused = ended(*name, wrong)

    assert (refused.returncode, refused.stdout) == (ExitCode.BAD_INPUT, "")
    assert refused.stderr.startswith(f"error: unrecognized arguments: {wrong} (see python ")
    assert refused.stderr.count("\n") == 1


@pytest.mark.parametrize("code", [ExitCode.SUCCESS, ExitCode.ROLLED_BACK])
@pytest.mark.parametrize(
    "say", ["print('x')", "[print('x' * 1000, flush=True) for _ in range(10_000)]"]
)
def test_a_program_that_outlives_its_readers_ends_with_its_own_code(
    code: ExitCode, say: str
) -> None:
    body = (
        "from runtime.streams import outlive_readers; outlive_readers(); "
        f"sys.stdin.read(); {say}; return ExitCode({code:d})"
    )
    program = subprocess.Popen(
        [sys.executable, "-c", f"import sys\n{PROGRAM.format(body=body)}"],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert program.stdout is not None
    program.stdout.close()
    program.stdout = None
    _, said = program.communicate(timeout=30)

    assert (program.returncode, said) == (code, b"")


def test_a_program_without_standard_output_ends_with_its_own_code() -> None:
    program = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", sys.executable, "-c",
         PROGRAM.format(body="print('x'); return ExitCode.SUCCESS")],
        cwd=ROOT, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip

    assert (program.returncode, program.stderr) == (0, "")


@pytest.mark.parametrize("sign", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_signals_ask_a_program_to_stop(sign: str) -> None:
    program = program_of(
        "import os, signal; stop = stop_requested(); "
        f"os.kill(os.getpid(), signal.{sign}); await stop.wait(); "
        "print('tidied up'); return ExitCode.SUCCESS"
    )

    assert (program.returncode, program.stdout) == (0, "tidied up\n")


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_program_that_asks_for_no_signal_stops_what_it_has_started(sign: signal.Signals) -> None:
    program = program_of(
        "import os, signal; later = asyncio.get_running_loop().call_later; "
        f"later(0.1, os.kill, os.getpid(), {sign:d})\n"
        "    try: await asyncio.sleep(30)\n"
        "    finally: await asyncio.sleep(0); print('tidied up')"
    )

    assert (program.returncode, program.stdout, program.stderr) == (128 + sign, "tidied up\n", "")


def test_a_program_that_is_told_twice_to_end_still_stops_what_it_has_started() -> None:
    program = program_of(
        "import os, signal; tell = lambda: os.kill(os.getpid(), signal.SIGTERM); "
        "asyncio.get_running_loop().call_later(0.1, tell)\n"
        "    try: await asyncio.sleep(30)\n"
        "    finally: tell(); await asyncio.sleep(0.1); print('tidied up')"
    )

    assert (program.returncode, program.stdout, program.stderr) == (143, "tidied up\n", "")


def test_a_program_under_nohup_outlives_its_terminal() -> None:
    program = program_of(
        "import os, signal; signal.signal(signal.SIGHUP, signal.SIG_IGN); "
        "stop = stop_requested(); os.kill(os.getpid(), signal.SIGHUP); await asyncio.sleep(0); "
        "await asyncio.sleep(0.1); return ExitCode.ROLLED_BACK if stop.is_set() else 0"
    )

    assert program.returncode == 0


@pytest.mark.parametrize(
    "program", [("starter.py", "demo"), ("worker.py",), ("-m", "runtime")], ids=" ".join
)
def test_an_interrupt_while_a_program_is_being_imported_ends_it_without_a_traceback(
    program: tuple[str, ...], tmp_path: Path
) -> None:
    starting = subprocess.Popen(
        [sys.executable, "-X", "importtime", *program],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        preexec_fn=heed_signals,
        env={**os.environ, "ORDER_SAGA_DATA_DIR": str(tmp_path)},
    )  # fmt: skip
    try:
        assert starting.stderr is not None
        next(line for line in starting.stderr if line.split()[-1].startswith("pydantic"))
        starting.send_signal(signal.SIGINT)
        _, said = starting.communicate(timeout=30)
    finally:
        starting.kill()
        kill_holders(tmp_path)

    assert "Traceback" not in said
    # The command line imports most of it when it already handles interrupts.
    assert starting.returncode in (-signal.SIGINT, 128 + signal.SIGINT)
