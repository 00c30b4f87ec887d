"""Dates and times as people in an English school read them: London local time, 24 hours."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from mis_bridge.registers.calendar import LONDON

if TYPE_CHECKING:
    from datetime import date, datetime

__all__ = ["ago", "clock", "day_name", "moment", "span"]

# Not strftime: the names may not depend on the locale of the machine.
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MINUTE = timedelta(minutes=1)
_MINUTES_AN_HOUR = 60
_HOURS_SHOWN = 48


def clock(at: datetime) -> str:
    """Return ``10:02``."""
    return f"{at.astimezone(LONDON):%H:%M}"


def day_name(day: date, *, year: bool = False) -> str:
    """Return ``Thu 12 Nov``, with the year where asked."""
    name = f"{_DAYS[day.weekday()]} {day.day} {_MONTHS[day.month - 1]}"
    return f"{name} {day.year}" if year else name


def moment(at: datetime, now: datetime) -> str:
    """Return ``10:02`` for today, ``Wed 11 Nov 10:02`` for another day of this year."""
    local, today = at.astimezone(LONDON), now.astimezone(LONDON).date()
    if local.date() == today:
        return clock(at)
    return f"{day_name(local.date(), year=local.year != today.year)} {clock(at)}"


def ago(then: datetime, now: datetime) -> str:
    """Return ``just now``, ``12 minutes ago``, ``3 hours ago``, ``4 days ago``; never rounds up."""
    length = now - then
    return "just now" if length < _MINUTE else f"{span(length)} ago"


def span(length: timedelta) -> str:
    """Return ``12 minutes``, ``3 hours``, ``4 days``; never rounds up."""
    minutes = length // _MINUTE
    if minutes < 2 * _MINUTES_AN_HOUR:
        return "1 minute" if minutes == 1 else f"{minutes} minutes"
    hours = minutes // _MINUTES_AN_HOUR
    return f"{hours} hours" if hours < _HOURS_SHOWN else f"{hours // 24} days"
