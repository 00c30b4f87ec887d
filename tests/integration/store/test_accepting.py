"""A known break of the history is accepted: it is shown for ever, and told no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete, update

from mis_bridge.errors import IncidentError, OperatorError
from mis_bridge.incidents.model import Act, AuditEntry, Event
from mis_bridge.incidents.reasons import Reason
from mis_bridge.service.accepting import accept
from mis_bridge.store import audit, audit_proof, outbox, self_check
from mis_bridge.store.outbox import OutboxRow
from mis_bridge.store.schema import audit as audit_table
from mis_bridge.store.schema import audit_head

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Connection

    from mis_bridge.store.engine import Store

SCHOOL = "oakfield"
WHY = "Half of a backup was put back. Seal: 0"
"""Whatever a person writes, what was accepted is read from the line as it was written."""


def _lines(now: datetime, count: int) -> list[AuditEntry]:
    return [
        AuditEntry(now, "A. Lead", "", Event.NOTED, "", f"note {number}") for number in range(count)
    ]


def _message(incident: str, now: datetime) -> OutboxRow:
    return OutboxRow(
        school=SCHOOL,
        id=f"about-{incident}",
        incident=incident,
        reason=Reason.OPENED,
        channel="teams",
        audience="dsl",
        severity="high",
        revision=1,
        due_at=now,
        created_at=now,
    )


@pytest.fixture
def history(store: Store, now: datetime) -> Store:
    """A store with five lines of history."""
    store.run(audit.append, SCHOOL, _lines(now, 5))
    return store


def _change(tx: Connection, /, number: int, **values: str) -> None:
    tx.execute(update(audit_table).where(audit_table.c.number == number).values(**values))


def _cut(tx: Connection, first: int, last: int) -> None:
    tx.execute(delete(audit_table).where(audit_table.c.number.between(first, last)))


def _set_head(tx: Connection, /, **values: str | int) -> None:
    tx.execute(update(audit_head).values(**values))


@pytest.mark.parametrize(
    ("tamper", "line", "kind", "what"),
    [
        (lambda tx: _change(tx, 2, body="x"), 2, "changed", "it was changed after it was written"),
        (lambda tx: _change(tx, 2, prev="f" * 64), 2, "unlinked", "it does not follow"),
        (lambda tx: _change(tx, 2, body=audit.ERASED), 2, "emptied", "its words were taken away"),
        (lambda tx: _cut(tx, 2, 3), 2, "missing", "lines 2 to 3 are missing"),
        (lambda tx: _cut(tx, 1, 1), 1, "missing", "line 1 is missing"),
        (lambda tx: _cut(tx, 4, 5), 4, "missing", "the end of the chain was cut off"),
        (lambda tx: _cut(tx, 1, 5), 1, "missing", "the end of the chain was cut off"),
        (
            lambda tx: _set_head(tx, number=3, hash="f" * 64),
            6,
            "unlinked",
            "the end of the chain was cut off",
        ),
        (lambda tx: _set_head(tx, hash="f" * 64), 6, "unlinked", "the end of the chain"),
        (lambda tx: tx.execute(delete(audit_head)), 6, "unlinked", "the end of the chain"),
    ],
)
def test_every_kind_of_break_can_be_accepted_and_is_shown_with_who_and_why(
    history: Store,
    now: datetime,
    tamper: Callable[[Connection], None],
    line: int,
    kind: str,
    what: str,
) -> None:
    """Lines that follow, and another edit of the same school, change nothing about that."""
    history.run(tamper)
    broken = audit_proof.verify
    found = history.run(broken)
    assert found[0].number == line
    assert found[0].kind == kind
    assert what in found[0].what

    history.run(accept, SCHOOL, " A. Admin ", WHY, now, everything=True)
    history.run(audit.append, SCHOOL, _lines(now, 2))

    proof = history.run(audit_proof.prove)
    assert proof.broken == ()
    assert [(one.number, one.what, one.seal) for one in proof.accepted] == [
        (one.number, one.what, one.seal) for one in found
    ]
    assert {(one.who, one.why, one.at) for one in proof.accepted} == {("A. Admin", WHY, now)}

    with history.transaction() as tx:
        _change(tx, proof.accepted[0].line, actor="B. Other")
    again = history.run(broken)
    assert found[0].seal in {one.seal for one in again}
    assert proof.accepted[0].line in {one.number for one in again}


def test_a_school_whose_head_was_put_back_to_an_older_one_is_watched_on(
    history: Store, now: datetime
) -> None:
    """A line that has to be written is written, and the break is found behind it."""
    history.run(_set_head, number=2, hash="f" * 64)
    (found,) = history.run(audit_proof.verify)
    history.run(audit.append, SCHOOL, _lines(now, 1))
    (behind,) = history.run(audit_proof.verify)
    assert (behind.number, behind.kind, behind.seal) == (6, "unlinked", found.seal)
    assert "it does not follow from the line before" in behind.what


def test_a_history_that_was_taken_away_is_accepted_in_the_record_of_each_incident(
    history: Store, now: datetime
) -> None:
    """Another incident whose beginning is lost later is another break."""
    lost = ["1" * 64, "2" * 64]
    history.run(outbox.insert, [_message(about, now) for about in lost])
    with history.transaction() as tx:
        tx.execute(delete(audit_table))
        tx.execute(delete(audit_head))
    (gone,) = history.run(audit_proof.verify)
    assert (gone.number, gone.kind) == (1, "taken_away")
    assert "all of it was taken away: 2 incidents are there" in gone.what

    history.run(accept, SCHOOL, "A. Admin", WHY, now)

    proof = history.run(audit_proof.prove)
    assert (proof.broken, [one.what for one in proof.accepted]) == ((), [gone.what])
    for one in lost:
        (line,) = history.run(audit.history, SCHOOL, one)
        assert (line.act, line.actor) == (Act.BREAK_ACCEPTED, "A. Admin")
        assert WHY in line.body
    history.run(outbox.insert, [_message("3" * 64, now)])
    (another,) = history.run(audit_proof.verify)
    assert "1 incident is there whose beginning no line tells" in another.what


@pytest.mark.parametrize("is_accepted", [True, False])
def test_an_erasure_covers_up_no_edit_that_nobody_has_accepted(
    history: Store, now: datetime, is_accepted: bool
) -> None:
    """The words go all the same; whoever edits a line and erases the pupil is found."""
    history.run(audit.append, SCHOOL, [AuditEntry(now, "A", "1" * 64, Event.NOTED, "", "words")])
    history.run(_change, 6, actor="Nobody")
    if is_accepted:
        history.run(accept, SCHOOL, "A. Admin", WHY, now)

    assert history.run(audit.erase, SCHOOL, ["1" * 64], "D. Officer", "Asked for.", now) == 1

    (line,) = history.run(audit.history, SCHOOL, "1" * 64)
    assert line.body == audit.ERASED
    found = [(one.number, one.kind) for one in history.run(audit_proof.verify)]
    assert found == ([] if is_accepted else [(6, "emptied")])


def test_the_history_of_the_installation_taken_away_can_be_accepted(
    history: Store, now: datetime
) -> None:
    """It begins anew, with the line that says so."""
    history.run(audit.append, audit.INSTALLATION, _lines(now, 1))
    with history.transaction() as tx:
        for table in (audit_table, audit_head):
            tx.execute(delete(table).where(table.c.school == audit.INSTALLATION))
    (gone,) = history.run(audit_proof.verify)
    assert (gone.school, gone.what) == (audit.INSTALLATION, "all of it was taken away")

    history.run(accept, audit.INSTALLATION, "A. Admin", WHY, now)

    proof = history.run(audit_proof.prove)
    assert (proof.broken, [one.line for one in proof.accepted]) == ((), [1])


def test_one_of_two_breaks_is_accepted_by_name_and_the_other_one_stays(
    history: Store, now: datetime
) -> None:
    """The name is of the break as it was looked at: a later edit of the place is not accepted."""
    with history.transaction() as tx:
        _change(tx, 2, body="x")
        _change(tx, 4, body="x")
    second, fourth = history.run(audit_proof.verify)
    with pytest.raises(OperatorError, match=f"--break which of 2 .*{fourth.name}"):
        history.run(accept, SCHOOL, "A. Admin", WHY, now)
    history.run(accept, SCHOOL, "A. Admin", WHY, now, [second.name.upper()])
    assert history.run(audit_proof.verify) == [fourth]

    with history.transaction() as tx:
        _change(tx, 4, body="y")
    with pytest.raises(OperatorError, match=f"there is no break {fourth.name}; look again"):
        history.run(accept, SCHOOL, "A. Admin", WHY, now, [fourth.name])


@pytest.mark.parametrize(
    ("who", "why", "said"),
    [
        (" ", WHY, "needs a person"),
        ("A. Admin", " ", "keeps the reason"),
        ("A. Admin", WHY, "its history holds, there is nothing to accept"),
    ],
)
def test_what_nobody_answers_for_and_what_is_not_broken_is_not_accepted(
    history: Store, now: datetime, who: str, why: str, said: str
) -> None:
    """No line is written."""
    before = history.run(audit.heads)
    with pytest.raises((OperatorError, IncidentError), match=said):
        history.run(accept, SCHOOL, who, why, now)
    assert history.run(audit.heads) == before


def test_what_was_accepted_before_it_was_found_is_told_once(history: Store, now: datetime) -> None:
    """Whoever edits the history and accepts it himself does not keep IT from being told."""
    history.run(_change, 2, body="x")
    history.run(accept, SCHOOL, "A. Admin", WHY, now)
    proof = history.run(audit_proof.prove)

    history.run(self_check.keep_walk, now, proof.broken, proof.accepted)
    walk = history.run(self_check.last_walk)
    assert walk is not None
    (told,) = walk.broken
    assert told.what == "it was changed after it was written, and A. Admin has accepted it"
    history.run(self_check.keep_walk, now, proof.broken, proof.accepted)
    walk = history.run(self_check.last_walk)
    assert walk is not None
    assert walk.broken == ()


def test_what_a_walk_has_found_is_told_no_more_from_its_acceptance_on(
    history: Store, now: datetime
) -> None:
    """Neither until the next walk nor by it."""
    history.run(_change, 2, body="x")
    history.run(self_check.keep_walk, now, history.run(audit_proof.verify))
    history.run(accept, SCHOOL, "A. Admin", WHY, now)
    proof = history.run(audit_proof.prove)
    for _ in range(2):
        walk = history.run(self_check.last_walk)
        assert walk is not None
        assert walk.broken == ()
        history.run(self_check.keep_walk, now, proof.broken, proof.accepted)


def test_of_a_history_that_is_broken_everywhere_people_are_told_of_some_and_always_the_same(
    store: Store, now: datetime
) -> None:
    """What is found later does not push out what they know of."""
    store.run(audit.append, SCHOOL, _lines(now, 40))
    with store.transaction() as tx:
        for number in range(11, 41):
            _change(tx, number, body="x")
        self_check.keep_walk(tx, now, audit_proof.verify(tx))
        before = self_check.last_walk(tx)
        _change(tx, 2, body="x")
        self_check.keep_walk(tx, now, audit_proof.verify(tx))
        assert self_check.last_walk(tx) == before
    assert before is not None
    assert [one.number for one in before.broken] == list(range(11, 31))
