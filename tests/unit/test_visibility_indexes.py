"""The embedded server's list of runs: queries find them, and few indexes are written."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from temporalio.client import Client
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

from messages.wire import SAGA_STATUS
from runtime.devserver import DevServer
from runtime.visibility_indexes import USED, drop_unused_indexes
from tests.harness.waiting import until

PARKED = TypedSearchAttributes(
    [SearchAttributePair(SearchAttributeKey.for_keyword(SAGA_STATUS), "NEEDS_INTERVENTION")]
)


def indexes(data_dir: Path) -> set[str]:
    with closing(sqlite3.connect(data_dir / "temporal.db")) as connection:
        of_runs = "tbl_name = 'executions_visibility' AND sql IS NOT NULL"
        found = connection.execute(
            f"SELECT name FROM sqlite_master WHERE type = 'index' AND {of_runs}"
        )
        return {name for (name,) in found}


async def start(client: Client, workflow_id: str, attributes: TypedSearchAttributes) -> None:
    await client.start_workflow(
        "Nothing",
        id=workflow_id,
        task_queue="nobody",
        search_attributes=attributes,
        execution_timeout=timedelta(days=1),
    )


async def found(client: Client, query: str) -> set[str]:
    return {run.id async for run in client.list_workflows(query)}


async def until_found(client: Client, query: str, expected: set[str]) -> None:
    """Wait for the list, which follows the runs a little later, also over a restart."""

    async def listed() -> bool:
        return await found(client, query) == expected

    await until(listed)


async def test_runs_are_found_as_ever_with_the_indexes_that_are_used_alone(tmp_path: Path) -> None:
    async with DevServer(tmp_path) as server:
        client = await server.client()
        assert indexes(tmp_path) == USED
        await start(client, "parked", PARKED)
        await start(client, "ended", TypedSearchAttributes.empty)
        await client.get_workflow_handle("ended").terminate()

        both, parked = {"parked", "ended"}, {"parked"}
        await until_found(client, "ExecutionStatus = 'Terminated'", {"ended"})
        await until_found(client, "WorkflowType = 'Nothing'", both)
        assert await found(client, "TaskQueue = 'nobody'") == both
        assert await found(client, "StartTime > '2020-01-01T00:00:00Z'") == both
        assert await found(client, "RootWorkflowId = 'parked'") == parked
        assert await found(client, "WorkflowId = 'parked'") == parked
        assert await found(client, f"{SAGA_STATUS} = 'NEEDS_INTERVENTION'") == parked
        assert await found(client, "CloseTime IS NULL AND ExecutionStatus = 'Running'") == parked


async def test_a_database_of_a_server_as_delivered_goes_on_with_the_indexes_that_are_used(
    tmp_path: Path,
) -> None:
    async with DevServer(tmp_path, as_delivered=True) as server:
        await start(await server.client(), "before", PARKED)
    assert indexes(tmp_path) > USED

    for workflow_id in ("first", "second"):
        async with DevServer(tmp_path) as server:
            client = await server.client()
            assert indexes(tmp_path) == USED
            await start(client, workflow_id, PARKED)
            await until_found(client, "WorkflowId = 'before'", {"before"})


async def test_the_server_waits_for_who_holds_its_database_for_a_moment(tmp_path: Path) -> None:
    async with DevServer(tmp_path) as server:
        client = await server.client()
        with closing(sqlite3.connect(tmp_path / "temporal.db", isolation_level=None)) as holder:
            holder.execute("BEGIN IMMEDIATE")
            starting = asyncio.create_task(start(client, "waits", PARKED))
            # Nobody tells that the server waits; it would fail at once.
            await asyncio.wait({starting}, timeout=1)
            holder.execute("COMMIT")
        await starting
        said = server.process.output()

    assert "locked" not in said


def test_a_file_that_is_no_database_is_left_for_the_server_to_tell(tmp_path: Path) -> None:
    drop_unused_indexes(tmp_path)
    damaged = tmp_path / "temporal.db"
    damaged.write_bytes(b"no database" * 1000)
    drop_unused_indexes(damaged)

    assert damaged.read_bytes() == b"no database" * 1000
