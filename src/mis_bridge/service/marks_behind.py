"""The marks behind an incident, as they stand now: of its day, or of the weeks up to it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from mis_bridge.registers.calendar import AcademicYear, monday_of
from mis_bridge.registers.codes import NO_SESSION, by_byte, to_code
from mis_bridge.registers.day_sheet import decode
from mis_bridge.store import sheets, strips
from mis_bridge.triggers.catalogue import TRIGGERS
from mis_bridge.triggers.model import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from mis_bridge.incidents.model import Incident
    from mis_bridge.registers.day_sheet import DaySheet

__all__ = ["MarkLine", "marks_behind"]

WEEKS: Final = 6
"""So many school weeks are shown where nothing says how far the matter goes back."""

_MIDNIGHT: Final = 24 * 60


class MarkLine(NamedTuple):
    """One line of marks.

    Args:
        when: a slot of the day (``AM``, ``P2``), or the Monday of a week.
        marks: the code, or ten of a week, AM and PM of each day together.
        meaning: of the code; empty for a week.
        known: when it was saved in the MIS, or read where the MIS does not say, ``HH:MM``; empty
            where nobody knows, and for a week.
    """

    when: str
    marks: str
    meaning: str = ""
    known: str = ""


def marks_behind(tx: Connection, incident: Incident) -> list[MarkLine]:
    """Give the marks that a person looks at to check an incident.

    A matter of a day shows that day's sheet for as long as it is kept, afterwards its two sessions;
    any other matter of a pupil shows weeks. What is about no pupil has no marks.
    """
    if not incident.pupil:
        return []
    info = TRIGGERS[incident.trigger].INFO if incident.trigger in TRIGGERS else None
    if info is not None and info.kind is not Kind.DAY:
        return list(_weeks(tx, incident))
    day = sheets.load(tx, incident.school, {incident.day: {incident.pupil}})[incident.day]
    row = day.rows.get(incident.pupil)
    if row is not None:
        return list(_slots(decode(incident.day, day.plan, row[0])))
    strip = strips.one(tx, incident.school, AcademicYear.of(incident.day), incident.pupil)
    return [
        MarkLine(name, to_code(byte), _meaning(byte))
        for name, pm in (("AM", False), ("PM", True))
        if (byte := strip.byte(incident.day, pm)) != NO_SESSION
    ]


def _slots(sheet: DaySheet) -> Iterator[MarkLine]:
    for slot, entry in sheet.entries:
        yield MarkLine(slot.name, to_code(entry.code), _meaning(entry.code), _clock(entry.recorded))


def _weeks(tx: Connection, incident: Incident) -> Iterator[MarkLine]:
    strip = strips.one(tx, incident.school, AcademicYear.of(incident.day), incident.pupil)
    last = _day(incident.facts.get("last_day")) or incident.day
    first = _day(incident.facts.get("first_day"))
    weeks: dict[date, list[str]] = {}
    for day, am, pm in strip.days():
        if day <= last or monday_of(day) == monday_of(last):
            week = weeks.setdefault(monday_of(day), ["...."] * 7)
            week[day.weekday()] = f"{to_code(am):>2}{to_code(pm):>2}"
    shown = [week for week in weeks if first is not None and week >= monday_of(first)]
    for monday in shown or list(weeks)[-WEEKS:]:
        days = weeks[monday]
        worked = days if any("." not in one for one in days[5:]) else days[:5]
        yield MarkLine(f"{monday:%d %b %Y}", " ".join(worked))


def _day(value: int | str | None) -> date | None:
    try:
        return date.fromisoformat(str(value)) if value else None
    except ValueError:
        return None


def _meaning(byte: int) -> str:
    code = by_byte(byte)
    return code.meaning if code is not None else "register not taken"


def _clock(minute: int | None) -> str:
    if minute is None:
        return ""
    days, rest = divmod(minute, _MIDNIGHT)
    later = f" (+{timedelta(days=days).days} d)" if days else ""
    return f"{rest // 60:02}:{rest % 60:02}{later}"
