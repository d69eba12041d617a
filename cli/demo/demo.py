"""``demo``: an embedded server, a worker, single orders, a simulation, and the audit."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

from cli.audit import audit_with_temporal, conclude_audit
from cli.demo.examples import CHOREOGRAPHED, ORCHESTRATED, ShownExample, show
from cli.local_system import ROOT, LocalSystem, local_system
from cli.modes import Mode
from cli.output import Output, python
from cli.simulation.fates import SUCCEEDED, Fate, Summary
from cli.simulation.population import Population
from cli.simulation.simulate import simulate
from cli.simulation.simulation import Simulation
from messages.base import Message
from runtime.exits import INTERRUPTED, ExitCode, stop_requested
from runtime.processes import while_alive
from services.audit import AuditReport
from settings import Settings

_UNHURRIED = Path(__file__).with_name("unhurried.toml")
_ORDINARY_DAY = ROOT / "examples" / "faults" / "ordinary_day.toml"
_IN_FLIGHT = 20


class DemoOptions(Message):
    """Options of the demo."""

    #: How many orders the simulation places.
    orders: int
    #: Of the server and its Web UI; None means the usual ones, or free ones.
    port: int | None
    ui_port: int | None
    #: False: stay up at the end, until told to stop.
    leave_at_end: bool


class DemoReport(Message):
    """The demo's JSON document."""

    #: The examples, under the name that they have in the document.
    acts: tuple[ShownExample, ...]
    simulation: Summary
    audit: AuditReport


async def demo(settings: Settings, options: DemoOptions, output: Output) -> int:
    """Run the demo; 0 once all was shown and nothing was violated.

    Raises:
        FatalError: server or worker cannot be started, or be kept alive.
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

    :attr:`verdict` is None until all was shown.
    """

    def __init__(self, settings: Settings, options: DemoOptions, output: Output) -> None:
        self.verdict: ExitCode | None = None
        self._settings = settings
        self._options = options
        self._document = output
        self._output = output.for_people()
        #: Makes each demo's orders new ones, on the same ledgers.
        self._tag = token_hex(3)

    async def run(self) -> None:
        """Show all of it, then stay up if that was asked for."""
        say, options = self._output.line, self._options
        say("Starting the Temporal server and a worker …", "dim")
        async with local_system(
            self._settings, options.port, options.ui_port, lambda line: say(f"  ({line})")
        ) as on:
            say(f"Temporal server  {on.server.address}")
            say(f"Web UI           {on.server.ui_url}")
            async with on.worker(self._settings.faults or _UNHURRIED) as worker:
                examples = await while_alive(self._examples(on), on.server.process, worker)
            async with on.worker(self._settings.faults or _ORDINARY_DAY) as worker:
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
            ("Orchestration: one workflow leads, and undoes what it did", ORCHESTRATED),
            ("Choreography: nobody leads; each service answers events", CHOREOGRAPHED),
        ):
            self._headline(headline)
            shown += [await show(one, self._tag, on, self._output) for one in examples]
        return tuple(shown)

    async def _simulation_and_audit(
        self, on: LocalSystem, examples: tuple[ShownExample, ...]
    ) -> None:
        output, count = self._output, self._options.orders
        faults = self._settings.faults or _ORDINARY_DAY.relative_to(ROOT)
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
        address = f"TEMPORAL_ADDRESS={on.server.address} "
        self._headline("The server stays up: open the links, or try in another terminal:")
        self._output.line(f"  {address}{python()} starter.py order examples/order.json")
        self._output.line("Ctrl-C stops worker and server.")
