"""Worker of the plainest order saga, with the SDK's defaults: ``python -m trials.bench.bare``."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.envconfig import ClientConfig
from temporalio.worker import Worker

from runtime.exits import ExitCode, run, stop_requested
from services.mock import open_services
from settings import read_settings
from trials.bench.bare.activities import BareActivities
from trials.bench.bare.orders import BareOrder


async def main() -> ExitCode:
    """Run the worker until a signal arrives."""
    settings, stop = read_settings(), stop_requested()
    config = ClientConfig.load_client_connect_config()
    client = await Client.connect(**config, data_converter=pydantic_data_converter)
    with closing(open_services(settings.ledger_urls())) as services:
        bare = BareActivities(services)
        async with Worker(
            client,
            task_queue=settings.task_queue,
            workflows=[BareOrder],
            activities=[
                bare.reserve_inventory,
                bare.release_inventory,
                bare.process_payment,
                bare.refund_payment,
                bare.prepare_shipping,
                bare.cancel_shipment,
                bare.award_loyalty_points,
            ],
            activity_executor=ThreadPoolExecutor(100),
        ):
            print(f"polling task queue {settings.task_queue}", flush=True)
            await stop.wait()
    return ExitCode.SUCCESS


if __name__ == "__main__":
    run(main)
