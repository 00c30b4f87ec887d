"""What an examination of a channel finds, point by point: for ``doctor`` and ``channels test``."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from mis_bridge.channels.base import Ending, Examining, Point, Standing, date_of
from mis_bridge.channels.outcome import Result

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from mis_bridge.channels.base import Channel, Expiry
    from mis_bridge.channels.outcome import Outcome

__all__ = ["EXPIRES_SOON", "examine", "of_ends", "point_of"]

EXPIRES_SOON: Final = timedelta(days=30)
"""So long before a certificate runs out people are told: an authority may take weeks to answer."""

_GOOD: Final = frozenset({Result.SENT, Result.ACCEPTED})


async def examine(channel: Channel, now: datetime, *, probe: bool = True) -> list[Point]:
    """Examine a channel as far as it can be without a message to a person; never raises.

    Args:
        channel: any; one that can say no more of itself is checked.
        now: aware, for what runs out.
        probe: whether something may be sent that reaches no person: with it, a Graph mailbox
            writes to itself, and tries to write to itself as another, which has to be refused.

    Returns:
        At least one point, in the order in which a person would look.
    """
    if isinstance(channel, Examining):
        points = list(await channel.examine(probe=probe))
    else:
        points = [point_of("connection and login", await channel.check())]
    if isinstance(channel, Ending):
        points += of_ends(await asyncio.to_thread(channel.expiries), now)
    return points


def of_ends(expiries: Iterable[Expiry], now: datetime) -> list[Point]:
    """Say how everything stands that runs out, in the order in which it is given."""
    return [_of_end(expiry, now) for expiry in expiries]


def point_of(what: str, outcome: Outcome) -> Point:
    """Say how a point stands by the outcome of an attempt; its text says what to do as well."""
    return Point(
        what,
        Standing.OK if outcome.result in _GOOD else Standing.PROBLEM,
        outcome.detail,
    )


def _of_end(expiry: Expiry, now: datetime) -> Point:
    date = date_of(expiry.at)
    if expiry.at <= now:
        return Point(expiry.what, Standing.PROBLEM, f"expired on {date}", expiry.then)
    if expiry.at < now + EXPIRES_SOON:
        return Point(expiry.what, Standing.DOUBT, f"expires on {date}", expiry.then)
    return Point(expiry.what, Standing.OK, f"good until {date}")
