"""The books of a service, as its own module tells the audit to read them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from sqlalchemy import Select
from typing_extensions import Never


class Kept(NamedTuple):
    """Books of one service, and the units that they are kept in."""

    #: What its amounts are counted in, how many of the ledger's units make one, and whether
    #: an operation adds to an account or takes from it.
    unit: str
    scale: int
    sign: int
    #: Account, opening balance, balance.
    balances: Select[tuple[str, int, int]]
    #: The changes of accounts that a request means, reckoned without the service; None where a
    #: request does not say which account: then it means one new account that holds one.
    asked: Callable[[Never], Mapping[str, int]] | None
