"""Laws of a history in which a break was accepted: that one is told no more, every other one is."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, update

from mis_bridge.incidents.model import AuditEntry, Event
from mis_bridge.service.accepting import accept
from mis_bridge.store import audit, audit_proof
from mis_bridge.store.schema import audit as audit_table
from mis_bridge.store.schema import audit_head

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from mis_bridge.store.engine import Store

NOW: Final = datetime(2026, 3, 11, 9, 30, tzinfo=UTC)
COLUMNS: Final = ("at", "actor", "incident", "act", "reason", "body", "prev", "hash")

fresh = itertools.count(1)

lines = st.integers(0, 9)
edits = st.one_of(
    st.tuples(st.just("edit"), lines, st.sampled_from(COLUMNS)),
    st.tuples(st.just("edit and hash"), lines, st.sampled_from(COLUMNS[:-1])),
    st.tuples(st.just("empty"), lines),
    st.tuples(st.just("take out"), lines, st.integers(1, 3)),
    st.tuples(st.just("add"), st.booleans()),
    st.tuples(st.just("head"), st.integers(-3, 3), st.booleans()),
    st.tuples(st.just("no head")),
)


def _rows(tx: Connection, school: str) -> list[dict[str, Any]]:
    wanted = select(audit_table).where(audit_table.c.school == school)
    return [dict(row) for row in tx.execute(wanted.order_by(audit_table.c.number)).mappings()]


def _state(tx: Connection, school: str) -> tuple[Any, ...]:
    return _rows(tx, school), audit.heads(tx).get(school)


def _value(column: str) -> object:
    """One that no line has had before: no edit puts back what was written."""
    number = next(fresh)
    if column == "at":
        return NOW - timedelta(days=number)
    return f"{number:064x}" if column in {"prev", "hash"} else f"other {number}"


def _edit(tx: Connection, school: str, edit: tuple[Any, ...]) -> None:
    """What somebody does to the history who can write to the database."""
    rows = _rows(tx, school)
    of_school = audit_head.c.school == school
    match edit:
        case (("edit" | "edit and hash" | "empty") as how, line, *of):
            assume(rows)
            row = rows[line % len(rows)]
            column = of[0] if of else "body"
            row[column] = _value(column) if of else audit.ERASED
            if how == "edit and hash":
                row["hash"] = audit.line_hash({k: v for k, v in row.items() if k != "hash"})
            at = (audit_table.c.school == school, audit_table.c.number == row["number"])
            tx.execute(update(audit_table).where(*at).values(row))
        case ("take out", line, count):
            assume(rows)
            gone = [row["number"] for row in rows[line % len(rows) :][:count]]
            at = (audit_table.c.school == school, audit_table.c.number.in_(gone))
            tx.execute(delete(audit_table).where(*at))
        case ("add", follows):
            assume(rows)
            last = rows[-1]
            row = {**last, "number": last["number"] + 1, "body": _value("body")}
            link = row.pop("hash")
            row["prev"] = link if follows else _value("prev")
            tx.execute(insert(audit_table).values(**row, hash=audit.line_hash(row)))
        case ("head", by, other):
            head = audit.heads(tx).get(school)
            assume(head is not None and head[0] + by >= 0)
            assert head is not None
            link = _value("hash") if other else head[1]
            tx.execute(update(audit_head).where(of_school).values(number=head[0] + by, hash=link))
        case _:
            tx.execute(delete(audit_head).where(of_school))


def _note(tx: Connection, school: str, count: int) -> None:
    entries = [
        AuditEntry(NOW, "A. Lead", str(number % 2) * 64, Event.NOTED, "", f"note {number}")
        for number in range(count)
    ]
    audit.append(tx, school, entries)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.integers(1, 6),
    st.lists(edits, min_size=1, max_size=3),
    st.integers(0, 2),
    st.booleans(),
    edits,
)
def test_any_change_after_an_acceptance_is_found(
    shared: Store,
    new_school: Callable[[], str],
    begun: int,
    first: list[tuple[Any, ...]],
    later: int,
    erased: bool,
    second: tuple[Any, ...],
) -> None:
    """The history is edited, that is accepted, life goes on, a pupil is erased; then it is edited.

    Until the last edit nothing is found, and what was accepted is still shown; after it something
    is. Only who writes all lines from a place on, and the head, anew is not found, as before.
    """
    school = new_school()
    with shared.transaction() as tx:
        _note(tx, school, begun)
        for edit in first:
            _edit(tx, school, edit)
        broken = audit_proof.verify(tx, school)
        assume(broken)
        assert accept(tx, school, "A. Lead", "Put back", NOW, everything=True) == broken
        _note(tx, school, later)
        if erased:
            audit.erase(tx, school, ["1" * 64], "D. Officer", "Asked for.", NOW)

        proof = audit_proof.prove(tx, school)
        assert proof.broken == ()
        assert [one.seal for one in proof.accepted] == [one.seal for one in broken]

        before = _state(tx, school)
        _edit(tx, school, second)
        assume(_state(tx, school) != before)
        assert audit_proof.verify(tx, school)
