"""Each night the history is walked, and whoever has to know hears of a line that was changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete, update

from mis_bridge.errors import StoreBusy
from mis_bridge.registers.calendar import local_datetime
from mis_bridge.service.accepting import accept
from mis_bridge.service.history_walk import due_since
from mis_bridge.service.self_check import Fault, judge, look
from mis_bridge.store import audit_proof, meta, pupil_data, self_check
from mis_bridge.store.schema import audit as audit_table
from mis_bridge.store.schema import audit_head

from .conftest import DAY, SCHOOL, minutes
from .test_auditor import watch

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from .conftest import Bench, Watched

NIGHT = local_datetime(DAY + timedelta(days=1), minutes("02:30"))


def _absent(bench: Bench) -> None:
    """One pupil is absent without explanation: the school has an incident, and a history."""
    bench.session("AM", "08:50", **{bench.pupils[0]: "N"})


async def _until(watched: Watched, moment: datetime, *, every: int = 60) -> None:
    """Let time pass up to a moment, with ticks and looks on the way."""
    while watched.clock.now() < moment:
        left = (moment - watched.clock.now()).total_seconds() / 60
        watched.clock.advance(minutes=min(every, left))
        await watched.daemon.tick()
        await watched.daemon.settle()
        await watched.daemon.auditor.audit()


def _walked_at(watched: Watched) -> datetime | None:
    with watched.store.reading() as tx:
        walk = self_check.last_walk(tx)
    return walk.at if walk else None


def _change_a_line(tx: Connection, number: int = 2) -> None:
    line = (audit_table.c.school == SCHOOL, audit_table.c.number == number)
    tx.execute(update(audit_table).where(*line).values(actor="Nobody"))


def _take_all_away(tx: Connection) -> None:
    for table in (audit_table, audit_head):
        tx.execute(delete(table).where(table.c.school == SCHOOL))


async def _let_the_night_find_a_changed_line(watched: Watched) -> None:
    """A line is changed by hand in the morning, and the walk of the night is over."""
    await _until(watched, local_datetime(DAY, minutes("09:40")), every=5)
    watched.store.run(_change_a_line)
    await _until(watched, NIGHT)
    await watch(watched, 3)


def _it_has_heard_that_it_holds(bench: Bench) -> bool:
    """Whether IT has a mail that says so."""
    subjects = [str(mail.message["Subject"]) for mail in bench.mails_to("it")]
    return any("The history holds, or its change was accepted" in one for one in subjects)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (_change_a_line, f"{SCHOOL} line 2: it was changed after it was written"),
        (_take_all_away, f"{SCHOOL} line 1: it was taken away and begun anew"),
    ],
)
@pytest.mark.thorough
async def test_a_history_edited_by_hand_is_told_to_it_after_the_next_night(
    bench: Bench, edit: Callable[[Connection], object], said: str
) -> None:
    """IT has a mail that says which school, which line and what to do."""
    _absent(bench)
    async with bench.daemon() as watched:
        await _until(watched, local_datetime(DAY, minutes("09:40")), every=5)
        assert watched.incidents("unexplained_absence")
        watched.store.run(edit)
        await _until(watched, NIGHT - timedelta(minutes=5))
        assert watched.daemon.auditor.last.clean
        await _until(watched, NIGHT + timedelta(minutes=5), every=1)

        assert watched.daemon.auditor.last.faults == {Fault.HISTORY_BROKEN: 1}
        (told,) = watched.incidents("self_check_failed")
        assert said in told.sentence
        assert bench.pupils[0] not in told.sentence
    (mail,) = [m for m in bench.mails_to("it") if told.reference in m.message["Subject"]]
    assert "The history was changed" in mail.message["Subject"]
    text = " ".join(mail.part("plain").split())
    for words in (said, "mis-bridge audit verify", "ask everybody who can write to the database"):
        assert words in text


async def test_it_is_walked_once_a_night_whatever_is_restarted(bench: Bench) -> None:
    """At the first look, since nobody has walked it yet; then after the next half past two."""
    async with bench.daemon() as watched:
        await watch(watched, 2)
        first = _walked_at(watched)
        assert first == bench.clock.now() - timedelta(minutes=1)
        await watch(watched, 3)
    async with bench.daemon() as watched:
        await _until(watched, NIGHT - timedelta(minutes=10))
        assert _walked_at(watched) == first
        await _until(watched, NIGHT)
        await watch(watched, 3)
        assert _walked_at(watched) == NIGHT


@pytest.mark.thorough
async def test_the_erasure_of_a_pupil_is_no_fault(bench: Bench) -> None:
    """Its words are gone, its incidents too, and the chain accounts for them."""
    _absent(bench)
    async with bench.daemon() as watched:
        await _until(watched, local_datetime(DAY, minutes("09:40")), every=5)
        (absent,) = watched.incidents("unexplained_absence")
        gone = watched.store.run(
            pupil_data.erase, SCHOOL, absent.pupil, "D. Officer", "Asked for.", bench.clock.now()
        )
        assert gone["audit"]
        await _until(watched, NIGHT)

        assert _walked_at(watched) == NIGHT
        assert watched.daemon.auditor.last.clean


@pytest.mark.thorough
async def test_what_is_mended_is_over_after_the_next_walk(bench: Bench) -> None:
    """Whoever was told that the history does not hold hears that it does."""
    _absent(bench)
    async with bench.daemon() as watched:
        await _until(watched, local_datetime(DAY, minutes("09:40")), every=5)
        with watched.store.reading() as tx:
            (was,) = tx.execute(audit_table.select().where(audit_table.c.number == 2)).all()
        watched.store.run(_change_a_line)
        await _until(watched, NIGHT + timedelta(minutes=3))
        with watched.store.transaction() as tx:
            tx.execute(update(audit_table).where(audit_table.c.number == 2).values(actor=was.actor))
        await _until(watched, NIGHT + timedelta(days=1), every=240)
        await watch(watched, 3)

        assert [one.state for one in watched.incidents("self_check_failed")] == ["closed"]
        assert Fault.HISTORY_BROKEN not in watched.daemon.auditor.last.faults
    assert _it_has_heard_that_it_holds(bench)


@pytest.mark.thorough
async def test_what_was_accepted_is_over_at_once_and_a_later_break_is_told(bench: Bench) -> None:
    """Nobody waits for the next night; nor does what was accepted hide what comes after it."""
    _absent(bench)
    async with bench.daemon() as watched:
        await _let_the_night_find_a_changed_line(watched)
        assert [one.active for one in watched.incidents("self_check_failed")] == [True]
        watched.store.run(accept, SCHOOL, "A. Admin", "Put right by hand", watched.clock.now())
        await watch(watched, 3)
        assert [one.state for one in watched.incidents("self_check_failed")] == ["closed"]
        assert watched.daemon.auditor.last.clean

        await _until(watched, NIGHT + timedelta(days=1, minutes=3), every=240)
        assert watched.daemon.auditor.last.clean
        watched.store.run(_change_a_line, 1)
        await _until(watched, NIGHT + timedelta(days=2), every=240)
        await watch(watched, 3)

        (told,) = [one for one in watched.incidents("self_check_failed") if one.active]
        assert f"{SCHOOL} line 1: it was changed after it was written." in told.sentence
    assert _it_has_heard_that_it_holds(bench)


@pytest.mark.thorough
async def test_a_break_is_told_while_people_know_of_another_one(bench: Bench) -> None:
    """What one night finds is one matter, what the next one finds is news."""
    _absent(bench)
    async with bench.daemon() as watched:
        await _let_the_night_find_a_changed_line(watched)
        watched.store.run(_change_a_line, 1)
        await _until(watched, NIGHT + timedelta(days=1), every=240)
        await watch(watched, 3)

        told = {one.sentence.partition(". ")[0] for one in watched.incidents("self_check_failed")}
        said = "The history of this school is not as it was written"
        changed = "it was changed after it was written"
        assert told == {f"{said}: {SCHOOL} line {number}: {changed}" for number in (1, 2)}
        assert all(one.active for one in watched.incidents("self_check_failed"))


@pytest.mark.thorough
async def test_who_accepts_what_nobody_has_found_yet_does_not_keep_it_from_being_told(
    bench: Bench,
) -> None:
    """IT is told of it once, with who accepted it; after the next night it is over."""
    _absent(bench)
    async with bench.daemon() as watched:
        await _until(watched, local_datetime(DAY, minutes("09:40")), every=5)
        watched.store.run(_change_a_line)
        watched.store.run(accept, SCHOOL, "B. Other", "Nothing to see", watched.clock.now())
        await _until(watched, NIGHT)
        await watch(watched, 3)
        (told,) = watched.incidents("self_check_failed")
        assert "line 2: it was changed after it was written, and B. Other has accepted it" in (
            told.sentence
        )
        assert told.active
        await _until(watched, NIGHT + timedelta(days=1), every=240)
        await watch(watched, 3)
        assert [one.state for one in watched.incidents("self_check_failed")] == ["closed"]


@pytest.mark.thorough
async def test_a_walk_that_fails_keeps_no_look_from_being_clean_and_is_made_up_for(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database is busy for a moment: an hour later it is walked."""
    async with bench.daemon() as watched:

        def fail(_tx: Connection, _school: str) -> audit_proof.Proof:
            raise StoreBusy("the database is held by another program")

        with monkeypatch.context() as broken:
            broken.setattr(audit_proof, "prove", fail)
            await watch(watched, 2)
        assert watched.daemon.auditor.last.clean
        assert _walked_at(watched) is None
        await watch(watched, 50)
        assert _walked_at(watched) is None
        await watch(watched, 12)
        assert _walked_at(watched) is not None


@pytest.mark.parametrize(
    ("watched_for", "walked", "found"),
    [
        (timedelta(days=3), timedelta(days=2, minutes=1), True),
        (timedelta(days=3), timedelta(days=2), False),
        (timedelta(days=3), None, True),
        # The daemon was off, or is new: it has its time.
        (timedelta(days=1), timedelta(days=9), False),
        (timedelta(days=1), None, False),
    ],
)
async def test_a_history_that_nobody_has_walked_for_two_days_is_a_fault(
    bench: Bench, watched_for: timedelta, walked: timedelta | None, found: bool
) -> None:
    """What was not looked at must not look as if it held."""
    now = bench.clock.now()
    async with bench.daemon() as watched:
        with watched.store.transaction() as tx:
            meta.begin_watch(tx, now - watched_for)
            if walked is not None:
                self_check.keep_walk(tx, now - walked, [])
            seen = look(tx, {}, now, since=now - watched_for)
    faults = [one.fault for one in judge(seen, {}, now)]
    assert (Fault.HISTORY_NOT_WALKED in faults) is found


def test_it_is_due_from_half_past_two_local_time() -> None:
    """In summer too, and in the nights in which the clocks change."""
    assert due_since(NIGHT) == NIGHT
    assert due_since(NIGHT - timedelta(minutes=1)) == NIGHT - timedelta(days=1)
    forward = datetime(2027, 3, 28, 1, 30, tzinfo=UTC)
    assert due_since(forward) == forward
    back = datetime(2026, 10, 25, 2, 30, tzinfo=UTC)
    assert due_since(back) == back
    assert due_since(back - timedelta(minutes=1)) == datetime(2026, 10, 24, 1, 30, tzinfo=UTC)
