"""Commands for trying the system out: many random orders, and the demo."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.commands.options import AsJson, Deadline, InMode, text
from cli.modes import Mode


async def simulate(
    orders: Annotated[int, typer.Option(min=1, max=1_000_000, help="Number of orders.")] = 100,
    concurrency: Annotated[
        int, typer.Option(min=1, max=1000, help="Largest number of orders at the same time.")
    ] = 20,
    seed: Annotated[int, typer.Option(help="The same number makes the same orders.")] = 1,
    prefix: Annotated[
        str | None,
        typer.Option(help="Start of the order ids; by default a new one each time.", callback=text),
    ] = None,
    scarce: Annotated[
        bool, typer.Option("--scarce", help="Make orders that compete for little stock and credit.")
    ] = False,
    deadline: Deadline = None,
    mode: InMode = Mode.ORCHESTRATION,
    as_json: AsJson = False,
) -> int:
    """Place many random orders and count how they ended.

    Server and worker may be killed and restarted in the meantime; each order still counts once.
    """
    from secrets import token_hex

    from cli.order_file import valid
    from cli.session import Session
    from cli.simulation.population import Population
    from cli.simulation.simulate import simulate as run_simulation
    from cli.simulation.simulation import Simulation
    from runtime.client import ensure_search_attribute

    population = valid(
        Population,
        count=orders,
        seed=seed,
        prefix=prefix or f"sim-{token_hex(3)}",
        scarce=scarce,
        deadline_seconds=deadline,
    )
    settings, client, output = await Session.open(as_json=as_json)
    await ensure_search_attribute(client)
    simulation = Simulation(client, mode, settings.task_queue)
    return (await run_simulation(simulation, population, concurrency, output)).exit_code


async def demo(
    leave_at_end: Annotated[
        bool, typer.Option("--exit", help="Stop at the end instead of keeping the Web UI open.")
    ] = False,
    orders: Annotated[
        int, typer.Option(min=1, max=100_000, help="Number of orders that the simulation places.")
    ] = 100,
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Port of the Temporal server; 7233 if free."),
    ] = None,
    ui_port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port of the Web UI; 8233 if free.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Show everything: server, worker, orders that succeed and fail, a simulation, the audit.

    Nothing has to run before. The demo stays up until Ctrl-C, so that you can examine the runs.
    """
    from cli.demo.demo import DemoOptions
    from cli.demo.demo import demo as show_demo
    from cli.output import Output
    from settings import read_settings

    options = DemoOptions(orders=orders, port=port, ui_port=ui_port, leave_at_end=leave_at_end)
    return await show_demo(read_settings(), options, Output(as_json=as_json))
