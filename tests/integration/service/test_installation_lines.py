"""The history of what is about no school: starts, channels, deletion, the message of the day."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Engine, delete, event, update

from mis_bridge.incidents.model import Act
from mis_bridge.registers.calendar import local_datetime
from mis_bridge.service import installation_lines, self_check
from mis_bridge.service.daemon import prune_once
from mis_bridge.settings import load
from mis_bridge.simulator.faults import Fault, FaultKind
from mis_bridge.store import audit, audit_proof
from mis_bridge.store.audit import INSTALLATION
from mis_bridge.store.schema import audit as audit_table
from mis_bridge.store.schema import audit_head, incidents, mark_change, outbox

from .conftest import DAY, SCHOOL, minutes

if TYPE_CHECKING:
    from mis_bridge.incidents.model import AuditEntry

    from .conftest import Bench, Watched


def _lines(watched: Watched, chain: str = INSTALLATION) -> list[AuditEntry]:
    now, month = watched.clock.now(), timedelta(days=30)
    with watched.store.reading() as tx:
        found = audit.within(tx, now - month, now + month, chain)
        assert not audit_proof.verify(tx)
    return [link.entry for _, link in found]


def _acts(watched: Watched) -> list[str]:
    return [str(line.act) for line in _lines(watched)]


async def test_each_start_has_a_line_with_the_version_and_the_number_of_schools(
    bench: Bench,
) -> None:
    """Since when it has watched, and what, is in the history."""
    for starts in (1, 2):
        async with bench.daemon() as watched:
            await watched.daemon.settle()
            lines = [line for line in _lines(watched) if line.act == Act.STARTED]
            assert len(lines) == starts
            assert "1 school is watched from here on (mis-bridge " in lines[-1].body


async def test_a_channel_that_fails_is_left_alone_and_taken_up_again_with_a_line_each(
    bench: Bench,
) -> None:
    """Three failures in a row; two hours later it works again. Nothing of a pupil stands there."""
    down = bench.webhook.faults.add(Fault(FaultKind.STATUS, status=503))
    bench.session("AM", "08:50", **{bench.pupils[0]: "N"})
    async with bench.daemon() as watched:
        await watched.until("09:16", every=15)
        await watched.until("09:40", every=2)
        assert Act.CHANNEL_PAUSED in _acts(watched)
        (first, *_) = [line for line in _lines(watched) if line.act == Act.CHANNEL_PAUSED]
        assert first.body.startswith("dsl-teams is left alone until ")
        assert first.body.endswith("3 attempts in a row failed.")

        bench.webhook.faults.remove(down)
        await watched.until("11:00", every=10)

        assert _acts(watched)[-1] == Act.CHANNEL_BACK
        assert _lines(watched)[-1].body == "dsl-teams takes messages again."
        assert not any(bench.pupils[0] in line.body for line in _lines(watched))


@pytest.mark.thorough
async def test_the_days_message_has_a_line_in_the_history(bench: Bench) -> None:
    """To whom and by what it went; who asks later finds it."""
    bench.edit("[daily]\nto = []", "[daily]")
    bench.session("AM", "08:50")
    async with bench.daemon() as watched:
        while watched.clock.now() < local_datetime(DAY, minutes("15:50")):
            watched.clock.advance(minutes=9)
            await watched.daemon.tick()
            await watched.daemon.settle()
        told = [line for line in _lines(watched, SCHOOL) if line.reason == "daily"]
    assert told
    assert {line.act for line in told} <= {Act.SENT, Act.ACCEPTED}
    assert {line.body for line in told} >= {"The day's message: to it by it-mail."}


async def test_what_had_its_time_is_deleted_with_a_line_that_counts_it(bench: Bench) -> None:
    """How many rows of which table; a day on which nothing had its time has no line."""
    bench.session("AM", "08:50")
    async with bench.daemon() as watched:
        await watched.until("09:40", every=5)
        await watched.daemon.tick()
        with watched.store.transaction() as tx:
            (row, *_) = tx.execute(mark_change.select()).all()
            tx.execute(
                update(mark_change)
                .where(mark_change.c.pupil == row.pupil)
                .values(day=DAY - timedelta(days=4000))
            )
            count = tx.execute(
                mark_change.select().where(mark_change.c.day < DAY - timedelta(days=3999))
            ).all()
        kept = load(bench.config).settings.retention
        tomorrow = bench.clock.now() + timedelta(days=1)
        for now in (tomorrow, tomorrow, tomorrow + timedelta(days=1)):
            watched.store.run(prune_once, now, kept)

        (line,) = [line for line in _lines(watched) if line.act == Act.DROPPED]
        assert f"{len(count)} of mark_change" in line.body


async def test_who_adds_to_more_than_one_history_takes_that_of_the_installation_first(
    bench: Bench,
) -> None:
    """Two nodes that took them in another order would wait for each other."""
    bench.session("AM", "08:50", **{bench.pupils[0]: "N"})
    bench.webhook.faults.add(Fault(FaultKind.STATUS, status=503))
    async with bench.daemon() as watched:
        await watched.until("09:30", every=15)
        await watched.daemon.tick()
        with watched.store.transaction() as tx:
            long_ago = watched.clock.now() - timedelta(days=4000)
            tx.execute(update(incidents).values(closed_at=long_ago, state="closed"))
            for table in (outbox, mark_change):
                tx.execute(delete(table))
        held: list[str] = []

        def note(_c: object, _cu: object, statement: str, given: Any, *_: object) -> None:
            if statement.startswith("SELECT") and "FROM audit_head" in statement:
                held.append(str(given[0] if isinstance(given, tuple) else given))

        event.listen(Engine, "before_cursor_execute", note)
        try:
            kept = load(bench.config).settings.retention
            watched.store.run(prune_once, bench.clock.now() + timedelta(days=1), kept)
        finally:
            event.remove(Engine, "before_cursor_execute", note)
        assert list(dict.fromkeys(held)) == [INSTALLATION, SCHOOL]


async def test_a_word_past_the_outbox_is_written_down_once_it_can_be(bench: Bench) -> None:
    """The same word is never two lines, whoever starts again."""
    said = local_datetime(DAY, minutes("10:00"))
    async with bench.daemon() as watched:
        await watched.daemon.settle()
        for _ in range(2):
            watched.store.run(installation_lines.told_directly, said, watched.clock.now())
        assert _acts(watched).count(Act.TOLD_DIRECTLY) == 1
        again = said + timedelta(hours=2)
        watched.store.run(installation_lines.told_directly, again, watched.clock.now())
        assert _acts(watched).count(Act.TOLD_DIRECTLY) == 2


async def test_a_history_of_the_installation_that_was_taken_away_is_told_to_it(
    bench: Bench,
) -> None:
    """No incident of a school shows that it is gone: that there was one is kept elsewhere."""
    async with bench.daemon() as watched:
        await watched.daemon.tick()
        with watched.store.transaction() as tx:
            for table in (audit_table, audit_head):
                tx.execute(delete(table).where(table.c.school == INSTALLATION))
        for _ in range(3):
            bench.clock.advance(minutes=1)
            await watched.daemon.auditor.audit()
            await watched.daemon.tick()

        assert self_check.Fault.HISTORY_BROKEN in watched.daemon.auditor.last.faults
        await watched.daemon.settle()
        (told,) = watched.incidents("self_check_failed")
        assert "@installation line 1: all of it was taken away" in told.sentence
