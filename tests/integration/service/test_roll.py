"""What the daemon says of its roll: who left, who is newly in care, who is missing again."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from mis_bridge.incidents.ids import incident_id, reference
from mis_bridge.incidents.model import Incident, Outcome, State
from mis_bridge.registers.calendar import local_datetime
from mis_bridge.service import people
from mis_bridge.store import dirty, feeds, incidents, pupils, quarantine
from mis_bridge.triggers.model import Audience, Severity

from .conftest import DAY, SCHOOL, minutes

if TYPE_CHECKING:
    from .conftest import Bench, Watched

LEFT = "left_without_destination"
YESTERDAY = DAY - timedelta(days=1)


def _of_year(bench: Bench, *groups: int) -> str:
    """A pupil of one of these year groups without any flag."""
    return next(
        one.id for one in bench.state.school.pupils if one.year_group in groups and not one.flags
    )


def _two(bench: Bench) -> list[str]:
    """Two pupils of Years 8 to 10 without any flag."""
    return [
        one.id
        for one in bench.state.school.pupils
        if one.year_group in (8, 9, 10) and not one.flags
    ][:2]


def _change(watched: Watched, pupil: str, **different: Any) -> None:
    """Change what the roll says of a pupil, as a reading would, and have today judged."""
    with watched.store.transaction() as tx:
        record = pupils.one(tx, SCHOOL, pupil)
        assert record is not None
        pupils.upsert(tx, SCHOOL, [replace(record, **different)])
        dirty.mark(tx, SCHOOL, [watched.clock.now().date()], watched.clock.now())


async def _on_a_later_day(watched: Watched, day: date, time: str = "08:45") -> None:
    moment = local_datetime(day, minutes(time))
    watched.clock.advance(seconds=(moment - watched.clock.now()).total_seconds())
    await watched.daemon.settle()


async def test_who_left_before_the_first_reading_is_listed_and_not_told(bench: Bench) -> None:
    """A school that is read for the first time hears of nobody who had left by then."""
    long_gone, just_gone = bench.state.school.pupils[:2]
    for pupil, last in ((long_gone, date(2026, 9, 4)), (just_gone, YESTERDAY)):
        bench.state.change_pupil(
            replace(pupil, leaving=last, year_group=8), local_datetime(DAY, minutes("07:00"))
        )
    async with bench.daemon() as watched:
        await watched.until("09:30", every=5)

        assert {(one.pupil, one.told) for one in watched.incidents(LEFT)} == {
            (long_gone.id, ()),
            (just_gone.id, ()),
        }
        assert bench.mails_to("attendance") == []
        assert bench.mails_to("dsl") == []


async def test_who_leaves_while_watched_is_told_once_and_told_when_it_is_over(
    bench: Bench,
) -> None:
    """One message at the leaving, none at a look that finds the same, one at the destination."""
    pupil = _of_year(bench, 8, 9, 10)
    async with bench.daemon() as watched:
        await watched.until("08:40", every=5)
        _change(watched, pupil, leaving=YESTERDAY)
        await watched.until("09:00", every=5)
        (told,) = watched.incidents(LEFT)
        assert (told.level, told.told) == (1, (Audience.ATTENDANCE,))
        assert len(bench.mails_to("attendance")) == 1

        _change(watched, pupil, leaving=YESTERDAY - timedelta(days=1))
        await watched.until("09:30", every=5)
        assert len(bench.mails_to("attendance")) == 1

        _change(watched, pupil, destination="Otherwood School")
        await watched.until("09:45", every=5)
        (over,) = watched.incidents(LEFT)
        assert over.state is State.CLOSED
        assert "A destination is recorded" in over.ending
        assert len(bench.mails_to("attendance")) == 2


async def test_year_11_before_the_exams_is_told_to_the_dsl_at_once(bench: Bench) -> None:
    """The loudest: high, and the safeguarding lead hears of it with the attendance officer."""
    pupil = _of_year(bench, 11)
    async with bench.daemon() as watched:
        await watched.until("08:40", every=5)
        _change(watched, pupil, leaving=YESTERDAY)
        await watched.until("09:00", every=5)

        (told,) = watched.incidents(LEFT)
        assert (told.level, told.severity) == (2, Severity.HIGH)
        assert set(told.told) == {Audience.ATTENDANCE, Audience.DSL}


async def test_a_pupil_whom_the_mis_drops_without_a_word_is_told(bench: Bench) -> None:
    """Gone from the roll, no leaving date, no destination: the child off-rolled unseen."""
    pupil = _of_year(bench, 8, 9, 10)
    async with bench.daemon() as watched:
        await watched.until("08:40", every=5)
        bench.state.remove_pupil(pupil, bench.clock.now())
        await watched.until("09:00", every=5)
        await _on_a_later_day(watched, DAY + timedelta(days=1))

        (told,) = watched.incidents(LEFT)
        assert told.pupil == pupil
        assert "never said when the pupil left" in told.uncertain
        mail, reminder = bench.mails_to("attendance")
        assert bench.state.school.by_id[pupil].form in str(mail.message)
        assert "Ask the family" in str(reminder.message)


async def test_what_a_person_closed_stays_closed(bench: Bench) -> None:
    """The officer has spoken with the new school: the five school days are no news any more."""
    pupil = _of_year(bench, 8, 9, 10)
    async with bench.daemon() as watched:
        await watched.until("08:40", every=5)
        left = replace(bench.state.school.by_id[pupil], leaving=YESTERDAY)
        bench.state.change_pupil(left, bench.clock.now())
        await watched.until("09:00", every=5)
        (told,) = watched.incidents(LEFT)
        with watched.store.transaction() as tx:
            people.close(
                tx, told.id, "A. Testofficer", bench.clock.now(), Outcome.FALSE_ALARM, "confirmed",
                schools={}, deadlines={},
            )  # fmt: skip
        for days in range(1, 10):
            await _on_a_later_day(watched, DAY + timedelta(days=days))

        assert [one.state for one in watched.incidents(LEFT)] == [State.CLOSED]


async def test_after_five_school_days_it_is_raised_to_the_dsl(bench: Bench) -> None:
    """Left on Monday; Tuesday to Monday are the five, on Tuesday the DSL is told."""
    pupil = _of_year(bench, 8, 9, 10)
    async with bench.daemon() as watched:
        await watched.until("08:40", every=5)
        left = replace(bench.state.school.by_id[pupil], leaving=YESTERDAY)
        bench.state.change_pupil(left, bench.clock.now())
        await watched.until("09:00", every=5)
        await _on_a_later_day(watched, DAY + timedelta(days=6))
        assert [one.level for one in watched.incidents(LEFT)] == [1]
        await _on_a_later_day(watched, DAY + timedelta(days=7))

        (raised,) = watched.incidents(LEFT)
        assert (raised.level, Audience.DSL in raised.told) == (2, True)


async def test_a_trigger_that_is_switched_on_later_floods_nobody(bench: Bench) -> None:
    """Leavers of the time when it was off are listed when it comes on, and the next one is told."""
    one, other = _two(bench)
    bench.edit("[service]\n", f"[triggers.{LEFT}]\nenabled = false\n\n[service]\n")
    async with bench.daemon() as watched:
        await watched.until("08:40", every=5)
        _change(watched, one, leaving=YESTERDAY)
        await watched.until("08:50", every=5)
        assert watched.incidents(LEFT) == []
    bench.edit("enabled = false\n\n[service]", "enabled = true\n\n[service]")
    async with bench.daemon() as watched:
        await watched.until("09:00", every=5)
        _change(watched, one, form="8Z")
        await watched.until("09:05", every=5)
        assert [told.told for told in watched.incidents(LEFT)] == [()]
        _change(watched, other, leaving=YESTERDAY)
        await watched.until("09:10", every=5)

        assert {one.pupil: bool(one.told) for one in watched.incidents(LEFT)} == {
            one: False,
            other: True,
        }


async def test_who_is_newly_in_care_is_told_also_on_the_first_reading(bench: Bench) -> None:
    """In care since Monday, watched since Tuesday: the 48 hours are not over."""
    pupil = _of_year(bench, 8, 9, 10)
    async with bench.daemon() as watched:
        await watched.until("08:35", every=5)
        _change(watched, pupil, care_began=YESTERDAY)
        await watched.until("08:45", every=5)
        (told,) = watched.incidents("newly_in_care")
        assert (told.level, told.told) == (2, (Audience.DSL,))

        await _on_a_later_day(watched, DAY + timedelta(days=7))
        assert [one.state for one in watched.incidents("newly_in_care")] == [State.CLOSED]


async def test_a_lesson_missed_by_who_is_newly_in_care_is_acted_on_at_once(bench: Bench) -> None:
    """No flag, Year 8 or above, grace of ten minutes: at level 2 with the reading."""
    pupil = _of_year(bench, 8, 9, 10)
    bench.session("AM", "08:50")
    bench.lesson("P1", "09:00")
    async with bench.daemon() as watched:
        await watched.until("09:30", every=5)
        _change(watched, pupil, care_began=YESTERDAY)
        bench.lesson("P2", "10:02", **{pupil: "N"})
        await watched.until("10:05", every=1)

        (told,) = watched.incidents("missing_during_day")
        assert (told.pupil, told.level) == (pupil, 2)


def _earlier(bench: Bench, pupil: str, day: date, outcome: Outcome) -> Incident:
    """An incident of an earlier day about a child who was missing."""
    identity = incident_id(SCHOOL, "missing_during_day", pupil, f"{day}/P2")
    began = local_datetime(day, minutes("10:12"))
    return Incident(
        id=identity, reference=reference(identity), school=SCHOOL, pupil=pupil,
        family="missing_during_day", key=f"{day}/P2", state=State.CLOSED, level=1,
        trigger="missing_during_day", severity=Severity.HIGH, audience=(Audience.DSL,),
        opened_at=began, updated_at=began, revision=1, day=day, slot="P2", sentence="",
        closed_at=began + timedelta(minutes=30), outcome=outcome, closed_by="mis-bridge",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("outcomes", "told"),
    [
        ((Outcome.FOUND, Outcome.DEALT_WITH), True),
        ((Outcome.FOUND, Outcome.EXPLAINED, Outcome.CORRECTED, Outcome.FALSE_ALARM), False),
    ],
)
@pytest.mark.thorough
async def test_the_third_day_missing_is_told_as_a_pattern(
    bench: Bench, outcomes: tuple[Outcome, ...], told: bool
) -> None:
    """Two earlier days and today; a sign-out, a corrected mark and a false alarm do not count."""
    pupil = _of_year(bench, 8, 9, 10)
    bench.session("AM", "08:50")
    bench.lesson("P1", "09:00")
    bench.lesson("P2", "10:02", **{pupil: "N"})
    async with bench.daemon() as watched:
        await watched.until("08:40", every=5)
        with watched.store.transaction() as tx:
            incidents.save(
                tx,
                [
                    _earlier(bench, pupil, DAY - timedelta(days=7 * weeks), outcome)
                    for weeks, outcome in enumerate(outcomes, start=1)
                ],
            )
        await watched.until("10:30", every=5)

        assert [one.pupil for one in watched.incidents("missing_during_day")].count(pupil) >= 1
        found = watched.incidents("repeat_missing")
        assert [one.pupil for one in found] == ([pupil] if told else [])
        assert all(Audience.DSL in one.told for one in found)


@pytest.mark.thorough
async def test_twins_with_the_same_initials_are_told_apart(bench: Bench) -> None:
    """The DSL's message says that two of the form have these initials; of another form it does not.

    Twins have one surname and one birthday; Ada and Amy have the same initials, too.
    """
    missing, twin, _ = bench.pupils[:3]
    bench.session("AM", "08:50")
    bench.lesson("P1", "09:00")
    bench.lesson("P2", "10:02", **{missing: "N"})
    async with bench.daemon() as watched:
        await watched.until("08:40", every=5)
        for who, name in ((missing, "Ada"), (twin, "Amy")):
            _change(watched, who, forename=name, surname="Testpupil", form="8T")
        await watched.until("10:20", every=5)

        (told,) = [one for one in watched.incidents("missing_during_day") if one.pupil == missing]
        (card,) = [
            str(post.card) for post in bench.webhook.posted if told.reference in str(post.card)
        ]
        assert "A.T., 8T (2 pupils of the form have these initials" in card


async def test_who_joins_during_the_year_is_measured_from_the_first_day(bench: Bench) -> None:
    """Admitted three weeks ago after a term of O elsewhere: absence is counted per enrolment.

    "Pupil absence statistics: methodology": for the time on roll. What the register has of before
    is kept, named, and counted nowhere.
    """
    days = bench.state.school.calendar.school_days(last=YESTERDAY)
    pupil = _of_year(bench, 8, 9, 10)
    joined = days[-15]
    joiner = replace(bench.state.school.by_id[pupil], admission=joined)
    bench.state.change_pupil(joiner, local_datetime(DAY, minutes("07:00")))
    for day in days:
        for pm in (False, True):
            code = "O" if day < joined else "\\" if pm else "/"
            bench.state.save_session(pupil, day, pm=pm, code=code, minute=13 * 60 if pm else 530)
    async with bench.daemon() as watched:
        await watched.until("09:00", every=10)
        await watched.at("13:31")
        await watched.at("13:40")

        assert [one.trigger for one in watched.incidents() if one.pupil == pupil] == []
        with watched.store.reading() as tx:
            assert pupil in quarantine.doubts(tx)[SCHOOL, quarantine.OUTSIDE_ENROLMENT]


@pytest.mark.parametrize("told", [False, True])
async def test_a_child_on_the_roll_of_another_school_has_a_school(bench: Bench, told: bool) -> None:
    """Moved within a trust whose schools are all read: no search for a child who sits in a class.

    A roll that the child has left as well is none.
    """
    pupil = _of_year(bench, 8, 9, 10)
    async with bench.daemon() as watched:
        await watched.until("08:40", every=5)
        with watched.store.transaction() as tx:
            record = pupils.one(tx, SCHOOL, pupil)
            assert record is not None
            feeds.sync_schools(
                tx, [(SCHOOL, "wonde", "Samplewood"), ("elm", "csv", "Elm")], bench.clock.now()
            )
            there = replace(record, pupil="E-1", leaving=YESTERDAY if told else None)
            pupils.upsert(tx, "elm", [there])
        _change(watched, pupil, leaving=YESTERDAY)
        await watched.until("08:50", every=5)

        assert bool(watched.incidents(LEFT)) is told
