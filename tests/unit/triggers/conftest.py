"""Builders of invented school days, as short as they are said."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

import pytest

from mis_bridge.registers.calendar import local_datetime
from mis_bridge.registers.codes import NOT_TAKEN, to_byte
from mis_bridge.registers.day_sheet import DayEvent, DaySheet, Entry, Slot, SlotKind
from mis_bridge.triggers.model import PupilDay

TUESDAY = date(2026, 9, 15)
_TIMES = {
    "AM": ("08:45", "12:15", "09:15"),
    "PM": ("13:00", "15:10", "13:30"),
    "P1": ("08:55", "09:55", None),
    "P2": ("09:55", "10:55", None),
    "P3": ("11:15", "12:15", None),
    "P4": ("13:10", "14:10", None),
    "P5": ("14:10", "15:10", None),
}

MakeDay = Callable[..., PupilDay]
At = Callable[..., datetime]


def to_minute(text: str) -> int:
    """Understand ``10:02``, and ``+1T10:02`` for the day after."""
    days, _, clock = text.rpartition("T")
    hours, minutes = clock.split(":")
    return (int(days) if days else 0) * 1440 + int(hours) * 60 + int(minutes)


def make_slot(name: str) -> Slot:
    """Give a slot of the invented school's day."""
    starts, ends, closes = _TIMES[name]
    return Slot(
        name,
        SlotKind.LESSON if closes is None else SlotKind.SESSION,
        to_minute(starts),
        to_minute(ends),
        None if closes is None else to_minute(closes),
    )


def make_day(
    *said: str,
    pupil: str = "P-1",
    blank: str = "",
    flags: str = "",
    year_group: int | None = 8,
    form: str = "",
    register: str = "",
    unsettled: str = "",
    day: date = TUESDAY,
    care_began: date | None = None,
) -> PupilDay:
    """Build a pupil's day from what was saved, in order.

    ``"10:02 P2 N"`` is a mark, ``"P2 N"`` a mark without a time, ``"10:20 sign_out"`` an event;
    ``blank`` names timetabled slots without a mark, ``unsettled`` those nobody has looked at.
    """
    sheet = DaySheet(day)
    for name in blank.split():
        sheet = sheet.with_entry(make_slot(name), Entry(NOT_TAKEN, register=register))
    events = []
    for text in said:
        clock, *rest = text.split()
        if ":" not in clock:
            clock, rest = "", [clock, *rest]
        minute = to_minute(clock) if clock else None
        if len(rest) == 1:
            assert minute is not None
            events.append(DayEvent(minute, rest[0]))
        else:
            name, code = rest
            entry = Entry(to_byte(code), minute, register, name not in unsettled.split())
            sheet = sheet.with_entry(make_slot(name), entry)
    events.sort(key=lambda event: event.minute)
    return PupilDay(
        pupil, sheet, tuple(events), frozenset(flags.split()), year_group, form, care_began
    )


def make_time(clock: str, day: date = TUESDAY) -> datetime:
    """Give the aware time of a minute of the day."""
    return local_datetime(day, to_minute(clock))


@pytest.fixture
def pupil_day() -> MakeDay:
    """The builder of a pupil's day."""
    return make_day


@pytest.fixture
def at() -> At:
    """The builder of a moment of the day."""
    return make_time
