"""``mis-bridge backtest`` on files as a school exports them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from mis_bridge.cli.backtest import COLUMNS, command
from mis_bridge.errors import OperatorError

if TYPE_CHECKING:
    from pathlib import Path

HEADERS = {
    "sessions": "pupil_id,date,session,code,recorded_at\n",
    "lessons": "pupil_id,date,period,starts_at,ends_at,code,recorded_at\n",
    "pupils": "pupil_id,upn,surname,forename,dob,year_group,form,sex,admission_date,"
    "leaving_date,destination,flags,care_began\n",
    "events": "pupil_id,at,kind,reason\n",
}


class Export:
    """A folder of exported files, and the command run on them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *arguments: str, **files: str) -> Result:
        """Write the files, rows only, and run the command on them."""
        given: list[str] = []
        for kind, rows in files.items():
            path = self.folder / f"{kind}.csv"
            path.write_text(HEADERS[kind] + rows, encoding="utf-8")
            given += [f"--{kind}", str(path)]
        return CliRunner().invoke(command, [*given, *arguments])

    def found(self, *arguments: str, **files: str) -> list[dict[str, Any]]:
        """Run it for JSON."""
        result = self.run("--format", "json", *arguments, **files)
        assert result.exit_code == 0, result.stderr
        return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture
def export(tmp_path: Path) -> Export:
    """A folder and the command."""
    return Export(tmp_path)


LATE = "P1,2026-09-15,AM,N,09:10\nP1,2026-09-15,AM,U,10:15\n"
SEEN = "P1,2026-09-15,AM,/,08:50\n"
WALK_OUT = (
    "P1,2026-09-15,P1,08:55,09:55,/,09:00\n"
    "P1,2026-09-15,P2,09:55,10:55,N,10:02\n"
    "P1,2026-09-15,P3,11:15,12:15,N,11:20\n"
)


def test_each_finding_is_one_json_line(export: Export) -> None:
    """Standard output holds one object a finding with the documented keys, times with offsets."""
    (row,) = export.found(sessions=LATE)

    assert tuple(row) == COLUMNS
    assert row == {
        "trigger": "unexplained_absence",
        "pupil_id": "P1",
        "fired_at": "2026-09-15T09:15:00+01:00",
        "cleared_at": "2026-09-15T10:15:00+01:00",
        "level": 1,
        "slot": "AM",
        "evidence": ["09:10 AM: register taken, marked absent (N)"],
    }


def test_a_finding_that_never_cleared_is_null(export: Export) -> None:
    """Level is the highest, the evidence the one of that level, cleared_at null."""
    (row,) = export.found(sessions=SEEN, lessons=WALK_OUT)

    assert (row["trigger"], row["level"], row["slot"]) == ("missing_during_day", 2, "P2")
    assert row["fired_at"] == "2026-09-15T10:12:00+01:00"
    assert row["cleared_at"] is None
    assert [line[:8] for line in row["evidence"]] == [
        "08:50 AM",
        "09:00 P1",
        "10:02 P2",
        "11:20 P3",
    ]


def test_a_strip_finding_has_no_slot(export: Export) -> None:
    """What is about a year names no slot; its time is the close of the afternoon register."""
    rows = "".join(f"P1,2026-12-{day:02d},{s},I,\n" for day in range(7, 15) for s in ("AM", "PM"))

    found = {row["trigger"]: row for row in export.found(sessions=rows)}

    row = found["severe_absence"]
    assert row["slot"] is None
    assert row["fired_at"] == "2026-12-12T13:30:00+00:00"


def test_a_finding_about_a_register_names_no_pupil(export: Export) -> None:
    """A class marked absent is one row, with the register's slot and no pupil."""
    pupils = "".join(f"P{n:02d},,Test{n},Pupil,,8,8A,,,,,,\n" for n in range(12))
    sessions = "".join(f"P{n:02d},2026-09-15,AM,/,08:50\n" for n in range(12))
    lessons = "".join(f"P{n:02d},2026-09-15,P2,09:55,10:55,N,10:02\n" for n in range(12))

    (row,) = export.found(sessions=sessions, lessons=lessons, pupils=pupils)

    assert row["trigger"] == "register_anomaly"
    assert row["pupil_id"] is None
    assert row["slot"] == "P2"


def test_pupils_and_events_take_part(export: Export) -> None:
    """Flags act at once; a sign-out explains; what the desk wrote is not repeated."""
    pupils = "P1,,Testpupil,Ada,2013-05-01,8,8A,,,,,lac,\n"
    events = "P1,2026-09-15T10:30,sign_out,dentist in town\n"

    (row,) = export.found(sessions=SEEN, lessons=WALK_OUT, pupils=pupils, events=events)

    assert row["fired_at"] == "2026-09-15T10:02:00+01:00"
    assert row["cleared_at"] == "2026-09-15T10:30:00+01:00"
    assert row["level"] == 2
    assert "dentist" not in json.dumps(row)
    assert "Testpupil" not in json.dumps(row)


@pytest.mark.parametrize(
    ("as_of", "level"),
    [
        ("2026-09-15T10:11", None),
        ("2026-09-15T10:12", 1),
        ("2026-09-15T10:29:59+01:00", 1),
        ("2026-09-15T10:30:00Z", 2),
        ("2026-09-15", 2),
        ("2026-09-14", None),
    ],
)
def test_as_of_is_local_unless_it_carries_an_offset(
    export: Export, as_of: str, level: int | None
) -> None:
    """A moment, or a day, which is looked at to its end."""
    found = export.found("--as-of", as_of, sessions=SEEN, lessons=WALK_OUT)

    assert [row["level"] for row in found] == ([] if level is None else [level])


def test_a_setting_can_be_tried(export: Export) -> None:
    """--set takes values as the configuration writes them."""
    (row,) = export.found(
        "--set", "missing_during_day.grace_minutes=0", sessions=SEEN, lessons=WALK_OUT
    )
    assert row["fired_at"] == "2026-09-15T10:02:00+01:00"

    assert not export.found(
        "--set", "missing_during_day.enabled = false", sessions=SEEN, lessons=WALK_OUT
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("grace_minutes=5", "TRIGGER.PARAMETER=VALUE"),
        ("missing_during_day.grace_minutes", "TRIGGER.PARAMETER=VALUE"),
        ("missing_during_day.grace_minutes=five", "as in the configuration"),
        ("missing_during_day.grace=5", "grace_minutes"),
        ("missing_during_days.grace_minutes=5", "missing_during_day"),
        ("missing_during_day.grace_minutes=-5", "smallest"),
    ],
)
def test_a_wrong_setting_is_wrong_usage(export: Export, text: str, words: str) -> None:
    """Exit 2 and what would be right."""
    result = export.run("--set", text, sessions=LATE)

    assert result.exit_code == 2
    assert words in result.stderr


def test_an_unknown_authority_is_refused_with_the_known_ones(export: Export) -> None:
    """Exit 2 with the nearest; any that there is can be replayed."""
    for there in ("national", "ealing"):
        assert export.run("--authority", there, sessions=LATE).exit_code == 0

    result = export.run("--authority", "eeling", sessions=LATE)

    assert result.exit_code == 2
    assert 'did you mean "ealing"?' in result.stderr


def test_each_authority_has_its_own_days_of_an_absence_without_a_reason(export: Export) -> None:
    """Ten school days of O: Birmingham is told on day 5, Ealing enquires on 3 and is told on 10."""
    days = [f"2026-09-{day:02d}" for day in (7, 8, 9, 10, 11, 14, 15, 16, 17, 18)]
    sessions = "".join(f"P1,{day},{s},O,\n" for day in days for s in ("AM", "PM"))
    told = {}
    for authority in ("national", "birmingham", "ealing"):
        rows = export.found("--authority", authority, sessions=sessions)
        found = [row for row in rows if row["trigger"] == "whereabouts_unknown"]
        told[authority] = [(row["fired_at"][:10], row["level"]) for row in found]

    assert told == {
        "national": [],
        "birmingham": [("2026-09-11", 2)],
        "ealing": [("2026-09-09", 2)],
    }


def test_an_authoritys_thresholds_are_replayed_and_a_setting_goes_before_them(
    export: Export,
) -> None:
    """An officer's draft is tried on last term's registers before anybody uses it."""
    folder = export.folder / "la" / "exampleshire"
    folder.mkdir(parents=True)
    (folder / "authority.toml").write_text(
        '[authority]\nid = "exampleshire"\nname = "Exampleshire"\n'
        '[triggers.missing_during_day]\ngrace_minutes = 5\nsource = "Our policy"\n',
        "utf-8",
    )
    draft = ("--authority", str(folder))

    (row,) = export.found(*draft, sessions=SEEN, lessons=WALK_OUT)
    assert row["fired_at"] == "2026-09-15T10:07:00+01:00"

    own = ("--set", "missing_during_day.grace_minutes=0")
    (row,) = export.found(*draft, *own, sessions=SEEN, lessons=WALK_OUT)
    assert row["fired_at"] == "2026-09-15T10:02:00+01:00"


def test_a_moment_that_is_none_is_wrong_usage(export: Export) -> None:
    """Exit 2 with an example."""
    result = export.run("--as-of", "yesterday", sessions=LATE)

    assert result.exit_code == 2
    assert "2026-09-15T10:12" in result.stderr


def test_a_bad_row_is_named_and_the_others_are_replayed(export: Export) -> None:
    """Exit 1, the line on standard error, the findings of the good rows on standard output."""
    result = export.run(
        "--format",
        "json",
        sessions=LATE + "P2,2026-09-15,AM,ZZ,\n",
        lessons="P1,2026-13-15,P1,08:55,09:55,/,\n",
    )

    assert result.exit_code == 1
    assert len(result.stdout.splitlines()) == 1
    assert "sessions.csv:4" in result.stderr
    assert "lessons.csv:2" in result.stderr
    assert "2 rows could not be used" in result.stderr


def test_the_table_is_for_people(export: Export) -> None:
    """Without --format the findings stand in a table; nothing found is said."""
    result = export.run(sessions=LATE)
    assert result.exit_code == 0
    assert "unexplained_absence" in result.stdout
    assert "09:10 AM: register taken, marked absent (N)" in result.stdout

    assert "nothing would have been raised" in export.run(sessions=SEEN).stdout


def test_a_summary_has_a_row_a_trigger(export: Export) -> None:
    """How many, about how many, and on which day the most."""
    more = "P2,2026-09-15,AM,N,09:10\nP2,2026-09-16,AM,N,09:10\nP1,2026-09-16,AM,/,08:50\n"
    (row,) = export.found("--summary", sessions=LATE + more)

    assert (row["trigger"], row["incidents"], row["pupils"]) == ("unexplained_absence", 3, 2)
    assert (row["busiest_day"], row["most_on_a_day"], row["median_a_day"]) == ("2026-09-15", 2, 1.5)


def test_two_authorities_stand_side_by_side(export: Export, tmp_path: Path) -> None:
    """The one that does not watch during the day raises nothing there."""
    folder = tmp_path / "exampleshire"
    folder.mkdir()
    (folder / "authority.toml").write_text(
        '[authority]\nid = "exampleshire"\nname = "Exampleshire"\n'
        '[triggers.missing_during_day]\nenabled = false\nsource = "Our policy"\n',
        "utf-8",
    )

    rows = export.found("--compare", str(folder), sessions=SEEN, lessons=WALK_OUT)

    (row,) = [row for row in rows if row["trigger"] == "missing_during_day"]
    assert (row["incidents"], row["compared"]) == (1, 0)
    assert (row["only_here"], row["only_compared"]) == (1, 0)


def test_an_authority_to_compare_with_that_is_none_is_named(export: Export) -> None:
    """Exit 2, and which option it was."""
    result = export.run("--compare", "atlantis", sessions=LATE)

    assert result.exit_code == 2
    assert "--compare" in result.stderr
    assert "atlantis" in result.stderr


def test_the_report_shows_the_pupils_by_their_ids_alone(export: Export, tmp_path: Path) -> None:
    """A page to look at, with no name on it; nothing in a file becomes a part of the page."""
    page = tmp_path / "report.html"
    born = "2014-05-05,8,8A,,,,,,\n"
    result = export.run(
        "--report",
        str(page),
        sessions=LATE + "<b>P2</b>,2026-09-15,AM,N,09:10\n",
        pupils=f"P1,,Testpupil,Ada,{born}",
    )

    assert result.exit_code == 0
    text = page.read_text("utf-8")
    assert "Unexplained absence" in text
    assert "Tuesday 15 September 2026 AM: U (unauthorised absence)" in text
    assert "<b>" not in text
    assert "Testpupil" not in text


def test_a_report_that_can_not_be_written_is_said(export: Export, tmp_path: Path) -> None:
    """A folder that is not there: its name and the reason, not a traceback."""
    result = export.run("--report", str(tmp_path / "nowhere" / "report.html"), sessions=LATE)

    assert isinstance(result.exception, OperatorError)
    assert "nowhere" in str(result.exception)
    assert "No such file" in str(result.exception)


def test_json_of_nothing_is_nothing(export: Export) -> None:
    """No findings, no lines."""
    assert export.found(sessions=SEEN) == []


def test_help_shows_an_example() -> None:
    """A stranger sees how to call it."""
    result = CliRunner().invoke(command, ["--help"])

    assert result.exit_code == 0
    assert "Example: mis-bridge backtest --sessions" in result.stdout
