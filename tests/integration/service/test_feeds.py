"""A feed that is blind, slow or wrong is said out loud, and never looks like nobody missing."""

from __future__ import annotations

import pytest

from mis_bridge.registers.calendar import AcademicYear, local_datetime
from mis_bridge.simulator.faults import Fault, FaultKind
from mis_bridge.store import feeds, quarantine, strips

from .conftest import DAY, SCHOOL, Bench, minutes


def _feed(watched: object) -> feeds.Feed:
    with watched.store.reading() as tx:  # type: ignore[attr-defined]
        (feed,) = feeds.all_feeds(tx)
    return feed


async def test_an_outage_is_told_once_and_its_end_as_well(bench: Bench) -> None:
    """No good reading for 15 minutes of the school day: one alarm, and one message when it ends."""
    bench.session("AM", "08:50")
    bench.lesson("P1", "09:00")
    async with bench.daemon() as watched:
        await watched.until("09:10")
        # A page that says so is not asked for again and again, as a 503 is: the test need not wait.
        fault = bench.standin.faults.add(Fault(FaultKind.HTML))
        await watched.until("10:30")
        (blind,) = watched.incidents("feed_blind")
        assert blind.state == "open"
        assert len([p for p in bench.webhook.posted if blind.reference in str(p.content)]) >= 1
        told = len(bench.mails_to("it"))
        assert told >= 1
        assert "a login page, a proxy or a filter" in blind.sentence
        assert "open the address in a browser" in blind.sentence

        bench.standin.faults.remove(fault)
        await watched.until("10:50")
        (blind,) = watched.incidents("feed_blind")
        assert blind.state == "closed"
        assert len(bench.mails_to("it")) == told + 1
        assert watched.incidents("missing_during_day") == []


async def test_an_outage_says_how_much_it_holds_back(bench: Bench) -> None:
    """A pupil was marked N before it; by the time that counts nobody knows what is true."""
    bench.session("AM", "08:50", **{bench.pupils[0]: "N"})
    async with bench.daemon() as watched:
        await watched.until("08:54")
        bench.standin.faults.add(Fault(FaultKind.HTML))
        await watched.until("09:50")

        assert watched.incidents("unexplained_absence") == []
        # Nobody has answered: the next channel says what has been held back by then.
        told = [mail.message.get_body(("plain",)) for mail in bench.mails_to("dsl")]
        words = [" ".join(text.get_content().split()) for text in told if text is not None]
        assert any(
            "1 alert about a pupil that rests on older marks is held back until" in one
            for one in words
        )


async def test_the_end_of_an_outage_is_told_although_no_mark_changed(bench: Bench) -> None:
    """Somebody else held the feed for half an hour; the next good reading ends the alarm."""
    async with bench.daemon() as watched:
        await watched.at("08:31")
        bench.clock.advance(minutes=1)
        held = watched.store.run(feeds.hold, SCHOOL, bench.clock.now(), 3600.0, "a person")
        assert held is not None
        await watched.until("09:00")
        (blind,) = watched.incidents("feed_blind")
        assert (blind.state, _feed(watched).state) == ("open", "good")

        watched.store.run(feeds.release, held)
        await watched.until("09:05")
        (blind,) = watched.incidents("feed_blind")
        assert blind.state == "closed"


async def test_a_daemon_that_was_off_for_weeks_reads_the_days_it_missed(bench: Bench) -> None:
    """Three weeks without a reading: the absences in between count, not only the last five days."""
    days = bench.state.school.calendar.school_days(last=DAY)[-15:]
    bench.clock.set(local_datetime(days[0], minutes("12:00")))
    async with bench.daemon() as watched:
        await watched.daemon.settle()
    ill, *_ = bench.pupils
    for day in days[1:-1]:
        bench.state.save_session(ill, day, pm=False, code="I", minute=minutes("08:50"))
    bench.clock.set(local_datetime(DAY, minutes("08:30")))
    async with bench.daemon() as watched:
        await watched.daemon.settle()
        year = AcademicYear.of(DAY)
        with watched.store.reading() as tx:
            read = strips.load(tx, SCHOOL, year)[ill]
        assert [day for day in days if read.mark(day, pm=False) == "I"] == days[1:-1]


async def test_a_restart_late_in_the_morning_is_no_outage(bench: Bench) -> None:
    """A daemon that starts at half past eight reads first, and alarms only if that fails."""
    bench.session("AM", "08:50")
    async with bench.daemon() as watched:
        await watched.at("08:31")
        assert watched.incidents("feed_blind") == []


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        (FaultKind.HTML, "answer_invalid"),
        (FaultKind.TRUNCATED, "answer_invalid"),
        (FaultKind.EMPTY, "answer_invalid"),
        (FaultKind.RESET, "unreachable"),
    ],
)
async def test_a_wrong_answer_is_a_state_with_a_name_and_advice(
    bench: Bench, kind: FaultKind, state: str
) -> None:
    """A sign-in page, half a JSON, an empty roll, a broken connection: named, with what to do."""
    bench.standin.faults.add(Fault(kind))
    async with bench.daemon() as watched:
        await watched.at("08:40")

        feed = _feed(watched)
        assert feed.state == state
        assert feed.problem
        assert feed.advice
        assert feed.last_good_at is None
        assert watched.incidents("unexplained_absence") == []


async def test_a_wrong_token_is_named_and_tried_less_and_less_often(bench: Bench) -> None:
    """401 asks a person for a token; the MIS is not hammered meanwhile."""
    (bench.folder / "credentials" / "wonde-token").write_text("wrong-token", "utf-8")
    async with bench.daemon() as watched:
        await watched.at("08:40")
        first = _feed(watched)
        assert first.state == "auth_failed"
        await watched.until("09:10", every=1)
        assert _feed(watched).failures < 8
        assert "wrong-token" not in _feed(watched).problem


async def test_a_school_that_can_not_be_opened_stops_no_other(bench: Bench) -> None:
    """A second school without its credential is named as not configured; the first is read."""
    other = (bench.folder / "conf.d" / f"{SCHOOL}.toml").read_text("utf-8")
    other = other.replace(f'id = "{SCHOOL}"', 'id = "otherwood"')
    other = other.replace("credential:wonde-token", "credential:not-there")
    (bench.folder / "conf.d" / "otherwood.toml").write_text(other, "utf-8")
    bench.session("AM", "08:50", **{bench.pupils[0]: "N"})
    async with bench.daemon() as watched:
        await watched.at("09:15")

        with watched.store.reading() as tx:
            states = {feed.school: feed.state for feed in feeds.all_feeds(tx)}
        assert states == {SCHOOL: "good", "otherwood": "not_configured"}
        assert len(watched.incidents("unexplained_absence")) == 1


async def test_a_hanging_school_delays_no_other(bench: Bench) -> None:
    """While one school's MIS does not answer, the other's absent child is told in the same tick."""
    from mis_bridge.simulator.standin_wonde import WondeStandin

    with WondeStandin(bench.state, bench.clock) as hanging:
        hanging.faults.add(Fault(FaultKind.HANG, seconds=30))
        other = (bench.folder / "conf.d" / f"{SCHOOL}.toml").read_text("utf-8")
        other = other.replace(f'id = "{SCHOOL}"', 'id = "slowwood"')
        other = other.replace(bench.standin.host, hanging.host)
        (bench.folder / "conf.d" / "slowwood.toml").write_text(other, "utf-8")
        bench.session("AM", "08:50", **{bench.pupils[0]: "N"})
        async with bench.daemon() as watched:
            bench.clock.advance(minutes=minutes("09:15") - minutes("08:30"))
            daemon = watched.daemon
            while not watched.incidents("unexplained_absence"):
                await daemon.tick()
            with watched.store.reading() as tx:
                states = {feed.school: feed.state for feed in feeds.all_feeds(tx)}
            assert states == {SCHOOL: "good", "slowwood": "new"}
            hanging.close()
            await daemon.stop()


@pytest.mark.thorough
async def test_bad_rows_of_a_file_are_set_aside_by_line_and_the_rest_goes_in(bench: Bench) -> None:
    """A watched folder: the unknown code waits in quarantine, the N beside it is told at 09:15."""
    folder = bench.folder / "registers"
    folder.mkdir()
    (folder / "sessions.csv").write_text(
        "pupil_id,date,session,code,recorded_at\n"
        "P1,2026-11-17,AM,/,08:50\n"
        "P2,2026-11-17,AM,@,08:50\n"
        "P3,2026-11-17,AM,N,08:50\n",
        "utf-8",
    )
    school = (bench.folder / "conf.d" / f"{SCHOOL}.toml").read_text("utf-8")
    head, _, rest = school.partition("[mis]")
    calendar = "[calendar]" + rest.partition("[calendar]")[2]
    (bench.folder / "conf.d" / f"{SCHOOL}.toml").write_text(
        f'{head}[mis]\nadapter = "csv"\n[mis.connection]\nfolder = "{folder}"\n\n{calendar}',
        "utf-8",
    )
    async with bench.daemon() as watched:
        await watched.until("09:20")

        with watched.store.reading() as tx:
            held = quarantine.load(tx, SCHOOL)
        unknown = [row for row in held if row.problem != "not_on_roll"]
        assert [row.place for row in unknown] == ["sessions.csv line 3"]
        assert "@" in unknown[0].problem + unknown[0].value
        (absent,) = watched.incidents("unexplained_absence")
        assert absent.pupil == "P3"


async def test_a_pupil_with_marks_who_is_not_on_roll_can_still_go_missing(bench: Bench) -> None:
    """The roll lags behind the registers: the child counts, and the office can see the gap."""
    pupil = next(p for p in bench.state.school.pupils if not p.flags)
    bench.session("AM", "08:50", **{pupil.id: "N"})
    bench.state.remove_pupil(pupil.id, bench.clock.now())
    async with bench.daemon() as watched:
        await watched.at("09:20")

        with watched.store.reading() as tx:
            held = quarantine.load(tx, SCHOOL)
        assert [row.problem for row in held] == ["not_on_roll"]
        assert len(watched.incidents("unexplained_absence")) == 1


def test_the_day_of_these_tests_is_a_school_day(bench: Bench) -> None:
    """Otherwise nothing here would be watched at all."""
    assert bench.state.school.calendar.is_school_day(DAY)


async def test_a_list_that_the_school_does_not_grant_can_be_left_out(bench: Bench) -> None:
    """Lessons refused: the feed is good and sessions are watched, once the file leaves them out."""
    bench.standin.faults.add(Fault(FaultKind.STATUS, path="attendance/lesson", status=403))
    bench.session("AM", "08:50", **{bench.pupils[0]: "N"})
    async with bench.daemon() as watched:
        await watched.at("09:10")
        assert _feed(watched).state == "permission_missing"

    school = bench.folder / "conf.d" / f"{SCHOOL}.toml"
    school.write_text(
        school.read_text("utf-8").replace(
            'adapter = "wonde"', 'adapter = "wonde"\nleave_out = ["lessons"]'
        ),
        "utf-8",
    )
    async with bench.daemon() as watched:
        await watched.until("09:30")
        assert _feed(watched).state == "good"
        assert len(watched.incidents("unexplained_absence")) == 1


async def test_a_school_that_rests_is_not_read(bench: Bench) -> None:
    """Imported and not enabled: the daemon runs, and asks its MIS for nothing."""
    school = bench.folder / "conf.d" / f"{SCHOOL}.toml"
    school.write_text(
        school.read_text("utf-8").replace(
            'phase = "secondary"', 'phase = "secondary"\nenabled = false'
        )
    )
    async with bench.daemon() as watched:
        await watched.at("09:15")

        with watched.store.reading() as tx:
            assert feeds.all_feeds(tx) == []


async def test_a_first_load_keeps_no_more_lessons_than_are_read_again(bench: Bench) -> None:
    """Session marks of the whole year are there; day sheets begin with the trailing window."""
    from mis_bridge.registers.calendar import AcademicYear
    from mis_bridge.store import sheets, strips

    days = [day for day in bench.state.school.days if day < DAY]
    pupil = bench.pupils[0]
    for day in (days[-30], days[-1]):
        bench.state.save_session(pupil, day, pm=False, code="/", minute=minutes("08:50"))
    async with bench.daemon() as watched:
        await watched.at("08:40")

        with watched.store.reading() as tx:
            strip = strips.load(tx, SCHOOL, AcademicYear.of(DAY))[pupil]
            kept = [bool(sheets.load_whole(tx, SCHOOL, day).rows) for day in (days[-30], days[-1])]
        year = AcademicYear.of(DAY)
        assert [chr(strip.marks[year.slot(day, pm=False)]) for day in (days[-30], days[-1])] == [
            "/",
            "/",
        ]
        assert kept == [False, True]
