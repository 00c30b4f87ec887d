"""The day in one message: what was watched, what was not, and what came of it.

On a day without an alert it says that there was nothing to raise. It says "All is well" only where
everything was watched; else its title says what was not. It holds counts and no pupil.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mis_bridge.incidents.reasons import Reason
from mis_bridge.messages.content import Content, EvidenceLine, Tone
from mis_bridge.messages.times import clock, day_name, moment
from mis_bridge.registers.calendar import LONDON
from mis_bridge.triggers.model import Severity

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

__all__ = ["Gap", "WatchedDay", "compose_daily"]

_GAPS_SHOWN: Final = 10
_CALM_NAMED: Final = 5
"""So many schools with nothing to say of them have a line each; more of them have one together."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that was not watched, or that was not told.

    Args:
        what: plain words, no name of a pupil: ``2 registers were not taken``.
        since, until: from when until when, aware; None where it has no time, or goes on.
    """

    what: str
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class WatchedDay:
    """One school's day in numbers.

    Args:
        name: as people call the school.
        roll: pupils on roll.
        registers_due: registers that have been due so far today, of sessions and of lessons.
        registers_taken: those of them that were taken.
        marks: marks of today that are known.
        read_at: when its registers were last read well, aware, or None for never.
        raised: alerts about pupils that were raised today.
        answered: those of them that a person saw to.
        ended: those of them that are over.
        open_before: alerts of earlier days that nobody has closed.
        missing_before: those of them that are about a missing child.
        gaps: what was not watched, in the order of its weight.
    """

    name: str
    roll: int
    registers_due: int
    registers_taken: int
    marks: int
    read_at: datetime | None
    raised: int = 0
    answered: int = 0
    ended: int = 0
    open_before: int = 0
    missing_before: int = 0
    gaps: tuple[Gap, ...] = ()

    @property
    def open(self) -> int:
        """Alerts of today that are not over."""
        return self.raised - self.ended


def compose_daily(days: Sequence[WatchedDay], now: datetime) -> Content:
    """Say how the day was.

    Args:
        days: of every school that its reader is told of; at least one.
        now: when it is written, aware.
    """
    gaps = [(day, gap) for day in days for gap in day.gaps]
    still_open = sum(day.open for day in days)
    missing = sum(day.missing_before for day in days)
    tone = Tone.WARNING if gaps or missing else Tone.CALM if still_open else Tone.GOOD
    return Content(
        reason=Reason.DAILY,
        reference="",
        severity=Severity.LOW,
        tone=tone,
        title=_still_missing(missing, gaps) if missing else _title(days, gaps, still_open),
        lead=_lead(days, gaps, missing),
        facts=_facts(days, now),
        evidence_title="What was not watched or told" if len(days) == 1 else "School by school",
        evidence=_gap_lines(days[0], now) if len(days) == 1 else _school_lines(days, now),
        footer="This comes every school day. If it is missing one day, ask your IT why.",
    )


def _title(days: Sequence[WatchedDay], gaps: list[tuple[WatchedDay, Gap]], still_open: int) -> str:
    if partly := [day for day in days if day.gaps]:
        if len(partly) > 1:
            return f"Not all was watched today in {len(partly)} of {len(days)} schools"
        day, gap = gaps[0]
        of = f"{day.name}: " if len(days) > 1 else ""
        more = f", and {len(gaps) - 1} more" if len(gaps) > 1 else ""
        return f"Not all was watched today: {of}{gap.what}{more}"
    if still_open:
        return f"All was watched today: {_alerts(still_open)} still open"
    raised = sum(day.raised for day in days)
    return f"All is well: {_alerts(raised)} today" + (f", {_all(raised)} over" if raised else "")


def _still_missing(missing: int, gaps: list[tuple[WatchedDay, Gap]]) -> str:
    """A child whom nothing has shown since is the news of any day, however well it was watched."""
    who = "1 child is" if missing == 1 else f"{missing} children are"
    return f"{who} still missing since an earlier day" + (
        "; not all was watched today" if gaps else ""
    )


def _all(count: int) -> str:
    return "and it is" if count == 1 else "all of them"


def _alerts(count: int) -> str:
    return "1 alert" if count == 1 else f"{count or 'no'} alerts"


def _lead(days: Sequence[WatchedDay], gaps: list[tuple[WatchedDay, Gap]], missing: int) -> str:
    raised = sum(day.raised for day in days)
    if missing:
        rest = " What else was not watched, or not told, is listed below." if gaps else ""
        return (
            "No register, reason or person has said since what became of the child: "
            f"mis-bridge incidents list.{rest}"
        )
    if gaps:
        quiet = "" if raised else " No alert was raised: do not take that for good news alone."
        return f"Some of today was not watched, or not told. It is listed below.{quiet}"
    if raised:
        return "Every register was read and judged, and everybody who had to be told was."
    return (
        "Every register was read and judged, and there was nothing to raise. No news is good news "
        "today."
    )


def _facts(days: Sequence[WatchedDay], now: datetime) -> tuple[tuple[str, str], ...]:
    taken, due = (
        sum(day.registers_taken for day in days),
        sum(day.registers_due for day in days),
    )
    raised = sum(day.raised for day in days)
    before = sum(day.open_before for day in days)
    rows = [
        ("School" if len(days) == 1 else "Schools", _schools(days)),
        ("Day", day_name(now.astimezone(LONDON).date(), year=True)),
        ("Pupils", f"{sum(day.roll for day in days):,} on roll"),
        ("Registers", f"{taken:,} of {due:,} taken" if due else "none was due"),
        ("Marks", f"{sum(day.marks for day in days):,}"),
        ("Last read", _oldest(days, now)),
        ("Alerts", _came_of_it(days) if raised else "none"),
        ("Earlier", f"{_alerts(before)} of other days still open" if before else ""),
    ]
    return tuple((label, value) for label, value in rows if value)


def _schools(days: Sequence[WatchedDay]) -> str:
    if len(days) == 1:
        return days[0].name
    whole = sum(not day.gaps for day in days)
    return f"{len(days)}, {whole} of them watched without a gap"


def _oldest(days: Sequence[WatchedDay], now: datetime) -> str:
    read = [moment(at, now) for at in sorted(day.read_at for day in days if day.read_at)]
    if len(days) == 1:
        return read[0] if read else "never"
    if not read:
        return "none of them ever"
    if never := len(days) - len(read):
        return f"{never} never, all others at {read[0]} or later"
    return f"all at {read[0]} or later"


def _came_of_it(days: Sequence[WatchedDay]) -> str:
    raised, answered, ended = (
        sum(getattr(day, name) for day in days) for name in ("raised", "answered", "ended")
    )
    parts = [(answered, "seen to by a person"), (ended, "over"), (raised - ended, "still open")]
    said = [f"{number} {words}" for number, words in parts if number]
    return ", ".join([f"{raised} raised", *said])


def _gap_lines(day: WatchedDay, now: datetime) -> tuple[EvidenceLine, ...]:
    lines = [EvidenceLine("", "", _timed(gap, now)) for gap in day.gaps[:_GAPS_SHOWN]]
    if (more := len(day.gaps) - _GAPS_SHOWN) > 0:
        lines.append(EvidenceLine("", "", f"and {more} more: mis-bridge doctor lists them"))
    return tuple(lines)


def _school_lines(days: Sequence[WatchedDay], now: datetime) -> tuple[EvidenceLine, ...]:
    """One line a school; those with gaps last, where a card that is cut short keeps them.

    Beyond a few, the schools of which there is nothing to say are counted.
    """
    named, lines = days, []
    calm = [day for day in days if not day.gaps and not day.open]
    if len(calm) > _CALM_NAMED:
        named = [day for day in days if day.gaps or day.open]
        raised = sum(day.raised for day in calm)
        over = f", {_all(raised)} over" if raised else ""
        lines.append(f"{len(calm)} schools: watched, {_alerts(raised)}{over}")
    for day in sorted(named, key=lambda one: (bool(one.gaps), one.name)):
        said = [_timed(gap, now) for gap in day.gaps] or [f"watched, {_alerts(day.raised)}"]
        still = [f"{_alerts(day.open)} still open"] if day.open else []
        lines.append(f"{day.name}: {'; '.join([*said, *still])}")
    return tuple(EvidenceLine("", "", line) for line in lines)


def _timed(gap: Gap, now: datetime) -> str:
    if gap.since is None:
        return gap.what
    since = moment(gap.since, now)
    if gap.until is None:
        return f"{gap.what} since {since}"
    return f"{gap.what}, {since} to {clock(gap.until)}"
