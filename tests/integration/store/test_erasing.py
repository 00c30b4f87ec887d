"""What is left of a pupil who was erased: nothing that says who it was, in any table or file."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from sqlalchemy import select

from mis_bridge.adapters.records import DayEventRecord, LessonMark, PupilRecord, SessionMark
from mis_bridge.adapters.source import Batch, Quarantined
from mis_bridge.channels.outcome import Outcome, Result
from mis_bridge.documents.json_file import render_json
from mis_bridge.errors import IncidentError
from mis_bridge.incidents.ids import incident_id, reference
from mis_bridge.incidents.model import AuditEntry, Event, Incident, State
from mis_bridge.incidents.reasons import Reason
from mis_bridge.messages.package_model import Field, PackageData, Section, Table
from mis_bridge.registers.school_years import SchoolYears
from mis_bridge.service import pupil_files, silencing
from mis_bridge.service.erasing import erase
from mis_bridge.service.ingest import ingest
from mis_bridge.store import (
    audit,
    audit_proof,
    incidents,
    leases,
    notifications,
    outbox,
    suppressed,
)
from mis_bridge.store.notifications import File, Notification
from mis_bridge.store.opening import open_store
from mis_bridge.store.outbox import OutboxRow
from mis_bridge.store.schema import metadata
from mis_bridge.triggers.model import Audience, Severity

if TYPE_CHECKING:
    from pathlib import Path

    from mis_bridge.registers.calendar import SchoolCalendar
    from mis_bridge.store.engine import Store

SCHOOL = "oakfield"
CHILD = PupilRecord(
    "PUP-7741", "Z801200001001", "Quillfeather", "Zebedee", date(2011, 3, 7), "M", 9, "9Q",
    date(2022, 9, 5), date(2026, 3, 9), "moved abroad", frozenset({"lac"}),
)  # fmt: skip
OTHER = PupilRecord("PUP-7742", CHILD.upn, "Marsh", "Olive", date(2011, 5, 5), form="9Q")
WHO = (CHILD.pupil, CHILD.upn, CHILD.surname, CHILD.forename, "2011-03-07", "07/03/2011")

NAME_NOBODY = {
    "schools": "the schools",
    "feeds": "how each school's feed is",
    "day_plan": "the lessons of a day",
    "register_seen": "which register was taken when",
    "page_digest": "a hash of each page, by its number or its file",
    "dirty": "days and years that have to be decided on",
    "audit_head": "the hash of each history's last line",
    "channel_state": "how each channel is",
    "meta": "facts about the installation",
}
"""Tables that say nothing of a single pupil."""


def _at(day: date, hour: int) -> datetime:
    return datetime.fromisoformat(f"{day.isoformat()}T{hour:02}:00:00+00:00")


def _read(store: Store, day: date) -> None:
    """Read roll, marks, events and what can not be used; a whole reading is under way."""
    year = (date(2025, 8, 1), day)

    def take(stream: str, records: Any, *aside: Quarantined, **more: Any) -> None:
        batch = Batch(stream, records, quarantined=aside, digests={"1": "a"})
        store.run(ingest, SCHOOL, batch, _at(day, 9), keep_from=day - timedelta(30), **more)

    def mark(code: str, on: date) -> list[SessionMark]:
        return [
            SessionMark(CHILD.pupil, on, False, ord(code)),
            SessionMark("PUP-7742", on, False, ord(code)),
        ]

    left = CHILD.leaving or day
    take("pupils", [CHILD, OTHER])
    take("sessions", mark("/", left))
    take("sessions", mark("N", left))
    take("sessions", mark("N", day))
    take("sessions", mark("N", date(1971, 1, 4)))
    lessons = [
        LessonMark(one.pupil, left, "P1", 540, 600, ord("N"), _at(left, 9))
        for one in (CHILD, OTHER)
    ]
    take("lessons", lessons)
    take("events", [DayEventRecord(CHILD.pupil, _at(left, 10), "message", "Zebedee is ill")])
    take(
        "sessions",
        mark("N", left),
        # Columns that have moved: what stands where a code belongs is a child's name.
        Quarantined("sessions", "page 1 record 2", "not a code of the register", "Quillfeather"),
        Quarantined("sessions", "a.csv line 3", "'Zebedee': not a code of the register"),
        Quarantined("sessions", "page 1 record 3", "not a code of the register", "QQ"),
        sweep=year,
    )


def _incident(pupil: str, key: str, at: datetime) -> Incident:
    identity = incident_id(SCHOOL, "ten_day_absence", pupil, key)
    return Incident(
        id=identity,
        reference=reference(identity),
        school=SCHOOL,
        pupil=pupil,
        family="ten_day_absence",
        key=key,
        state=State.OPEN,
        level=1,
        trigger="ten_day_absence",
        severity=Severity.HIGH,
        audience=(Audience.ATTENDANCE,),
        opened_at=at,
        updated_at=at,
        revision=1,
        day=at.date(),
        slot="",
        sentence="Ten days.",
    )


def _list(at: datetime) -> str:
    """Make a list for the termly meeting, as it is kept."""
    row = ("Quillfeather", "Zebedee", CHILD.upn, "9")
    table = Table(
        "pupils",
        "Pupils",
        ("Surname", "Forenames", "UPN", "Year"),
        (row, ("Marsh", "Olive", "A801200001002", "9")),
    )
    agreed = "Zebedee Quillfeather: a visit. Olive Marsh: a call."
    meeting = Section("The meeting", (Field("meeting.agreed", "What was agreed", agreed),))
    return render_json(
        PackageData(
            kind="persistent_absence_list",
            title="List",
            basis="",
            reference="MB-0000-0000",
            version=1,
            prepared_at=at,
            school_name="Oakfield",
            authority_name="",
            sections=(meeting,),
            tables=(table,),
        )
    ).decode()


def _told(store: Store, about: Incident, calendar: SchoolCalendar, now: datetime) -> None:
    """Tell of an incident, note, silence, send a package, hold back."""

    def do(tx: Any) -> None:
        incidents.save(tx, [about])
        lines = [
            AuditEntry(now, "mis-bridge", about.id, Event.RAISED, "opened", about.sentence),
            AuditEntry(now, "A. Lead", about.id, Event.NOTED, "", "Zebedee is at his aunt's"),
        ]
        audit.append(tx, SCHOOL, lines)
        row = OutboxRow(
            SCHOOL, f"m-{about.id}", about.id, "opened", "mail", "dsl", "high", 1, now, now
        )
        outbox.insert(tx, [row])
        for leased in leases.claim(tx, now, 9, 60.0, "one"):
            sent = Outcome(Result.SENT, "taken", proof=f"{about.reference} 1 file")
            leases.finish(tx, leased, sent, now, None)
        suppressed.note(tx, about, Reason.DAMPED, now)
        package = Notification(
            SCHOOL, f"n-{about.id}", about.id, "attendance_return", '{"of": "Zebedee"}', now,
            state="sent", given='{"answers": {"family.lives_with": "Zebedee\'s aunt"}}',
        )  # fmt: skip
        notifications.insert(tx, package, [File("a.csv", "text/csv", b"Quillfeather,Zebedee")])
        pupil_files.note(tx, SCHOOL, about.pupil, "T. Tutor", now, "tired", "Zebedee is tired")
        years = SchoolYears((calendar,))
        for wanted in ({"pupil": about.pupil}, {"incident": about.reference}):
            asked = silencing.Wanted(
                "" if "incident" in wanted else about.trigger,
                now + timedelta(days=1),
                "A. Lead",
                "Zebedee has a funeral",
                **wanted,
            )
            silencing.silence(tx, SCHOOL, years, asked, now)
        ended = replace(about, state=State.CLOSED, closed_at=now, revision=9)
        incidents.save(tx, [ended])

    store.run(do)


def _listed(store: Store, now: datetime, state: str = "sent") -> Notification:
    about = replace(_incident("", f"list/{state}", now), state=State.CLOSED, family="asked_for")
    given = json.dumps({"answers": {"meeting.agreed": "Zebedee Quillfeather: a visit."}})
    package = Notification(
        SCHOOL,
        f"l-{state}",
        about.id,
        "persistent_absence_list",
        _list(now),
        now,
        state=state,
        given=given,
    )
    with store.transaction() as tx:
        incidents.save(tx, [about])
        audit.append(
            tx, SCHOOL, [AuditEntry(now, "A. Lead", about.id, Event.RAISED, "", about.sentence)]
        )
        notifications.insert(
            tx, package, [File("list.csv", "text/csv", b"Quillfeather,Zebedee\nMarsh,Olive\n")]
        )
    return package


@pytest.fixture
def about(store: Store, calendar: SchoolCalendar, day: date, now: datetime) -> Incident:
    """A pupil who has left, of whom there is something in every table that can hold it."""
    _read(store, day)
    made = _incident(CHILD.pupil, "run", now)
    _told(store, made, calendar, now)
    _listed(store, now)
    return made


def _holds(value: object, words: tuple[str, ...]) -> bool:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value == CHILD.dob
    if isinstance(value, str):
        return any(word.lower() in value.lower() for word in words)
    if isinstance(value, bytes):
        return any(word.lower().encode() in value.lower() for word in words)
    return False


def _found(store: Store, about: Incident) -> set[str]:
    """Name each table that says who it was; the history may keep the ids of incidents."""
    found = set()
    with store.reading() as tx:
        for table in metadata.sorted_tables:
            words = WHO if table.name == "audit" else (*WHO, about.id, about.reference)
            rows = tx.execute(select(table)).all()
            # The other child with this UPN has records of their own.
            ours = [row for row in rows if "PUP-7742" not in row]
            if any(_holds(value, words) for row in ours for value in row):
                found.add(table.name)
    return found


def _gone(store: Store, now: datetime) -> Any:
    asked = (SCHOOL, CHILD.pupil, "D. Officer", "The period is over", now + timedelta(hours=1))
    return store.run(erase, *asked, although_listed=True)


def test_after_an_erasure_no_row_of_any_table_says_who_it_was(
    store: Store, about: Incident, now: datetime
) -> None:
    """A table that is new here has to be filled above, or to be named as one about nobody."""
    tables = {table.name for table in metadata.sorted_tables}
    assert _found(store, about) == tables - NAME_NOBODY.keys()

    done = _gone(store, now)

    assert _found(store, about) == set()
    assert done.messages == {"mail": 1}
    assert (done.lists, done.references) == (("MB-0000-0000",), (about.reference,))
    with store.reading() as tx:
        assert audit_proof.verify(tx) == []


def test_what_is_about_others_stays(store: Store, about: Incident, now: datetime) -> None:
    """The other child's record and marks, the other rows of the list, a row of nobody known."""
    _gone(store, now)

    with store.reading() as tx:
        kept = {
            name: len(tx.execute(select(metadata.tables[name])).all())
            for name in ("pupils", "strips", "day_sheet")
        }
        aside = tx.execute(select(metadata.tables["quarantine"])).all()
        package = notifications.get(tx, SCHOOL, "l-sent")
        files = notifications.files(tx, SCHOOL, "l-sent")
        assert package is not None
        said = audit.history(tx, SCHOOL, package.incident)[-1]
    assert kept == {"pupils": 1, "strips": 1, "day_sheet": 2}
    assert ("page 1 record 3", "QQ") in [(row.place, row.value) for row in aside]
    data = msgspec.json.decode(package.data)
    assert [row[:2] for row in data["tables"][0]["rows"]] == [["Marsh", "Olive"]]
    agreed = data["sections"][0]["fields"][0]["value"]
    assert agreed == "[erased]: a visit. Olive Marsh: a call."
    assert files == []
    assert (said.actor, "taken out of this list" in said.body) == ("D. Officer", True)


def test_all_that_is_erased_was_given_out_before(
    store: Store, about: Incident, now: datetime
) -> None:
    """Export and erasure know the same tables."""
    held = store.run(pupil_files.export, SCHOOL, CHILD.pupil, "A. Lead", now)

    given = msgspec.json.encode(held).decode()
    done = _gone(store, now)
    parts = {
        "pupils": "record",
        "strips": "session_marks",
        "day_sheet": "day_marks",
        "day_event": "events",
        "mark_change": "mark_changes",
        "pupil_notes": "notes",
        "silences": "silences",
        "incidents": "incidents",
        "audit": "history",
        "outbox": "messages",
        "attempts": "attempts",
        "suppressed": "messages_not_sent",
        "notifications": "packages",
        "notification_files": "package_files",
        "quarantine": "set_aside",
    }
    # The daemon's memory of a reading under way says nothing that the marks do not.
    assert done.gone.keys() - {"sweep_seen"} == parts.keys()
    assert [part for part in parts.values() if not held[part]] == []
    assert len(held["set_aside"]) == done.gone["quarantine"]
    assert len(held["history"]) == done.gone["audit"]
    assert "Olive" not in given
    assert held["lists"][0]["rows"] == [
        {"Surname": "Quillfeather", "Forenames": "Zebedee", "UPN": CHILD.upn, "Year": "9"}
    ]


def _marked(store: Store, on: date, now: datetime) -> None:
    """Read a mark of somebody whom the roll does not know."""
    batch = Batch("sessions", [SessionMark("PUP-9", on, False, ord("/"))])
    store.run(ingest, SCHOOL, batch, now, keep_from=on)


def test_marks_that_came_back_without_a_record_can_be_given_out_and_erased(
    store: Store, about: Incident, day: date, now: datetime
) -> None:
    """A MIS gives the marks of a school year to its end: "no such pupil" would be wrong."""
    _marked(store, day - timedelta(days=60), now)

    held = store.run(pupil_files.export, SCHOOL, "PUP-9", "A. Lead", now)
    done = store.run(erase, SCHOOL, "PUP-9", "D. Officer", "Has left", now)

    assert held["record"] == []
    assert [row["am"] for row in held["session_marks"] if row["am"] != "."] == ["/"]
    assert [row["problem"] for row in held["set_aside"]] == ["not_on_roll"]
    assert done.gone["strips"] == 1
    assert done.marked
    with pytest.raises(IncidentError, match="no pupil of oakfield has this id"):
        store.run(pupil_files.export, SCHOOL, "PUP-9", "A. Lead", now)


def test_a_row_that_could_not_be_used_is_enough_to_be_known(
    store: Store, about: Incident, now: datetime
) -> None:
    """A mark of an impossible date is nothing but a row set aside, which names the pupil."""
    _marked(store, date(1971, 1, 4), now)
    store.run(erase, SCHOOL, "PUP-9", "D. Officer", "Has left", now)
    _marked(store, date(1971, 1, 4), now)

    held = store.run(pupil_files.export, SCHOOL, "PUP-9", "A. Lead", now)

    assert "pupil PUP-9" in {row["place"] for row in held["set_aside"]}


@pytest.mark.parametrize("days", [0, 28])
def test_a_child_who_is_there_and_on_no_roll_is_not_erased(
    store: Store, about: Incident, day: date, now: datetime, days: int
) -> None:
    """A new pupil's marks may come before the record: nobody would watch over the child."""
    _marked(store, day - timedelta(days=days), now)

    with pytest.raises(IncidentError, match="on the roll, and there is a mark of"):
        store.run(erase, SCHOOL, "PUP-9", "D. Officer", "Has left", now)


@pytest.mark.parametrize("state", ["pending", "approved", "to_upload"])
def test_a_list_that_somebody_still_waits_for_holds_up_the_erasure(
    store: Store, about: Incident, now: datetime, state: str
) -> None:
    """What a person approves is what goes out: it is not changed on the way."""
    package = _listed(store, now, state)

    with pytest.raises(IncidentError, match="persistent_absence_list"):
        _gone(store, now)

    assert store.run(notifications.get, SCHOOL, package.id) == package


def test_no_page_of_the_file_says_who_it_was(
    embedded_url: str, calendar: SchoolCalendar, day: date, now: datetime, key: str, tmp_path: Path
) -> None:
    """Deleted rows are written over: whoever has the key and the file reads nothing of them."""
    from mis_bridge.store import feeds

    store = open_store(embedded_url, key)
    store.run(feeds.sync_schools, [(SCHOOL, "wonde", "Oakfield")], now)
    _read(store, day)
    _told(store, _incident(CHILD.pupil, "run", now), calendar, now)
    store.close()
    assert b"Zebedee" in _pages(tmp_path, key)

    store = open_store(embedded_url, key)
    _gone(store, now)
    store.close()

    held = _pages(tmp_path, key)
    assert b"D. Officer" in held
    assert [
        word for word in (CHILD.pupil, CHILD.surname, CHILD.forename) if word.encode() in held
    ] == []


def _pages(folder: Path, key: str) -> bytes:
    """Decrypt every page of the database, free ones too, as SQLCipher 4 lays them out."""
    size, reserved = 4096, 80
    assert [file.name for file in sorted(folder.glob("*.db*"))] == ["mis-bridge.db"]
    raw = (folder / "mis-bridge.db").read_bytes()
    clear = bytearray()
    for start in range(0, len(raw), size):
        page = raw[start : start + size]
        body = page[16 if start == 0 else 0 : size - reserved]
        nonce = page[size - reserved : size - reserved + 16]
        cipher = Cipher(algorithms.AES(bytes.fromhex(key)), modes.CBC(nonce)).decryptor()
        clear += cipher.update(body) + cipher.finalize()
    return bytes(clear)
