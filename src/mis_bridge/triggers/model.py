"""What every trigger takes and gives: a pupil's day, a pupil's strip, a finding.

A trigger is a pure function of what is stored and of the time that it is told. It never keeps
state: the same day looked at twice at the same minute gives the same findings (level, not edge).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from mis_bridge.registers.calendar import Session

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from mis_bridge.registers.calendar import SchoolCalendar
    from mis_bridge.registers.day_sheet import DayEvent, DaySheet
    from mis_bridge.registers.strip import Strip

__all__ = [
    "Assessment",
    "Audience",
    "Evidence",
    "Finding",
    "Kind",
    "Parameter",
    "PupilDay",
    "PupilYear",
    "SchoolDay",
    "Severity",
    "TriggerInfo",
]


class Audience(StrEnum):
    """Who is told; a school's routes map each to channels."""

    DSL = "dsl"
    OFFICE = "office"
    ATTENDANCE = "attendance"
    IT = "it"


class Severity(StrEnum):
    """How soon somebody has to look; decides deadlines and quiet hours."""

    CRITICAL = "critical"
    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


class Kind(StrEnum):
    """What a trigger reads."""

    DAY = "day"
    STRIP = "strip"
    FEED = "feed"
    ROLL = "roll"
    FLAG = "flag"
    HISTORY = "history"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One number or list that a school or an authority may set.

    Args:
        name: key under ``[triggers.<id>]``.
        default: value when nothing is set; its type is the type that is accepted.
        unit: ``minutes``, ``school days``, ``sessions``, ``per cent``, ``pupils``, ``flags``...
        meaning: one sentence for the configuration reference.
        minimum: smallest value that makes sense, or None.
    """

    name: str
    default: int | float | bool | str | tuple[str, ...]
    unit: str
    meaning: str
    minimum: float | None = None


@dataclass(frozen=True, slots=True)
class TriggerInfo:
    """What a trigger says of itself.

    Args:
        id: stable name, as in ``[triggers.missing_during_day]``.
        title: a few words for headings ("Missing during the day").
        meaning: plain English, one sentence.
        source: regulation or guidance, or that it is our choice.
        kind: what it reads.
        audience: who is told by default.
        severity: at level 1.
        parameters: all it can be told.
        never_for: for whom it never fires, one sentence, or empty.
        raised_audience: who is told in addition once a finding is at level 2.
    """

    id: str
    title: str
    meaning: str
    source: str
    kind: Kind
    audience: tuple[Audience, ...]
    severity: Severity
    parameters: tuple[Parameter, ...] = ()
    never_for: str = ""
    raised_audience: tuple[Audience, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """One fact behind a finding, in time order with its neighbours.

    Args:
        at: when it became known, aware, Europe/London; None where only the day is known.
        slot: ``AM``, ``PM``, ``P2``, or empty.
        what: plain words that hold no name: "register N (no reason yet)", "present in lesson".
    """

    at: datetime | None
    slot: str
    what: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is true now and that a person should know.

    Findings with equal ``identity`` are the same finding at different times.

    Args:
        trigger: id of the trigger.
        pupil: the MIS's pupil id; empty for findings about a register or a feed.
        day: the school day that it belongs to (for strips: the day on which it became true).
        slot: session or lesson it is about; empty where it is about the day or the year.
        level: 1, or 2 where a trigger raises itself.
        fired_at: when it became true, aware, Europe/London.
        raised_at: when the present level was reached (equal to fired_at at level 1).
        evidence: the facts in time order.
        facts: the numbers for the explanation, e.g. ``{"absent": 38, "possible": 380}``.
        sentence: the plain explanation with its numbers and no name.
        episode: distinguishes episodes of one pupil and trigger that are not told apart by
            day and slot, e.g. the first day of a ten-day run; empty otherwise.
        supersedes: ids of triggers whose open finding about this pupil and day this one
            continues ("internal_truancy" closes "missing_during_day" as found).
        uncertain: a missing mark or an untaken register makes it less than certain; says how.
        newest_at: when the latest of the registers that it rests on was saved, aware; None where
            that is ``fired_at``. What a person closed before is news again.
    """

    trigger: str
    pupil: str
    day: date
    slot: str
    level: int
    fired_at: datetime
    raised_at: datetime
    evidence: tuple[Evidence, ...]
    sentence: str
    facts: Mapping[str, int | str] = field(default_factory=dict)
    episode: str = ""
    supersedes: tuple[str, ...] = ()
    uncertain: str = ""
    newest_at: datetime | None = None

    @property
    def identity(self) -> tuple[str, str, str, str, str]:
        """What makes two findings the same one at different times."""
        return (self.trigger, self.pupil, self.day.isoformat(), self.slot, self.episode)


@dataclass(frozen=True, slots=True)
class Assessment:
    """What is true now, and when to look again although nothing new was read.

    Args:
        findings: in order of fired_at, pupil, trigger.
        look_again: the next moment at which time alone could change the answer, aware, or None.
        held: findings that are true by the rule but held back, each with its reason
            (a reason of the closed set in ``incidents.reasons``).
        read_from: a wait ends at the first reading from this moment on, aware; None where no wait
            is for a reading. Whoever can read the MIS does so then, and looks again.
    """

    findings: tuple[Finding, ...]
    look_again: datetime | None = None
    held: tuple[tuple[Finding, str], ...] = ()
    read_from: datetime | None = None


@dataclass(frozen=True, slots=True)
class PupilDay:
    """One pupil's school day as known at a moment.

    Args:
        pupil: the MIS's pupil id.
        sheet: marks of the day with the minute at which each was saved.
        events: sign-ins, sign-outs and messages, in time order.
        flags: of ``lac cp cin ehcp sen send_risk yot missing_before``.
        year_group: national curriculum year, 0 for Reception, below 0 for nursery, None unknown.
        form: registration group, empty if unknown.
        care_began: first day in care, None for who is not or of whom it is not known.
    """

    pupil: str
    sheet: DaySheet
    events: tuple[DayEvent, ...] = ()
    flags: frozenset[str] = frozenset()
    year_group: int | None = None
    form: str = ""
    care_began: date | None = None


@dataclass(frozen=True, slots=True)
class SchoolDay:
    """One (school, day), all that the day triggers look at.

    Args:
        day: the date.
        pupils: everybody on roll that day.
        last_good_read: when the feed was last read well, aware, or None for never.
        expected_reading_from: from when on the feed should have been readable today, aware; None
            where nobody expects readings (an export that is replayed).
        sessions: that the school has that day. Nobody misses a register of a closed half day, nor
            a reading where there is no session at all.
        expected_reading_until: from when on no reading is expected any more, aware; None: midnight.
        reading_problem: why the MIS can not be read and what to do, whole sentences; empty where
            it can be read or nobody has tried.
    """

    day: date
    pupils: Sequence[PupilDay]
    last_good_read: datetime | None = None
    expected_reading_from: datetime | None = None
    sessions: frozenset[Session] = frozenset(Session)
    expected_reading_until: datetime | None = None
    reading_problem: str = ""


@dataclass(frozen=True, slots=True)
class PupilYear:
    """One pupil's marks of one academic year and what the strip triggers need beside them.

    Args:
        pupil: the MIS's pupil id.
        strip: all sessions of the year.
        calendar: the school's calendar of that year.
        compulsory_age_from, compulsory_age_to: the span in which the pupil is of compulsory
            school age, None where unknown (then nothing is left out for age).
        year_group: as in PupilDay.
        flags: as in PupilDay.
        before: the sessions of the academic year before, for what goes on over the summer; None
            where they are not known or nothing does.
    """

    pupil: str
    strip: Strip
    calendar: SchoolCalendar
    compulsory_age_from: date | None = None
    compulsory_age_to: date | None = None
    year_group: int | None = None
    flags: frozenset[str] = frozenset()
    before: Strip | None = None
