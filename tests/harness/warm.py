"""A process that has imported the product, and becomes its programs: ``python -m … SOCKET``.

To import what a program needs takes half a second of CPU time and more, and the tests start
hundreds of programs. Here it is done once: each program is a fork of this process, before which
nothing of it has run. It is a process like any other, with a pid, signals and streams of its own.
"""

from __future__ import annotations

import gc
import os
import pickle
import pkgutil
import runpy
import socket
import sys
import time
from contextlib import suppress
from importlib import import_module
from typing import NamedTuple

import cli
from tests.harness.children import end_with_parent


class Program(NamedTuple):
    """Arguments and environment of a program to be started, beside its streams."""

    arguments: list[str]
    environment: dict[str, str]


def main(control: socket.socket) -> None:
    """Start a program for each message, until the tests are gone."""
    _import_all()
    while True:
        said, fds, _, _ = socket.recv_fds(control, 1, 4)
        _bury()
        if not said:
            return
        if os.fork() == 0:
            control.close()
            end_with_parent()
            break
        for fd in fds:
            os.close(fd)
    asking, *streams = fds
    with socket.socket(fileno=asking) as asker:
        _keep(asker, streams)


def _import_all() -> None:
    """Import what the programs do, and also what they import only when they need it."""
    lazily = [found.name for found in pkgutil.walk_packages(cli.__path__, "cli.")]
    lazily.remove("cli.installed")  # the entry point of the wheel
    for name in ("starter", "worker", "runtime.__main__", "runtime.codec_server", *lazily):
        import_module(name)
    for name in ("runtime.__main__", "runtime.codec_server"):
        del sys.modules[name]  # what is run by ``-m`` is no module before
    gc.collect()
    gc.freeze()  # so that a fork's collections leave the pages alone that it shares


def _bury() -> None:
    """Wait for the processes that have kept programs which have ended."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass


def _keep(asker: socket.socket, streams: list[int]) -> None:
    """Run the program that is asked for; tell its pid, and then how it ended."""
    with asker.makefile("rb") as file:
        program: Program = pickle.load(file)
    pid = os.fork()
    if pid == 0:
        asker.close()
        _become(program, streams)
        return
    for stream in streams:
        os.close(stream)
    asker.sendall(f"{pid}\n".encode())
    _, status = os.waitpid(pid, 0)
    asker.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _become(program: Program, streams: list[int]) -> None:
    """Do what the interpreter does with these arguments, in a session of its own."""
    end_with_parent()
    os.setsid()
    for standard, stream in enumerate(streams):
        os.dup2(stream, standard)
        os.close(stream)
    os.environ.clear()
    os.environ.update(program.environment)
    time.tzset()
    option, *words = program.arguments
    if option == "-m":
        sys.argv = words
        runpy.run_module(words[0], run_name="__main__", alter_sys=True)
    else:
        sys.argv = program.arguments
        runpy.run_path(option, run_name="__main__")


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
