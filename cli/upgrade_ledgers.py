"""``upgrade-ledgers``: show the formats of the ledgers, and upgrade older ones."""

from __future__ import annotations

from collections.abc import Mapping

from cli.errors import BadInput
from cli.output import Output
from messages.marks import DONE
from runtime.exits import ExitCode
from services.identity import FORMAT
from services.ledger import LedgerUnavailable
from services.upgrading import formats_of
from services.upgrading import upgrade_ledgers as upgrade


def upgrade_ledgers(ledgers: Mapping[str, str], output: Output, *, dry_run: bool) -> ExitCode:
    """Upgrade the ledgers, or only show their formats; succeed also if all are current.

    Raises:
        BadInput: a ledger does not exist, is newer than this program, or cannot be written.
    """
    try:
        found = formats_of(ledgers)
        if not dry_run:
            upgrade(ledgers)
    except LedgerUnavailable as error:
        raise BadInput(str(error)) from None
    for service, was in found.items():
        said = f"the {service} ledger has format {was}"
        if was < FORMAT:
            said += ", and would be upgraded" if dry_run else ", and is upgraded"
            said += f" to format {FORMAT}"
        output.line(f"{DONE} {said}" if not dry_run else said, "green" if not dry_run else None)
    output.document({"format": FORMAT, "found": found, "upgraded": not dry_run})
    return ExitCode.SUCCESS
