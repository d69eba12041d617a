"""Activity that asks Temporal about the deliveries of events."""

from __future__ import annotations

import asyncio

from temporalio import activity

from activities.ports import Carriers
from messages.deliveries import CarrierRef, CarrierState


class CarrierActivities:
    """Questions of a choreographed order to Temporal."""

    def __init__(self, carriers: Carriers) -> None:
        self._carriers = carriers

    @activity.defn
    async def look_at_deliveries(self, wanted: list[CarrierRef]) -> list[CarrierState]:
        """Return the state of each of these deliveries, in the same order."""
        return list(await asyncio.gather(*map(self._carriers.look_at, wanted)))
