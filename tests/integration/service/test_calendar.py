"""Days on which the calendar is wrong, and days on which the school closes."""

from __future__ import annotations

import asyncio
import socket
from datetime import date
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from mis_bridge.calendars.ics import write_ics
from mis_bridge.io.clock import ManualClock
from mis_bridge.io.http import Transport
from mis_bridge.io.notify import Notifier
from mis_bridge.io.secrets import Secrets
from mis_bridge.registers.calendar import (
    AcademicYear,
    Closure,
    SchoolCalendar,
    Session,
    local_datetime,
)
from mis_bridge.service.app import run
from mis_bridge.service.calendars import (
    READ_AGAIN,
    CalendarWatch,
    Which,
    read_terms,
    terms_of_schools,
)
from mis_bridge.service.pupil_years import pupil_years
from mis_bridge.service.schools import schools_of
from mis_bridge.settings import load

from .conftest import DAY, SCHOOL, Bench, minutes

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Watched


def school_file(bench: Bench) -> Path:
    """The school's own file."""
    return bench.folder / "conf.d" / f"{SCHOOL}.toml"


def close_by_calendar(bench: Bench, session: str = "") -> None:
    """Write into the calendar that the school is closed today."""
    half = f'session = "{session}"\n' if session else ""
    file = school_file(bench)
    text = (
        f'{file.read_text("utf-8")}\n[[calendar.closures]]\nfirst = {DAY}\nwhy = "training day"\n'
    )
    file.write_text(text + half, "utf-8")


def told_of_children(watched: Watched) -> set[str]:
    """Triggers about children that have an incident."""
    about = {"missing_during_day", "unexplained_absence", "internal_truancy"}
    return {one.trigger for one in watched.incidents()} & about


async def test_nobody_is_missing_from_an_afternoon_that_was_closed_for_snow(bench: Bench) -> None:
    """Closed at noon; a lesson had been saved with N of three pupils, one of whom gets no mark.

    The afternoon is marked Y4 at 13:40. What had been raised before ends as explained, and nothing
    new is raised about anybody, nor is the office asked for registers of that afternoon.
    """
    away = bench.pupils[:3]
    _, second, _ = away
    bench.session("AM", "08:50")
    for period in ("P1", "P2", "P3"):
        bench.lesson(period, "09:00" if period == "P1" else "11:00")
    for pupil in away:
        bench.state.save_lesson(pupil, DAY, period="P4", code="N", minute=minutes("13:10"))
    async with bench.daemon() as watched:
        await watched.at("11:10")
        await watched.at("13:35")
        raised = watched.incidents("missing_during_day")
        assert {one.pupil for one in raised} == set(away)
        for pupil in bench.pupils:
            if pupil != second:
                bench.state.save_session(pupil, DAY, pm=True, code="Y4", minute=minutes("13:40"))
        for time in ("13:42", "14:35", "16:30"):
            await watched.at(time)

        missing = watched.incidents("missing_during_day")
        assert {one.pupil for one in missing} == set(away)
        assert {one.outcome for one in missing} == {"explained"}
        assert watched.incidents("unexplained_absence") == []
        assert not [one for one in watched.incidents("register_not_taken") if one.slot == "PM"]
        assert watched.incidents("not_watched") == []


async def test_an_absence_of_the_morning_is_followed_up_when_the_school_closes(
    bench: Bench,
) -> None:
    """Sending the others home says nothing of the child who never came."""
    child = bench.pupils[0]
    bench.session("AM", "08:50", **{child: "N"})
    bench.session("PM", "12:30", code="#")
    async with bench.daemon() as watched:
        await watched.at("09:20")
        await watched.at("14:40")

        (absence,) = watched.incidents("unexplained_absence")
        assert absence.pupil == child
        assert absence.state == "open"


async def test_a_training_day_that_the_calendar_lacks_alarms_nobody(bench: Bench) -> None:
    """Everybody is marked # and nobody is in school: no register is missed, and it is learned."""
    for slot in ("AM", "PM"):
        bench.session(slot, "08:00", code="#")
    async with bench.daemon() as watched:
        for time in ("09:05", "10:20", "14:35"):
            await watched.at(time)

        assert watched.incidents() == []
        school = schools_of(load(bench.config))[SCHOOL]
        with watched.store.reading() as tx:
            year = pupil_years(tx, school, AcademicYear.of(DAY))[0]
        assert school.calendar.is_school_day(DAY)
        assert not year.calendar.is_school_day(DAY)


async def test_registers_on_a_closed_day_are_seen_told_and_judged(bench: Bench) -> None:
    """The calendar is wrong: the office and IT hear of it, and a missing child is still missed."""
    close_by_calendar(bench)
    child = bench.pupils[0]
    bench.session("AM", "08:50")
    bench.lesson("P1", "09:00")
    async with bench.daemon() as watched:
        await watched.at("08:55")
        await watched.at("09:50")

        (told,) = watched.incidents("calendar_wrong")
        assert told.state == "open"
        assert "training day" in told.sentence
        assert told.pupil == ""
        assert bench.mails_to("it")
        assert bench.mails_to("office")
        assert told_of_children(watched) == set()

        # A register that is not taken is asked for, and a MIS that fails is told.
        bench.lesson("P3", "11:25", **{child: "N"})
        await watched.at("11:35")
        await watched.at("11:45")
        assert [one.pupil for one in watched.incidents("missing_during_day")] == [child]

        bench.standin.refuse()
        await watched.at("12:00")
        await watched.at("12:20")
        assert [one.state for one in watched.incidents("feed_blind")] == ["open"]


async def test_the_other_half_of_a_day_is_seen_as_well(bench: Bench) -> None:
    """Closed in the afternoon by the calendar, and its register is taken."""
    close_by_calendar(bench, "PM")
    bench.session("AM", "08:50")
    bench.session("PM", "13:05")
    async with bench.daemon() as watched:
        await watched.at("08:55")
        await watched.at("13:20")

        (told,) = watched.incidents("calendar_wrong")
        assert told.slot == "PM"


async def test_a_single_mark_on_a_closed_day_is_no_wrong_calendar(bench: Bench) -> None:
    """One of 24 pupils is marked by a slip (4 %): nobody is told of the calendar."""
    close_by_calendar(bench)
    bench.state.save_session(bench.pupils[0], DAY, pm=False, code="/", minute=minutes("08:50"))
    async with bench.daemon() as watched:
        for time in ("09:50", "14:05"):
            await watched.at(time)

        assert watched.incidents() == []


async def test_a_closed_day_is_looked_at_twice(bench: Bench) -> None:
    """Half an hour after each register's close, and no more often while nothing is there."""
    close_by_calendar(bench)
    async with bench.daemon() as watched:
        read = []
        for time in ("09:00", "09:40", "09:50", "10:20", "13:50", "14:05", "16:00"):
            before = len(bench.standin.requests)
            await watched.at(time)
            read.append((time, len(bench.standin.requests) > before))

        # The first load of a new school does not wait for anything.
        assert [time for time, asked in read if asked] == ["09:00", "09:50", "14:05"]
        assert watched.incidents() == []


@pytest.fixture
def terms(tmp_path: Path) -> Path:
    """Term dates as a file: this year and the next."""
    calendars = [
        SchoolCalendar(
            AcademicYear(start),
            date(start, 9, 3),
            date(start + 1, 7, 21),
            (Closure(date(start, 10, 26), date(start, 10, 30), "half term"),),
        )
        for start in (2026, 2027)
    ]
    file = tmp_path / "terms.ics"
    write(file, *calendars)
    return file


def write(file: Path, *calendars: SchoolCalendar) -> None:
    """Publish term dates."""
    file.write_bytes(write_ics(calendars, name="A school", stamp=local_datetime(DAY, 0)))


def vanish(file: Path) -> None:
    """Somebody tidies up."""
    file.unlink()


def go_by(bench: Bench, file: Path) -> None:
    """Let the school go by an iCalendar file alone."""
    lines = school_file(bench).read_text("utf-8").split("[[calendar.closures]]")[0].splitlines()
    kept = [line for line in lines if not line.startswith(("first_day", "last_day"))]
    text = "\n".join(kept).replace("[calendar]", f'[calendar]\nterm_dates = "{file}"')
    school_file(bench).write_text(text, "utf-8")


async def test_the_daemon_asks_to_be_made_anew_when_other_calendars_hold(
    bench: Bench, terms: Path
) -> None:
    """A training day is added to the file; a new year begins; a file that vanishes says so once."""
    go_by(bench, terms)
    configuration = load(bench.config)
    clock = ManualClock(local_datetime(DAY, 8 * 60))
    asked: list[str] = []
    secrets = Secrets(bench.folder, {})
    async with Transport() as transport:
        await read_terms(configuration, transport, secrets, clock.now(), which=Which.NEW)
        held = terms_of_schools(configuration)
        watch = CalendarWatch(
            configuration, held, transport, secrets, clock, lambda: asked.append("")
        )

        async def hours_later(hours: float) -> None:
            clock.advance(seconds=hours * 3600)
            watch.look()
            await watch.wait()

        await hours_later(READ_AGAIN / 3600)
        assert asked == []

        (this, following) = held[SCHOOL].years.calendars
        training = Closure(date(2026, 11, 27), date(2026, 11, 27), "training day")
        new = SchoolCalendar(this.year, this.first_day, this.last_day, (training,))
        write(terms, new, following)
        await hours_later(5)
        assert asked == []
        await hours_later(1)
        assert len(asked) == 1
        school = schools_of(configuration, today=DAY)[SCHOOL]
        assert school.calendar.why_closed(training.first, Session.AM).endswith("training day")

        vanish(terms)
        await hours_later(6)
        await hours_later(6)
        assert len(asked) == 2
        assert schools_of(configuration, today=DAY)[SCHOOL].calendar == school.calendar

        clock.advance(seconds=(local_datetime(date(2027, 8, 1), 5) - clock.now()).total_seconds())
        watch.look()
        watch.look()
        assert len(asked) == 3
        await watch.stop()
    later = schools_of(configuration, today=date(2027, 8, 1))[SCHOOL]
    assert str(later.calendar.year) == "2027/28"


async def test_a_new_school_year_takes_over_at_midnight(bench: Bench) -> None:
    """In July this year's calendar holds, on 1 August the next one; nobody had to ask.

    The configuration is not read again for it: somebody may be in the middle of writing it.
    """
    following = "[[calendar.years]]\nfirst_day = 2027-09-02\nlast_day = 2028-07-20\n"
    text = f"{school_file(bench).read_text('utf-8')}\n{following}"
    school_file(bench).write_text(text, "utf-8")
    bench.clock.advance(
        seconds=(local_datetime(date(2027, 7, 31), 60) - bench.clock.now()).total_seconds()
    )
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor, capture_logs() as logged:
        address = str(bench.folder / "notify")
        supervisor.bind(address)
        supervisor.setblocking(False)

        async def heard(state: bytes) -> None:
            """Wait until the daemon has said this to its supervisor."""
            async with asyncio.timeout(60):
                while state not in await loop.sock_recv(supervisor, 4096):
                    pass

        with Notifier(address) as notifier:
            running = asyncio.create_task(
                run(
                    load(bench.config),
                    clock=bench.clock,
                    secrets=Secrets(bench.folder / "credentials", {}),
                    notifier=notifier,
                    reload=lambda: pytest.fail("the files were read"),
                    stop=stop,
                )
            )
            await heard(b"READY=1")
            bench.clock.advance(minutes=24 * 60)
            await heard(b"RELOADING=1")
            await heard(b"READY=1")
            stop.set()
            await running
    events = [line["event"] for line in logged]
    assert events.count("calendars_changed") == 1
    assert events.count("reloaded") == 1
    assert "reload_refused" not in events


async def test_term_dates_that_can_not_be_read_for_a_week_are_told(
    bench: Bench, terms: Path
) -> None:
    """The copy holds; after seven days the office and IT hear that nobody knows what changed."""
    go_by(bench, terms)
    bench.session("AM", "08:50")
    async with bench.daemon() as watched:
        await watched.at("08:55")
        assert watched.incidents("calendar_wrong") == []
    vanish(terms)
    async with bench.daemon() as watched:
        await watched.at("09:00")
        assert watched.incidents("calendar_wrong") == []
        school = schools_of(load(bench.config), today=DAY)[SCHOOL]
        assert school.calendar.is_school_day(DAY)
        assert school.term_dates_failing_since is not None


async def test_a_school_without_any_calendar_is_told_and_still_looked_at(
    bench: Bench, terms: Path
) -> None:
    """The file was never there: IT is told why nothing is watched, and a missing child is found."""
    go_by(bench, terms)
    vanish(terms)
    child = bench.pupils[0]
    bench.session("AM", "08:50", **{child: "N"})
    async with bench.daemon() as watched:
        await watched.at("08:50")
        await watched.at("09:50")

        (told,) = watched.incidents("not_watched")
        assert "There is no calendar of this school" in told.sentence
        assert "2026/27" in told.sentence
        assert [one.pupil for one in watched.incidents("unexplained_absence")] == [child]
