"""The MIS could not be read for too long on a school day: nobody can say who is missing."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from mis_bridge.registers.calendar import LONDON, local_datetime
from mis_bridge.triggers.model import (
    Audience,
    Evidence,
    Finding,
    Kind,
    Parameter,
    Severity,
    TriggerInfo,
)
from mis_bridge.triggers.parameters import ENABLED

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from mis_bridge.triggers.model import SchoolDay

__all__ = ["INFO", "blind_from", "evaluate"]

INFO: Final = TriggerInfo(
    id="feed_blind",
    title="The registers can not be read",
    meaning="No good reading of the MIS for so long within the hours of a school day. Missing "
    "data is neither an absence nor a presence: it is told as what it is.",
    source="Our choice: no data must never look like nobody missing.",
    kind=Kind.FEED,
    audience=(Audience.OFFICE, Audience.DSL, Audience.IT),
    severity=Severity.CRITICAL,
    parameters=(
        ENABLED,
        Parameter(
            "minutes",
            default=15,
            unit="minutes",
            meaning="So long without a good reading within the day's reading hours.",
            minimum=1,
        ),
    ),
    never_for="Not on a day without school and not outside the hours in which readings are "
    "expected.",
)

_DAY: Final = timedelta(days=1)


def blind_from(school_day: SchoolDay, parameters: Mapping[str, Any]) -> datetime | None:
    """Give the moment from which the data of the day is too old, if no reading follows.

    None where no readings are expected: a day without school, an export that is replayed, or a
    last reading so late that the day's hours end before.
    """
    expected = school_day.expected_reading_from
    if not school_day.sessions or expected is None:
        return None
    read = school_day.last_good_read
    since = expected if read is None else max(expected, read)
    until = school_day.expected_reading_until or local_datetime(school_day.day + _DAY, 0)
    blind = (since + timedelta(minutes=int(parameters["minutes"]))).astimezone(LONDON)
    return blind if blind <= until else None


def evaluate(
    school_day: SchoolDay, now: datetime, parameters: Mapping[str, Any]
) -> tuple[Finding | None, datetime | None]:
    """Give the finding, and when to look again if there is none yet.

    It stays until there is a good reading, also after the day's hours: until then nobody has seen
    how the day ended.
    """
    blind = blind_from(school_day, parameters)
    if blind is None:
        return None, None
    if now < blind:
        return None, blind
    read = school_day.last_good_read
    minutes = int(parameters["minutes"])
    if read is None:
        evidence: tuple[Evidence, ...] = (Evidence(None, "", "no good reading so far"),)
        since = "have never been read"
        episode = school_day.day.isoformat()
    else:
        read = read.astimezone(LONDON)
        evidence = (Evidence(read, "", "last good reading"),)
        today = read.date() == school_day.day
        since = f"were last read at {read:%H:%M}{'' if today else f' on {read:%-d %B %Y}'}"
        episode = read.isoformat(timespec="minutes")
    problem = school_day.reading_problem
    if problem:
        evidence = (*evidence, Evidence(None, "", problem))
    finding = Finding(
        trigger=INFO.id,
        pupil="",
        day=school_day.day,
        slot="",
        level=1,
        fired_at=blind,
        raised_at=blind,
        evidence=(*evidence, Evidence(blind, "", f"{minutes} minutes without a good reading")),
        sentence=f"The registers {since}; for {minutes} minutes of the school day nothing could "
        "be read. Until they can be read again nobody is told of missing children here."
        + (f" {problem}" if problem else ""),
        facts={"minutes": minutes},
        episode=episode,
    )
    return finding, None
