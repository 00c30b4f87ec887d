"""What a decision looks at, and what it must leave alone."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from mis_bridge.incidents.reasons import Reason
from mis_bridge.registers.calendar import AcademicYear, local_datetime
from mis_bridge.registers.strip import Strip
from mis_bridge.service import judge
from mis_bridge.service.people import step_done
from mis_bridge.service.pupil_years import pupil_years
from mis_bridge.service.schools import schools_of
from mis_bridge.settings import load
from mis_bridge.store import dirty, outbox, pupils, strips

from .conftest import DAY, SCHOOL, minutes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mis_bridge.simulator.sinks import Mail

    from .conftest import Bench, Watched

THIS_YEAR, LAST_YEAR = AcademicYear(2026), AcademicYear(2025)
PUPIL = 0


def _days(bench: Bench, days: Iterable[date], code: str, away: int = PUPIL) -> None:
    """Save both sessions of some days: everybody is there, one pupil has this code."""
    for day in days:
        for pm in (False, True):
            for number, pupil in enumerate(bench.pupils):
                usual = "\\" if pm else "/"
                bench.state.save_session(
                    pupil,
                    day,
                    pm=pm,
                    code=code if number == away else usual,
                    minute=13 * 60 if pm else 8 * 60 + 50,
                )


def _save_last_year(bench: Bench, watched: Watched, **of_pupil: Strip) -> None:
    """Store marks of last year, as a correction that came late, and have that year judged."""
    with watched.store.transaction() as tx:
        strips.save_raw(
            tx, SCHOOL, LAST_YEAR, {pupil: strip.encode() for pupil, strip in of_pupil.items()}
        )
        dirty.mark_years(tx, SCHOOL, [LAST_YEAR.start], bench.clock.now())


async def test_a_correction_of_last_year_ends_nothing_of_this_one(bench: Bench) -> None:
    """A mark of July is corrected in November: this year's ten days are as true as before."""
    days = bench.state.school.calendar.school_days(last=DAY)[-12:]
    _days(bench, days[:1], "/")
    _days(bench, days[1:], "O")
    async with bench.daemon() as watched:
        await watched.at("13:31")
        assert [one.state for one in watched.incidents("ten_day_absence")] == ["open"]

        july = Strip.from_days(LAST_YEAR, [(date(2026, 7, 20), "/", "\\")])
        _save_last_year(bench, watched, **{bench.pupils[1]: july})
        await watched.at("13:40")

        assert [one.state for one in watched.incidents("ten_day_absence")] == ["open"]


async def test_a_pupil_whom_the_mis_deletes_is_not_judged_and_not_forgotten(bench: Bench) -> None:
    """Nobody knows any more how long the pupil was on roll; that the run is over is not known."""
    days = bench.state.school.calendar.school_days(last=DAY)[-12:]
    _days(bench, days[:1], "/")
    _days(bench, days[1:], "O")
    async with bench.daemon() as watched:
        await watched.at("13:31")
        with watched.store.transaction() as tx:
            pupils.mark_gone(tx, SCHOOL, [bench.pupils[PUPIL]], bench.clock.now())
            dirty.mark_years(tx, SCHOOL, [THIS_YEAR.start], bench.clock.now())
        await watched.at("13:35")

        assert [one.state for one in watched.incidents("ten_day_absence")] == ["open"]
        school = schools_of(load(bench.config))[SCHOOL]
        with watched.store.reading() as tx:
            looked_at = {one.pupil for one in pupil_years(tx, school, THIS_YEAR)}
        assert looked_at == set(bench.pupils[1:])


@pytest.mark.thorough
async def test_a_first_load_shows_the_slow_matters_of_the_year_and_tells_nobody(
    bench: Bench,
) -> None:
    """Away since September: day 20 was weeks before anybody watched; what is new is told."""
    days = bench.state.school.calendar.school_days(last=DAY)
    ill = bench.pupils[PUPIL + 1]
    _days(bench, days, "O")
    for day in days[-10:]:
        for pm, minute in ((False, 8 * 60 + 51), (True, 13 * 60 + 1)):
            bench.state.save_session(ill, day, pm=pm, code="I", minute=minute)
    async with bench.daemon() as watched:
        await watched.at("08:45")
        old = watched.incidents("twenty_day_absence")
        assert [(one.state, one.told) for one in old] == [("open", ())]
        assert bench.mails_to("attendance") == []

        await watched.at("13:35")
        await watched.at("13:40")

        told = watched.incidents("ten_day_sickness")
        assert [one.pupil for one in told if one.told] == [ill]
        with watched.store.reading() as tx:
            rows = [row for one in told for row in outbox.of_incident(tx, SCHOOL, one.id)]
        # It is not urgent: the digest of the next morning tells of it.
        assert [(row.audience, row.held) for row in rows] == [("attendance", Reason.DIGEST)]
        subjects = [str(mail.message["Subject"]) for mail in bench.mails_to("attendance")]
        assert not any("Day 20" in subject for subject in subjects)


async def test_last_year_is_looked_at_for_those_who_never_came_back(bench: Bench) -> None:
    """Of a pupil who has been away since September, and of nobody else."""
    school = bench.state.school
    (older, *_) = (one.number for one in school.pupils if one.admission < date(2026, 7, 1))
    _days(bench, school.calendar.school_days(last=DAY), "O", older)
    july = Strip.from_days(LAST_YEAR, [(date(2026, 7, 20), "O", "O")])
    async with bench.daemon() as watched:
        await watched.at("08:45")
        _save_last_year(bench, watched, **dict.fromkeys(bench.pupils, july))
        configured = schools_of(load(bench.config))[SCHOOL]
        with watched.store.reading() as tx:
            before = {one.pupil: one.before for one in pupil_years(tx, configured, THIS_YEAR)}

    assert before.pop(bench.pupils[older]) == july
    assert set(before.values()) == {None}


async def test_last_year_is_looked_at_for_an_unauthorised_absence_of_the_first_weeks(
    bench: Bench,
) -> None:
    """With those of July it may be one of ten within ten school weeks."""
    school = bench.state.school
    (older, *_) = (one.number for one in school.pupils if one.admission < date(2026, 7, 1))
    days = school.calendar.school_days(last=DAY)
    _days(bench, days, "/", older)
    _days(bench, days[2:3], "O", older)
    july = Strip.from_days(LAST_YEAR, [(date(2026, 7, 20), "O", "O")])
    async with bench.daemon() as watched:
        await watched.at("08:45")
        _save_last_year(bench, watched, **dict.fromkeys(bench.pupils, july))
        configured = schools_of(load(bench.config))[SCHOOL]
        with watched.store.reading() as tx:
            before = {one.pupil: one.before for one in pupil_years(tx, configured, THIS_YEAR)}

    assert [pupil for pupil, year in before.items() if year] == [bench.pupils[older]]


async def test_a_school_of_which_nothing_is_shown_is_told(bench: Bench) -> None:
    """The MIS answers and has not one mark by a quarter past ten; then the registers come."""
    async with bench.daemon() as watched:
        await watched.until("10:10", every=5)
        assert watched.incidents("not_watched") == []
        await watched.until("10:20", every=5)
        (told,) = watched.incidents("not_watched")
        assert (told.state, told.slot) == ("open", "AM")
        assert bench.mails_to("it")

        bench.session("AM", "10:25")
        await watched.until("10:35", every=5)

        assert [one.state for one in watched.incidents("not_watched")] == ["closed"]


@pytest.mark.thorough
async def test_a_fault_in_judging_hides_no_school_without_marks(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the day can not be judged, that nothing was shown of it is not over."""
    async with bench.daemon() as watched:
        await watched.until("10:20", every=5)

        def fail(*_: object) -> None:
            raise RuntimeError("a fault of the program")

        monkeypatch.setattr(judge, "assess_day", fail)
        bench.session("AM", "10:22")
        await watched.until("10:35", every=1)

        told = {one.slot: one.state for one in watched.incidents("not_watched")}
        assert told == {"AM": "open", "": "open"}


@pytest.mark.thorough
async def test_yesterdays_register_of_a_child_who_is_in_school_alarms_nobody(bench: Bench) -> None:
    """P2 of yesterday is saved this morning with two children absent; one is here today."""
    here, gone = bench.pupils[0], bench.pupils[1]
    tomorrow = DAY + timedelta(days=1)
    bench.session("AM", "08:50")
    async with bench.daemon() as watched:
        await watched.until("09:00", every=5)
        await watched.until("18:00", every=30)
        for pupil in bench.pupils:
            code = "N" if pupil == gone else "/"
            bench.state.save_session(pupil, tomorrow, pm=False, code=code, minute=8 * 60 + 50)
        morning = local_datetime(tomorrow, 8 * 60 + 52)
        bench.clock.advance(seconds=(morning - bench.clock.now()).total_seconds())
        await watched.daemon.settle()
        for pupil in (here, gone):
            saved = local_datetime(tomorrow, minutes("08:53"))
            bench.state.save_lesson(pupil, DAY, period="P2", code="N", at=saved)
        for _ in range(6):
            bench.clock.advance(minutes=3)
            await watched.daemon.settle()

        told = {one.pupil: one.told for one in watched.incidents("missing_during_day")}

    assert told[gone]
    assert not told.get(here)


@pytest.mark.thorough
async def test_a_child_who_is_in_school_the_next_day_is_found(bench: Bench) -> None:
    """Missing when the day ended; marked present the next morning, and the DSL hears of it."""
    tomorrow = DAY + timedelta(days=1)
    bench.session("AM", "08:50")
    bench.lesson("P1", "09:00")
    bench.lesson("P2", "10:02", **{bench.pupils[PUPIL]: "N"})
    async with bench.daemon() as watched:
        await watched.until("10:20", every=5)
        await watched.until("18:00", every=30)
        (missing,) = watched.incidents("missing_during_day")
        assert missing.state == "open"

        for pupil in bench.pupils:
            bench.state.save_session(pupil, tomorrow, pm=False, code="/", minute=8 * 60 + 50)
        evening = bench.clock.now()
        bench.clock.advance(
            seconds=(local_datetime(tomorrow, 8 * 60 + 55) - evening).total_seconds()
        )
        await watched.daemon.settle()
        bench.clock.advance(minutes=5)
        await watched.daemon.settle()

        (found,) = watched.incidents("missing_during_day")
        assert found.state == "found"
        assert "In school again on 18 November 2026" in found.ending


@pytest.mark.thorough
async def test_a_missing_child_whom_nobody_answered_for_is_asked_about_next_morning(
    bench: Bench,
) -> None:
    """Between 17:30 and the next opening nobody is rung; then everybody who was told, once."""
    tomorrow = DAY + timedelta(days=1)
    opens = bench.state.school.calendar.am.opens
    bench.session("AM", "08:50")
    bench.lesson("P1", "09:00")
    bench.lesson("P2", "10:02", **{bench.pupils[PUPIL]: "N"})
    async with bench.daemon() as watched:
        await watched.until("17:40", every=10)
        (missing,) = watched.incidents("missing_during_day")
        assert missing.state == "open"
        rung = _about(bench, missing.reference)
        for minute in (0, opens - 1):
            ahead = local_datetime(tomorrow, minute) - bench.clock.now()
            bench.clock.advance(seconds=ahead.total_seconds())
            await watched.daemon.settle()
        assert _about(bench, missing.reference) == rung

        bench.clock.advance(minutes=2)
        await watched.daemon.settle()
    asked = _about(bench, missing.reference) - rung
    assert asked.total() == len(("DSL", "office", "IT"))
    assert all("Nobody has answered" in text for text in asked)


def _about(bench: Bench, reference: str) -> Counter[str]:
    """What people were sent about an incident so far, by Teams and by mail, and how often."""
    subjects = [str(mail.message["Subject"]) for mail in bench.mails.mails]
    cards = [" ".join(posted.texts) for posted in bench.webhook.posted]
    return Counter(text for text in (*cards, *subjects) if reference in text)


@pytest.mark.thorough
async def test_whoever_was_missing_overnight_is_offered_a_return_interview_in_time(
    bench: Bench,
) -> None:
    """Gone on Tuesday, back on Wednesday: on Saturday people are asked for the interview, once."""
    tomorrow = DAY + timedelta(days=1)
    bench.session("AM", "08:50")
    bench.lesson("P1", "09:00")
    bench.lesson("P2", "10:02", **{bench.pupils[PUPIL]: "N"})
    async with bench.daemon() as watched:
        await watched.until("10:20", every=5)
        for pupil in bench.pupils:
            bench.state.save_session(pupil, tomorrow, pm=False, code="/", minute=8 * 60 + 50)
        evening = bench.clock.now()
        back = local_datetime(tomorrow, 8 * 60 + 55)
        bench.clock.advance(seconds=(back - evening).total_seconds())
        await watched.daemon.settle()
        (found,) = watched.incidents("missing_during_day")
        assert found.state == "found"
        for step in ("stand_down", "talk_on_return"):
            watched.store.run(step_done, found.id, "A. Lead", bench.clock.now(), step)

        due = bench.clock.now() + timedelta(hours=72)
        while bench.clock.now() < due - timedelta(hours=1):
            bench.clock.advance(minutes=60)
            await watched.daemon.settle()
        before = len(bench.webhook.posted) + len(bench.mails.mails)
        while bench.clock.now() < due + timedelta(hours=6):
            bench.clock.advance(minutes=30)
            await watched.daemon.settle()

        (asked,) = watched.incidents("missing_during_day")
    (at,) = (step.reminded_at for step in asked.steps if step.id == "return_interview")
    assert at is not None
    assert due <= at <= due + timedelta(minutes=30)
    assert len(bench.webhook.posted) + len(bench.mails.mails) == before + 1


async def test_who_was_told_of_absences_hears_the_next_morning_who_is_back(bench: Bench) -> None:
    """One message within the hour, to each who was told; who is still away is not in it."""
    tomorrow = DAY + timedelta(days=1)
    away = bench.pupils[:3]
    bench.edit("group_seconds = 0", "group_seconds = 15")
    bench.session("AM", "08:50", **dict.fromkeys(away, "N"))
    async with bench.daemon() as watched:
        await watched.until("09:40", every=5)
        assert len(watched.incidents("unexplained_absence")) == 3
        await watched.until("23:00", every=60)
        before = len(bench.mails_to("attendance"))
        for pupil in bench.pupils:
            code = "N" if pupil == away[2] else "/"
            bench.state.save_session(pupil, tomorrow, pm=False, code=code, minute=8 * 60 + 50)
        night = bench.clock.now()
        bench.clock.advance(seconds=(local_datetime(tomorrow, 8 * 60 + 55) - night).total_seconds())
        await watched.daemon.settle()
        assert not _of_back(bench.mails_to("attendance")[before:])
        while bench.clock.now() < local_datetime(tomorrow, 10 * 60):
            bench.clock.advance(minutes=5)
            await watched.daemon.settle()

        states = {one.pupil: one.state for one in watched.incidents() if one.day == DAY}
        assert [states[pupil] for pupil in away] == ["found", "found", "open"]
    (mail,) = _of_back(bench.mails_to("attendance")[before:])
    ended = [one for one in watched.incidents("unexplained_absence") if one.state == "found"]
    text = mail.part("plain")
    assert text.startswith("Found, back in school: 2 pupils")
    assert all(one.reference in text for one in ended)


def _of_back(mails: list[Mail]) -> list[Mail]:
    return [mail for mail in mails if "In school again" in mail.part("plain")]
