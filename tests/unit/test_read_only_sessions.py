"""PostgreSQL ledger that is read-only for a while, as after a failover or with a full disk."""

from __future__ import annotations

from contextlib import closing

import pytest

from messages.participants import SERVICES
from services.ledger import LedgerUnavailable
from services.mock import open_services
from tests.harness.participants import operations, request_to
from tests.harness.postgres import PostgresServer

SET = "ALTER DATABASE payment SET default_transaction_read_only = on"
RESET = "ALTER DATABASE payment RESET default_transaction_read_only"
OTHERS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'payment'"


def test_no_session_stays_read_only_for_longer_than_its_database(postgres: PostgresServer) -> None:
    urls = {service: postgres.empty_database(service) for service in SERVICES}
    with closing(open_services(urls)) as services, postgres.connect() as administrator:
        charge, _ = operations(services, "payment")
        charge(request_to("payment"))
        try:
            administrator.execute(SET)
            administrator.execute(OTHERS)
            with pytest.raises(LedgerUnavailable) as refused:
                charge(request_to("payment"))
        finally:
            administrator.execute(RESET)
        charge(request_to("payment"))
    # Nothing of the order, such as the customer, who would be in the worker's log.
    told = "payment ledger: cannot execute INSERT in a read-only transaction"
    assert str(refused.value) == told
