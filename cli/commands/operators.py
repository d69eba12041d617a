"""Commands of an operator: list what waits, decide on it, audit the ledgers."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.commands.options import (
    AsJson,
    InWhichMode,
    Note,
    Operator,
    OrderId,
    ResolveAction,
    Watch,
    text,
)
from cli.errors import BadInput
from cli.modes import Mode
from messages.statuses import ListedStatus


async def list_orders(
    status: Annotated[
        ListedStatus | None, typer.Option(help="Only orders with this status.", show_default=False)
    ] = None,
    mode: InWhichMode = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Number of orders on a page.")] = 20,
    page: Annotated[int, typer.Option(min=1, help="Number of the page.")] = 1,
    watch: Watch = False,
    as_json: AsJson = False,
) -> int:
    """List orders with their status and age: open ones first, then those that ended last."""
    from cli.operations.listing import Choice
    from cli.operations.listing import list_orders as show_orders
    from cli.session import Session

    choice = Choice(status, mode, page, limit)
    settings, client, output = await Session.open(as_json=as_json)
    return await show_orders(client, settings.task_queue, choice, output, watch=watch)


async def inbox(watch: Watch = False, as_json: AsJson = False) -> int:
    """List everything that waits for an operator, with the commands that resolve it.

    The exit code is 1 when something waits, and 0 when nothing does.
    """
    from cli.operations.inbox import inbox as show_inbox
    from cli.session import Session

    settings, client, output = await Session.open(as_json=as_json)
    return await show_inbox(client, settings.task_queue, output, watch=watch)


async def resolve(
    order_id: OrderId,
    step: Annotated[
        str,
        typer.Option(help="The step or event that waits; the inbox names it.", callback=text),
    ],
    action: Annotated[
        ResolveAction,
        typer.Option(
            help="For a step: try to undo it again, record that it was undone by hand, or keep an"
            " effect that nothing proves wrong. For an event: deliver it again, or never."
        ),
    ],
    note: Note,
    operator: Operator,
    mode: InWhichMode = None,
    as_json: AsJson = False,
) -> int:
    """Decide on a step that could not be undone, or an event that could not be delivered."""
    from cli.operations.letter import resolve_letter
    from cli.operations.resolve import resolve as resolve_step
    from cli.order_file import valid
    from cli.session import Session
    from messages.deliveries import ResolveDeadLetter
    from messages.sagas import ResolveCompensation

    said = {"action": action.value, "operator": operator, "note": note}
    if action in (ResolveAction.REPLAY, ResolveAction.DISCARD):
        if mode is Mode.ORCHESTRATION or "/" not in step:
            raise BadInput(
                f"--action {action.value} is for an event of a choreographed order; --step names"
                " it as EVENT/SERVICE"
            )
        letter = valid(ResolveDeadLetter, **said)
        settings, client, output = await Session.open(as_json=as_json)
        return await resolve_letter(client, settings.task_queue, order_id, step, letter, output)
    if "/" in step:
        raise BadInput(f"--action {action.value} is for a step, and {step!r} is an event")
    decision = valid(ResolveCompensation, step=step, **said)
    settings, client, output = await Session.open(as_json=as_json)
    return await resolve_step(client, settings.task_queue, mode, order_id, decision, output)


async def audit(
    full: Annotated[
        bool,
        typer.Option("--full", help="Also read again what earlier audits have proved."),
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Prove from all ledgers that no order was left half done, and that all sums are right.

    What an earlier audit has proved is not read again, unless it has changed since.
    """
    from cli.audit import audit_alone, audit_with_temporal, conclude_audit
    from cli.connection import connected
    from cli.output import Output
    from runtime.client import NoServer
    from settings import read_settings

    output = Output(as_json=as_json)
    settings = read_settings()
    ledgers = settings.ledger_urls()
    try:
        client = await connected(settings)
    except NoServer as error:
        return conclude_audit(audit_alone(ledgers, error, full=full), output, compared=False)
    report = await audit_with_temporal(client, settings.task_queue, ledgers, full=full)
    return conclude_audit(report, output, compared=True)


async def reconcile(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only list what would be undone.")
    ] = False,
    however_many: Annotated[
        bool,
        typer.Option("--however-many", help="Continue even if unusually many runs are gone."),
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Undo what terminated, timed-out and deleted runs have left behind.

    Workers also do this by themselves every few minutes, with the compensations of the saga.
    Repeating it does no harm. Effects that are not proved to be wrong go into the inbox.
    """
    from cli.reconcile import reconcile as reconcile_orders
    from cli.session import Session
    from messages.reconciliation import Reconcile

    request = Reconcile(dry_run=dry_run, however_many=however_many)
    settings, client, output = await Session.open(as_json=as_json)
    return await reconcile_orders(client, settings.task_queue, output, request)


async def move_ledgers(
    note: Annotated[
        str, typer.Option(help="The reason; it is kept in the ledgers.", callback=text)
    ],
    operator: Operator,
    as_json: AsJson = False,
) -> int:
    """Assign the ledgers to the connected Temporal namespace.

    Do this only when the orders have moved there for good. Stop all workers first.
    """
    from cli.move_ledgers import Move
    from cli.move_ledgers import move_ledgers as move
    from cli.order_file import valid
    from cli.session import Session

    decision = valid(Move, operator=operator, note=note)
    settings, client, output = await Session.open(as_json=as_json)
    return await move(client, settings.ledger_urls(), decision, output)


async def upgrade_ledgers(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show the format of each ledger.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Upgrade the ledgers to the format of this program, as a worker does when it starts.

    Stop all workers of older programs first, and make a backup: there is no way back.
    """
    from cli.output import Output
    from cli.upgrade_ledgers import upgrade_ledgers as upgrade
    from settings import read_settings

    return upgrade(read_settings().ledger_urls(), Output(as_json=as_json), dry_run=dry_run)
