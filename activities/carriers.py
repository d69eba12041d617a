"""Temporal is asked what has become of the deliveries of events."""

from __future__ import annotations

import asyncio

from temporalio import activity

from activities.ports import Carriers
from messages.deliveries import CarrierRef, CarrierState


class CarrierActivities:
    """A choreographed order's questions to Temporal."""

    def __init__(self, carriers: Carriers) -> None:
        self._carriers = carriers

    @activity.defn
    async def look_at_deliveries(self, wanted: list[CarrierRef]) -> list[CarrierState]:
        """Find out how each of these deliveries stands, if it is there and what it should be."""
        return list(await asyncio.gather(*map(self._carriers.look_at, wanted)))
