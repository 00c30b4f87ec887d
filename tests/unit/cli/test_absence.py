from __future__ import annotations

import json
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from mis_bridge.cli.absence import COLUMNS, command

if TYPE_CHECKING:
    from pathlib import Path

SESSIONS = "pupil_id,date,session,code,recorded_at\n"
PUPILS = (
    "pupil_id,upn,surname,forename,dob,year_group,form,sex,admission_date,leaving_date,"
    "destination,flags,care_began\n"
)


class Files:
    """Runs ``absence`` on files of a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, sessions: str, *arguments: str, pupils: str | None = None) -> Result:
        """Write the rows, run the command on them."""
        path = self.folder / "sessions.csv"
        path.write_text(SESSIONS + sessions, encoding="utf-8")
        given = ["--sessions", str(path), *arguments]
        if pupils is not None:
            other = self.folder / "pupils.csv"
            other.write_text(PUPILS + pupils, encoding="utf-8")
            given += ["--pupils", str(other)]
        return CliRunner().invoke(command, given)

    def rows(self, sessions: str, *, pupils: str | None = None) -> dict[str, dict[str, Any]]:
        """Run it for JSON; pupil -> row."""
        result = self.run(sessions, "--format", "json", pupils=pupils)
        assert result.exit_code == 0, result.stderr
        parsed = [json.loads(line) for line in result.stdout.splitlines()]
        return {row["pupil_id"]: row for row in parsed}


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """A folder and the command."""
    return Files(tmp_path)


def test_each_pupil_is_one_json_line(files: Files) -> None:
    """Standard output holds one object a pupil, by pupil id, with the documented keys in order."""
    result = files.run(
        "P2,2025-09-08,AM,N,\nP1,2025-09-08,AM,/,\nP1,2025-09-08,PM,I,\n", "--format", "json"
    )

    first, second = (json.loads(line) for line in result.stdout.splitlines())
    assert tuple(first) == COLUMNS
    assert first == {
        "pupil_id": "P1",
        "possible": 2,
        "attended": 1,
        "authorised": 1,
        "unauthorised": 0,
        "absent": 1,
        "missing_marks": 0,
        "rate": 50.0,
        "persistent": True,
        "severe": True,
    }
    assert second["pupil_id"] == "P2"
    assert result.exit_code == 0
    assert result.stderr == ""


def test_exactly_ten_per_cent_is_persistent(files: Files) -> None:
    """2 of 20 is persistent, 2 of 21 reads 9.5238 % and is not."""
    weeks = [f"2025-09-{day:02d}" for day in (8, 9, 10, 11, 12, 15, 16, 17, 18, 19)]
    marks = "".join(
        f"P1,{day},AM,{'O' if day == weeks[0] else '/'},\n"
        f"P1,{day},PM,{'O' if day == weeks[0] else chr(92)},\n"
        for day in weeks
    )

    assert files.rows(marks)["P1"]["persistent"] is True
    row = files.rows(marks + "P1,2025-09-22,AM,/,\n")["P1"]
    assert (row["persistent"], row["rate"]) == (False, 9.5238)


def test_without_a_possible_session_there_is_no_answer(files: Files) -> None:
    """Codes outside the denominator and registers not taken give null, not 0."""
    row = files.rows("P1,2025-09-08,AM,Y3,\nP1,2025-09-08,PM,,\nP1,2025-09-09,AM,-,\n")["P1"]

    assert (row["possible"], row["missing_marks"]) == (0, 2)
    assert row["rate"] is row["persistent"] is row["severe"] is None


def test_a_later_record_is_a_correction(files: Files) -> None:
    """Of two marks of one session the one recorded later counts, wherever its row stands."""
    rows = files.rows(
        "P1,2025-09-08,AM,N,2025-09-08T09:20:00\n"
        "P1,2025-09-08,AM,/,2025-09-08T09:00:00\n"
        "P2,2025-09-08,AM,N,2025-09-08T09:20:00\n"
        "P2,2025-09-08,AM,I,2025-09-10T08:00:00+01:00\n"
    )

    assert rows["P1"]["unauthorised"] == 1
    assert (rows["P2"]["authorised"], rows["P2"]["possible"]) == (1, 1)


def test_a_mark_without_a_time_is_known_when_its_register_closes(files: Files) -> None:
    """At 09:15: 09:00 is older, 09:20 a correction; of two without a time the lower row counts."""
    rows = files.rows(
        "P1,2025-09-08,AM,/,\nP1,2025-09-08,AM,N,2025-09-08T09:00:00\n"
        "P2,2025-09-08,AM,N,\nP2,2025-09-08,AM,U,2025-09-08T09:20:00\n"
        "P3,2025-09-08,PM,\\,\nP3,2025-09-08,PM,N,2025-09-08T13:20:00\n"
        "P4,2025-09-08,AM,N,\nP4,2025-09-08,AM,I,\n"
    )

    assert rows["P1"]["attended"] == 1
    assert rows["P2"]["unauthorised"] == 1
    assert rows["P3"]["attended"] == 1
    assert rows["P4"]["authorised"] == 1


def test_counts_run_over_all_years_of_the_file(files: Files) -> None:
    """Sessions of two academic years are counted together."""
    row = files.rows("P1,2025-07-14,AM,/,\nP1,2025-09-08,AM,N,\n")["P1"]

    assert (row["possible"], row["absent"]) == (2, 1)


def test_marks_of_several_years_are_named(files: Files) -> None:
    """A typing error in a year is seen: persistent absence is a measure of one year."""
    result = files.run("P1,2025-07-14,AM,/,\nP1,2025-09-08,AM,N,\n", "--format", "json")

    assert "(2024/25, 2025/26)" in result.stderr
    assert (result.exit_code, len(result.stdout.splitlines())) == (0, 1)


def test_rows_that_contradict_each_other_are_counted(files: Files) -> None:
    """Two marks of one moment: the lower counts and it is said. The same twice is no matter."""
    result = files.run(
        "P1,2025-09-08,AM,N,\nP1,2025-09-08,AM,I,\n"
        "P1,2025-09-09,AM,N,\nP1,2025-09-09,AM,N,\n"
        "P1,2025-09-10,AM,N,2025-09-10T09:20\nP1,2025-09-10,AM,I,2025-09-10T09:40\n",
        "--format",
        "json",
    )

    assert json.loads(result.stdout)["authorised"] == 2
    assert result.stderr.startswith("1 row contradicts an earlier one of the same session")
    assert result.exit_code == 0


def test_rows_that_can_not_be_used(files: Files) -> None:
    """A bad row is named with file and line and the status is 1; the others are still printed."""
    result = files.run(
        "P1,2025-09-08,AM,/,\nP1,2025-09-08,PM,ZZ,\nP1,8 Sept,PM,N,\nP2,2025-09-08,AM,N,\n",
        "--format",
        "json",
    )

    assert [json.loads(line)["possible"] for line in result.stdout.splitlines()] == [1, 1]
    assert result.exit_code == 1
    complaints = result.stderr.splitlines()
    assert "sessions.csv:3: 'ZZ' is not an attendance code" in complaints[0]
    assert "sessions.csv:4:" in complaints[1]
    assert complaints[2].startswith("2 rows could not be used")


def test_marks_outside_the_time_on_roll_are_left_out(files: Files) -> None:
    """Marks before admission and after leaving do not count; how many is said, not whose."""
    result = files.run(
        "P1,2025-09-08,AM,N,\nP1,2025-09-09,AM,/,\nP1,2025-09-10,AM,N,\n",
        "--format",
        "json",
        pupils="P1,,Testpupil,Ada,2012-01-01,9,9A,,2025-09-09,2025-09-09,,,\n",
    )

    assert json.loads(result.stdout)["possible"] == 1
    assert result.exit_code == 0
    assert result.stderr == "2 marks before admission or after leaving left out\n"
    assert "Testpupil" not in result.output


def test_several_enrolments_of_one_pupil(files: Files) -> None:
    """A pupil who left and came back is on roll in both spans."""
    rows = files.rows(
        "P1,2025-09-08,AM,/,\nP1,2025-10-08,AM,N,\nP1,2025-11-10,AM,/,\n",
        pupils="P1,,Testpupil,Ada,2012-01-01,9,9A,,,2025-09-30,,,\n"
        "P1,,Testpupil,Ada,2012-01-01,9,9A,,2025-11-04,,,,\n",
    )

    assert (rows["P1"]["possible"], rows["P1"]["absent"]) == (2, 0)


def test_a_pupil_without_marks_is_shown(files: Files) -> None:
    """No data never looks like no problem: who has no mark has a row without an answer."""
    rows = files.rows(
        "P1,2025-09-08,AM,/,\n",
        pupils="P1,,Testpupil,Ada,2012-01-01,9,9A,,,,,,\nP2,,Testpupil,Ben,2012-01-01,9,9A,,,,,,\n",
    )

    assert rows["P2"]["possible"] == 0
    assert rows["P2"]["rate"] is None


def test_pupils_that_the_pupils_file_does_not_have(files: Files) -> None:
    """Their marks all count, and the number of such pupils is said."""
    result = files.run(
        "P1,2025-09-08,AM,/,\nP9,2025-09-08,AM,/,\n",
        "--format",
        "json",
        pupils="P1,,Testpupil,Ada,2012-01-01,9,9A,,,,,,\n",
    )

    assert len(result.stdout.splitlines()) == 2
    assert "1 pupil is not in" in result.stderr
    assert result.exit_code == 0


def test_bad_rows_of_the_pupils_file(files: Files) -> None:
    """A pupil whose admission can not be read is reported; nothing is guessed."""
    result = files.run(
        "P1,2025-09-08,AM,/,\n",
        pupils="P1,,Testpupil,Ada,2012-01-01,9,9A,,last year,,,,\n",
    )

    assert result.exit_code == 1
    assert "pupils.csv:2:" in result.stderr


def test_a_table_for_people(files: Files) -> None:
    """Without --format there is a table with a heading and a line a pupil."""
    result = files.run("P1,2025-09-08,AM,/,\nP2,2025-09-08,AM,D,\n")

    lines = result.stdout.splitlines()
    assert lines[0].split()[0] == "pupil"
    assert lines[1].split() == ["P1", "1", "1", "0", "0", "0", "0", "0", "no", "no"]
    assert lines[2].split() == ["P2", "0", "0", "0", "0", "0", "0", "-", "-", "-"]


def test_an_empty_file_says_so(files: Files) -> None:
    """A header without rows is no error, and not a silent screen either."""
    for_people, for_programs = files.run(""), files.run("", "--format", "json")

    assert for_people.stdout == "no pupils in the file\n"
    assert (for_programs.stdout, for_programs.stderr) == ("", "no pupils in the file\n")
    assert for_people.exit_code == for_programs.exit_code == 0


def test_wrong_usage() -> None:
    """Without a sessions file the status is 2."""
    assert CliRunner().invoke(command, []).exit_code == 2


def test_help_has_an_example() -> None:
    """Somebody who reads --help can copy a command that works."""
    assert "Example: mis-bridge absence --sessions" in CliRunner().invoke(
        command, ["--help"]
    ).output.replace("\n", " ")


def missed(pupil: str, days: int, first: str = "2012-09-03") -> str:
    """Rows of whole days missed, and one attended in January, so that two terms are covered."""
    start = date.fromisoformat(first)
    weekdays = [day for n in range(200) if (day := start + timedelta(days=n)).weekday() < 5]
    rows = [f"{pupil},{day},{half},O,\n" for day in weekdays[:days] for half in ("AM", "PM")]
    return "".join(rows) + f"{pupil},2013-01-15,AM,/,\n"


def test_an_old_register_is_read_by_the_rules_of_its_day(files: Files) -> None:
    """Autumn and spring 2012/13: 38 sessions are persistent, 37 are not, whatever was possible.

    "Pupil absence statistics: methodology", section 3; severe absence was no measure then.
    """
    pupils = "P1,,,,,8,8A,,,,,,\nP2,,,,,8,8A,,,,,,\n"
    sessions = missed("P1", 19) + missed("P2", 18) + "P2,2013-01-16,AM,N,\n"
    result = files.run(sessions, "--format", "json", pupils=pupils)
    rows = [json.loads(line) for line in result.stdout.splitlines()]

    assert [(row["absent"], row["persistent"], row["severe"]) for row in rows] == [
        (38, True, None),
        (37, False, None),
    ]
    assert "2010/11 to 2014/15 (15%): 38 sessions missed or more, autumn+spring" in result.stderr
    assert result.exit_code == 0


def test_the_rules_of_another_day_may_be_asked_for(files: Files) -> None:
    """37 of 38 sessions are persistent and severe by today's rule, and not by that of 2006."""
    sessions = missed("P1", 18) + "P1,2013-01-16,AM,N,\n"
    today = files.run(sessions, "--rules-of", "2026-01-05", "--format", "json")
    of_2006 = files.run(sessions, "--rules-of", "national-2005", "--format", "json")

    assert [json.loads(today.stdout)[key] for key in ("persistent", "severe")] == [True, True]
    assert [json.loads(of_2006.stdout)[key] for key in ("persistent", "severe")] == [False, None]


def test_years_of_two_definitions_have_no_one_answer(files: Files) -> None:
    """One file of 2014/15 and 2015/16: no number is made up, and it is said what to do."""
    result = files.run("P1,2015-07-06,AM,O,\nP1,2015-09-08,AM,O,\n", "--format", "json")
    row = json.loads(result.stdout)

    assert (row["absent"], row["persistent"], row["severe"]) == (2, None, None)
    assert "--rules-of" in result.stderr


def test_registers_from_before_the_first_definition(files: Files) -> None:
    """Of 2003 nobody knows a definition: the sessions are counted, the level is left empty."""
    result = files.run("P1,2003-09-08,AM,O,\n", "--format", "json")

    assert json.loads(result.stdout)["persistent"] is None
    assert "2005/06" in result.stderr


def test_two_years_of_one_old_definition_have_no_one_answer(files: Files) -> None:
    """A fixed number is one of a school year."""
    result = files.run("P1,2012-07-02,AM,O,\nP1,2012-09-10,AM,O,\n", "--format", "json")

    assert json.loads(result.stdout)["persistent"] is None
    assert "one school year" in result.stderr


def test_year_11_of_old_has_a_number_of_its_own(files: Files) -> None:
    """46 sessions by Whitsun for a pupil aged 15, 56 for others; June is not counted for 46."""
    spread = "P1,2013-04-16,AM,/,\nP1,2013-06-10,AM,O,\n"
    sessions = missed("P1", 23) + spread + (missed("P1", 23) + spread).replace("P1", "P2")
    pupils = "P1,,,,1997-03-01,11,11A,,,,,,\nP2,,,,1998-03-01,10,10A,,,,,,\n"
    result = files.run(sessions, "--format", "json", pupils=pupils)
    rows = [json.loads(line) for line in result.stdout.splitlines()]

    assert [row["persistent"] for row in rows] == [True, False]
    assert "aged 15 are persistent from 46" in result.stderr


def test_unknown_rules_are_a_usage_error(files: Files) -> None:
    """The message names what there is."""
    result = files.run("P1,2012-09-10,AM,O,\n", "--rules-of", "lenient")

    assert result.exit_code == 2
    assert "national-2010" in result.stderr
