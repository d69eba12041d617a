"""Description of a service's books, by which the audit reads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from sqlalchemy import Select
from typing_extensions import Never


class Kept(NamedTuple):
    """Description of one service's books."""

    #: Name of the unit in which the audit reports amounts.
    unit: str
    #: Returns the number of the ledger's units in one such unit, for example 100 cents; the
    #: argument is the currency of the account, or empty.
    scale: Callable[[str], int]
    #: 1 if an action adds to an account, -1 if it takes from it.
    sign: int
    #: Query for account, currency, opening balance and balance, in the ledger's units. The
    #: currency is empty for the shop's own, and if the unit is no currency.
    balances: Select[str, str, int, int]
    #: Returns the changes by account that a request asks for, independently of the service. None
    #: if each action makes a new account, with the balance 1.
    asked: Callable[[Never], Mapping[str, int]] | None
