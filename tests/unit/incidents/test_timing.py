"""When a message's turn is: at once, soon with others, in the digest, after the quiet."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from mis_bridge.incidents.families import family_of
from mis_bridge.incidents.model import Incident, State
from mis_bridge.incidents.reasons import Reason
from mis_bridge.incidents.timing import Quiet, Timing, turn_of
from mis_bridge.registers.calendar import AcademicYear, Closure, SchoolCalendar, local_datetime
from mis_bridge.registers.school_years import SchoolYears
from mis_bridge.triggers.model import Audience, Severity

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., Incident]

THURSDAY = date(2026, 11, 12)
FRIDAY = date(2026, 11, 13)
MONDAY = date(2026, 11, 16)
AFTER_BREAK = date(2027, 1, 4)
YEARS = SchoolYears(
    (
        SchoolCalendar(
            AcademicYear(2026),
            date(2026, 9, 2),
            date(2027, 7, 21),
            (Closure(date(2026, 12, 19), date(2027, 1, 3), "Christmas"),),
        ),
    )
)
MINUTE = timedelta(minutes=1)
TIMING = Timing(group_wait=MINUTE)


def at(day: date, clock: str) -> datetime:
    """A local time."""
    hours, _, minutes = clock.partition(":")
    return local_datetime(day, int(hours) * 60 + int(minutes))


@pytest.fixture
def an_incident() -> Make:
    """``an_incident(trigger, severity, pupil=...)``: one of Thursday morning's register."""

    def make(trigger: str, severity: Severity, *, pupil: str = "p-1") -> Incident:
        return Incident(
            id=f"{trigger}-{pupil}",
            reference="MB-TEST-TEST",
            school="hilltop",
            pupil=pupil,
            family=family_of(trigger).id,
            key="k",
            state=State.OPEN,
            level=1,
            trigger=trigger,
            severity=severity,
            audience=(Audience.DSL,),
            opened_at=at(THURSDAY, "09:15"),
            updated_at=at(THURSDAY, "09:15"),
            revision=1,
            day=THURSDAY,
            slot="AM",
            sentence="Marked N.",
        )

    return make


def test_a_missing_child_is_told_at_once_at_any_hour(an_incident: Make) -> None:
    """Nothing holds it: not the night, not a weekend, not a severity below critical."""
    missing = an_incident("missing_during_day", Severity.HIGH)
    everything = Quiet(holds=frozenset({Severity.HIGH, Severity.NORMAL, Severity.LOW}))
    for now in (at(THURSDAY, "10:00"), at(THURSDAY, "23:00"), at(date(2026, 11, 14), "03:00")):
        for reason in (Reason.OPENED, Reason.LEVEL_RAISED, Reason.FOUND, Reason.UNACKNOWLEDGED):
            turn = turn_of(missing, reason, now, Timing(quiet=everything), YEARS)
            assert (turn.at, turn.why) == (now, None)


def test_absences_of_one_register_wait_for_each_other_and_share_a_bundle(an_incident: Make) -> None:
    """The cause is the day's register; another register's absences are another message."""
    now = at(THURSDAY, "09:15")
    one, other = (an_incident("unexplained_absence", Severity.HIGH, pupil=p) for p in ("1", "2"))
    first = turn_of(one, Reason.OPENED, now, TIMING, YEARS)
    second = turn_of(other, Reason.OPENED, now, TIMING, YEARS)
    afternoon = turn_of(replace(one, slot="PM"), Reason.OPENED, now, TIMING, YEARS)
    assert first == second
    assert (first.at, first.why) == (now + MINUTE, Reason.GROUPED)
    assert afternoon.bundle != first.bundle


def test_a_cause_that_people_have_just_been_told_of_waits_longer(an_incident: Make) -> None:
    """What comes in the minutes after a message comes as one more message, not as many."""
    now = at(THURSDAY, "09:17")
    absent = an_incident("unexplained_absence", Severity.HIGH)
    turn = turn_of(absent, Reason.OPENED, now, TIMING, YEARS, last=now - MINUTE)
    assert turn.at == now + 4 * MINUTE
    # Neither long ago, nor by a clock that was set back since.
    assert turn_of(absent, Reason.OPENED, now, TIMING, YEARS, last=now - 9 * MINUTE).at == (
        now + MINUTE
    )
    ahead = turn_of(absent, Reason.OPENED, now, TIMING, YEARS, last=now + 600 * MINUTE)
    assert ahead.at == now + 5 * MINUTE


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (at(THURSDAY, "03:40"), at(THURSDAY, "08:00")),
        (at(THURSDAY, "08:00"), at(FRIDAY, "08:00")),
        (at(FRIDAY, "16:00"), at(MONDAY, "08:00")),
        (at(date(2026, 12, 18), "16:00"), at(AFTER_BREAK, "08:00")),
    ],
)
def test_what_is_low_comes_in_the_next_digest_of_a_school_day(
    an_incident: Make, now: datetime, expected: datetime
) -> None:
    """Over the night, the weekend and the holidays."""
    low = an_incident("persistent_absence", Severity.LOW)
    turn = turn_of(low, Reason.OPENED, now, TIMING, YEARS)
    assert (turn.at, turn.why) == (expected, Reason.DIGEST)


def test_without_a_digest_what_is_low_is_told_as_what_is_normal(an_incident: Make) -> None:
    """A school that wants no digest gets messages in groups."""
    low = an_incident("persistent_absence", Severity.LOW)
    now = at(THURSDAY, "10:00")
    turn = turn_of(low, Reason.OPENED, now, replace(TIMING, digest_at=()), YEARS)
    assert (turn.at, turn.why) == (now + MINUTE, Reason.GROUPED)


@pytest.mark.parametrize(
    ("now", "expected", "why"),
    [
        (at(THURSDAY, "17:58"), at(THURSDAY, "17:59"), Reason.GROUPED),
        (at(THURSDAY, "18:00"), at(FRIDAY, "07:00"), Reason.QUIET_HOURS),
        (at(THURSDAY, "17:59"), at(FRIDAY, "07:00"), Reason.QUIET_HOURS),
        (at(FRIDAY, "06:30"), at(FRIDAY, "07:00"), Reason.QUIET_HOURS),
        (at(FRIDAY, "18:00"), at(MONDAY, "07:00"), Reason.SCHOOL_CLOSED),
        (at(date(2026, 11, 14), "11:00"), at(MONDAY, "07:00"), Reason.SCHOOL_CLOSED),
        (at(date(2026, 12, 23), "11:00"), at(AFTER_BREAK, "07:00"), Reason.SCHOOL_CLOSED),
    ],
)
def test_what_is_normal_is_held_until_the_quiet_ends(
    an_incident: Make, now: datetime, expected: datetime, why: Reason
) -> None:
    """It is held over the night, the weekend and the holidays, and comes in the morning after."""
    normal = an_incident("register_not_taken", Severity.NORMAL)
    turn = turn_of(normal, Reason.OPENED, now, TIMING, YEARS)
    assert (turn.at, turn.why) == (expected, why)


def test_an_absence_of_today_is_told_in_the_evening_too(an_incident: Make) -> None:
    """Where the MIS exports once a day, first-day absences come late, and must not wait longer."""
    absent = an_incident("unexplained_absence", Severity.HIGH)
    now = at(THURSDAY, "18:30")
    assert turn_of(absent, Reason.OPENED, now, TIMING, YEARS).at == now + MINUTE


@pytest.mark.parametrize("reason", [Reason.FOUND, Reason.EXPLAINED])
def test_that_a_child_of_an_earlier_day_is_back_comes_with_the_others_of_the_hour(
    an_incident: Make, reason: Reason
) -> None:
    """Thirty come back by ten registers: one message. How an absence of today ends, soon."""
    absence = an_incident("unexplained_absence", Severity.HIGH)
    early, later = at(FRIDAY, "08:52"), at(FRIDAY, "08:58")
    turns = [turn_of(absence, reason, now, TIMING, YEARS) for now in (early, later)]
    today = turn_of(absence, reason, at(THURSDAY, "09:52"), TIMING, YEARS)

    if reason is Reason.FOUND:
        assert {turn.at for turn in turns} == {at(FRIDAY, "09:00")}
        assert len({turn.bundle for turn in turns}) == 1
    else:
        assert [turn.at for turn in turns] == [early + MINUTE, later + MINUTE]
    assert today.at == at(THURSDAY, "09:53")
    assert today.bundle not in {turn.bundle for turn in turns if reason is Reason.FOUND}


def test_what_has_grown_over_weeks_waits_for_the_morning(an_incident: Make) -> None:
    """Day ten of an absence is found in the night's sweep; nobody is woken for it."""
    slow = an_incident("ten_day_absence", Severity.HIGH)
    for reason in (Reason.OPENED, Reason.UNACKNOWLEDGED):
        turn = turn_of(slow, reason, at(FRIDAY, "03:40"), TIMING, YEARS)
        assert turn.at == at(FRIDAY, "07:00")


def test_holidays_do_not_hold_what_has_to_be_mended_before_the_term(an_incident: Make) -> None:
    """A certificate that runs out on the first day of term is told in the holidays."""
    certificate = an_incident("certificate_expiring", Severity.NORMAL, pupil="")
    now = at(date(2026, 12, 22), "10:00")
    assert turn_of(certificate, Reason.OPENED, now, TIMING, YEARS).at == now + MINUTE


def test_of_a_year_without_a_calendar_nothing_is_held_for_its_holidays(an_incident: Make) -> None:
    """Nobody knows its holidays; a week has five school days then."""
    normal = an_incident("whereabouts_unknown", Severity.NORMAL)
    august = date(2028, 8, 16)
    now = at(august, "10:00")
    assert turn_of(normal, Reason.OPENED, now, TIMING, YEARS).at == now + MINUTE


def test_a_package_for_the_authority_goes_out_alone_and_at_once(an_incident: Make) -> None:
    """A named person has approved it; it carries files and is in no list."""
    slow = an_incident("ten_day_absence", Severity.HIGH)
    now = at(FRIDAY, "19:00")
    turn = turn_of(slow, Reason.PACKAGE_APPROVED, now, TIMING, YEARS)
    assert (turn.at, turn.bundle) == (now, "")
