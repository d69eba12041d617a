"""``demo``: an embedded server, a worker, single orders, a simulation, and the audit."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

from cli.audit import audit_with_temporal, conclude
from cli.demo.acts import CHOREOGRAPHED, ORCHESTRATED, Played, play
from cli.demo.stage import ROOT, Stage, stage
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
_SEED_RATES = ROOT / "examples" / "faults" / "seed.toml"
_IN_FLIGHT = 20


class Programme(Message):
    """What the demo is to do."""

    #: How many orders the simulation places.
    orders: int
    #: Of the server and its Web UI; None means the usual ones, or free ones.
    port: int | None
    ui_port: int | None
    #: False: stay up after the show, until told to stop.
    leave_at_end: bool


class Performance(Message):
    """What the demo showed."""

    acts: tuple[Played, ...]
    simulation: Summary
    audit: AuditReport


async def demo(settings: Settings, programme: Programme, output: Output) -> int:
    """Give the demo; 0 once the show is over and nothing was violated.

    Raises:
        FatalError: server or worker cannot be started, or be kept alive.
    """
    stop = stop_requested()
    show = _Show(settings, programme, output)
    playing = asyncio.create_task(show.play())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({playing, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not playing.done():
        output.line("\nStopping worker and server.")
        playing.cancel()
        with suppress(asyncio.CancelledError):
            await playing
    else:
        playing.result()
    return INTERRUPTED if show.verdict is None else show.verdict


class _Show:
    """One performance of the demo.

    :attr:`verdict` is None until the show is over.
    """

    def __init__(self, settings: Settings, programme: Programme, output: Output) -> None:
        self.verdict: ExitCode | None = None
        self._settings = settings
        self._programme = programme
        self._document = output
        self._output = output.for_people()
        #: Makes each demo's orders new ones, on the same ledgers.
        self._tag = token_hex(3)

    async def play(self) -> None:
        """Play all of it, then stay up if that was asked for."""
        say, programme = self._output.line, self._programme
        say("Starting the Temporal server and a worker …", "dim")
        async with stage(
            self._settings, programme.port, programme.ui_port, lambda line: say(f"  ({line})")
        ) as on:
            say(f"Temporal server  {on.server.address}")
            say(f"Web UI           {on.server.ui_url}")
            async with on.worker(self._settings.faults or _UNHURRIED) as worker:
                acts = await while_alive(self._acts(on), on.server.process, worker)
            async with on.worker(self._settings.faults or _SEED_RATES) as worker:
                rest = self._simulation_and_audit(on, acts)
                await while_alive(rest, on.server.process, worker)
                if not programme.leave_at_end:
                    self._invite(on)
                    await while_alive(asyncio.Event().wait(), on.server.process, worker)

    async def _acts(self, on: Stage) -> tuple[Played, ...]:
        if self._settings.faults:
            self._output.line(f"Faults           {self._settings.faults}, as you asked")
        played = []
        for headline, acts in (
            ("Orchestration: one workflow leads, and undoes what it did", ORCHESTRATED),
            ("Choreography: nobody leads; each service answers events", CHOREOGRAPHED),
        ):
            self._headline(headline)
            played += [await play(act, self._tag, on, self._output) for act in acts]
        return tuple(played)

    async def _simulation_and_audit(self, on: Stage, acts: tuple[Played, ...]) -> None:
        output, count = self._output, self._programme.orders
        faults = self._settings.faults or _SEED_RATES.relative_to(ROOT)
        self._headline(f"A shop's day: {count} orders, {_IN_FLIGHT} at a time, faults: {faults}")
        population = Population(count=count, seed=1, prefix=f"demo-{self._tag}")
        simulation = Simulation(on.client, Mode.ORCHESTRATION, self._settings.task_queue)
        fates, summary = await simulate(simulation, population, _IN_FLIGHT, output)
        self._link_to_some(on, fates)
        self._headline("The audit: all four services' ledgers against what Temporal says")
        report = await audit_with_temporal(
            on.client, self._settings.task_queue, self._settings.ledger_urls()
        )
        verdict = conclude(report, output, compared=True)
        self._document.document(Performance(acts=acts, simulation=summary, audit=report))
        self.verdict = verdict

    def _headline(self, text: str) -> None:
        self._output.line("")
        self._output.line(text, "bold")

    def _link_to_some(self, on: Stage, fates: list[Fate]) -> None:
        one_of_each = {fate.kind: fate for fate in fates if fate.kind != SUCCEEDED}
        for kind, fate in one_of_each.items():
            self._output.line(f"one {kind}:")
            self._output.line(on.link(fate.workflow_id, fate.run_id), "dim")

    def _invite(self, on: Stage) -> None:
        address = f"TEMPORAL_ADDRESS={on.server.address} "
        self._headline("The server stays up: open the links, or try in another terminal:")
        self._output.line(f"  {address}{python()} starter.py order examples/order.json")
        self._output.line("Ctrl-C stops worker and server.")
