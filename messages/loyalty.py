"""Requests to the loyalty service, and its answers."""

from __future__ import annotations

from messages.base import Command, Identifier, Points, Reply


class AwardLoyaltyPoints(Command):
    """Credit points to the customer."""

    user_id: Identifier
    points: Points


class PointsAward(Reply):
    """Points were credited."""

    award_id: str
    points_awarded: Points
