"""Format 5: accounts by currency, and telephone numbers."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, MetaData, Table, Text, inspect

revision = "format_5"
down_revision = "format_4"

#: Tables with accounts, as they were; the first column was the key. SQLite cannot change a key, so
#: Alembic writes these tables anew.
_BEFORE = (
    Table(
        "audited_accounts",
        MetaData(),
        Column("account", Text, nullable=False),
        Column("amount", BigInteger, nullable=False),
    ),
    Table(
        "credit",
        MetaData(),
        Column("user_id", Text, nullable=False),
        Column("opening", BigInteger, nullable=False),
        Column("available", BigInteger, CheckConstraint("available >= 0"), nullable=False),
    ),
    Table(
        "points",
        MetaData(),
        Column("user_id", Text, nullable=False),
        Column("closed", Boolean, nullable=False),
        Column("opening", BigInteger, nullable=False),
        Column("balance", BigInteger, nullable=False),
    ),
)


def upgrade() -> None:
    """Add them to the tables that the ledger has; all accounts so far are in its own currency."""
    tables = inspect(op.get_bind()).get_table_names()
    op.add_column("journal", _currency())
    if "shipments" in tables:
        op.add_column("shipments", Column("phone", Text))
    for table in _BEFORE:
        if table.name in tables:
            _key_by_currency(table)


def _key_by_currency(table: Table) -> None:
    key, owner = f"{table.name}_pkey", next(iter(table.columns)).name
    with op.batch_alter_table(table.name, copy_from=table) as batch:
        batch.add_column(_currency())
        if op.get_context().dialect.name == "postgresql":
            batch.drop_constraint(key)
        batch.create_primary_key(key, [owner, "currency"])


def _currency() -> Column[str]:
    return Column("currency", Text, nullable=False, server_default="")
