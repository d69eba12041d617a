"""The command line: place orders, look after them, prove that none was lost."""

from __future__ import annotations

import runtime.interruptible  # noqa: F401 - first, see there

# isort: split
from collections.abc import Awaitable, Callable
from enum import Enum
from secrets import token_hex
from typing import Annotated, NoReturn

import typer
from temporalio.client import Client

from cli.errors import BadInput
from cli.forgotten import placed_before
from cli.modes import Mode
from cli.operations.cancel import cancel as cancel_order
from cli.operations.inbox import inbox as show_inbox
from cli.operations.letter import resolve_letter
from cli.operations.resolve import login_name
from cli.operations.resolve import resolve as resolve_step
from cli.operations.status import status as show_status
from cli.order import is_known_to_stand, leave_alone, place_once, see_through
from cli.order_file import read_order, valid
from cli.output import Output, program
from cli.reconcile import reconcile as reconcile_orders
from cli.simulation.population import Population
from cli.simulation.simulate import simulate as run_simulation
from cli.simulation.simulation import Simulation
from messages.deliveries import ResolveDeadLetter
from messages.reconciliation import Reconcile
from messages.sagas import CancelOrder, ResolveCompensation
from runtime.client import NoServer, connect, ensure_search_attribute
from runtime.exits import ExitCode, guarded, leave, run
from runtime.streams import outlive_readers
from settings import read_settings

app = typer.Typer(
    help="Orders as sagas on Temporal: each happens completely, or is undone completely.",
    epilog="Exit codes: 0 done, 1 rolled back or refused or violation found, 2 bad input,"
    " 3 no Temporal server.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class Decision(str, Enum):
    """What becomes of what cannot go on by itself."""

    #: Of a step that could not be undone …
    RETRY = "retry"
    MARK_RESOLVED = "mark_resolved"
    KEEP = "keep"
    #: … and of an event of a choreographed one.
    REPLAY = "replay"
    DISCARD = "discard"


def _text(value: str | None) -> str | None:
    """A value from the command line.

    Raises:
        typer.BadParameter: it is not UTF-8, so that no message can carry it.
    """
    try:
        (value or "").encode()
    except UnicodeEncodeError:
        raise typer.BadParameter(f"{value!a} is not UTF-8 text") from None
    return value


OrderId = Annotated[
    str,
    typer.Argument(
        metavar="ORDER_ID",
        help="The order's own id, or its workflow id from the Web UI.",
        callback=_text,
    ),
]
InMode = Annotated[
    Mode,
    typer.Option(help="One workflow leads the services, or each reacts to the others' events."),
]
InWhichMode = Annotated[
    Mode | None,
    typer.Option(help="Where to look; by default in both.", show_default=False),
]
Deadline = Annotated[
    int | None,
    typer.Option(metavar="SECONDS", help="Give an order up and undo it after so long.", min=1),
]
Note = Annotated[str, typer.Option(help="What you did, and the evidence for it.", callback=_text)]
Operator = Annotated[
    str,
    typer.Option(
        help="Who decides.", default_factory=login_name, show_default="login name", callback=_text
    ),
]
AsJson = Annotated[
    bool,
    typer.Option("--json", help="Print one JSON document; words for people go to stderr."),
]


@app.command()
def order(
    file: Annotated[
        str,
        typer.Argument(metavar="FILE|-", help="The order as JSON; - reads standard input."),
    ],
    deadline: Deadline = None,
    wait: Annotated[
        bool,
        typer.Option("--wait/--no-wait", help="Watch it to its end, or only place it."),
    ] = True,
    mode: InMode = Mode.ORCHESTRATION,
    as_json: AsJson = False,
) -> None:
    """Place an order and watch it to its end.

    Placing the same order again does no harm: it finds the run that is under way or has
    succeeded. One that failed is tried anew.
    """
    output = Output(as_json=as_json)

    async def main() -> int:
        the_order = read_order(file, deadline)
        settings = read_settings()
        client = await connect()
        if not await is_known_to_stand(client, the_order.order_id):
            known = await placed_before(client, settings.ledger_urls(), the_order, output)
            if known is not None:
                return known
        placed = await place_once(client, mode, the_order, settings.task_queue)
        if wait:
            return await see_through(client, the_order, placed, output)
        return leave_alone(the_order, placed, output)

    run(main)


@app.command()
def status(order_id: OrderId, mode: InWhichMode = None, as_json: AsJson = False) -> None:
    """Show where an order stands, or how it ended."""
    ledgers = read_settings().ledger_urls()
    output = Output(as_json=as_json)
    _with_client(lambda client: show_status(client, mode, order_id, ledgers, output))


@app.command()
def cancel(
    order_id: OrderId,
    reason: Annotated[
        str, typer.Option(help="Why; it is kept with the order.", callback=_text)
    ] = "cancelled by the customer",
    mode: InWhichMode = None,
    as_json: AsJson = False,
) -> None:
    """Take an order back and watch it being undone."""
    request = valid(CancelOrder, reason=reason)
    output = Output(as_json=as_json)
    _with_client(lambda client: cancel_order(client, mode, order_id, request, output))


@app.command()
def simulate(
    orders: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many.")] = 100,
    concurrency: Annotated[
        int, typer.Option(min=1, max=1000, help="How many at the same time, at most.")
    ] = 20,
    seed: Annotated[int, typer.Option(help="The same seed makes the same orders.")] = 1,
    prefix: Annotated[
        str | None,
        typer.Option(help="Begins their ids; by default another one each time.", callback=_text),
    ] = None,
    scarce: Annotated[
        bool, typer.Option("--scarce", help="They compete for little stock and little credit.")
    ] = False,
    deadline: Deadline = None,
    mode: InMode = Mode.ORCHESTRATION,
    as_json: AsJson = False,
) -> None:
    """Place many random orders and sum up what became of them.

    Server and worker may be killed and started again meanwhile; each order still counts once.
    """

    async def main() -> int:
        population = valid(
            Population,
            count=orders,
            seed=seed,
            prefix=prefix or f"sim-{token_hex(3)}",
            scarce=scarce,
            deadline_seconds=deadline,
        )
        task_queue = read_settings().task_queue
        client = await connect()
        await ensure_search_attribute(client)
        simulation = Simulation(client, mode, task_queue)
        output = Output(as_json=as_json)
        return (await run_simulation(simulation, population, concurrency, output)).exit_code

    run(main)


@app.command()
def inbox(as_json: AsJson = False) -> None:
    """List what waits for an operator, of either kind of saga, with what can be done.

    Exits with 1 when something waits, and with 0 when nothing does.
    """
    task_queue = read_settings().task_queue
    _with_client(lambda client: show_inbox(client, task_queue, Output(as_json=as_json)))


@app.command()
def resolve(
    order_id: OrderId,
    step: Annotated[
        str,
        typer.Option(help="The step or event that waits; the inbox names it.", callback=_text),
    ],
    action: Annotated[
        Decision,
        typer.Option(
            help="Of a step: undo it again, record it as undone, or let it stand where nothing"
            " proves that it has to be undone. Of an event: deliver it again, or never."
        ),
    ],
    note: Note,
    operator: Operator,
    mode: InWhichMode = None,
    as_json: AsJson = False,
) -> None:
    """Decide on a step that could not be undone, or an event that could not be delivered."""
    output = Output(as_json=as_json)
    said = {"action": action.value, "operator": operator, "note": note}
    task_queue = read_settings().task_queue

    if action not in (Decision.REPLAY, Decision.DISCARD):
        if "/" in step:
            raise BadInput(f"--action {action.value} is for a step, and {step!r} is an event")
        decision = valid(ResolveCompensation, step=step, **said)
        _with_client(
            lambda client: resolve_step(client, task_queue, mode, order_id, decision, output)
        )
    if mode is Mode.ORCHESTRATION or "/" not in step:
        raise BadInput(
            f"--action {action.value} is for an event of a choreographed order; --step names it as"
            " EVENT/SERVICE"
        )
    letter = valid(ResolveDeadLetter, **said)
    _with_client(lambda client: resolve_letter(client, task_queue, order_id, step, letter, output))


@app.command()
def audit(as_json: AsJson = False) -> None:
    """Prove from all ledgers that no order was half done, and that the books add up."""
    # The database's library takes as long to import as all the rest of most commands.
    from cli.audit import audit_alone, audit_with_temporal, conclude

    output = Output(as_json=as_json)

    async def main() -> int:
        settings = read_settings()
        ledgers = settings.ledger_urls()
        try:
            client = await connect()
        except NoServer as error:
            return conclude(audit_alone(ledgers, error), output, compared=False)
        report = await audit_with_temporal(client, settings.task_queue, ledgers)
        return conclude(report, output, compared=True)

    run(main)


@app.command()
def reconcile(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only list what would be undone.")
    ] = False,
    however_many: Annotated[
        bool,
        typer.Option("--however-many", help="Go on when unusually many runs are gone."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Undo what terminated, timed-out and deleted runs have left behind.

    Workers do it, with the compensations of the saga, by themselves every few minutes; doing
    it again does no harm. What is not proved to be left behind is put into the inbox.
    """

    async def main() -> int:
        task_queue = read_settings().task_queue
        request = Reconcile(dry_run=dry_run, however_many=however_many)
        output = Output(as_json=as_json)
        return await reconcile_orders(await connect(), task_queue, output, request)

    run(main)


@app.command("move-ledgers")
def move_ledgers(
    note: Annotated[str, typer.Option(help="Why; it is kept in the ledgers.", callback=_text)],
    operator: Operator,
    as_json: AsJson = False,
) -> None:
    """Have the ledgers serve the Temporal namespace that is connected to.

    For good, and only when the orders have moved there. Stop all workers before.
    """
    from cli.move_ledgers import Move
    from cli.move_ledgers import move_ledgers as move

    decision = valid(Move, operator=operator, note=note)
    output = Output(as_json=as_json)
    _with_client(lambda client: move(client, read_settings().ledger_urls(), decision, output))


@app.command()
def demo(
    leave_at_end: Annotated[
        bool, typer.Option("--exit", help="Leave at the end instead of staying up for the Web UI.")
    ] = False,
    orders: Annotated[
        int, typer.Option(min=1, max=100_000, help="How many the simulation places.")
    ] = 100,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Of the Temporal server; 7233 if free.")
    ] = None,
    ui_port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Of the Web UI; 8233 if free.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """See it all: server, worker, orders that succeed and fail, a simulation, the audit.

    Needs nothing running. It stays up until Ctrl-C, so that the runs can be looked at.
    """
    from cli.demo.demo import Programme
    from cli.demo.demo import demo as show_demo

    run(
        lambda: show_demo(
            read_settings(),
            Programme(orders=orders, port=port, ui_port=ui_port, leave_at_end=leave_at_end),
            Output(as_json=as_json),
        )
    )


def _with_client(command: Callable[[Client], Awaitable[int]]) -> NoReturn:
    async def main() -> int:
        return await command(await connect())

    run(main)


def main() -> None:
    """Run the command line; leaves with the command's exit code."""
    outlive_readers()
    leave(guarded(_parse_and_run))


def _parse_and_run() -> int:
    try:
        app(standalone_mode=False)
        return 0  # it showed its help; a command leaves by itself
    except typer.Abort:
        raise KeyboardInterrupt from None
    except Exception as error:
        # typer brings its own copy of click, or uses the real one, depending on its version;
        # only the method is common to both kinds of usage error.
        format_message = getattr(error, "format_message", None)
        if format_message is None:
            raise
        message = format_message().replace("Value error, ", "").rstrip(".")
        if message:
            raise BadInput(f"{message} (see {program('starter.py')} --help)") from None
        return ExitCode.BAD_INPUT  # without a command, help was shown already


if __name__ == "__main__":
    main()
