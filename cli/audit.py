"""``audit``: prove from the ledgers, and from Temporal, that no order was half done."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing

from rich.table import Table
from temporalio.client import Client

from cli.errors import BadInput
from cli.output import Output
from messages.marks import DONE, FAILED
from runs.survey import RunSurvey
from runtime.client import NoServer, home_of
from runtime.exits import ExitCode
from runtime.programs import program
from services.audit import (
    AnotherAudit,
    Audit,
    AuditReport,
    GivenFacts,
    ServiceTotals,
    last_audit,
    open_books,
    without_trace,
)
from services.ledger import LedgerUnavailable

#: Violations that are shown to a person. So many probably have one common cause.
_SHOWN = 50


async def audit_with_temporal(
    client: Client, task_queue: str, ledgers: Mapping[str, str], *, full: bool = False
) -> AuditReport:
    """Judge every run by the ledgers and by what Temporal says about it.

    Args:
        client: the connection to the namespace.
        task_queue: the task queue of the sagas.
        ledgers: the URLs of the ledgers, by service.
        full: also read again what earlier audits have proved.

    Raises:
        BadInput: a ledger cannot be read.
    """
    try:
        try:
            return await _audited(client, task_queue, ledgers, full=full)
        except AnotherAudit:
            # What it has proved in the meantime is not known, so nothing is taken as proved.
            return await _audited(client, task_queue, ledgers, full=True)
    except LedgerUnavailable as error:
        raise BadInput(str(error)) from None


async def _audited(
    client: Client, task_queue: str, ledgers: Mapping[str, str], *, full: bool
) -> AuditReport:
    home = await home_of(client)
    scope = f"{home.cluster_id}/{home.namespace_id}/{task_queue}"
    with closing(RunSurvey(client, task_queue)) as facts:
        retention = await facts.retention_seconds()
        with open_books(ledgers, home) as books:
            since = None if full else last_audit(books, scope)
        await facts.survey(since and since.shared.listed_until)
        await facts.examine(without_trace(ledgers, facts, home))
        with closing(
            Audit(
                ledgers,
                facts,
                home=home,
                retention_seconds=retention,
                since=since,
                scope=scope,
            )
        ) as audit:
            await facts.examine(audit.read())
            audit.read_again()
            return audit.finish()


def audit_alone(
    ledgers: Mapping[str, str], no_server: NoServer, *, full: bool = False
) -> AuditReport:
    """Judge every run by the ledgers alone, as far as they suffice.

    Later audits do not continue after this one, because it proves less.

    Raises:
        BadInput: a ledger cannot be read.
        NoServer: a run is half done, and only Temporal knows whether it is still running.
    """
    try:
        with open_books(ledgers) as books:
            since = None if full else last_audit(books)
        audit = Audit(ledgers, GivenFacts({}), since=since)
        audit.read()
        report = audit.finish()
    except LedgerUnavailable as error:
        raise BadInput(str(error)) from None
    if report.in_flight and report.clean:
        raise NoServer(
            f"orders that are half done: {report.in_flight}; only Temporal knows whether they are"
            f" still running: {no_server}"
        )
    return report


def conclude_audit(report: AuditReport, output: Output, *, compared: bool) -> ExitCode:
    """Show the report and return the exit code."""
    output.say(_sagas(report))
    output.say()
    _say_services(report, output)
    output.say()
    for violation in report.violations[:_SHOWN]:
        output.line(f"{FAILED} {violation}", "bold red")
    if len(report.violations) > _SHOWN:
        more = len(report.violations) - _SHOWN
        output.line(f"… and {more} more; --json has them all", "bold red")
    if any(violation.left_behind for violation in report.violations):
        undo = f"{program('starter.py')} reconcile"
        output.line(f"  To undo what is proved, and to put the rest into the inbox: {undo}")
    if not compared:
        output.line(
            "No Temporal server answers, so the ledgers were not compared with its runs.", "yellow"
        )
    if report.clean:
        output.line(
            f"{DONE} Every finished order happened completely or not at all; all books add up.",
            "bold green",
        )
    else:
        output.line(f"{FAILED} Violations: {len(report.violations)}", "bold red")
    output.document({**report.model_dump(mode="json"), "compared_with_temporal": compared})
    return ExitCode.SUCCESS if report.clean else ExitCode.ROLLED_BACK


def _sagas(report: AuditReport) -> Table:
    table = Table(box=None, padding=(0, 2), show_header=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_row("sagas", str(report.sagas))
    table.add_row("  all effects stand", str(report.succeeded), style="green")
    table.add_row("  no effect stands", str(report.rolled_back), style="yellow")
    if report.in_flight:
        table.add_row("  under way", str(report.in_flight), style="cyan")
    if report.resolved_manually:
        table.add_row("steps decided by hand", str(report.resolved_manually))
    return table


def _say_services(report: AuditReport, output: Output) -> None:
    if not output.is_narrow:
        output.say(_services(report))
        return
    for books in report.services:
        output.sentence(
            f"  {books.service}: {books.standing} stand, {books.reversed} reversed,"
            f" {books.refused} refused; {_amount(books)} standing"
        )


def _services(report: AuditReport) -> Table:
    table = Table(box=None, padding=(0, 2), header_style="dim")
    for column in ("service", "stand", "reversed", "refused", "amount standing"):
        table.add_column(column, justify="left" if column == "service" else "right")
    for books in report.services:
        operations = (books.standing, books.reversed, books.refused)
        table.add_row(books.service, *map(str, operations), _amount(books))
    return table


def _amount(books: ServiceTotals) -> str:
    own = f"{books.amount_standing:,f}"
    others = {code: f"{amounts.standing:,f}" for code, amounts in books.currencies.items()}
    if books.unit == "money":  # the shop's own currency needs no name
        lines = [own, *(f"{amount} {code}" for code, amount in others.items())]
    else:
        lines = [f"{own} {books.unit}"]
        lines += [f"{amount} {code} {books.unit}" for code, amount in others.items()]
    return "\n".join(lines if books.amount_applied or not others else lines[1:])
