"""``mis-bridge incidents`` and ``mis-bridge notify`` on a real, encrypted database."""

from __future__ import annotations

import stat
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from mis_bridge.adapters.records import LessonMark, SessionMark
from mis_bridge.channels.outcome import Outcome, Result
from mis_bridge.cli.incidents import _OUTCOMES, _TALKED
from mis_bridge.cli.incidents import command as incidents_command
from mis_bridge.errors import IncidentError, PackageRefused, SettingsError
from mis_bridge.incidents.actions import CLOSING_OUTCOMES
from mis_bridge.incidents.chain import Chain, ChainStep
from mis_bridge.incidents.interviews import InterviewOutcome
from mis_bridge.incidents.reason_words import because
from mis_bridge.incidents.reasons import Reason
from mis_bridge.registers.codes import to_byte
from mis_bridge.service.package_facts import package_data
from mis_bridge.store import (
    audit,
    audit_proof,
    feeds,
    incidents,
    leases,
    notifications,
    pupils,
    suppressed,
)
from mis_bridge.store.marks import apply_lesson_marks, apply_session_marks
from mis_bridge.triggers.model import Severity

from .conftest import NO_NAMES, NOW, SCHOOL, Desk, json_lines

if TYPE_CHECKING:
    from pathlib import Path

    from mis_bridge.incidents.model import StepState


@pytest.mark.parametrize("output", ["table", "json"])
def test_the_list_shows_what_is_open_and_no_name(desk: Desk, output: str) -> None:
    """It may stand on a screen in an office."""
    result = desk.incidents("list", "--format", output)

    assert desk.missing.reference in result.output
    assert "Missing during the day" in result.output
    assert not any(name in result.output for name in NO_NAMES)


def test_no_number_of_others_hides_a_missing_child_in_the_list(desk: Desk) -> None:
    """A message that has no room for all names this list: it has all, and the child first."""
    later = desk.missing.updated_at + timedelta(minutes=5)
    others = [
        replace(
            desk.ten_days, id=f"{n:064x}", reference=f"MB-{n:04}-0000", severity=Severity.HIGH,
            updated_at=later,
        )
        for n in range(150)
    ]  # fmt: skip
    with desk.store.transaction() as tx:
        incidents.save(tx, others)

    whole = desk.incidents("list", "--format", "json")
    some = desk.incidents("list", "--format", "json", "--limit", "10")

    assert len(json_lines(whole)) == len(others) + 2
    assert "There are more" not in whole.stderr
    assert [len(json_lines(some)), json_lines(some)[0]["reference"]] == [10, desk.missing.reference]
    assert "There are more than these 10" in some.stderr


def test_the_list_leaves_out_what_is_closed_unless_asked(desk: Desk) -> None:
    """--all has everything, --school one school's."""
    name = desk.missing.reference
    desk.incidents("close", name, "Library", "--outcome", "found", "--by", "A. Lead")

    assert name not in desk.incidents("list").output
    assert name in desk.incidents("list", "--all", "--school", SCHOOL).output


def test_show_prints_the_name_only_when_asked(desk: Desk) -> None:
    """Initials and form otherwise; steps and history either way."""
    usual = desk.incidents("show", desk.missing.reference).output
    full = desk.incidents("show", desk.missing.reference, "--full").output
    data = json_lines(desk.incidents("show", desk.missing.id, "--format", "json"))[0]

    assert "A.T., 8B" in usual
    assert not any(name in usual for name in NO_NAMES)
    assert "Ada Testpupil, 8B" in full
    assert "Search the site." in usual
    assert [line["act"] for line in data["history"]] == ["raised"]
    assert [(m["reason"], m["channel"]) for m in data["messages"]] == [("opened", "folder")]
    assert "Messages" in usual
    assert data["pupil"] == "A.T., 8B"


def test_explain_says_the_rule_who_was_told_and_who_was_not(desk: Desk) -> None:
    """Why was I told, and why was I not: both have an answer."""
    with desk.store.transaction() as tx:
        from mis_bridge.incidents.reasons import Reason

        suppressed.note(tx, desk.missing, Reason.DAMPED, NOW)

    text = desk.incidents("explain", desk.missing.reference).output
    data = json_lines(desk.incidents("explain", desk.missing.reference, "--format", "json"))[0]

    assert "grace_minutes = 10" in text
    assert data["rule"]["source"]
    assert [(m["reason"], m["channel"]) for m in data["messages"]] == [("opened", "folder")]
    assert [row["reason"] for row in data["not_sent"]] == ["damped"]
    assert not any(name in text for name in NO_NAMES)


def test_why_nobody_was_told_is_said_in_words(desk: Desk) -> None:
    """Not only by the name of a reason: whoever asks has no page of reasons at hand."""
    with desk.store.transaction() as tx:
        suppressed.note(tx, desk.missing, Reason.ACKNOWLEDGED, NOW)

    text = desk.incidents("show", desk.missing.reference).output

    assert "somebody sees to it already" in text
    assert all(because(reason) != reason.replace("_", " ") for reason in Reason)
    assert because("of_another_version") == "of another version"


def test_accepted_is_not_confirmed_until_somebody_answers(desk: Desk) -> None:
    """A flow has taken the card, and nobody has said that they have seen it: it is said so."""
    with desk.store.transaction() as tx:
        (row,) = leases.claim(tx, NOW, 1, 60, "here")
        leases.finish(tx, row, Outcome(Result.ACCEPTED, "accepted, not yet delivered"), NOW, None)

    before = desk.incidents("explain", row.incident).output
    desk.incidents("ack", row.incident, "--by", "A. Lead")
    after = desk.incidents("explain", row.incident).output

    assert "accepted, not confirmed" in before
    assert "not confirmed" not in after
    assert "accepted" in after


def test_explain_says_for_whom_a_trigger_never_fires(desk: Desk) -> None:
    """Who asks why nothing was raised of another pupil finds the answer beside the rule."""
    text = desk.incidents("explain", desk.ten_days.reference).output

    assert "Never   Not for days before or after compulsory school age" in text


def test_explain_gives_the_law_behind_a_package_that_a_person_asked_for(desk: Desk) -> None:
    """No trigger stands behind it; regulation 13 and its fifth day do."""
    asked = replace(
        desk.missing,
        id="ef" * 32,
        reference="MB-0000-00AF",
        family="package_asked_for",
        trigger="package_asked_for",
        key="new_pupil_return",
        facts={"package": "new_pupil_return"},
    )
    with desk.store.transaction() as tx:
        incidents.save(tx, [asked])

    text = desk.incidents("explain", asked.reference).output

    assert "Rule    new_pupil_return: By the end of the fifth day" in text
    assert "Source  School Attendance (Pupil Registration) (England) Regulations 2024" in text


def test_what_stands_in_no_register_is_not_said_to(desk: Desk) -> None:
    """A message that was refused is known, and no register shows it."""
    refused = replace(
        desk.missing,
        id="ed" * 32,
        reference="MB-0000-00AE",
        pupil="",
        family="channel_failing",
        trigger="channel_failing",
        key="dsl-teams",
    )
    with desk.store.transaction() as tx:
        incidents.save(tx, [refused])

    for said in ("show", "explain"):
        assert "What the registers show" in desk.incidents(said, desk.missing.reference).output
        text = desk.incidents(said, refused.reference).output
        assert "What is known" in text
        assert "What the registers show" not in text


def _mark(day: date, code: str, *, pm: bool = False) -> SessionMark:
    return SessionMark("p-1", day, pm, to_byte(code), None)


def test_explain_shows_the_marks_of_the_day_and_since_when_each_is_known(desk: Desk) -> None:
    """Saved at 10:02 says the MIS; of the other mark it is known when it was read."""
    day, saved = date(2026, 11, 12), datetime(2026, 11, 12, 10, 2, tzinfo=UTC)
    lesson = LessonMark("p-1", day, "P2", 595, 655, to_byte("N"), saved, "8X")
    with desk.store.transaction() as tx:
        apply_session_marks(tx, SCHOOL, [_mark(day, "/")], NOW, keep_from=day)
        apply_lesson_marks(tx, SCHOOL, [lesson], NOW, keep_from=day)

    data = json_lines(desk.incidents("explain", desk.missing.reference, "--format", "json"))[0]

    am, p2 = data["marks"]
    assert (am["when"], am["marks"], am["known"]) == ("AM", "/", "10:15")
    assert (p2["when"], p2["marks"], p2["known"]) == ("P2", "N", "10:02")
    assert p2["meaning"]


def test_explain_shows_the_weeks_of_a_run(desk: Desk) -> None:
    """From the week of its first day to that of its last, and no other."""
    first, last = date(2026, 10, 22), date(2026, 11, 11)
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    marks = [_mark(d, "O", pm=pm) for d in days if d.weekday() < 5 for pm in (False, True)]
    marks += [_mark(date(2026, 10, 12), "/"), _mark(date(2026, 11, 17), "/")]
    with desk.store.transaction() as tx:
        apply_session_marks(tx, SCHOOL, marks, NOW, keep_from=date(2026, 12, 1))

    data = json_lines(desk.incidents("explain", desk.ten_days.reference, "--format", "json"))[0]
    text = desk.incidents("explain", desk.ten_days.reference).output

    weeks = {line["when"]: line["marks"] for line in data["marks"]}
    assert list(weeks) == ["19 Oct 2026", "26 Oct 2026", "02 Nov 2026", "09 Nov 2026"]
    assert weeks["19 Oct 2026"].split() == ["....", "....", "....", "O", "O", "O", "O"]
    assert weeks["02 Nov 2026"].split() == ["O"] * 10
    assert "days = 10" in text


def test_who_was_told_and_who_is_next_is_shown(desk: Desk) -> None:
    """Until somebody acknowledges: then nobody is next."""
    chain = Chain("missing", (ChainStep(("dsl",)), ChainStep(("it", "office"), 10)))
    due = datetime(2026, 11, 12, 10, 25, tzinfo=UTC)
    with desk.store.transaction() as tx:
        incidents.save(tx, [replace(desk.missing, chain=chain, escalate_at=due)])

    text = desk.incidents("show", desk.missing.reference).output
    data = json_lines(desk.incidents("show", desk.missing.reference, "--format", "json"))[0]
    desk.incidents("ack", desk.missing.reference, "--by", "A. Lead")
    acknowledged = desk.incidents("show", desk.missing.reference).output

    assert "Told    DSL (rule missing)" in text
    assert "Next    IT and school office, at 10:25" in text
    assert data["escalation"]["steps"][1] == {"tell": ["it", "office"], "after": 10}
    assert "Next " not in acknowledged


def test_acknowledging_names_the_owner_until_when(desk: Desk) -> None:
    """10:15 and an hour: until 11:15."""
    result = desk.incidents("ack", desk.missing.reference, "--by", "A. Lead", "--minutes", "60")

    assert result.output.strip() == f"{desk.missing.reference}: A. Lead sees to it until 11:15."
    assert desk.stored(desk.missing).owner == "A. Lead"
    assert "Owner   A. Lead, until 11:15\n" in desk.incidents("show", desk.missing.reference).output


def test_several_are_taken_on_at_once_each_for_itself(desk: Desk) -> None:
    """A message brought them together; one that is not there keeps nobody from the others."""
    both = (desk.missing.reference, desk.ten_days.reference)
    result = desk.incidents("ack", both[0], "MB-0000-0000", both[1], "--by", "A. Lead")

    assert result.exit_code == 1
    assert [line.partition(":")[0] for line in result.stdout.splitlines()] == list(both)
    assert "no incident MB-0000-0000" in result.stderr
    assert {desk.stored(one).owner for one in (desk.missing, desk.ten_days)} == {"A. Lead"}


def test_steps_whose_time_has_passed_are_marked_until_they_are_done(desk: Desk) -> None:
    """What was due an hour ago stands out; what was done, and what has no time, does not."""
    desk.incidents("step", desk.missing.reference, "search_site", "--by", "C. Caretaker")
    stored = desk.stored(desk.missing)
    later = replace(stored, steps=tuple(map(_an_hour_ago, stored.steps)))
    with desk.store.transaction() as tx:
        incidents.save(tx, [later])

    data = json_lines(desk.incidents("show", desk.missing.reference, "--format", "json"))[0]
    text = desk.incidents("show", desk.missing.reference).output

    late = {step["id"] for step in data["steps"] if step["late"]}
    assert {"check_register", "contact_parent"} <= late
    assert not {"search_site", "ask_around", "return_interview"} & late
    assert text.count(", late") == len(late)


def _an_hour_ago(step: StepState) -> StepState:
    return replace(step, due_at=step.due_at and step.due_at - timedelta(hours=1))


def test_a_note_and_a_step_stay_in_the_history(desk: Desk) -> None:
    """Who did what, when; the chain of the history still holds."""
    name = desk.missing.reference
    desk.incidents("note", name, "Called the office", "--by", "A. Lead")
    desk.incidents("note", name, "Nobody there", "--by", "C. Caretaker", "--step", "search_site")

    with desk.store.reading() as tx:
        lines = audit.history(tx, SCHOOL, desk.missing.id)
        assert audit_proof.verify(tx) == []
    assert [(line.actor, line.act.value) for line in lines[1:]] == [
        ("A. Lead", "noted"),
        ("C. Caretaker", "step_done"),
    ]


def test_closing_tells_whoever_may_still_be_looking(desk: Desk) -> None:
    """The person's own words, which may hold a name, are in no message."""
    desk.incidents(
        "close",
        desk.missing.reference,
        "Ada was in the library",
        "--outcome",
        "found",
        "--by",
        "A. Lead",
    )

    closed = desk.stored(desk.missing)
    assert (closed.state, closed.outcome, closed.ending) == (
        "closed",
        "found",
        "Found, says A. Lead.",
    )
    assert [row.reason for row in desk.rows(desk.missing)] == ["opened", "found"]


@pytest.mark.parametrize(
    ("day", "outcome", "told"),
    [
        (date(2026, 11, 12), "explained", ["explained"]),
        (date(2026, 11, 11), "explained", []),
        (date(2026, 11, 11), "found", ["found"]),
    ],
)
def test_that_yesterdays_absence_is_explained_by_now_rings_nobody(
    desk: Desk, day: date, outcome: str, told: list[str]
) -> None:
    """As where the register says it: from the next day on only that the child was seen is told."""
    absence = replace(desk.missing, family="unexplained_absence", trigger="unexplained_absence")
    with desk.store.transaction() as tx:
        incidents.save(tx, [replace(absence, day=day, slot="AM", revision=absence.revision + 1)])

    name = desk.missing.reference
    desk.incidents("close", name, "The mother rang", "--outcome", outcome, "--by", "O. Office")

    assert [row.reason for row in desk.rows(desk.missing)] == ["opened", *told]
    with desk.store.reading() as tx:
        quiet = [one.reason for one in suppressed.of_incident(tx, SCHOOL, desk.missing.id)]
    assert ("ended_quietly" in quiet) is not bool(told)


def test_mistakes_are_errors_that_say_what_to_do(desk: Desk) -> None:
    """An unknown reference, a closed incident: one sentence each."""
    with pytest.raises(IncidentError, match="no incident MB-0000-0000"):
        desk.incidents("show", "MB-0000-0000")
    desk.incidents(
        "close", desk.missing.reference, "x", "--outcome", "false_alarm", "--by", "A. Lead"
    )
    result = desk.incidents("ack", desk.missing.reference, "--by", "A. Lead")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "is closed already" in result.stderr


def test_the_outcomes_of_the_command_are_those_a_person_may_give() -> None:
    """They stand twice so that --help stays fast; here they are held equal."""
    assert list(_OUTCOMES) == [outcome.value for outcome in CLOSING_OUTCOMES]
    assert list(_TALKED) == [outcome.value for outcome in InterviewOutcome]


def test_a_return_interview_is_written_down_after_the_incident_was_closed(desk: Desk) -> None:
    """What pushed and what pulled the child is shown by show, and is in no line of the history."""
    name = desk.missing.reference
    desk.incidents("close", name, "In the park", "--outcome", "found", "--by", "A. Lead")
    said = ("--pushed", "A row in maths", "--pulled", "Friends in the park")
    step = ("step", name, "return_interview", "--by", "A. Lead")
    offered = desk.incidents(*step, "By the council", "--outcome", "offered").output
    desk.incidents(*step, "--outcome", "held", *said)

    shown = desk.incidents("show", name).output
    data = json_lines(desk.incidents("show", name, "--format", "json"))[0]

    (talk,) = [one for one in data["steps"] if one["interview"]]
    assert offered == f"{name}: return_interview done, offered.\n"
    assert talk["interview"] == {
        "outcome": "held",
        "pushed": "A row in maths",
        "pulled": "Friends in the park",
    }
    assert talk["note"] == "By the council"
    assert "A row in maths" in shown
    assert "maths" not in str(data["history"])
    assert [line["act"] for line in data["history"]][-2:] == ["step_done", "step_done"]
    assert {row.reason for row in desk.rows(desk.missing)} == {"opened", "found"}


def test_what_the_child_said_is_in_the_report_of_the_missing_incident(desk: Desk) -> None:
    """A person reads it before the report goes anywhere."""
    desk.incidents(
        "step", desk.missing.reference, "return_interview", "--by", "A. Lead", "--outcome", "held",
        "--pushed", "A row in maths", "--pulled", "Friends in the park",
    )  # fmt: skip
    with desk.store.reading() as tx:
        school = desk.school
        data = package_data(tx, desk.stored(desk.missing), "missing_incident", school, NOW)

    fields = {field.key: field.value for section in data.sections for field in section.fields}
    assert fields["incident.interview"] == "held, Thu 12 Nov 2026 10:15, A. Lead"
    assert fields["incident.pushed"] == "A row in maths"
    assert fields["incident.pulled"] == "Friends in the park"


@pytest.mark.parametrize("output", ["table", "json"])
def test_pending_counts_what_is_missing_and_names_nobody(desk: Desk, output: str) -> None:
    """The package of the ten-day absence waits for a person."""
    result = desk.notify("pending", "--format", output)

    assert desk.ten_days.reference in result.output
    assert not any(name in result.output for name in NO_NAMES)


def test_an_incomplete_package_is_only_approved_on_purpose(desk: Desk) -> None:
    """The registers never know the address; the person says that it may go without."""
    name = desk.ten_days.reference
    with pytest.raises(PackageRefused, match=r"fields are missing \(.*pupil\.address"):
        desk.notify("approve", name, "--by", "A. Lead")

    desk.notify("approve", name, "--by", "A. Lead", "--incomplete")

    (row,) = [row for row in desk.rows(desk.ten_days) if row.reason == "package_approved"]
    assert (row.channel, row.audience) == ("folder", "authority")
    with desk.store.reading() as tx:
        package = notifications.get(tx, SCHOOL, row.notification)
    assert package is not None
    assert (package.state, package.decided_by) == ("approved", "A. Lead")
    assert "No package waits" in desk.notify("pending").output


def test_a_package_is_decided_once(desk: Desk) -> None:
    """Two people at two screens: the second is told what the first decided."""
    name = desk.ten_days.reference
    desk.notify("reject", name, "--by", "A. Lead", "--why", "Back in school")

    with pytest.raises(PackageRefused, match="is rejected already"):
        desk.notify("approve", name, "--by", "B. Deputy", "--incomplete")
    assert not [row for row in desk.rows(desk.ten_days) if row.reason == "package_approved"]


def test_a_rejection_is_told_to_those_who_were_asked(desk: Desk) -> None:
    """Nobody goes on looking for what is missing in a package that somebody else has rejected."""
    name = desk.ten_days.reference
    desk.notify("reject", name, "--by", "A. Lead", "--why", "Ada is back in school")

    (row,) = [row for row in desk.rows(desk.ten_days) if row.reason == "package_rejected"]
    assert (row.audience, row.channel) == ("attendance", "folder")


def test_a_rejected_package_can_be_made_anew_as_a_second_version(
    desk: Desk, tmp_path: Path
) -> None:
    """The reason was mended in the MIS: the return is prepared again, asked for, and approved."""
    name = desk.ten_days.reference
    desk.notify("reject", name, "--by", "A. Lead", "--why", "The wrong surname")

    desk.notify("package", name, "--to", str(tmp_path / "a"))
    assert {file.stem[-2:] for file in (tmp_path / "a").iterdir()} == {"v1"}
    desk.notify("package", name, "--again", "--to", str(tmp_path / "b"))
    assert {file.stem[-2:] for file in (tmp_path / "b").iterdir()} == {"v2"}
    desk.notify("approve", name, "--by", "A. Lead", "--incomplete")

    asked = [row for row in desk.rows(desk.ten_days) if row.reason == "package_ready"]
    (sent,) = [row for row in desk.rows(desk.ten_days) if row.reason == "package_approved"]
    assert len({row.notification for row in asked}) == 2
    assert sent.notification in {row.notification for row in asked}


def test_a_package_that_is_not_rejected_or_expired_is_not_made_anew(
    desk: Desk, tmp_path: Path
) -> None:
    """What waits, or was approved, stays the one that people talk about."""
    name = desk.ten_days.reference
    with pytest.raises(PackageRefused, match="is pending"):
        desk.notify("package", name, "--again", "--to", str(tmp_path / "x"))


def test_the_files_of_a_package_are_for_the_owners_eyes(desk: Desk, tmp_path: Path) -> None:
    """PDF, CSV and JSON, readable by nobody else."""
    folder = tmp_path / "to-check"
    result = desk.notify("package", desk.ten_days.reference, "--to", str(folder))

    files = sorted(folder.iterdir())
    assert [file.suffix for file in files] == [".csv", ".json", ".pdf"]
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in files)
    assert all(str(file) in result.output for file in files)


def test_a_child_on_roll_gets_no_cme_package(desk: Desk, tmp_path: Path) -> None:
    """CME means on no roll: the command refuses and names the right form."""
    with pytest.raises(PackageRefused, match="send an attendance return"):
        desk.notify(
            "package", desk.ten_days.reference, "--kind", "cme", "--to", str(tmp_path / "x")
        )


def _leave(desk: Desk, leaving: date | None) -> None:
    with desk.store.transaction() as tx:
        record = pupils.load(tx, SCHOOL)[desk.ten_days.pupil]
        pupils.upsert(tx, SCHOOL, [replace(record, leaving=leaving)])


def test_two_packages_of_one_incident_both_go_out(desk: Desk, tmp_path: Path) -> None:
    """The return on the tenth day, and the notification once the child is on no roll."""
    name = desk.ten_days.reference
    desk.notify("approve", name, "--by", "A. Lead", "--incomplete")
    _leave(desk, date(2026, 11, 10))
    desk.notify("package", name, "--kind", "cme", "--to", str(tmp_path / "x"))
    desk.notify("approve", name, "--kind", "cme", "--by", "A. Lead", "--incomplete")

    rows = [row for row in desk.rows(desk.ten_days) if row.reason == "package_approved"]
    asked = [row for row in desk.rows(desk.ten_days) if row.reason == "package_ready"]
    assert len({row.notification for row in rows}) == 2
    assert len({row.notification for row in asked}) == 2


def test_a_child_who_is_back_on_roll_by_the_time_of_approval_is_not_sent_as_cme(
    desk: Desk, tmp_path: Path
) -> None:
    """Prepared while the child was on no roll; the approval looks at the roll again."""
    name = desk.ten_days.reference
    _leave(desk, date(2026, 11, 10))
    desk.notify("package", name, "--kind", "cme", "--to", str(tmp_path / "x"))
    _leave(desk, None)

    with pytest.raises(PackageRefused, match="on roll"):
        desk.notify("approve", name, "--kind", "cme", "--by", "A. Lead", "--incomplete")
    assert not [row for row in desk.rows(desk.ten_days) if row.reason == "package_approved"]


def test_a_package_can_be_asked_for_where_none_was_prepared(desk: Desk, tmp_path: Path) -> None:
    """A person decides earlier than the tenth day, or after a first load."""
    desk.notify("package", desk.missing.reference, "--to", str(tmp_path / "x"))

    assert desk.missing.reference in desk.notify("pending").output


def test_nothing_open_is_not_nothing_wrong(desk: Desk) -> None:
    """A school that was never read, or not lately, is named beside whatever list there is."""
    never = desk.incidents("list", "--format", "json")
    assert never.stderr == f"{SCHOOL}: its registers have never been read, nothing is known of it\n"
    assert len(never.stdout.splitlines()) == 2

    for minutes, told in ((5, ""), (90, "were last read at 08:45, nothing newer is known")):
        read = NOW - timedelta(minutes=minutes)
        with desk.store.transaction() as tx:
            held = feeds.hold(tx, SCHOOL, NOW, 60.0, "test")
            assert held is not None
            feeds.finish_good(tx, held, read, read)
        assert told in desk.incidents("list").stderr
        assert told in desk.notify("pending").stderr


@pytest.mark.parametrize("arguments", [("list",), ("pending",)])
def test_a_misspelt_school_is_no_school_without_incidents(
    desk: Desk, arguments: tuple[str, ...]
) -> None:
    """An empty list of a school that is not there would look like a quiet school."""
    run = desk.incidents if arguments == ("list",) else desk.notify

    with pytest.raises(SettingsError, match='did you mean "example-school"'):
        run(*arguments, "--school", "exampel-school")


def test_a_school_that_was_taken_out_keeps_its_incidents(desk: Desk) -> None:
    """They are listed although nothing of it is configured any more."""
    (desk.config.parent / "conf.d" / "example-school.toml").unlink()

    assert len(json_lines(desk.incidents("list", "--school", SCHOOL, "--format", "json"))) == 2


def test_what_a_person_does_is_one_json_line_where_it_is_asked_for(
    desk: Desk, tmp_path: Path
) -> None:
    """Programs act on incidents, too: each says what it stands at now, and nothing else."""
    missing, ten = desk.missing.reference, desk.ten_days.reference
    by = ("--by", "A. Lead", "--format", "json")

    (acked,) = json_lines(desk.incidents("ack", missing, *by))
    (noted,) = json_lines(desk.incidents("note", missing, "Searched", "--step", "search_site", *by))
    (closed,) = json_lines(desk.incidents("close", missing, "Library", "--outcome", "found", *by))
    files = json_lines(desk.notify("package", ten, "--to", str(tmp_path / "x"), "--format", "json"))
    (approved,) = json_lines(desk.notify("approve", ten, "--incomplete", *by))

    assert (acked["state"], acked["owner"]) == ("acknowledged", "A. Lead")
    assert acked["ack_expires_at"]
    assert noted["step"] == "search_site"
    assert (closed["state"], closed["outcome"]) == ("closed", "found")
    assert sorted(row["file"][-4:] for row in files) == [".csv", ".pdf", "json"]
    assert (approved["state"], approved["by"]) == ("approved", "A. Lead")


def test_what_is_closed_says_how_and_by_whom(desk: Desk) -> None:
    """Whoever comes second reads what happened, not the name of an event."""
    name = desk.missing.reference
    desk.incidents("close", name, "Library", "--outcome", "found", "--by", "A. Lead")

    with pytest.raises(IncidentError, match=r"is closed already \(found, by A. Lead\)"):
        desk.incidents("close", name, "Gate", "--outcome", "found", "--by", "B. Lead")
    taken_on = desk.incidents("ack", name, "--by", "B. Lead")
    assert "is closed already (found, by A. Lead)" in taken_on.stderr


def test_a_package_that_was_brought_by_hand_shows_its_reference(desk: Desk) -> None:
    """In the list of all packages; the list of those that are on their way no longer has it."""
    name = desk.ten_days.reference
    desk.notify("approve", name, "--by", "A. Lead", "--incomplete")
    (row,) = json_lines(desk.notify("list", "--format", "json"))
    assert (row["reference"], row["state"], row["by"]) == (name, "approved", "A. Lead")

    told = desk.notify("done", name, "--reference", "CME-2026-0417", "--by", "C. Clerk")

    assert told.output.strip() == (
        f"{name}: brought to the authority by C. Clerk, reference CME-2026-0417."
    )
    assert desk.notify("list").output.strip() == "Every package has reached the authority."
    (row,) = json_lines(desk.notify("list", "--all", "--format", "json"))
    assert (row["state"], row["proof"]) == ("done", "reference CME-2026-0417, brought by C. Clerk")


def test_a_package_that_nobody_approved_is_not_brought_anywhere(desk: Desk) -> None:
    """The approval by a named person comes first, also where the person brings it."""
    with pytest.raises(PackageRefused, match="nobody has approved this package yet"):
        desk.notify("done", desk.ten_days.reference, "--reference", "X1", "--by", "C. Clerk")


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        (("note",), "Ada is at the gate"),
        (("close", "--outcome", "found"), "Ada is at the gate"),
    ],
)
def test_words_about_a_child_need_not_stand_in_the_command_line(
    desk: Desk, command: tuple[str, ...], shown: str
) -> None:
    """Others on the machine see it, and sudo logs it: the text is read from elsewhere."""
    name, *options = command
    given = [name, desk.missing.reference, "-", *options, "--by", "A. Lead"]
    result = CliRunner().invoke(
        incidents_command, [*given, "--config", str(desk.config)], input=f"{shown}\n"
    )

    assert result.exit_code == 0, result.output
    with desk.store.reading() as tx:
        (line,) = [one for one in audit.history(tx, SCHOOL, desk.missing.id) if one.actor[0] == "A"]
    assert line.body == shown


def test_two_texts_can_not_come_from_one_pipe(desk: Desk) -> None:
    """Nobody could say where one ends."""
    given = ["step", desk.missing.reference, "return_interview", "-", "--pushed", "-"]
    given += ["--outcome", "held", "--by", "A. Lead", "--config", str(desk.config)]
    result = CliRunner().invoke(incidents_command, given, input="x\n")

    assert result.exit_code == 2
    assert "not two" in result.output
