"""The supervisor and the outside monitor hear of the daemon only while all is well."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete
from werkzeug import Response

from mis_bridge.service import judge
from mis_bridge.service.self_check import Fault as Undone
from mis_bridge.simulator.faults import Fault, FaultKind
from mis_bridge.store import feeds, leases, outbox
from mis_bridge.store.outbox import OutboxRow
from mis_bridge.store.schema import incidents as incident_table

from .conftest import SCHOOL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_httpserver import HTTPServer
    from werkzeug import Request

    from .conftest import Bench, Watched


class Monitor:
    """An outside monitor that counts its calls, and answers when it is let.

    Args:
        server: a real HTTP server.
    """

    def __init__(self, server: HTTPServer) -> None:
        self.url = server.url_for("/ping/0123456789abcdef")
        self.calls = 0
        self.answers = threading.Event()
        self.answers.set()
        server.expect_request("/ping/0123456789abcdef").respond_with_handler(self._answer)

    def _answer(self, _request: Request) -> Response:
        self.calls += 1
        self.answers.wait(timeout=30)
        return Response("OK")


@pytest.fixture
def monitor(
    bench: Bench, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Monitor]:
    """A monitor whose address the configuration names."""
    made = Monitor(httpserver)
    monkeypatch.setenv("TEST_HEARTBEAT", made.url)
    bench.edit("[service]\n", '[service]\nheartbeat_url = "env:TEST_HEARTBEAT"\n')
    yield made
    made.answers.set()


async def minute(watched: Watched) -> None:
    """A minute passes; a tick, all that it started, and a look of the auditor."""
    watched.clock.advance(minutes=1)
    await watched.daemon.tick()
    await watched.daemon.settle()
    await watched.daemon.auditor.audit()
    await watched.daemon.auditor.monitor.wait()


async def test_a_clean_cycle_calls_the_monitor_once_a_minute(
    bench: Bench, monitor: Monitor
) -> None:
    """After each minute in which every school was read, judged and told of."""
    async with bench.daemon() as watched:
        await minute(watched)
        before = monitor.calls
        for _ in range(3):
            await minute(watched)
        assert monitor.calls == before + 3
        await watched.daemon.auditor.audit()
        await watched.daemon.auditor.monitor.wait()
        assert monitor.calls == before + 3


async def test_a_daemon_that_only_starts_calls_nobody(bench: Bench, monitor: Monitor) -> None:
    """One that ends and is started again every half minute would look well from outside."""
    for _ in range(4):
        async with bench.daemon() as watched:
            await watched.daemon.tick()
            await watched.daemon.settle()
            for _ in range(2):
                watched.clock.advance(seconds=25)
                await watched.daemon.tick()
                await watched.daemon.auditor.audit()
            await watched.daemon.stop()
    assert monitor.calls == 0


async def test_a_failing_feed_of_which_people_were_told_is_no_silence_of_the_daemon(
    bench: Bench, monitor: Monitor
) -> None:
    """One school of hundreds that can not be read must not make the monitor useless for all.

    Its people are told by ``feed_blind``; where they were not, that is the daemon's own fault.
    """
    bench.standin.faults.add(Fault(FaultKind.STATUS, status=403))
    async with bench.daemon() as watched:
        for _ in range(22):
            await minute(watched)
        assert watched.incidents("feed_blind")
        called = monitor.calls
        await minute(watched)
        assert monitor.calls == called + 1

        bench.clock.advance(minutes=1)
        with watched.store.transaction() as tx:
            tx.execute(delete(incident_table))
        await watched.daemon.auditor.audit()
        assert watched.daemon.auditor.last.faults == {Undone.FEED_NOT_TOLD: 1}


async def test_a_school_that_nobody_gets_to_read_keeps_the_monitor_uncalled(
    bench: Bench, monitor: Monitor
) -> None:
    """Its state is still "good", or "new": that it is not read at all is seen by the time."""
    async with bench.daemon() as watched:
        await minute(watched)
        watched.store.run(feeds.hold, SCHOOL, bench.clock.now(), 9999.0, "somebody")
        for _ in range(18):
            await minute(watched)
        called = monitor.calls
        for _ in range(3):
            await minute(watched)
        assert monitor.calls == called


async def test_a_decision_that_fails_now_and_then_keeps_the_monitor_uncalled(
    bench: Bench, monitor: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is tried once a minute and fails; the ticks in between are not clean either."""
    bench.session("AM", "08:20")
    async with bench.daemon() as watched:
        await minute(watched)

        def fail(*_: object) -> None:
            raise RuntimeError("a fault of the program")

        monkeypatch.setattr(judge, "assess_day", fail)
        bench.session("AM", "08:33", **{bench.pupils[0]: "N"})
        for _ in range(3):
            await minute(watched)
        called = monitor.calls
        for _ in range(30):
            watched.clock.advance(seconds=13)
            await watched.daemon.tick()
            await watched.daemon.auditor.audit()
            await watched.daemon.auditor.monitor.wait()
        assert monitor.calls == called


async def test_a_message_that_reaches_nobody_keeps_the_monitor_uncalled(
    bench: Bench, monitor: Monitor
) -> None:
    """A quarter of an hour after it was decided."""
    async with bench.daemon() as watched:
        await minute(watched)
        now = bench.clock.now()
        row = OutboxRow(SCHOOL, "m1", "i", "opened", "gone", "dsl", "high", 1, now, now)
        with watched.store.transaction() as tx:
            outbox.insert(tx, [row])
            leases.claim(tx, now, 1, 9999.0, "somebody who hangs")
        for _ in range(15):
            await minute(watched)
        called = monitor.calls
        assert called
        for _ in range(3):
            await minute(watched)
        assert monitor.calls == called


async def test_without_any_school_the_monitor_is_not_called(bench: Bench, monitor: Monitor) -> None:
    """The folder of the schools was emptied by mistake: nothing fails, and nothing is watched."""
    (bench.folder / "conf.d" / f"{SCHOOL}.toml").unlink()
    async with bench.daemon() as watched:
        for _ in range(3):
            await minute(watched)
        assert monitor.calls == 0


async def test_a_monitor_that_does_not_answer_holds_up_no_tick(
    bench: Bench, monitor: Monitor
) -> None:
    """The call goes on beside the ticks, and there is one at a time."""
    monitor.answers.clear()
    async with bench.daemon() as watched:
        async with asyncio.timeout(5):
            for _ in range(4):
                watched.clock.advance(minutes=1)
                await watched.daemon.tick()
                await watched.daemon.auditor.audit()
        calling = [task for task in asyncio.all_tasks() if task.get_name() == "heartbeat"]
        assert len(calling) == 1
        await watched.daemon.stop()


async def test_a_missing_heartbeat_address_fails_no_tick(
    bench: Bench, monitor: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The credential is gone: the log says so, and the schools are watched all the same."""
    monkeypatch.delenv("TEST_HEARTBEAT")
    async with bench.daemon() as watched:
        for _ in range(3):
            await minute(watched)
        assert monitor.calls == 0


async def test_a_fault_in_one_part_keeps_no_other_from_its_work(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading fails as a whole for a while; what was decided before still reaches its people."""
    bench.session("AM", "08:50", **{bench.pupils[0]: "N"})
    async with bench.daemon() as watched:
        await watched.at("08:52")

        async def fail() -> int:
            raise RuntimeError("a fault of the program")

        monkeypatch.setattr(watched.daemon._syncer, "start_due", fail)
        bench.clock.advance(minutes=25)
        with pytest.raises(ExceptionGroup):
            await watched.daemon.tick()
        await watched.daemon._deliverer.wait()
        assert bench.mails_to("attendance")
