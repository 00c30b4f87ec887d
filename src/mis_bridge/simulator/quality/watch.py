"""Watch a written day as the daemon does: read every few minutes, judge, judge again when asked.

The judgement is the daemon's own: marks settle (``service.settling``), untaken sessions become
blanks (``service.untaken``), then ``assess_day``. Only the database and the network are left out,
and the clock jumps from one look to the next. No invented school closes for half a day, so there
are no closed sessions to find either.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from mis_bridge.incidents.families import identity_of
from mis_bridge.registers.calendar import Session, local_datetime, local_minute
from mis_bridge.registers.day_sheet import DayEvent, DaySheet, Entry
from mis_bridge.service.settling import settle
from mis_bridge.service.untaken import with_untaken_sessions
from mis_bridge.triggers import register_anomaly, register_not_taken
from mis_bridge.triggers.catalogue import assess_day, assess_feed, parameters
from mis_bridge.triggers.day_walk import MISSED, ON_SITE, SAYS
from mis_bridge.triggers.model import PupilDay, SchoolDay

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from mis_bridge.simulator.quality.lived import LivedDay
    from mis_bridge.simulator.quality.schools import School
    from mis_bridge.simulator.quality.written import Mark, WrittenDay
    from mis_bridge.triggers.model import Finding

__all__ = ["DAY_ENDS", "DAY_STARTS", "INTERVAL", "Alert", "watch"]

INTERVAL: Final = 5
"""Minutes between two readings; the daemon's own default is shorter."""

DAY_STARTS: Final = 8 * 60
DAY_ENDS: Final = 16 * 60
_MISSING: Final = "missing_during_day"

Key = tuple[str, ...]


@dataclass(slots=True)
class Alert:
    """One thing that people were told of.

    Args:
        trigger: id.
        pupil: number on the roll, None where it is about a register or the feed.
        slot: session or lesson, or empty.
        register: id of the register, or the form, where it is about one.
        at: level -> minute at which it was told at that level.
        over: minute from which it was no longer true, None while it was.
    """

    trigger: str
    pupil: int | None
    slot: str
    register: str
    at: dict[int, int]
    over: int | None = None


def watch(
    school: School,
    lived: LivedDay,
    written: WrittenDay,
    outage: tuple[int, int] | None,
    settings: Mapping[str, Mapping[str, Any]],
    *,
    everybody: bool = False,
) -> list[Alert]:
    """Watch a day from eight to four.

    Most pupils are marked present in every register, all of them in time: whoever shares no odd
    register with others can be left out, and nothing changes but the time that it takes.

    Args:
        school: whose.
        lived: for what was written at the desk; nothing else of it is looked at.
        written: what the MIS shows, and from when on.
        outage: from and to which minute the MIS can not be read.
        settings: trigger id -> what is set.
        everybody: leave nobody out.
    """
    watched = None if everybody or outage else _worth_watching(school, lived, written, settings)
    watcher = _Watcher(school, lived, written, settings, watched)
    offset = (school.number * 7) % INTERVAL
    wake: int | None = None
    for minute in range(DAY_STARTS, DAY_ENDS):
        readable = outage is None or not outage[0] <= minute < outage[1]
        news = False
        if minute % INTERVAL == offset and readable:
            news = watcher.read(minute)
        if news or watcher.is_waited_for(minute) or (wake is not None and minute >= wake):
            wake = watcher.look(minute)
        if readable and watcher.wants_reading(minute):
            watcher.read(minute)
            wake = watcher.look(minute)
    return watcher.alerts


def _worth_watching(
    school: School,
    lived: LivedDay,
    written: WrittenDay,
    settings: Mapping[str, Mapping[str, Any]],
) -> set[int]:
    """Give the pupils who are not plainly present all day, and those who share their odd register.

    A register that is saved so late that a reading may find it blank is watched, and one in which
    so many are absent that it could be an anomaly.
    """
    watched = set(lived.desk)
    absent: Counter[tuple[str, str]] = Counter()
    for mark in written.marks:
        if SAYS[mark.code] != ON_SITE:
            watched.add(mark.pupil)
            if SAYS[mark.code] == MISSED:
                name = mark.register or school.pupils[mark.pupil].form
                absent[mark.slot.name, name] += 1
    odd, untaken = (
        parameters(one.INFO.id, settings.get(one.INFO.id))
        for one in (register_anomaly, register_not_taken)
    )
    fewest = register_anomaly.fewest_absent(odd)
    blank = min(untaken["minutes"], untaken["session_minutes"])
    for register in written.registers:
        slot = register.group.slot
        late = register.saved + INTERVAL > slot.starts + blank
        if late or absent[slot.name, register.name] >= fewest:
            watched.update(register.group.pupils)
    return watched


class _Watcher:
    def __init__(
        self,
        school: School,
        lived: LivedDay,
        written: WrittenDay,
        settings: Mapping[str, Mapping[str, Any]],
        watched: set[int] | None,
    ) -> None:
        self._watched = watched
        self.alerts: list[Alert] = []
        self._school, self._day, self._settings = school, lived.day, settings
        self._ahead = written.marks[::-1]
        self._desk = sorted(
            (
                (event.written, pupil, DayEvent(event.minute, event.kind))
                for pupil, events in lived.desk.items()
                for event in events
            ),
            key=lambda one: (one[0], one[1], one[2].minute),
            reverse=True,
        )
        blank = school.blank[lived.day.weekday()]
        self._pupils = [
            PupilDay(
                pupil.id,
                DaySheet(lived.day, blank[pupil.number]),
                (),
                pupil.flags,
                pupil.year_group,
                pupil.form,
            )
            for pupil in school.pupils
        ]
        self._numbers = {pupil.id: pupil.number for pupil in school.pupils}
        self._open: dict[Key, Alert] = {}
        self._sessions: dict[str, tuple[set[int], bool]] = {}
        self._read_at: datetime | None = None
        self._wanted: datetime | None = None
        self._from = local_datetime(lived.day, DAY_STARTS)
        self._until = local_datetime(lived.day, DAY_ENDS)

    def read(self, minute: int) -> bool:
        """Read what the MIS shows at a minute; say whether anything is new."""
        self._read_at = local_datetime(self._day, minute)
        newest: dict[tuple[int, str], Mark] = {}
        ahead = self._ahead
        while ahead and ahead[-1].minute <= minute:
            mark = ahead.pop()
            newest[mark.pupil, mark.slot.name] = mark
        changed = bool(newest)
        for mark in newest.values():
            saved = mark.minute if self._school.stamps else minute
            if mark.slot.is_session:
                marked, taken = self._sessions.get(mark.slot.name, (set(), False))
                marked.add(mark.pupil)
                taken = taken or SAYS[mark.code] in {ON_SITE, MISSED}
                self._sessions[mark.slot.name] = (marked, taken)
            elif self._watched is not None and mark.pupil not in self._watched:
                continue
            pupil = self._pupils[mark.pupil]
            sheet = _written(pupil.sheet, mark, saved)
            self._pupils[mark.pupil] = _with(pupil, sheet, pupil.events)
        while self._desk and self._desk[-1][0] <= minute:
            _, number, event = self._desk.pop()
            pupil = self._pupils[number]
            events = (*pupil.events, event)
            events = tuple(sorted(events, key=lambda one: one.minute))
            self._pupils[number] = _with(pupil, pupil.sheet, events)
            changed = True
        return changed or minute - DAY_STARTS < INTERVAL

    def is_waited_for(self, minute: int) -> bool:
        """Say whether a reading of this very minute ends a wait."""
        now = local_datetime(self._day, minute)
        return self._wanted is not None and self._wanted <= now == self._read_at

    def wants_reading(self, minute: int) -> bool:
        """Say whether a wait that is over by now goes on only until the MIS is read."""
        return self._wanted is not None and self._wanted <= local_datetime(self._day, minute)

    def look(self, minute: int) -> int | None:
        """Judge the day at a minute; give the minute at which to judge it again."""
        now = local_datetime(self._day, minute)
        pupils, untaken, settling = self._pupils, None, None
        if not self._has_all_sessions():
            pupils, untaken = with_untaken_sessions(pupils, self._day, self._read_at, now)
        if self._watched is not None:
            pupils = [pupils[number] for number in sorted(self._watched)]
        if self._school.fills_in:
            pupils, settling = settle(pupils, self._day, self._read_at, now)
        day = SchoolDay(
            day=self._day,
            pupils=pupils,
            last_good_read=self._read_at,
            expected_reading_from=self._from,
            sessions=frozenset(Session),
            expected_reading_until=self._until,
        )
        by_day = assess_day(day, now, self._settings)
        by_feed = assess_feed(replace(day, pupils=()), now, self._settings)
        self._wanted = by_day.read_from
        held = {self._key(finding) for finding, _ in by_day.held}
        self._tell(minute, (*by_day.findings, *by_feed.findings), held)
        looks = [by_day.look_again, by_feed.look_again, settling, untaken]
        again = min((one for one in looks if one is not None), default=None)
        return None if again is None else max(minute + 1, local_minute(again)[1])

    def _has_all_sessions(self) -> bool:
        """Whether no session can be blank: all are marked, or nobody has begun to take it.

        ``with_untaken_sessions`` looks at every pupil only to change nothing then.
        """
        everybody = len(self._pupils)
        return all(
            len(marked) == everybody or (not taken and 2 * len(marked) < everybody)
            for marked, taken in self._sessions.values()
        )

    def _key(self, finding: Finding) -> Key:
        """What makes two findings one matter; a child is missing once, wherever it began."""
        if finding.trigger == _MISSING:
            return (_MISSING, finding.pupil)
        identity = identity_of(finding)
        return (identity.family, identity.pupil, identity.key)

    def _tell(self, minute: int, findings: Iterable[Finding], held: set[Key]) -> None:
        true_now: set[Key] = set()
        for key, finding in self._by_key(findings):
            true_now.add(key)
            alert = self._open.get(key)
            if alert is None:
                alert = self._open[key] = self._alert(finding)
                self.alerts.append(alert)
            if finding.level > max(alert.at, default=0):
                alert.at[finding.level] = minute
        for key in [key for key in self._open if key not in true_now and key not in held]:
            self._open.pop(key).over = minute

    def _by_key(self, findings: Iterable[Finding]) -> Iterator[tuple[Key, Finding]]:
        for finding in findings:
            yield self._key(finding), finding

    def _alert(self, finding: Finding) -> Alert:
        register = str(finding.facts.get("register", ""))
        about_a_register = finding.trigger in {"register_not_taken", "register_anomaly"}
        return Alert(
            trigger=finding.trigger,
            pupil=None if about_a_register else self._numbers.get(finding.pupil),
            slot=finding.slot,
            register=register,
            at={},
        )


def _written(sheet: DaySheet, mark: Mark, saved: int) -> DaySheet:
    """Write a mark as the store does: the same mark again keeps the minute at which it was seen."""
    entry = Entry(mark.code, saved, mark.register, mark.settled)
    for slot, there in sheet.entries:
        if slot is mark.slot and (there.code, there.register) == (entry.code, entry.register):
            settled = there.settled or entry.settled
            entry = replace(entry, recorded=there.recorded, settled=settled)
    return sheet.with_entry(mark.slot, entry)


def _with(pupil: PupilDay, sheet: DaySheet, events: tuple[DayEvent, ...]) -> PupilDay:
    return PupilDay(pupil.pupil, sheet, events, pupil.flags, pupil.year_group, pupil.form)
