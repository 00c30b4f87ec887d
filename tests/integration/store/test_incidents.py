"""Incidents and their history come back as they went in, and nobody changes them unseen."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete, select, update

from mis_bridge.incidents.chain import Chain, ChainStep
from mis_bridge.incidents.ids import incident_id, reference
from mis_bridge.incidents.model import Act, AuditEntry, Event, Incident, Interview, State, StepState
from mis_bridge.incidents.reasons import Reason
from mis_bridge.registers.calendar import LONDON
from mis_bridge.store import audit, audit_proof, incidents, outbox, schema, suppressed
from mis_bridge.store.outbox import OutboxRow
from mis_bridge.store.schema import audit as audit_table
from mis_bridge.store.schema import audit_head
from mis_bridge.triggers.model import Audience, Evidence, Severity

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from mis_bridge.store.engine import Store

MINUTE = timedelta(minutes=1)


@pytest.fixture
def incident(now: datetime, day: date) -> Callable[..., Incident]:
    """``incident(pupil, field=...)``: one with something in every field."""

    def make(pupil: str = "p1", *, school: str = "oakfield", **rest: object) -> Incident:
        identity = incident_id(school, "missing_during_day", pupil, day.isoformat())
        local = now.astimezone(LONDON)
        values: dict[str, object] = {
            "id": identity,
            "reference": reference(identity),
            "school": school,
            "pupil": pupil,
            "family": "missing_during_day",
            "key": day.isoformat(),
            "state": State.OPEN,
            "level": 1,
            "trigger": "missing_during_day",
            "severity": Severity.CRITICAL,
            "audience": (Audience.DSL, Audience.OFFICE),
            "opened_at": now - MINUTE,
            "updated_at": now,
            "revision": 1,
            "day": day,
            "slot": "P3",
            "sentence": "Seen in P2, absent in P3 since 10:15.",
            "facts": {"minutes": 15, "slot": "P3"},
            "evidence": (Evidence(local, "P2", "present in lesson"), Evidence(None, "", "no note")),
            "uncertain": "one register was not taken",
            "told": (Audience.DSL,),
            "owner": "A. Testteacher",
            "ack_expires_at": now + 15 * MINUTE,
            "escalate_at": now + 5 * MINUTE,
            "escalations": 1,
            "chain": Chain(
                "missing", (ChainStep(("dsl",)), ChainStep(("deputy", "amina"), 10)), whole=True
            ),
            "closed_at": None,
            "outcome": "",
            "closed_by": "",
            "remind_at": local + 12 * MINUTE,
            "steps": (
                StepState("search_site", "Search the site", "staff", local + 10 * MINUTE),
                StepState(
                    "return_interview",
                    "Check that it is offered",
                    "Local Authority",
                    None,
                    done_at=local,
                    reminded_at=local,
                    interview=Interview("held", "A row", "Friends"),
                ),
            ),
            "data_as_of": local,
            **rest,
        }
        return Incident(**values)  # type: ignore[arg-type]

    return make


def test_an_incident_comes_back_whole(store: Store, incident: Callable[..., Incident]) -> None:
    """Every field survives, by id and by reference in any case."""
    wanted = incident()
    store.run(incidents.save, [wanted])
    assert store.run(incidents.get, wanted.id) == wanted
    assert store.run(incidents.get, wanted.reference.lower()) == wanted
    assert store.run(incidents.get, "MB-0000-0000") is None


def test_an_incident_of_an_older_version_has_no_chain(
    store: Store, incident: Callable[..., Incident]
) -> None:
    """It climbs as it did before: nothing has to be migrated."""
    wanted = incident(chain=None)
    store.run(incidents.save, [wanted])

    def strip(tx: Connection) -> None:
        (body,) = tx.execute(select(schema.incidents.c.body)).one()
        old = {key: value for key, value in json.loads(body).items() if key != "chain"}
        tx.execute(update(schema.incidents).values(body=json.dumps(old)))

    store.run(strip)

    assert store.run(incidents.get, wanted.id) == wanted


def test_a_chain_of_an_older_version_is_followed_by_the_usual_climbs(
    store: Store, incident: Callable[..., Incident]
) -> None:
    """It goes on as it was when the incident opened."""
    wanted = incident(chain=Chain("missing", (ChainStep(("dsl",)),)))
    store.run(incidents.save, [wanted])

    def strip(tx: Connection) -> None:
        body = json.loads(tx.execute(select(schema.incidents.c.body)).scalar_one())
        del body["chain"]["whole"]
        tx.execute(update(schema.incidents).values(body=json.dumps(body)))

    store.run(strip)

    assert store.run(incidents.get, wanted.id) == wanted


def test_a_newer_revision_replaces_and_an_older_one_is_refused(
    store: Store, incident: Callable[..., Incident]
) -> None:
    """A decision made on an older state never overwrites a newer one."""
    first = incident()
    second = replace(first, revision=2, state=State.ACKNOWLEDGED)
    store.run(incidents.save, [first])
    store.run(incidents.save, [second])
    with pytest.raises(ValueError, match="revision 2"):
        store.run(incidents.save, [first])
    assert store.run(incidents.get, first.id) == second


def test_a_person_s_act_is_never_overwritten_by_a_decision_made_beside_it(
    store: Store, incident: Callable[..., Incident], day: date
) -> None:
    """Acknowledged while the daemon decides: both changes stand, the later upon the earlier."""
    store.run(incidents.save, [incident(owner="")])
    acted = threading.Event()

    def decide(tx: Connection) -> None:
        incidents.hold(tx, "oakfield")
        (known,) = incidents.known(tx, "oakfield", day, day)
        person.start()
        # Where nothing held the person up, the act is stored now, under the decision's feet.
        acted.wait(timeout=0.5)
        changed = replace(known, revision=known.revision + 1, escalations=7)
        incidents.save(tx, [changed])

    def act(tx: Connection) -> None:
        found = incidents.get(tx, incident().id, to_change=True)
        assert found is not None
        incidents.save(tx, [replace(found, revision=found.revision + 1, owner="A. Testlead")])

    def act_beside() -> None:
        store.run(act)
        acted.set()

    person = threading.Thread(target=act_beside)
    store.run(decide)
    person.join(timeout=60)

    stored = store.run(incidents.get, incident().id)
    assert stored is not None
    assert (stored.revision, stored.owner, stored.escalations) == (3, "A. Testlead", 7)


def test_the_known_ones_are_all_active_and_the_ended_ones_of_the_days(
    store: Store, incident: Callable[..., Incident], day: date, now: datetime
) -> None:
    """What a reconciliation of a day must know: whatever is open, and what ended that day."""
    before = day - timedelta(days=1)
    rows = {
        "open today": incident("p1"),
        "open yesterday": incident("p2", day=before, state=State.ACKNOWLEDGED),
        "ended today": incident("p3", state=State.FOUND, closed_at=now),
        "ended yesterday": incident("p4", day=before, state=State.CLOSED, closed_at=now),
        "elsewhere": incident("p5", school="elm"),
    }
    store.run(incidents.save, rows.values())
    known = {found.pupil for found in store.run(incidents.known, "oakfield", day, day)}
    assert known == {"p1", "p2", "p3"}
    assert store.run(incidents.count_open) == {"elm": 1, "oakfield": 2}


def test_the_newest_come_first_for_people(
    store: Store, incident: Callable[..., Incident], now: datetime
) -> None:
    """A list for people is by last change, of all schools or of one."""
    store.run(
        incidents.save,
        [
            incident("p1", updated_at=now),
            incident("p2", updated_at=now + MINUTE, state=State.CLOSED),
            incident("p3", updated_at=now + 2 * MINUTE, school="elm"),
        ],
    )
    listed = store.run(incidents.recent)
    assert [found.pupil for found in listed] == ["p3", "p2", "p1"]
    active = store.run(incidents.recent, school="oakfield", active_only=True)
    assert [found.pupil for found in active] == ["p1"]


def test_a_message_not_sent_is_kept_once_with_its_reason(
    store: Store, incident: Callable[..., Incident], now: datetime
) -> None:
    """A question why nobody was told has one answer, however often it is decided."""
    wanted = incident()
    for minutes in range(3):
        store.run(suppressed.note, wanted, Reason.DAMPED, now + minutes * MINUTE)
    (row,) = store.run(suppressed.of_incident, "oakfield", wanted.id)
    assert (row.reason, row.seen_at) == (Reason.DAMPED, now)


@pytest.fixture
def history(store: Store, now: datetime) -> Store:
    """A store with three lines of history in two schools' chains."""
    for school, count in (("oakfield", 3), ("elm", 1)):
        lines = [
            AuditEntry(
                now + number * MINUTE,
                "A. Testteacher",
                "1" * 64,
                Event.NOTED,
                "",
                f"note {number}",
            )
            for number in range(count)
        ]
        store.run(audit.append, school, lines[:1])
        store.run(audit.append, school, lines[1:])
    return store


def test_an_untouched_history_holds(history: Store) -> None:
    """Every chain is whole, and its lines come back in order."""
    assert history.run(audit_proof.verify) == []
    lines = history.run(audit.history, "oakfield", "1" * 64)
    assert [line.body for line in lines] == ["note 0", "note 1", "note 2"]
    assert {school: number for school, (number, _) in history.run(audit.heads).items()} == {
        "oakfield": 3,
        "elm": 1,
    }


def tamper_text(tx: Connection) -> None:
    """Change what a line says."""
    tx.execute(update(audit_table).where(audit_table.c.number == 2).values(body="nothing"))


def tamper_time(tx: Connection) -> None:
    """Change when a line was written."""
    tx.execute(
        update(audit_table)
        .where(audit_table.c.number == 2)
        .values(at=datetime(2020, 1, 1, tzinfo=LONDON))
    )


def tamper_missing(tx: Connection) -> None:
    """Take a line out of the middle."""
    tx.execute(delete(audit_table).where(audit_table.c.number == 2))


def tamper_end(tx: Connection) -> None:
    """Cut the end off."""
    tx.execute(delete(audit_table).where(audit_table.c.number == 3))


def tamper_all(tx: Connection) -> None:
    """Take a whole chain away."""
    tx.execute(delete(audit_table).where(audit_table.c.school == "oakfield"))


def tamper_emptied(tx: Connection) -> None:
    """Take the words of a line away, as if its pupil had been erased."""
    tx.execute(update(audit_table).where(audit_table.c.number == 2).values(body=audit.ERASED))


def tamper_head(tx: Connection) -> None:
    """Change what is kept of the chain's end."""
    tx.execute(update(audit_head).where(audit_head.c.school == "oakfield").values(hash="f" * 64))


@pytest.mark.parametrize(
    ("tamper", "line", "what"),
    [
        (tamper_text, 2, "changed after it was written"),
        (tamper_time, 2, "changed after it was written"),
        (tamper_missing, 2, "line 2 is missing"),
        (tamper_emptied, 2, "no erasure of a pupil accounts for it"),
        (tamper_end, 3, "the end of the chain was cut off"),
        (tamper_head, 4, "the end of the chain was cut off or added"),
        (tamper_all, 1, "the end of the chain was cut off"),
    ],
)
def test_a_changed_history_is_seen(
    history: Store, tamper: Callable[[Connection], None], line: int, what: str
) -> None:
    """Whatever is changed or taken away, the first bad line of that school's chain is named."""
    history.run(tamper)
    (broken,) = history.run(audit_proof.verify)
    assert (broken.school, broken.number) == ("oakfield", line)
    assert what in broken.what


def _take_away(tx: Connection) -> None:
    """Take away a school's lines and its head, as if it had never had a history."""
    tx.execute(delete(audit_table).where(audit_table.c.school == "oakfield"))
    tx.execute(delete(audit_head).where(audit_head.c.school == "oakfield"))


def test_a_history_of_which_nothing_is_left_is_missed_by_its_incidents(
    history: Store, incident: Callable[..., Incident], now: datetime
) -> None:
    """Lines and head are gone: the incident is there and nothing tells of it.

    The next line about it begins another chain, which holds by itself: it is seen all the same.
    """
    history.run(incidents.save, [incident(id="1" * 64)])
    history.run(audit.append, "oakfield", [AuditEntry(now, "B", "1" * 64, Event.RAISED, "", "")])
    assert history.run(audit_proof.verify) == []

    history.run(_take_away)
    (gone,) = history.run(audit_proof.verify)
    assert (gone.school, gone.number) == ("oakfield", 1)
    assert "all of it was taken away: 1 incident is there" in gone.what
    assert history.run(audit_proof.verify, "oakfield") == [gone]
    assert history.run(audit_proof.verify, "elm") == []

    history.run(audit.append, "oakfield", [AuditEntry(now, "B", "1" * 64, Event.NOTED, "", "on")])
    (anew,) = history.run(audit_proof.verify)
    assert "taken away and begun anew: 1 incident is there" in anew.what


def test_a_history_of_which_nothing_is_left_is_missed_by_messages_about_incidents(
    history: Store, now: datetime
) -> None:
    """Also where the incidents were taken away with it; the day's message is about none."""
    history.run(_take_away)
    rows = [
        OutboxRow(
            school="oakfield",
            id=f"m{place}",
            incident=about,
            reason=Reason.OPENED,
            channel="teams",
            audience="dsl",
            severity="high",
            revision=1,
            due_at=now,
            created_at=now,
        )
        for place, about in enumerate(("", "1" * 64, "1" * 64, "2" * 64))
    ]
    history.run(outbox.insert, rows[:1])
    assert history.run(audit_proof.verify) == []

    history.run(outbox.insert, rows[1:])
    (gone,) = history.run(audit_proof.verify)
    assert (gone.school, gone.number) == ("oakfield", 1)
    assert "2 incidents are there" in gone.what


def test_every_school_with_a_history_is_walked(history: Store) -> None:
    """Also one of which only lines, or only the head, are left."""
    with history.transaction() as tx:
        tx.execute(delete(audit_head).where(audit_head.c.school == "elm"))
        tx.execute(delete(audit_table).where(audit_table.c.school == "oakfield"))
    assert {"elm", "oakfield"} <= set(history.run(audit.schools))


def test_a_chain_written_anew_is_seen_beside_the_heads_that_were_kept(
    history: Store, now: datetime
) -> None:
    """Who rewrites all lines and the head leaves a chain that holds; the kept head does not."""
    kept = history.run(audit.heads)
    history.run(audit.append, "oakfield", [AuditEntry(now, "B", "", Event.NOTED, "", "later")])
    assert history.run(audit_proof.against, kept) == []

    with history.transaction() as tx:
        tx.execute(delete(audit_table).where(audit_table.c.school == "oakfield"))
        tx.execute(delete(audit_head).where(audit_head.c.school == "oakfield"))
        lines = [AuditEntry(now, "B", "", Event.NOTED, "", f"other {n}") for n in range(4)]
        audit.append(tx, "oakfield", lines)

    assert history.run(audit_proof.verify) == []
    (broken,) = history.run(audit_proof.against, kept)
    assert (broken.school, broken.number) == ("oakfield", 3)
    assert "written anew" in broken.what


def test_a_pupil_is_erased_from_the_history_and_the_chain_still_holds(
    history: Store, now: datetime
) -> None:
    """The words go; when, who and what kind of act stay; a second erasure takes nothing more."""
    other = AuditEntry(now, "A. Testteacher", "2" * 64, Event.NOTED, "", "about another")
    history.run(audit.append, "oakfield", [other])

    def erase(tx: Connection) -> int:
        return audit.erase(tx, "oakfield", ["1" * 64], "D. Officer", "Asked for. 1=a", now)

    assert history.run(erase) == 3
    assert history.run(erase) == 0

    assert history.run(audit_proof.verify) == []
    lines = history.run(audit.history, "oakfield", "1" * 64)
    assert [(line.actor, line.act, line.body) for line in lines] == [
        ("A. Testteacher", Event.NOTED, audit.ERASED)
    ] * 3
    assert [line.body for line in history.run(audit.history, "oakfield", "2" * 64)] == [
        "about another"
    ]
    (first, _) = history.run(audit.history, "oakfield", "")
    assert (first.actor, first.act) == ("D. Officer", Act.ERASED)
    with history.transaction() as tx:
        tx.execute(update(audit_table).where(audit_table.c.number == 2).values(actor="E"))
    (broken,) = history.run(audit_proof.verify)
    assert broken.number == 2
