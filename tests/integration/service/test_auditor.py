"""Who watches the watchman: what the auditor finds, and who hears of it."""

from __future__ import annotations

import socket
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete, update

from mis_bridge.errors import StoreBusy, StoreFull
from mis_bridge.service.self_check import Fault
from mis_bridge.store import self_check
from mis_bridge.store.schema import dirty, incidents, outbox

from .conftest import SCHOOL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from mis_bridge.simulator.sinks import Mail

    from .conftest import Bench, Watched


@contextmanager
def listening(folder: Path) -> Iterator[tuple[str, Callable[[], list[str]]]]:
    """A supervisor's socket: its address, and what it has heard since it was last asked."""
    address = str(folder / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(address)
        supervisor.setblocking(False)

        def heard() -> list[str]:
            said = []
            with suppress(BlockingIOError):
                while True:
                    said.append(supervisor.recv(4096).decode())
            return said

        yield address, heard


def _signs(heard: list[str]) -> int:
    return sum(one.startswith("WATCHDOG=1") for one in heard)


def _words(mail: Mail) -> str:
    return " ".join(mail.part("plain").split())


async def watch(watched: Watched, minutes: int, *, ticks: bool = True) -> None:
    """Let minutes pass: in each a tick with all that it starts, and a look of the auditor."""
    for _ in range(minutes):
        watched.clock.advance(minutes=1)
        if ticks:
            await watched.daemon.tick()
            await watched.daemon.settle()
        await watched.daemon.auditor.audit()


async def test_a_clean_look_is_the_sign_of_life(bench: Bench, tmp_path: Path) -> None:
    """And it is written down, so that other programs know when the last one was."""
    with listening(tmp_path) as (address, heard):
        async with bench.daemon(address) as watched:
            await watch(watched, 2)

            said = heard()
            assert _signs(said) == 2
            assert any("STATUS=feeds: 1 good" in one for one in said)
            with watched.store.reading() as tx:
                run = self_check.last_run(tx)
            assert run is not None
            assert (run.clean, run.clean_at) == (True, run.at)


async def test_a_main_loop_that_stands_still_gives_no_sign_and_it_is_told(
    bench: Bench, tmp_path: Path
) -> None:
    """No tick ends: within five minutes the supervisor would end the daemon, and IT knows it.

    Nothing goes through the outbox meanwhile: the message takes the way past it, once.
    """
    with listening(tmp_path) as (address, heard):
        async with bench.daemon(address) as watched:
            await watch(watched, 2)
            heard()
            await watch(watched, 2, ticks=False)
            assert _signs(heard()) == 2
            await watch(watched, 30, ticks=False)

            said = heard()
            assert _signs(said) == 0
            assert any("NOT ALL IS WELL (" in one for one in said)
            assert watched.daemon.auditor.last.faults[Fault.TICK_LATE] == 1
            (told,) = bench.mails_to("it")
            assert "stands still" in told.message["Subject"]
            assert "has not finished its work since 08:32" in _words(told)

            await watch(watched, 1)
            assert _signs(heard()) == 1
            await watch(watched, 10, ticks=False)
            assert len(bench.mails_to("it")) == 1, "within the hour it is not said again"


async def test_a_full_disk_is_told_of_once_an_hour_over_restarts(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing can be stored, so no incident tells of it; a restart does not help either."""
    full = StoreFull("the disk is full: make room on it")

    async def fail() -> int:
        raise full

    for _ in range(3):
        async with bench.daemon() as watched:
            monkeypatch.setattr(watched.daemon._syncer, "start_due", fail)
            for _ in range(5):
                watched.clock.advance(minutes=1)
                with pytest.raises(StoreFull):
                    await watched.daemon.tick()
                watched.daemon.auditor.tick_failed(str(full))
                await watched.daemon.auditor.audit()
    (told,) = bench.mails_to("it")
    assert "the disk is full: make room on it" in _words(told)

    bench.clock.advance(minutes=60)
    async with bench.daemon() as watched:
        await watch(watched, 4, ticks=False)
    assert len(bench.mails_to("it")) == 2


async def test_a_database_that_does_not_answer_gives_no_sign(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The auditor asks it itself, over a connection of its own."""
    with listening(tmp_path) as (address, heard):
        async with bench.daemon(address) as watched:
            await watch(watched, 1)
            heard()

            def fail() -> None:
                raise StoreBusy("the database is held by another program")

            with monkeypatch.context() as broken:
                broken.setattr(watched.store, "reading", fail)
                await watch(watched, 1)
            assert _signs(heard()) == 0
            (told,) = bench.mails_to("it")
            assert "held by another program" in _words(told)


async def test_what_is_not_sent_is_found_told_to_it_and_over_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sender takes nothing for minutes: an incident of its own, and its end, reach IT."""
    bench.session("AM", "08:20", **{bench.pupils[0]: "N"})
    async with bench.daemon() as watched:

        async def nothing() -> int:
            return 0

        with monkeypatch.context() as broken:
            broken.setattr(watched.daemon._deliverer, "start_due", nothing)
            await watch(watched, 60)

            assert Fault.MESSAGE_STUCK in watched.daemon.auditor.last.faults
            (told,) = watched.incidents("self_check_failed")
            assert "were not sent" in told.sentence
            assert bench.pupils[0] not in told.sentence
            assert bench.mails_to("it") == []
        await watch(watched, 3)

        assert watched.daemon.auditor.last.clean
        assert [one.state for one in watched.incidents("self_check_failed")] == ["closed"]
        assert any(
            "has done all of its work again" in m.message["Subject"]
            or "behind" in m.message["Subject"]
            for m in bench.mails_to("it")
        )


@pytest.mark.parametrize("fault", [Fault.INCIDENT_STUCK, Fault.INCIDENT_UNTOLD])
@pytest.mark.thorough
async def test_an_incident_that_leads_nowhere_is_found(bench: Bench, fault: Fault) -> None:
    """One that should have climbed minutes ago, and one that nobody was ever told of.

    To be found is enough for the first: the school is decided anew for it.
    """
    bench.session("AM", "08:20")
    bench.lesson("P1", "09:05")
    async with bench.daemon() as watched:
        await watched.until("10:00", every=10)
        bench.lesson("P2", "10:05", **{bench.pupils[0]: "N"})
        await watch(watched, 25)
        assert watched.daemon.auditor.last.clean
        assert watched.incidents("missing_during_day")
        now = bench.clock.now()
        with watched.store.transaction() as tx:
            tx.execute(update(dirty).values(due_at=None))
            if fault is Fault.INCIDENT_STUCK:
                late = now - timedelta(minutes=6)
                tx.execute(update(incidents).values(escalate_at=late, state="open"))
            else:
                tx.execute(delete(outbox))
        found = set()
        for _ in range(6):
            await watch(watched, 1)
            found |= set(watched.daemon.auditor.last.faults)

        assert fault in found
        assert watched.incidents("self_check_failed")


async def test_a_decision_that_nobody_takes_is_found(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read and is not judged."""
    bench.session("AM", "08:20")
    async with bench.daemon() as watched:
        await watch(watched, 6)

        async def nothing() -> bool:
            return True

        monkeypatch.setattr(watched.daemon._decider, "decide_due", nothing)
        bench.session("AM", "08:36", **{bench.pupils[0]: "N"})
        await watch(watched, 10)
        assert watched.daemon.auditor.last.faults == {Fault.DECISION_LATE: 1}


async def test_after_a_long_break_what_is_late_is_made_up_for_before_it_counts(
    bench: Bench,
) -> None:
    """The daemon was off for an hour: everything is overdue, and that is no fault of this run."""
    bench.session("AM", "08:20")
    async with bench.daemon() as watched:
        await watch(watched, 3)
    bench.clock.advance(minutes=60)
    async with bench.daemon() as watched:
        await watched.daemon.tick()
        await watched.daemon.auditor.audit()
        assert watched.daemon.auditor.last.clean
        await watch(watched, 10)
        assert watched.daemon.auditor.last.clean


@pytest.mark.thorough
async def test_a_clock_set_back_an_hour_is_no_fault_and_stops_nothing(bench: Bench) -> None:
    """What waited for a moment by the old clock goes on by the new one: also what climbs.

    Expected: the alert that nobody answers climbs within half an hour of the clock's being put
    right, although by the old clock its time is more than an hour away; no fault is told of.
    """
    bench.clock.advance(minutes=60)
    bench.session("AM", "08:20")
    bench.lesson("P1", "09:05")
    bench.lesson("P2", "09:40", **{bench.pupils[0]: "N"})
    async with bench.daemon() as watched:
        await watch(watched, 45)
        (before,) = watched.incidents("missing_during_day")
        assert before.active
        assert before.escalate_at
        bench.clock.set(bench.clock.now() - timedelta(hours=1))
        await watched.daemon.auditor.audit()
        assert watched.daemon.auditor.last.clean
        await watch(watched, 3)
        assert watched.daemon.auditor.last.clean

        (after,) = watched.incidents("missing_during_day")
        assert after.id == before.id
        assert after.active
        assert after.escalate_at
        assert after.escalate_at - bench.clock.now() <= timedelta(minutes=30)
        await watch(watched, 28)
        assert watched.daemon.auditor.last.clean
        unanswered = "Nobody has answered: missing during the day"
        assert any(
            unanswered in str(mail.message["Subject"]) and after.reference in mail.part("plain")
            for mail in bench.mails_to("dsl")
        )


async def test_a_school_that_left_is_nobodys_fault(bench: Bench) -> None:
    """What is late of a school that is not watched any more counts as nothing."""
    async with bench.daemon() as watched:
        await watch(watched, 6)
        with watched.store.transaction() as tx:
            tx.execute(
                dirty.insert().values(
                    school="elsewhere",
                    scope="day",
                    day=bench.clock.now().date(),
                    revision=1,
                    due_at=bench.clock.now() - timedelta(hours=1),
                )
            )
        await watched.daemon.auditor.audit()
        assert watched.daemon.auditor.last.clean
        assert SCHOOL in watched.daemon.auditor._schools
