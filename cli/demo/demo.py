"""``demo``: the embedded server, a worker, single orders, a simulation, and the audit."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

from cli.audit import audit_with_temporal, conclude_audit
from cli.command_lines import shell_word
from cli.demo.examples import CHOREOGRAPHED, ORCHESTRATED, ShownExample, show
from cli.local_system import LocalSystem, local_system
from cli.modes import Mode
from cli.output import Output
from cli.simulation.fates import SUCCEEDED, Fate, Summary
from cli.simulation.population import Population
from cli.simulation.simulate import simulate
from cli.simulation.simulation import Simulation
from messages.base import Message
from runtime.exits import INTERRUPTED, ExitCode, stop_requested
from runtime.processes import while_alive
from runtime.programs import ROOT, program
from services.audit import AuditReport
from settings import Settings

_DELAYS = Path(__file__).with_name("delays.toml")
_ORDINARY_FAULTS = ROOT / "examples" / "faults" / "seed.toml"
_IN_FLIGHT = 20


class DemoOptions(Message):
    """Options of the demo."""

    #: Number of orders that the simulation places.
    orders: int
    #: Ports of the server and of its Web UI; None means the usual ones, or free ones.
    port: int | None
    ui_port: int | None
    #: False means to stay up at the end until a signal arrives.
    leave_at_end: bool


class DemoReport(Message):
    """JSON document of the demo."""

    #: The examples; outside tools know them under this name.
    acts: tuple[ShownExample, ...]
    simulation: Summary
    audit: AuditReport


async def demo(settings: Settings, options: DemoOptions, output: Output) -> int:
    """Run the demo; return 0 when everything was shown and the audit found no violation.

    Raises:
        FatalError: the server or the worker cannot be started or kept alive.
    """
    stop = stop_requested()
    running = _Demo(settings, options, output)
    showing = asyncio.create_task(running.run())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({showing, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not showing.done():
        output.line("\nStopping worker and server.")
        showing.cancel()
        with suppress(asyncio.CancelledError):
            await showing
    else:
        showing.result()
    return INTERRUPTED if running.verdict is None else running.verdict


class _Demo:
    """One demo.

    :attr:`verdict` is None until everything was shown.
    """

    def __init__(self, settings: Settings, options: DemoOptions, output: Output) -> None:
        self.verdict: ExitCode | None = None
        self._settings = settings
        self._options = options
        self._document = output
        self._output = output.for_people()
        #: Part of the order ids, so that each demo places new orders on the same ledgers.
        self._tag = token_hex(3)

    async def run(self) -> None:
        """Show everything, then stay up if the options say so."""
        say, options = self._output.line, self._options
        say("Starting the Temporal server and a worker …", "dim")
        async with local_system(
            self._settings, options.port, options.ui_port, lambda line: say(f"  ({line})")
        ) as on:
            say(f"Temporal server  {on.server.address}")
            say(f"Web UI           {on.server.ui_url}")
            async with on.worker(self._settings.faults or _DELAYS) as worker:
                examples = await while_alive(self._examples(on), on.server.process, worker)
            async with on.worker(self._settings.faults or _ORDINARY_FAULTS) as worker:
                rest = self._simulation_and_audit(on, examples)
                await while_alive(rest, on.server.process, worker)
                if not options.leave_at_end:
                    self._invite(on)
                    await while_alive(asyncio.Event().wait(), on.server.process, worker)

    async def _examples(self, on: LocalSystem) -> tuple[ShownExample, ...]:
        if self._settings.faults:
            self._output.line(f"Faults           {self._settings.faults}, as you asked")
        shown = []
        for headline, examples in (
            (
                "Orchestration: one workflow calls the services, and undoes what it did",
                ORCHESTRATED,
            ),
            ("Choreography: no coordinator; each service reacts to events", CHOREOGRAPHED),
        ):
            self._headline(headline)
            shown += [await show(one, self._tag, on, self._output) for one in examples]
        return tuple(shown)

    async def _simulation_and_audit(
        self, on: LocalSystem, examples: tuple[ShownExample, ...]
    ) -> None:
        output, count = self._output, self._options.orders
        faults = self._settings.faults or _ORDINARY_FAULTS.relative_to(ROOT)
        self._headline(f"A shop's day: {count} orders, {_IN_FLIGHT} at a time, faults: {faults}")
        population = Population(count=count, seed=1, prefix=f"demo-{self._tag}")
        simulation = Simulation(on.client, Mode.ORCHESTRATION, self._settings.task_queue)
        fates, summary = await simulate(simulation, population, _IN_FLIGHT, output)
        self._link_to_some(on, fates)
        self._headline("The audit: all four services' ledgers against what Temporal says")
        report = await audit_with_temporal(
            on.client, self._settings.task_queue, self._settings.ledger_urls()
        )
        verdict = conclude_audit(report, output, compared=True)
        self._document.document(DemoReport(acts=examples, simulation=summary, audit=report))
        self.verdict = verdict

    def _headline(self, text: str) -> None:
        self._output.line("")
        self._output.line(text, "bold")

    def _link_to_some(self, on: LocalSystem, fates: list[Fate]) -> None:
        one_of_each = {fate.kind: fate for fate in fates if fate.kind != SUCCEEDED}
        for kind, fate in one_of_each.items():
            self._output.line(f"one {kind}:")
            self._output.line(on.link(fate.workflow_id, fate.run_id), "dim")

    def _invite(self, on: LocalSystem) -> None:
        example = shell_word(os.path.relpath(ROOT / "examples" / "order.json"))
        address = f"TEMPORAL_ADDRESS={on.server.address} "
        self._headline("The server stays up: open the links, or try in another terminal:")
        self._output.line(f"  {address}{program('starter.py')} order {example}")
        self._output.line("Ctrl-C stops worker and server.")
