"""``mis-bridge pupil`` on a real, encrypted database: notes, giving out, erasing."""

from __future__ import annotations

import asyncio
import json
import stat
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from sqlalchemy import func, select

from mis_bridge.adapters.records import LessonMark, SessionMark
from mis_bridge.channels.assisted import AssistedFolder
from mis_bridge.channels.outcome import Outcome, Result
from mis_bridge.cli.db import command as db
from mis_bridge.cli.pupil import _KINDS, command
from mis_bridge.errors import IncidentError, OperatorError
from mis_bridge.incidents.model import State
from mis_bridge.incidents.pupil_notes import NoteKind
from mis_bridge.incidents.reasons import Reason
from mis_bridge.messages.model import Attachment, Disclosure, Message
from mis_bridge.registers.codes import to_byte
from mis_bridge.service.writing import Sender, compose
from mis_bridge.store import audit, audit_proof, incidents, leases, pupils
from mis_bridge.store.marks import apply_lesson_marks, apply_session_marks
from mis_bridge.store.schema import metadata
from mis_bridge.triggers.model import Severity

from .conftest import NO_NAMES, NOW, SCHOOL, Desk, json_lines

if TYPE_CHECKING:
    from pathlib import Path

    from mis_bridge.incidents.model import Incident

DAY = date(2026, 11, 12)
WORDS = "Ada has a new telephone, says it is a present"


def _note(desk: Desk, kind: str = "new_belongings", text: str = WORDS, of: str = "p-1") -> None:
    desk.run(command, "note", of, text, "--kind", kind, "--by", "T. Tutor")


def test_the_kinds_of_the_command_are_those_of_notes() -> None:
    """They stand twice so that --help stays fast; here they are held equal."""
    assert list(_KINDS) == [kind.value for kind in NoteKind]


@pytest.mark.parametrize("called", ["p-1", "A999000000001", "reference"])
def test_a_note_is_kept_with_author_time_and_kind_whatever_the_pupil_is_called_by(
    desk: Desk, called: str
) -> None:
    """The MIS's id, the UPN, or the reference of an incident about the pupil."""
    name = desk.missing.reference if called == "reference" else called

    _note(desk, of=name)

    (row,) = json_lines(desk.run(command, "notes", name, "--format", "json"))
    assert (row["author"], row["kind"], row["text"]) == ("T. Tutor", "new_belongings", WORDS)
    assert row["at"].startswith("2026-11-12T10:15")


def test_the_note_stands_beside_the_incident_in_full_and_in_no_line_of_the_history(
    desk: Desk,
) -> None:
    """The history says that something was noted, of what kind and by whom."""
    _note(desk)

    shown = desk.incidents("show", desk.missing.reference)
    (data,) = json_lines(desk.incidents("show", desk.missing.reference, "--format", "json"))

    assert WORDS in shown.output
    assert [(one["kind"], one["text"]) for one in data["noted"]] == [("new belongings", WORDS)]
    with desk.store.reading() as tx:
        (line,) = audit.history(tx, SCHOOL, "")
    assert (line.actor, line.body) == ("T. Tutor", "Noted of a pupil: new belongings.")


def _message(desk: Desk, disclosure: Disclosure) -> str:
    """Write the alert about the missing child anew, as it would go out now."""
    with desk.store.transaction() as tx:
        leased = leases.claim(tx, NOW, 10, 60, "test")
        (row,) = [one for one in leased if one.incident == desk.missing.id]
        message: Any = compose(tx, row, desk.school, disclosure, Sender(), NOW)
    return f"{message.subject} {message.text} {message.html} {json.dumps(message.card)}"


@pytest.mark.parametrize("disclosure", [Disclosure.INITIALS, Disclosure.FULL])
def test_an_alert_says_kind_and_day_of_what_was_noted_and_no_word_of_it(
    desk: Desk, disclosure: Disclosure
) -> None:
    """Whoever reads "new belongings" beside "missing" thinks further; who needs more looks."""
    _note(desk)

    said = _message(desk, disclosure)

    assert "Thu 12 Nov: new belongings" in said
    assert "telephone" not in said


def test_by_reference_an_alert_says_only_how_many_notes_there_are(desk: Desk) -> None:
    """A channel with many readers tells nothing of the pupil."""
    _note(desk)
    _note(desk, "tired", "")

    said = _message(desk, Disclosure.REFERENCE)

    assert "2 notes on the pupil" in said
    assert "new belongings" not in said


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("note", "p-9", "x", "--kind", "tired", "--by", "T."), "no pupil of example-school"),
        (("note", "p-1", "--kind", "other", "--by", "T."), "write what it was"),
        (("note", "p-1", "x", "--kind", "tired", "--by", " "), "needs a person"),
        (("note", "p-1", "x" * 2001, "--kind", "tired", "--by", "T."), "2,000"),
        (("notes", "MB-0000-0000"), "no incident MB-0000-0000"),
    ],
)
def test_a_note_that_makes_no_sense_is_refused_with_what_to_do(
    desk: Desk, arguments: tuple[str, ...], problem: str
) -> None:
    """And nothing is stored."""
    with pytest.raises(IncidentError, match=problem):
        desk.run(command, *arguments)


def _marks(desk: Desk) -> None:
    """Give the pupil marks of a morning and of a lesson."""
    with desk.store.transaction() as tx:
        marks = [SessionMark("p-1", DAY, False, to_byte("/"), None)]
        apply_session_marks(tx, SCHOOL, marks, NOW, keep_from=DAY)
        lesson = LessonMark("p-1", DAY, "P2", 595, 655, to_byte("N"), NOW, "8X")
        apply_lesson_marks(tx, SCHOOL, [lesson], NOW, keep_from=DAY)


def test_all_that_is_stored_of_a_pupil_is_given_out(desk: Desk, tmp_path: Path) -> None:
    """Record, marks, notes, incidents, history, messages, packages: to answer a request."""
    _marks(desk)
    _note(desk)
    target = tmp_path / "out.json"

    said = desk.run(command, "export", "p-1", "--to", str(target), "--by", "A. Lead").output

    held = json.loads(target.read_text("utf-8"))
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert "It names the child" in said
    assert held["record"][0]["surname"] == "Testpupil"
    assert {"day": "2026-11-12", "am": "/", "pm": "."} in held["session_marks"]
    marks = [(one["slot"], one["code"]) for one in held["day_marks"]]
    assert marks == [("AM", "/"), ("P2", "N")]
    assert held["mark_changes"]
    assert [one["body"] for one in held["notes"]] == [WORDS]
    assert {one["reference"] for one in held["incidents"]} == {
        desk.missing.reference,
        desk.ten_days.reference,
    }
    assert [one["act"] for one in held["history"]][:1] == ["raised"]
    assert {one["reason"] for one in held["messages"]} >= {"opened", "package_ready"}
    assert held["packages"][0]["data"]["kind"] == "attendance_return"
    assert held["packages"][0]["given"] is None
    with desk.store.reading() as tx:
        assert audit.history(tx, SCHOOL, "")[-1].actor == "A. Lead"
    with pytest.raises(OperatorError, match="there already"):
        desk.run(command, "export", "p-1", "--to", str(target))


def _leave(desk: Desk) -> None:
    """Let the pupil have left, and every incident and package be over."""
    desk.notify("reject", desk.ten_days.reference, "--by", "A. Lead", "--why", "The pupil has left")
    for one in (desk.missing, desk.ten_days):
        desk.incidents("close", one.reference, "x", "--outcome", "explained", "--by", "A. Lead")
    with desk.store.transaction() as tx:
        known = pupils.one(tx, SCHOOL, "p-1")
        assert known is not None
        pupils.upsert(tx, SCHOOL, [replace(known, leaving=DAY - timedelta(days=1))])


def _erase(desk: Desk, *more: str) -> Any:
    given = ("--by", "D. Officer", "--why", "The period is over", "--yes", "--although-listed")
    return desk.run(command, "erase", "p-1", *given, *more)


def _left_of(desk: Desk) -> dict[str, int]:
    """Count the rows that name the pupil or one of the pupil's incidents, by table."""
    ids = {desk.missing.id, desk.ten_days.id}
    counts = {}
    with desk.store.reading() as tx:
        for table in metadata.sorted_tables:
            if "pupil" in table.c:
                where = table.c.pupil == "p-1"
            elif "incident" in table.c and table.name != "audit":
                where = table.c.incident.in_(ids)
            else:
                continue
            counts[table.name] = tx.execute(select(func.count()).where(where)).scalar_one()
    return {name: count for name, count in counts.items() if count}


def test_erasing_leaves_nothing_of_the_pupil_and_a_history_that_holds(desk: Desk) -> None:
    """Who erased, when and why stays; what was said of the child is gone from every table."""
    _marks(desk)
    _note(desk)
    _leave(desk)
    assert len(_left_of(desk)) > 5

    said = _erase(desk).output

    assert "The MIS still lists the pupil" in said
    assert _left_of(desk) == {}
    with desk.store.reading() as tx:
        assert audit_proof.verify(tx) == []
        assert pupils.remembered(tx, SCHOOL, "p-1") is None
        last = audit.history(tx, SCHOOL, "")[-1]
        lines = audit.history(tx, SCHOOL, desk.missing.id)
        assert incidents.get(tx, desk.missing.id) is None
    assert (last.actor, last.act) == ("D. Officer", "erased")
    assert "The period is over" in last.body
    assert {line.body for line in lines} == {audit.ERASED}
    assert "A. Lead" in {line.actor for line in lines}


def test_a_pupil_on_roll_is_not_erased(desk: Desk) -> None:
    """The next reading would bring everything back, and nobody would watch until then."""
    with pytest.raises(IncidentError, match="on roll"):
        _erase(desk)

    assert desk.stored(desk.missing).state is State.OPEN


def test_a_pupil_with_an_open_incident_is_not_erased(desk: Desk) -> None:
    """Somebody may still be looking for the child."""
    _leave(desk)
    with desk.store.transaction() as tx:
        opened = replace(desk.stored(desk.missing), state=State.OPEN, revision=99)
        incidents.save(tx, [opened])

    with pytest.raises(IncidentError, match=f"close what is open first: {opened.reference}"):
        _erase(desk)


def test_a_pupil_of_whom_a_package_still_waits_is_not_erased(desk: Desk) -> None:
    """The authority would never hear what it is owed: somebody decides on it first."""
    for one in (desk.missing, desk.ten_days):
        desk.incidents("close", one.reference, "x", "--outcome", "explained", "--by", "A. Lead")
    with desk.store.transaction() as tx:
        known = pupils.one(tx, SCHOOL, "p-1")
        assert known is not None
        pupils.upsert(tx, SCHOOL, [replace(known, leaving=DAY - timedelta(days=1))])

    named = f"{desk.ten_days.reference} .attendance_return, pending"
    with pytest.raises(IncidentError, match=named):
        _erase(desk)


def test_a_leaver_whom_the_mis_still_lists_is_erased_only_when_that_is_asked_for(
    desk: Desk,
) -> None:
    """What was erased would be back with the next reading: nobody shall think that it is gone."""
    _leave(desk)
    given = ("--by", "D. Officer", "--why", "The period is over", "--yes")

    with pytest.raises(IncidentError, match="still lists this pupil as a leaver"):
        desk.run(command, "erase", "p-1", *given)

    assert _left_of(desk)
    said = desk.run(command, "erase", "p-1", *given, "--although-listed").output
    assert "the next reading brings the record back" in said
    assert _left_of(desk) == {}


def test_a_leaver_whom_the_mis_does_not_list_any_more_is_erased_for_good(desk: Desk) -> None:
    """Nothing is said of a record that would come back."""
    _leave(desk)
    with desk.store.transaction() as tx:
        pupils.mark_gone(tx, SCHOOL, ["p-1"], NOW)

    said = desk.run(
        command, "erase", "p-1", "--by", "D. Officer", "--why", "The period is over", "--yes"
    ).output

    assert "the next reading" not in said
    assert "marks of this school year" not in said


def test_marks_of_this_year_that_may_come_back_are_named(desk: Desk) -> None:
    """A MIS gives the marks of a school year to its end, whoever has left."""
    _marks(desk)
    _leave(desk)

    assert "those that the MIS still gives come back at night" in _erase(desk).output


def test_a_reason_that_names_the_pupil_is_refused(desk: Desk) -> None:
    """It stays in the history for good."""
    _leave(desk)

    with pytest.raises(IncidentError, match="without naming the pupil"):
        desk.run(command, "erase", "p-1", "--by", "D.", "--why", "Ada has left", "--yes")


def test_the_backups_that_still_hold_the_pupil_are_named(desk: Desk, tmp_path: Path) -> None:
    """Those that db backup wrote: where they are, and that others are not there any more."""
    _leave(desk)
    for day in ("monday", "tuesday"):
        desk.run(db, "backup", str(tmp_path / f"{day}.db"))
    (tmp_path / "monday.db").unlink()

    said = _erase(desk).output

    assert (
        f"2 backups made before may hold the pupil. Still where db backup wrote them: {tmp_path}"
        in said
    )
    assert f"{tmp_path}/tuesday.db (Thu 12 Nov 2026). The others were deleted, or moved" in said
    assert "monday.db" not in said
    assert "Whoever restores one of them erases again" in said


def test_where_no_backup_is_known_that_is_said(desk: Desk) -> None:
    """It is not said that there is none: nobody knows what was copied by other means."""
    _leave(desk)

    assert "mis-bridge knows of no backup; any that was made before" in _erase(desk).output


def test_messages_that_went_out_are_named_by_channel_with_what_they_say_of_the_pupil(
    desk: Desk,
) -> None:
    """They are in other hands; whoever has to delete them has to know where to look."""
    with desk.store.transaction() as tx:
        for row in leases.claim(tx, NOW, 1, 60.0, "one"):
            leases.finish(tx, row, Outcome(Result.ACCEPTED, "202"), NOW, None)
    _leave(desk)

    said = _erase(desk).output

    # The example says disclosure = "full" of this channel.
    assert f"1 by {row.channel} (the name in full)" in said
    assert "takes back no mail and no card, the bot's own neither" in said


def _lay_out(desk: Desk, folder: Path, about: Incident, *attached: str, also: str = "") -> Path:
    """Lay out a package as an assisted route does."""
    config = desk.config.read_text("utf-8")
    desk.config.write_text(
        f'{config}\n[channels.portal]\nkind = "folder"\npath = "{folder}"\n', "utf-8"
    )
    files = tuple(
        Attachment(f"{about.reference}-{name}", "text/csv", b"Testpupil,Ada") for name in attached
    )
    content = Message(
        id="0123456789abcdef",
        reference=about.reference,
        reason=Reason.PACKAGE_APPROVED,
        severity=Severity.NORMAL,
        card={},
        subject="A package",
        text=f"About {about.reference} {also}",
        html="",
        attachments=files,
    )
    channel = AssistedFolder("portal", disclosure=Disclosure.FULL, path=folder)
    assert asyncio.run(channel.send(content)).result is Result.SENT
    (made,) = folder.iterdir()
    return made


def test_what_an_assisted_route_laid_out_is_deleted(desk: Desk, tmp_path: Path) -> None:
    """It was written by mis-bridge, holds the child, and nobody else would think of it."""
    folder = tmp_path / "portal"
    made = _lay_out(desk, folder, desk.ten_days, "attendance-return-v1.pdf")
    (folder / "MB-0000-0000-0123456789ab").mkdir()
    _leave(desk)

    said = _erase(desk).output

    assert f"Deleted, with the files in it: {made}" in said
    assert [one.name for one in folder.iterdir()] == ["MB-0000-0000-0123456789ab"]


def test_what_a_person_put_beside_it_stays_and_is_named(desk: Desk, tmp_path: Path) -> None:
    """A receipt of the portal is not the program's to delete."""
    made = _lay_out(desk, tmp_path / "portal", desk.ten_days, "attendance-return-v1.pdf")
    (made / "receipt.pdf").write_bytes(b"%PDF")
    _leave(desk)

    said = _erase(desk).output

    assert f"Not deleted: {made} is about others too, or has other files" in said
    assert [one.name for one in made.iterdir()] == ["receipt.pdf"]


def test_a_message_about_several_pupils_stays_whole_and_is_named(
    desk: Desk, tmp_path: Path
) -> None:
    """What others have to be told is not taken away with this pupil."""
    made = _lay_out(desk, tmp_path / "portal", desk.ten_days, also="MB-1111-1111")
    before = (made / "README.txt").read_bytes()
    _leave(desk)

    said = _erase(desk).output

    assert f"Not deleted: {made} is about others too, or has other files" in said
    assert (made / "README.txt").read_bytes() == before


def test_a_folder_that_is_not_there_now_is_named(desk: Desk, tmp_path: Path) -> None:
    """A share that is not mounted may hold the child: erasing goes on, and says so."""
    made = _lay_out(desk, tmp_path / "portal", desk.ten_days, "a.pdf")
    made.parent.rename(tmp_path / "elsewhere")
    _leave(desk)

    said = _erase(desk).output

    assert f"Not deleted: {tmp_path}/portal of portal: no such file or directory" in said
    assert _left_of(desk) == {}


def test_erasing_asks_first_and_needs_a_person_and_a_reason(desk: Desk) -> None:
    """What can not be undone does not happen by a slip."""
    _leave(desk)
    given = ["erase", "p-1", "--by", "D. Officer", "--why", "x", "--config", str(desk.config)]

    asked = CliRunner().invoke(command, given, input="n\n")

    assert asked.exit_code == 1
    with desk.store.reading() as tx:
        assert pupils.remembered(tx, SCHOOL, "p-1") is not None
    with pytest.raises(IncidentError, match="say who erases and why"):
        desk.run(command, "erase", "p-1", "--by", "D.", "--why", " ", "--yes")


def test_no_line_of_the_history_names_the_child_unless_a_person_wrote_it(desk: Desk) -> None:
    """What the program writes itself has no name, whatever was done."""
    _note(desk)
    name = desk.missing.reference
    desk.incidents("ack", name, "--by", "A. Lead")
    desk.incidents("step", name, "search_site", "--by", "A. Lead")
    desk.incidents(
        "step", name, "return_interview", "--by", "A. Lead", "--outcome", "held",
        "--pushed", "Ada says", "--pulled", "Ada says",
    )  # fmt: skip
    _leave(desk)
    _erase(desk)

    with desk.store.reading() as tx:
        links = [
            line
            for one in ("", desk.missing.id, desk.ten_days.id)
            for line in audit.history(tx, SCHOOL, one)
        ]
    assert len(links) > 6
    assert not any(name in line.body for line in links for name in NO_NAMES)
