"""``mis-bridge audit`` on a real, encrypted database: proofs, kept heads, an incident's record."""

from __future__ import annotations

import json
import stat
import subprocess
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete, update

from mis_bridge.channels.outcome import Outcome, Result
from mis_bridge.cli.audit import command
from mis_bridge.errors import IncidentError, OperatorError, SettingsError
from mis_bridge.incidents.pupil_notes import new_note
from mis_bridge.incidents.reasons import Reason
from mis_bridge.service import deliver, installation_lines
from mis_bridge.store import audit, leases, pupil_notes, suppressed
from mis_bridge.store.schema import audit as audit_table
from mis_bridge.store.schema import audit_head

from .conftest import DEADLINES, NOW, SCHOOL, Desk, json_lines

if TYPE_CHECKING:
    from pathlib import Path


def test_a_history_that_holds_is_said_school_by_school(desk: Desk) -> None:
    """How many lines hold, in a sentence and as one object a line."""
    assert "lines hold" in desk.run(command, "verify").output

    (row,) = json_lines(desk.run(command, "verify", "--format", "json"))
    assert (row["school"], row["good"]) == (SCHOOL, True)
    assert row["line"] > 0


def test_a_line_edited_by_hand_is_named_with_school_line_and_what_is_wrong(desk: Desk) -> None:
    """Exit code 1: a script that runs every night notices."""
    with desk.store.transaction() as tx:
        tx.execute(update(audit_table).where(audit_table.c.number == 2).values(actor="Nobody"))

    result = desk.run(command, "verify")

    assert result.exit_code == 1
    assert f"{SCHOOL} line 2: it was changed after it was written" in result.output


def test_a_break_that_was_accepted_is_printed_with_who_and_why_and_is_no_reason_to_exit_with_1(
    desk: Desk,
) -> None:
    """Another edit of the same line is a new break, beside the one that was accepted."""
    with desk.store.transaction() as tx:
        tx.execute(update(audit_table).where(audit_table.c.number == 2).values(actor="Nobody"))
    (found,) = json_lines(desk.run(command, "verify", "--format", "json"))
    assert found["break"] in desk.run(command, "verify").output

    why = "The name was put right for A. Lead"
    (done,) = json_lines(
        desk.run(
            command, "accept", SCHOOL, "--break", found["break"], "--by", "A. Admin",
            "--why", why, "--format", "json",
        )
    )  # fmt: skip
    assert (done["line"], done["kind"], len(done["seal"])) == (2, "changed", 64)

    result = desk.run(command, "verify")
    assert result.exit_code == 0
    said = f"accepted: {SCHOOL} line 2: it was changed after it was written. A. Admin has accepted"
    assert said in result.output
    assert why in result.output
    assert "lines hold, but for what was accepted" in result.output
    (accepted, chain) = json_lines(desk.run(command, "verify", "--format", "json"))
    assert (accepted["accepted_by"], accepted["why"], accepted["good"]) == ("A. Admin", why, True)
    assert (accepted["line"], accepted["accepted_in"]) == (2, chain["line"])
    (line,) = [
        row
        for row in json_lines(desk.run(command, "list", "--format", "json"))
        if row["act"] == "break_accepted"
    ]
    assert (line["who"], why in line["what"]) == ("A. Admin", True)

    with desk.store.transaction() as tx:
        tx.execute(update(audit_table).where(audit_table.c.number == 2).values(actor="Somebody"))
    result = desk.run(command, "verify", "--format", "json")
    assert result.exit_code == 1
    (new, still) = json_lines(result)
    assert (new["line"], new["good"], new["detail"]) == (2, False, found["detail"])
    assert new["break"] != found["break"]
    assert said in still["detail"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--why", "x"), "Missing option '--by'"),
        (("--by", "A. Admin"), "Missing option '--why'"),
        (("--by", "A. Admin", "--why", "x", "--all", "--break", "2-0a"), "either --break or --all"),
    ],
)
def test_a_break_is_not_accepted_without_who_and_why(
    desk: Desk, arguments: tuple[str, ...], said: str
) -> None:
    """It says what is missing."""
    result = desk.run(command, "accept", SCHOOL, *arguments)
    assert result.exit_code == 2
    assert said in result.output


def test_a_break_of_a_school_that_there_is_not_is_not_accepted(desk: Desk) -> None:
    """It is named; of one whose history holds it is said that it does."""
    given = ("--by", "A. Admin", "--why", "x")
    with pytest.raises(SettingsError, match="nowhere"):
        desk.run(command, "accept", "nowhere", *given)
    with pytest.raises(OperatorError, match="its history holds"):
        desk.run(command, "accept", SCHOOL, *given)


def test_a_history_that_was_taken_away_as_a_whole_is_named(desk: Desk) -> None:
    """No line and no head is left: the school's incidents show that there was one."""
    with desk.store.transaction() as tx:
        tx.execute(delete(audit_table))
        tx.execute(delete(audit_head))

    result = desk.run(command, "verify")

    assert result.exit_code == 1
    assert f"{SCHOOL} line 1: all of it was taken away" in result.output


def test_heads_that_were_kept_show_a_chain_that_was_written_anew(
    desk: Desk, tmp_path: Path
) -> None:
    """They hold no data of anybody; beside them nobody can rewrite the past."""
    kept = tmp_path / "heads.jsonl"
    kept.write_text(desk.run(command, "heads", "--format", "json").output, encoding="utf-8")
    desk.incidents("note", desk.missing.reference, "Searched", "--by", "A. Lead")
    good = desk.run(command, "verify", "--against", str(kept))
    assert (good.exit_code, "as they were kept" in good.output) == (0, True)

    head = json.loads(kept.read_text("utf-8"))
    kept.write_text(json.dumps({**head, "hash": "0" * 64}), encoding="utf-8")
    bad = desk.run(command, "verify", "--against", str(kept))

    assert bad.exit_code == 1
    assert f"{SCHOOL} line {head['lines']}: it is not the line" in bad.output


@pytest.mark.parametrize(
    "content",
    [b"", b"not json", b'{"school": "x"}', b'{"lines": 1, "hash": "a"}', b"\xff\xfe no text"],
)
def test_a_file_that_holds_no_heads_is_refused_with_how_to_write_one(
    desk: Desk, tmp_path: Path, content: bytes
) -> None:
    """A mistake here must not look like a history that holds."""
    kept = tmp_path / "heads.jsonl"
    kept.write_bytes(content)

    with pytest.raises(OperatorError, match="audit heads --format json"):
        desk.run(command, "verify", "--against", str(kept))


def _lived(desk: Desk) -> None:
    """Let the missing child's incident have all that an incident can have."""
    name = desk.missing.reference
    with desk.store.transaction() as tx:
        leased = leases.claim(tx, NOW, 10, 60, "test")
        (row,) = [one for one in leased if one.incident == desk.missing.id]
        later = NOW + timedelta(seconds=2)
        deliver.record(tx, row, Outcome(Result.ACCEPTED, "taken"), later, DEADLINES, {})
        suppressed.note(tx, desk.missing, Reason.DAMPED, NOW)
        note = new_note("n1", "p-1", "T. Tutor", NOW, "new_belongings", "A new telephone")
        pupil_notes.add(tx, SCHOOL, note)
    desk.incidents("ack", name, "--by", "A. Lead")
    desk.incidents("step", name, "search_site", "Nobody there", "--by", "C. Caretaker")
    desk.incidents("close", name, "In the park", "--outcome", "found", "--by", "A. Lead")
    desk.incidents(
        "step", name, "return_interview", "--by", "A. Lead", "--outcome", "held",
        "--pushed", "A row in maths", "--pulled", "Friends in the park",
    )  # fmt: skip


def _export(desk: Desk, folder: Path) -> tuple[dict[str, Any], Path]:
    name = desk.missing.reference
    said = desk.run(command, "export", name, "--to", str(folder), "--by", "A. Lead").output
    assert "It names the child" in said
    data = json.loads((folder / f"{name}-record.json").read_text("utf-8"))
    return data, folder / f"{name}-record.pdf"


def test_the_record_holds_what_was_noticed_said_and_done_and_the_hashes(
    desk: Desk, tmp_path: Path
) -> None:
    """All that a DSL is asked for later: why, who knew when, who did what, what the child said."""
    _lived(desk)

    data, _ = _export(desk, tmp_path / "out")

    record = data["record"]
    assert data["schema_version"] == 1
    assert record["child"]["surname"] == "Testpupil"
    assert record["sentence"] == desk.missing.sentence
    assert record["rule"]["source"]
    assert record["rule"]["parameters"]["grace_minutes"] == 10
    (opened, found) = record["messages"]
    assert (opened["reason"], opened["state"]) == ("opened", "accepted")
    assert [one["result"] for one in opened["tries"]] == ["accepted"]
    assert (found["reason"], found["tries"]) == ("found", [])
    assert [one["reason"] for one in record["unsent"]] == ["damped", "acknowledged"]
    acts = [(line["act"], line["actor"]) for line in record["history"]]
    assert acts == [
        ("raised", "mis-bridge"),
        ("accepted", "mis-bridge"),
        ("acknowledged", "A. Lead"),
        ("step_done", "C. Caretaker"),
        ("closed_by_person", "A. Lead"),
        ("step_done", "A. Lead"),
        ("exported", "A. Lead"),
    ]
    (talk,) = [step["talk"] for step in record["steps"] if step["talk"]]
    assert talk == {
        "outcome": "held",
        "pushed": "A row in maths",
        "pulled": "Friends in the park",
    }
    assert [(n["kind"], n["text"]) for n in record["notes"]] == [
        ("new belongings", "A new telephone")
    ]
    with desk.store.reading() as tx:
        links = audit.links(tx, SCHOOL, desk.missing.id)
        assert (record["chain_lines"], record["chain_hash"]) == audit.heads(tx)[SCHOOL]
    assert [line["hash"] for line in record["history"]] == [link.hash for link in links]
    assert record["chain_holds"] is True


def test_the_record_as_a_document_can_be_read_and_is_kept_from_others(
    desk: Desk, tmp_path: Path
) -> None:
    """Its text is there for a screen reader; only its owner may open the files."""
    _lived(desk)

    _, pdf = _export(desk, tmp_path / "out")

    text = subprocess.run(
        ["pdftotext", "-layout", pdf, "-"], capture_output=True, text=True, check=True
    ).stdout
    for said in ("Record of an incident", "Testpupil", "Search the site", "A row in maths"):
        assert said in text
    assert stat.S_IMODE(pdf.stat().st_mode) == 0o600
    assert "Testpupil" not in pdf.name


def test_a_record_taken_from_a_history_that_was_changed_says_so(desk: Desk, tmp_path: Path) -> None:
    """Whoever reads it later must not take it for proof; what was accepted stands in it too."""
    with desk.store.transaction() as tx:
        tx.execute(update(audit_table).where(audit_table.c.number == 1).values(body="other"))

    data, _ = _export(desk, tmp_path)

    assert data["record"]["chain_holds"] is False

    desk.run(command, "accept", SCHOOL, "--by", "A. Admin", "--why", "Put back by hand")
    data, pdf = _export(desk, tmp_path)

    assert data["record"]["chain_holds"] is True
    (accepted,) = data["record"]["chain_accepted"]
    assert (accepted["number"], accepted["who"], accepted["why"]) == (
        1,
        "A. Admin",
        "Put back by hand",
    )
    text = " ".join(
        subprocess.run(
            ["pdftotext", "-layout", pdf, "-"], capture_output=True, text=True, check=True
        ).stdout.split()
    )
    assert "yes, but for what a person has accepted" in text
    assert "Put back by hand" in text


def test_an_incident_that_is_not_there_gives_no_record(desk: Desk, tmp_path: Path) -> None:
    """Nothing is written, and nothing is added to the history."""
    with pytest.raises(IncidentError, match="no incident MB-0000-0000"):
        desk.run(command, "export", "MB-0000-0000", "--to", str(tmp_path / "out"))

    assert not (tmp_path / "out").exists()


def test_the_history_of_a_day_is_listed_in_order_with_who_and_why(desk: Desk) -> None:
    """What was sent and what a person did, from all histories, as one object a line."""
    _lived(desk)
    with desk.store.transaction() as tx:
        installation_lines.began(tx, "1.2.3", 1, NOW - timedelta(minutes=1))

    rows = json_lines(desk.run(command, "list", "--format", "json"))

    assert rows == sorted(rows, key=lambda row: row["at"])
    assert [row["school"] for row in rows if row["act"] == "started"] == ["@installation"]
    assert {("accepted", desk.missing.reference), ("step_done", desk.missing.reference)} <= {
        (row["act"], row["incident"]) for row in rows
    }
    assert {row["who"] for row in rows} >= {"mis-bridge", "A. Lead", "C. Caretaker"}
    (own,) = json_lines(desk.run(command, "list", "--installation", "--format", "json"))
    assert own["act"] == "started"
    school = json_lines(desk.run(command, "list", "--school", SCHOOL, "--format", "json"))
    assert [row for row in rows if row["school"] == SCHOOL] == school


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--from", "yesterday"), "write a day as"),
        (("--to", "9999-12-31"), "no day comes after it"),
        (("--from", "2026-11-20", "--to", "2026-11-19"), "is before --from"),
        (("--school", SCHOOL, "--installation"), "two histories"),
    ],
)
def test_days_that_can_not_be_listed_are_refused_with_what_to_write(
    desk: Desk, arguments: tuple[str, ...], said: str
) -> None:
    """A mistake is no empty history."""
    result = desk.run(command, "list", *arguments)
    assert result.exit_code == 2
    assert said in result.output


def test_a_day_of_which_nothing_is_written_is_said_to_be_so(desk: Desk) -> None:
    """An empty answer is a sentence; a school that there is not is named."""
    said = desk.run(command, "list", "--to", "2020-01-06").output
    assert "Nothing is written in the history on 2020-01-06." in said
    with pytest.raises(SettingsError, match="nowhere"):
        desk.run(command, "list", "--school", "nowhere")
