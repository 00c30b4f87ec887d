"""When people may be interrupted, and what comes to them together.

Every message gets a moment, a bundle and, where it waits, a reason. Three kinds of matters:

- at once: a child who is missing or found, what is critical, what nobody answers. Never held; sent
  together only with what goes out at the same moment for the same cause;
- soon: other matters of high or normal severity. They wait a short time for others of the same
  cause, so that the absences of one register are one message. That those who were absent on an
  earlier day are back comes once an hour, together;
- in the digest: matters of low severity come together at fixed times of a school day.

Quiet hours hold what is soon or in the digest, and lose nothing: what is held has its end.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from mis_bridge.incidents.families import MISSING, family_of_incident
from mis_bridge.incidents.reasons import CLIMBS, ENDINGS, Reason
from mis_bridge.registers.calendar import AcademicYear, local_datetime, local_minute
from mis_bridge.triggers.model import Kind, Severity

if TYPE_CHECKING:
    from datetime import date

    from mis_bridge.incidents.model import Incident
    from mis_bridge.registers.school_years import SchoolYears

__all__ = ["AT_ONCE", "Quiet", "Timing", "Turn", "cause_of", "is_urgent", "turn_of"]

_SATURDAY: Final = 5
_DAY: Final = timedelta(days=1)
_LONGEST: Final = 400
"""Days after which a calendar that is closed without end is not believed any more."""

_RAISED: Final = frozenset({Reason.OPENED, Reason.LEVEL_RAISED, Reason.REOPENED})
_IN_A_DIGEST: Final = _RAISED | {Reason.PACKAGE_READY}


@dataclass(frozen=True, slots=True)
class Quiet:
    """When people are left alone.

    Args:
        begins, ends: minutes after local midnight, over midnight where it ends earlier; the same
            twice: no night is quiet. What a closed day holds goes out when the quiet ends on the
            next open one.
        weekends: Saturdays and Sundays are quiet.
        holidays: days without school are quiet for what is about pupils and registers. What is
            about feeds and channels has to be mended before the term begins.
        holds: severities that are held; what is urgent never is, whatever its severity. A high
            one that has grown over weeks is held with the normal ones.
    """

    begins: int = 18 * 60
    ends: int = 7 * 60
    weekends: bool = True
    holidays: bool = True
    holds: frozenset[Severity] = frozenset({Severity.NORMAL, Severity.LOW})


@dataclass(frozen=True, slots=True)
class Timing:
    """What a school has set about interruptions.

    Args:
        quiet: when people are left alone.
        digest_at: minutes after local midnight, in order, at which what is low comes together;
            none: it is told as what is normal.
        group_wait: how long a message waits for others of the same cause.
        group_again: how long after a message its cause is not told of again, unless urgent.
    """

    quiet: Quiet = field(default=Quiet())
    digest_at: tuple[int, ...] = (8 * 60,)
    group_wait: timedelta = timedelta(seconds=15)
    group_again: timedelta = timedelta(minutes=5)


AT_ONCE: Final = Timing(
    quiet=Quiet(0, 0, weekends=False, holidays=False, holds=frozenset()),
    digest_at=(),
    group_wait=timedelta(),
    group_again=timedelta(),
)
"""Nothing waits for anything."""


@dataclass(frozen=True, slots=True)
class Turn:
    """When a message's turn is.

    Args:
        at: not before this, aware.
        bundle: messages to one channel with the same one go out as one; empty: always alone.
        why: why it waits, or empty.
    """

    at: datetime
    bundle: str = ""
    why: Reason | None = None


def is_urgent(incident: Incident, reason: Reason) -> bool:
    """Whether a message is never held: a child who is missing or found, what nobody answers."""
    return (
        incident.severity is Severity.CRITICAL
        or incident.family == MISSING.id
        or reason is Reason.CHANNEL_FAILED
        or (reason in CLIMBS and not _is_slow(incident))
    )


def _is_slow(incident: Incident) -> bool:
    """Whether it has grown over weeks: whatever its severity, it can wait for the morning."""
    return family_of_incident(incident).kind not in {Kind.DAY, Kind.FEED}


def cause_of(incident: Incident, reason: Reason) -> str:
    """Name what makes messages one: what kind of news, of which matter, of which register."""
    if reason in _RAISED:
        news = "raised"
    elif reason in ENDINGS:
        news = "over"
    else:
        news = reason.value
    family = family_of_incident(incident)
    if family.kind is Kind.DAY:
        return f"{news}/{family.id}/{incident.day.isoformat()}/{incident.slot}"
    return f"{news}/{family.id}"


def turn_of(
    incident: Incident,
    reason: Reason,
    now: datetime,
    timing: Timing,
    years: SchoolYears,
    *,
    last: datetime | None = None,
) -> Turn:
    """Say when a message goes out, and with which others.

    Args:
        incident: as it stands.
        reason: why people are told.
        now: aware.
        timing: what the school has set.
        years: the school's calendars.
        last: when this channel was last told of the same cause, aware, or None.
    """
    if reason is Reason.PACKAGE_APPROVED:
        return Turn(now)  # it carries files to somebody outside
    cause = cause_of(incident, reason)
    if is_urgent(incident, reason):
        return Turn(now, cause)
    turn = _soon(incident, reason, now, timing, years, cause, last)
    return _after_quiet(turn, incident, timing.quiet, years)


def _soon(
    incident: Incident,
    reason: Reason,
    now: datetime,
    timing: Timing,
    years: SchoolYears,
    cause: str,
    last: datetime | None,
) -> Turn:
    if incident.severity is Severity.LOW and reason in _IN_A_DIGEST and timing.digest_at:
        at = _next_digest(now, timing, years)
        return Turn(at, f"digest/{_stamp(at)}", Reason.DIGEST)
    if _is_back(incident, reason, now) and timing.group_wait:
        at = _next_hour(now)
        return Turn(at, f"back/{_stamp(at)}", Reason.GROUPED)
    at = now + timing.group_wait
    if last is not None:
        # A clock that was set back must not hold anything for long.
        at = max(at, min(last, now) + timing.group_again)
    return Turn(at, cause, Reason.GROUPED if at > now else None)


def _is_back(incident: Incident, reason: Reason, now: datetime) -> bool:
    """Whether a message says that a child who was absent on an earlier day was seen."""
    quiet = family_of_incident(incident).quiet_next_day
    return quiet and reason is Reason.FOUND and incident.day < local_minute(now)[0]


def _next_hour(now: datetime) -> datetime:
    """Give the next full hour; the clocks are shifted by full hours."""
    return now.astimezone(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


def _after_quiet(turn: Turn, incident: Incident, quiet: Quiet, years: SchoolYears) -> Turn:
    severity = incident.severity
    if severity is Severity.HIGH and _is_slow(incident):
        severity = Severity.NORMAL
    if severity not in quiet.holds:
        return turn
    about_pupils = family_of_incident(incident).kind is not Kind.FEED
    until, why = _end_of_quiet(turn.at, quiet, years, holidays=quiet.holidays and about_pupils)
    if why is None:
        return turn
    return Turn(until, f"held/{_stamp(until)}", why)


def _end_of_quiet(
    at: datetime, quiet: Quiet, years: SchoolYears, *, holidays: bool
) -> tuple[datetime, Reason | None]:
    """Give the first moment from here on that is not quiet, and why it was until then."""
    why: Reason | None = None
    for _ in range(_LONGEST):
        day, minute = local_minute(at)
        if _is_closed(day, years, weekends=quiet.weekends, holidays=holidays):
            # A weekend counts for more than the night before it.
            at, why = local_datetime(day + _DAY, 0), Reason.SCHOOL_CLOSED
        elif (until := _night_ends(day, minute, quiet, after=why)) is not None:
            at, why = until, why or Reason.QUIET_HOURS
        else:
            break
    return at, why


def _night_ends(day: date, minute: int, quiet: Quiet, *, after: Reason | None) -> datetime | None:
    """Give when the night that this minute lies in is over, None where it lies in none."""
    begins, ends = quiet.begins, quiet.ends
    # Nobody is told of a holiday's matters at midnight, also where no night is quiet.
    if after is not None and minute < ends:
        return local_datetime(day, ends)
    if begins > ends:
        if minute >= begins:
            return local_datetime(day + _DAY, ends)
        return local_datetime(day, ends) if minute < ends else None
    return local_datetime(day, ends) if begins <= minute < ends else None


def _is_closed(day: date, years: SchoolYears, *, weekends: bool, holidays: bool) -> bool:
    if day.weekday() >= _SATURDAY:
        return weekends
    # Of a year without a calendar nobody knows the holidays: nothing is held for them.
    calendar = years.of(AcademicYear.of(day)) if holidays else None
    return calendar is not None and not calendar.is_school_day(day)


def _next_digest(now: datetime, timing: Timing, years: SchoolYears) -> datetime:
    day, minute = local_minute(now)
    for ahead in range(_LONGEST):
        on = day + ahead * _DAY
        if _is_closed(on, years, weekends=True, holidays=True):
            continue
        for at in timing.digest_at:
            if ahead or at > minute:
                return local_datetime(on, at)
    return now


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
