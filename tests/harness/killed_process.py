"""A process that uses the payment service until it is killed: ``python -m … MODE URL``."""

from __future__ import annotations

import sys
import time
from typing import NoReturn

from sqlalchemy import Connection

from messages.payment import Payment, ProcessPayment
from services import payment
from services.faults import Fault, FaultPlan
from services.fence import Fence
from services.ledger import open_ledger
from services.payment import PaymentService
from tests.harness.builders import an_order, requests_for

ORDER = an_order("order_1")

_SLOW = Fault(operations=("process_payment",), kind="delay", when="after", count=1, seconds=600)


def main(mode: str, url: str) -> NoReturn:
    """Play the part that ``mode`` names, and never end by itself."""
    ledger = open_ledger("payment", url, payment.TABLES, payment.open_balance)
    request = requests_for(ORDER).payment
    if mode == "dies_between_effect_and_commit":
        Fence(ledger).act(request, Payment(transaction_id="txn_1"), _charge_and_hang)
    elif mode == "dies_between_commit_and_reply":
        slow = Fault(
            operations=("process_payment",), kind="delay", when="after", count=1, seconds=600
        )
        PaymentService(ledger, FaultPlan(fault=(slow,))).charge(request)
    while True:
        request = requests_for(an_order()).payment
        PaymentService(ledger, FaultPlan()).charge(request)
        print(request.idempotency_key, flush=True)


def _charge_and_hang(tx: Connection, request: ProcessPayment, answer: Payment) -> NoReturn:
    payment._charge(tx, request, answer)
    print("charged", flush=True)
    while True:
        time.sleep(600)


if __name__ == "__main__":
    main(*sys.argv[1:])
