"""A calendar that the registers contradict, or that nobody can read any more."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from mis_bridge.incidents.reasons import Reason
from mis_bridge.registers.calendar import (
    AcademicYear,
    Closure,
    SchoolCalendar,
    Session,
    local_datetime,
)
from mis_bridge.registers.codes import to_byte
from mis_bridge.registers.day_sheet import DaySheet, Entry, Slot, SlotKind
from mis_bridge.triggers.calendar_wrong import INFO, is_more_than_a_slip, registered
from mis_bridge.triggers.catalogue import assess_calendar
from mis_bridge.triggers.model import Assessment, Audience, PupilDay

TRAINING, FRIDAY = date(2026, 11, 20), date(2026, 11, 27)
CALENDAR = SchoolCalendar(
    AcademicYear(2026),
    date(2026, 9, 3),
    date(2027, 7, 21),
    (
        Closure(TRAINING, TRAINING, "training day"),
        Closure(FRIDAY, FRIDAY, "end of term", Session.PM),
    ),
)
NOBODY: dict[Session, int] = {}


def assess(
    day: date,
    marked: dict[Session, int],
    roll: int = 200,
    since: datetime | None = None,
    **settings: object,
) -> Assessment:
    """Ask at three in the afternoon."""
    return assess_calendar(
        CALENDAR,
        local_datetime(day, 15 * 60),
        {"calendar_wrong": settings},
        marked=marked,
        roll=roll,
        failing_since=since,
    )


@pytest.mark.parametrize(
    ("day", "marked", "slot"),
    [
        (TRAINING, {Session.AM: 190, Session.PM: 188}, "AM"),
        (TRAINING, {Session.AM: 10}, "AM"),  # 5 % exactly: a year group that was let in
        (TRAINING, {Session.AM: 9}, ""),
        (TRAINING, {}, ""),
        (FRIDAY, {Session.AM: 190}, ""),
        (FRIDAY, {Session.AM: 190, Session.PM: 188}, "PM"),
        (date(2026, 11, 18), {Session.AM: 190, Session.PM: 188}, ""),
        (date(2026, 11, 21), {Session.AM: 190}, "AM"),  # a Saturday school
        (date(2026, 8, 28), {Session.AM: 40}, "AM"),  # before the first day
    ],
)
def test_registers_of_a_closed_session_are_told(
    day: date, marked: dict[Session, int], slot: str
) -> None:
    """From five per cent of the roll on, for whole days, half days and days outside of term."""
    findings = assess(day, marked).findings

    assert [finding.slot for finding in findings] == ([slot] if slot else [])


def test_it_is_about_the_calendar_and_never_about_a_child() -> None:
    """Office and IT are told why it is thought to be closed; no pupil is in it."""
    (finding,) = assess(TRAINING, {Session.AM: 190}).findings

    assert finding.pupil == ""
    assert "training day" in finding.sentence
    assert set(INFO.audience) == {Audience.OFFICE, Audience.IT}
    later = assess_calendar(
        CALENDAR,
        local_datetime(TRAINING, 16 * 60),
        {},
        marked={Session.AM: 195},
        roll=200,
        failing_since=None,
    )
    assert later.findings[0].identity == finding.identity


def test_a_mark_before_the_register_opens_is_waited_for() -> None:
    """What was put in at seven in the morning is no register yet."""
    early = assess_calendar(
        CALENDAR,
        local_datetime(TRAINING, 7 * 60),
        {},
        marked={Session.AM: 190},
        roll=200,
        failing_since=None,
    )

    assert early.findings == ()
    assert early.look_again == local_datetime(TRAINING, 8 * 60 + 45)


def test_a_day_without_any_calendar_is_told_once() -> None:
    """Last year's calendar in November: that it is over is said by another trigger."""
    assert not assess(date(2027, 11, 16), {Session.AM: 190}).findings


def test_a_source_that_fails_is_told_after_a_week() -> None:
    """The last good copy holds meanwhile; when the week is over somebody asks again."""
    now = local_datetime(date(2026, 11, 18), 15 * 60)

    before = assess(date(2026, 11, 18), NOBODY, since=now - timedelta(days=6, hours=23))
    (finding,) = assess(date(2026, 11, 18), NOBODY, since=now - timedelta(days=7)).findings

    assert before.findings == ()
    assert before.look_again == now + timedelta(hours=1)
    assert "11 November 2026" in finding.sentence


def test_the_share_can_be_set_and_the_trigger_switched_off() -> None:
    """What is switched off stays true and has a reason."""
    assert not assess(TRAINING, {Session.AM: 30}, marked_per_cent=20.0).findings
    off = assess(TRAINING, {Session.AM: 190}, enabled=False)

    assert off.findings == ()
    assert [Reason(reason) for _, reason in off.held] == [Reason.TRIGGER_OFF]


def test_an_empty_roll_shows_nothing() -> None:
    """No pupil, no register."""
    assert not is_more_than_a_slip(0, 0, 5.0)
    assert registered([], 780) == {Session.AM: 0, Session.PM: 0}


def test_only_marks_that_a_register_says_are_counted() -> None:
    """Reasons entered ahead, closures and marks that the MIS filled in are no registers."""
    am = Slot("AM", SlotKind.SESSION, 525, 735, 555)
    p4 = Slot("P4", SlotKind.LESSON, 790, 850)

    def pupil(*entries: tuple[Slot, Entry]) -> PupilDay:
        return PupilDay("A", DaySheet(TRAINING, entries))

    roll = [
        pupil((am, Entry(to_byte("/")))),
        pupil((am, Entry(to_byte("N"))), (p4, Entry(to_byte("/")))),
        pupil((am, Entry(to_byte("I")))),
        pupil((am, Entry(to_byte("#")))),
        pupil((am, Entry(to_byte("/"), settled=False))),
    ]

    assert registered(roll, 780) == {Session.AM: 2, Session.PM: 1}
