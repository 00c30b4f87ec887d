"""Whole days of one pupil, mark by mark, through the triggers and into incidents."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from mis_bridge.incidents.model import DAEMON, Incident, Outcome, Scope
from mis_bridge.incidents.reconcile import reconcile
from mis_bridge.incidents.rules import IncidentRules
from mis_bridge.registers.calendar import local_datetime
from mis_bridge.registers.codes import to_byte
from mis_bridge.registers.day_sheet import DayEvent, DaySheet, Entry, Slot, SlotKind
from mis_bridge.triggers.catalogue import assess_day
from mis_bridge.triggers.day_walk import walk
from mis_bridge.triggers.model import Finding, Kind, PupilDay, SchoolDay

DAY = date(2026, 11, 12)
RULES = IncidentRules()
SLOTS = {
    "AM": Slot("AM", SlotKind.SESSION, 525, 735, 555),
    "P1": Slot("P1", SlotKind.LESSON, 535, 595),
    "P2": Slot("P2", SlotKind.LESSON, 595, 655),
    "P3": Slot("P3", SlotKind.LESSON, 675, 735),
    "PM": Slot("PM", SlotKind.SESSION, 780, 910, 810),
    "P4": Slot("P4", SlotKind.LESSON, 790, 850),
}

marks = st.tuples(st.sampled_from(sorted(SLOTS)), st.sampled_from([*"/NNNO-LUVM"]))
events = st.tuples(st.just(""), st.sampled_from(["sign_in", "sign_out", "message"]))
steps = st.lists(
    st.tuples(st.integers(0, 60), st.one_of(marks, marks, marks, events)), min_size=3, max_size=14
)


class Course:
    """One pupil's day as it becomes known, and the incidents that a store would keep."""

    def __init__(self, flags: frozenset[str]) -> None:
        self.minute = 520
        self.pupil = PupilDay("p-1", DaySheet(DAY), (), flags, 8, "8A")
        self.book: dict[str, Incident] = {}
        self.ended: list[tuple[Incident, Incident]] = []

    def take(self, wait: int, name: str, what: str) -> tuple[Finding, ...]:
        """Let time pass, write a mark or an event down, look, and keep what comes of it."""
        self.minute += wait
        sheet, happened = self.pupil.sheet, self.pupil.events
        if name:
            sheet = sheet.with_entry(SLOTS[name], Entry(to_byte(what), self.minute))
        else:
            happened = (*happened, DayEvent(self.minute, what))
        old = self.pupil
        self.pupil = PupilDay("p-1", sheet, happened, old.flags, old.year_group, old.form)
        now = local_datetime(DAY, self.minute)
        assessment = assess_day(SchoolDay(DAY, [self.pupil]), now, {})
        decision = reconcile(
            "hilltop",
            self.book.values(),
            assessment,
            now,
            rules=RULES,
            data_as_of=now,
            scope=Scope(Kind.DAY, DAY),
            pupils={"p-1": self.pupil},
        )
        self.ended = [
            (self.book[one.id], one)
            for one in decision.incidents
            if one.id in self.book and self.book[one.id].active and not one.active
        ]
        self.book |= {one.id: one for one in decision.incidents}
        return assessment.findings


@given(steps, st.sampled_from([frozenset(), frozenset({"lac"})]))
def test_a_missing_child_is_searched_for_until_something_shows_where_it_is(
    course_of_the_day: list[tuple[int, tuple[str, str]]], flags: frozenset[str]
) -> None:
    """While it is found missing somebody is told of it; it is found only by being seen since."""
    course = Course(flags)
    for wait, (name, what) in course_of_the_day:
        findings = course.take(wait, name, what)
        told = [one for one in course.book.values() if one.active and one.told]
        for trigger in ("missing_during_day", "unexplained_absence"):
            if any(finding.trigger == trigger for finding in findings):
                assert any(incident.family == trigger for incident in told)
        seen = walk(course.pupil, course.minute).sightings
        for before, after in course.ended:
            if before.family != "missing_during_day" or after.closed_by != DAEMON:
                continue
            since = SLOTS[before.slot].starts
            if after.outcome == Outcome.FOUND:
                assert seen[-1].order[0] >= since
            elif after.outcome == Outcome.CORRECTED:
                assert not seen or seen[-1].order[0] >= since
            else:
                assert after.outcome == Outcome.EXPLAINED


@given(steps)
def test_an_absence_that_is_no_longer_found_is_open_or_has_an_ending(
    course_of_the_day: list[tuple[int, tuple[str, str]]],
) -> None:
    """What was told of a child is never dropped: it is active, or it says how it ended."""
    course = Course(frozenset())
    for wait, (name, what) in course_of_the_day:
        course.take(wait, name, what)
        for incident in course.book.values():
            if incident.family in ("missing_during_day", "unexplained_absence"):
                assert incident.active or (incident.ending and incident.outcome)
