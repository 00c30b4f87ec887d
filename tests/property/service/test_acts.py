"""Whatever people do in whatever order, the history proves itself and names no child by itself."""

from __future__ import annotations

import itertools
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from mis_bridge.adapters.records import PupilRecord
from mis_bridge.errors import IncidentError
from mis_bridge.incidents.ids import incident_id, reference
from mis_bridge.incidents.interviews import InterviewOutcome
from mis_bridge.incidents.model import AuditEntry, Event, Incident, Outcome, State
from mis_bridge.incidents.protocol import NATIONAL, start_steps
from mis_bridge.incidents.pupil_notes import NoteKind
from mis_bridge.service import erasing, people, pupil_files
from mis_bridge.store import audit, audit_proof, feeds, incidents, pupils
from mis_bridge.store.opening import open_store
from mis_bridge.store.schema import audit as audit_table
from mis_bridge.triggers.model import Audience, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mis_bridge.store.engine import Store

NOW: Final = datetime(2026, 11, 12, 10, 12, tzinfo=UTC)
NAME: Final = "Zephyrine"
WHO: Final = ("A. Lead", "B. Deputy", " ")
STEPS: Final = (*(step.id for step in NATIONAL["missing_during_day"]), "fly")

texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40).filter(
    lambda text: NAME not in text
)
outcomes = st.sampled_from(["", *InterviewOutcome])
acts = st.lists(
    st.one_of(
        st.tuples(st.just("ack"), st.sampled_from(WHO), st.integers(0, 300)),
        st.tuples(st.just("note"), st.sampled_from(WHO), texts),
        st.tuples(
            st.just("step"), st.sampled_from(WHO), st.sampled_from(STEPS), texts, outcomes, texts
        ),
        st.tuples(st.just("close"), st.sampled_from(WHO), st.sampled_from(list(Outcome)), texts),
        st.tuples(st.just("noted"), st.sampled_from(WHO), st.sampled_from([*NoteKind, "x"]), texts),
        st.tuples(st.just("export"), st.sampled_from(WHO)),
        st.tuples(st.just("erase"), st.sampled_from(WHO), texts),
    ),
    max_size=12,
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One database for all examples; each takes a school of its own."""
    path = tmp_path_factory.mktemp("store") / "mis-bridge.db"
    opened = open_store(f"sqlite:///{path}", "0f" * 32, create=True)
    yield opened
    opened.close()


numbers = itertools.count()


def _begin(store: Store, school: str) -> Incident:
    """A school with one missing child, who has left by the register's account."""
    identity = incident_id(school, "missing_during_day", "p-1", "2026-11-12/P2")
    missing = Incident(
        id=identity,
        reference=reference(identity),
        school=school,
        pupil="p-1",
        family="missing_during_day",
        key="2026-11-12/P2",
        state=State.OPEN,
        level=1,
        trigger="missing_during_day",
        severity=Severity.HIGH,
        audience=(Audience.DSL,),
        told=(Audience.DSL,),
        opened_at=NOW,
        updated_at=NOW,
        revision=1,
        day=date(2026, 11, 12),
        slot="P2",
        sentence="In school at P1, marked absent in P2.",
        steps=start_steps(NATIONAL["missing_during_day"], NOW),
    )
    child = PupilRecord("p-1", "", NAME, NAME, leaving=date(2026, 11, 11))
    with store.transaction() as tx:
        feeds.sync_schools(tx, [(school, "csv", school)], NOW)
        pupils.upsert(tx, school, [child])
        incidents.save(tx, [missing])
        raised = AuditEntry(NOW, "mis-bridge", identity, Event.RAISED, "opened", missing.sentence)
        audit.append(tx, school, [raised])
    return missing


def _do(store: Store, missing: Incident, act: Any, now: datetime) -> None:
    name, school = missing.id, missing.school
    match act:
        case ("ack", who, minutes):
            store.run(people.acknowledge, name, who, now, minutes)
        case ("note", who, text):
            store.run(people.note, name, who, now, text)
        case ("step", who, step, text, outcome, pushed):
            said = {"outcome": outcome, "pushed": f"{NAME} {pushed}" if outcome else ""}
            store.run(people.step_done, name, who, now, step, text, **said)
        case ("close", who, outcome, text):
            store.run(people.close, name, who, now, outcome, text, schools={}, deadlines={})
        case ("noted", who, kind, text):
            store.run(pupil_files.note, school, "p-1", who, now, kind, f"{NAME} {text}")
        case ("export", who):
            store.run(pupil_files.export, school, "p-1", who, now)
        case ("erase", who, why):
            store.run(erasing.erase, school, "p-1", who, why, now, although_listed=True)


@given(acts)
def test_whatever_people_do_the_chain_holds_and_names_no_child(
    store: Store, done: list[tuple[Any, ...]]
) -> None:
    """Refused acts leave no line; what a child said, and what is noted, is in none either."""
    missing = _begin(store, f"school-{next(numbers)}")
    kept = {}
    for minutes, act in enumerate(done, 1):
        with store.reading() as tx:
            kept = {missing.school: audit.heads(tx)[missing.school]}
        with suppress(IncidentError):
            _do(store, missing, act, NOW + timedelta(minutes=minutes))

        with store.reading() as tx:
            assert audit_proof.verify(tx, missing.school) == []
            assert audit_proof.against(tx, kept) == []
            lines = tx.execute(
                select(audit_table.c.body, audit_table.c.actor).where(
                    audit_table.c.school == missing.school
                )
            ).all()
        assert not [line for line in lines if NAME in line.body or not line.actor.strip()]
