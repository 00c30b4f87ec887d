"""A MIS that sends absences only, and one whose answers are old when they come."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest

from mis_bridge.adapters.registry import shipped
from mis_bridge.service.package_facts import package_data
from mis_bridge.service.schools import schools_of
from mis_bridge.settings import load

from .conftest import DAY, SCHOOL

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from .conftest import Bench, Watched

LEVELS = ("persistent_absence", "severe_absence", "approaching_persistent_absence")


def _declare(bench: Bench, **capabilities: str) -> None:
    """Read the stand-in through an adapter of our own that declares these capabilities."""
    folder = bench.folder / "own" / "partial"
    shutil.copytree(shipped() / "mis" / "wonde", folder)
    manifest = folder / "adapter.toml"
    text = manifest.read_text("utf-8").replace('id = "wonde"', 'id = "partial"')
    for name, value in capabilities.items():
        text = text.replace("[capabilities]\n", f"[capabilities]\n{name} = {value}\n")
    manifest.write_text(text, "utf-8")
    bench.edit("[service]\n", f'[service]\nadapter_dirs = ["{bench.folder / "own"}"]\n')
    school = bench.folder / "conf.d" / f"{SCHOOL}.toml"
    school.write_text(
        school.read_text("utf-8").replace('adapter = "wonde"', 'adapter = "partial"'), "utf-8"
    )


def _days(bench: Bench, count: int) -> list[date]:
    """The last school days up to today."""
    return bench.state.school.calendar.school_days(last=DAY)[-count:]


def _mark(bench: Bench, pupils: Iterable[str], days: Iterable[date], code: str) -> None:
    """Save the same mark for both sessions of some days."""
    for day in days:
        for pupil in pupils:
            for pm in (False, True):
                minute = 13 * 60 if pm else 8 * 60 + 50
                bench.state.save_session(pupil, day, pm=pm, code=code, minute=minute)


def _of_school_age(bench: Bench) -> str:
    return next(one.id for one in bench.state.school.pupils if one.year_group in (8, 9, 10))


async def _at_the_end_of_the_day(watched: Watched) -> None:
    await watched.until("09:00", every=10)
    await watched.at("13:31")
    await watched.at("13:40")


@pytest.mark.parametrize("presence", [False, True])
async def test_no_rate_of_absence_is_worked_out_from_absences_alone(
    bench: Bench, presence: bool
) -> None:
    """Thirty absences and nothing else: one hundred per cent only where presence is sent too."""
    _declare(bench, presence=str(presence).lower())
    pupil = bench.pupils[0]
    _mark(bench, [pupil], _days(bench, 15), "I")
    async with bench.daemon() as watched:
        await _at_the_end_of_the_day(watched)

        found = {trigger for trigger in LEVELS if watched.incidents(trigger)}
        assert found == ({"severe_absence"} if presence else set())


async def test_absences_on_scattered_days_are_no_ten_days_in_a_row(bench: Bench) -> None:
    """Nobody knows of the silent days between them: the pupil may have been in school."""
    _declare(bench, presence="false")
    _mark(bench, [_of_school_age(bench)], _days(bench, 24)[::2], "O")
    async with bench.daemon() as watched:
        await _at_the_end_of_the_day(watched)

        assert watched.incidents("ten_day_absence") == []


async def test_ten_absences_in_a_row_are_told_and_the_form_counts_no_possible_sessions(
    bench: Bench,
) -> None:
    """Every school day has its absence; what the year's sessions were is left to a person."""
    _declare(bench, presence="false")
    pupil = _of_school_age(bench)
    _mark(bench, [pupil], _days(bench, 10), "O")
    async with bench.daemon() as watched:
        await _at_the_end_of_the_day(watched)

        (incident,) = watched.incidents("ten_day_absence")
        assert incident.pupil == pupil
        school = schools_of(load(bench.config))[SCHOOL]
        with watched.store.reading() as tx:
            form = package_data(tx, incident, "attendance_return", school, bench.clock.now())
        year = [field for section in form.sections for field in section.fields
                if field.key.startswith("year.")]  # fmt: skip
        assert [(field.key, field.value) for field in year] == [("year.sessions", "")]


@pytest.mark.parametrize("presence", [False, True])
async def test_silence_is_no_register_that_was_not_taken(bench: Bench, presence: bool) -> None:
    """Most of the school is marked ill; of the others a MIS that sends absences says nothing."""
    _declare(bench, presence=str(presence).lower())
    _mark(bench, bench.pupils[:-3], [DAY], "I")
    async with bench.daemon() as watched:
        await _at_the_end_of_the_day(watched)

        assert bool(watched.incidents("register_not_taken")) is presence


@pytest.mark.thorough
async def test_a_school_of_which_nobody_is_absent_may_be_one_that_is_not_shown(
    bench: Bench,
) -> None:
    """One absence with a reason shows that the MIS tells of any; not one in the school does not."""
    _declare(bench, presence="false")
    async with bench.daemon() as watched:
        await watched.until("10:00", every=10)
        assert watched.incidents("not_watched") == []
        await watched.until("10:30", every=10)
        (told,) = watched.incidents("not_watched")
        assert told.state == "open"

        _mark(bench, [bench.pupils[0]], [DAY], "I")
        await watched.until("14:45", every=15)
        assert [one.state for one in watched.incidents("not_watched")] == ["closed"]


async def test_an_unexplained_absence_is_told_of_a_mis_that_sends_absences(bench: Bench) -> None:
    """What is sent counts as ever."""
    _declare(bench, presence="false")
    _mark(bench, [bench.pupils[0]], [DAY], "N")
    async with bench.daemon() as watched:
        await watched.until("09:30", every=5)

        assert [one.pupil for one in watched.incidents("unexplained_absence")] == [bench.pupils[0]]


async def test_the_age_of_an_alert_is_that_of_the_data_and_not_of_the_reading(
    bench: Bench,
) -> None:
    """The vendor says that its answers may be half an hour old."""
    _declare(bench, delay_minutes="30")
    bench.session("AM", "08:50", **{bench.pupils[0]: "N"})
    async with bench.daemon() as watched:
        await watched.until("09:20", every=5)

        (incident,) = watched.incidents("unexplained_absence")
        told = incident.data_as_of
        assert told is not None
        assert 30 <= (bench.clock.now() - told).total_seconds() / 60 < 37
        (mail, *_) = bench.mails_to("dsl") or bench.mails_to("attendance")
        body = mail.message.get_body(("plain",))
        assert body is not None
        text = " ".join(str(body.get_content()).split())
        assert re.search(
            r"as of 08:4\d or later: the MIS may have been 30 minutes behind; anything newer is",
            text,
        )
