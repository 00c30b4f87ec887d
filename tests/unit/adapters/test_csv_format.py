"""The four CSV files."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest

from mis_bridge.adapters.csv_format import (
    COLUMNS,
    read_events,
    read_lessons,
    read_pupils,
    read_sessions,
)
from mis_bridge.errors import BadRow
from mis_bridge.registers.codes import NOT_TAKEN, to_byte

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HEADER = "pupil_id,date,session,code,recorded_at\n"


def test_a_session_row_becomes_a_mark_with_its_byte_and_its_instant() -> None:
    """A time without an offset is local: 08:52 in September is 07:52 UTC."""
    parsed = read_sessions(HEADER + "P1,2026-09-07,AM,N,08:52\n")

    (mark,) = parsed.records
    assert (mark.pupil, mark.day, mark.pm) == ("P1", date(2026, 9, 7), False)
    assert mark.code == to_byte("N")
    assert mark.recorded == datetime(2026, 9, 7, 7, 52, tzinfo=UTC)
    assert not parsed.problems


@pytest.mark.parametrize(
    ("text", "minute"),
    [
        ("2026-09-07T08:52:00Z", 52),
        ("2026-09-07T09:52:30+01:00", 52),
        ("2026-09-07 09:52", 52),
    ],
)
def test_a_recorded_time_may_be_a_whole_date_and_time(text: str, minute: int) -> None:
    """With an offset that counts, without one it is local to Europe/London."""
    (mark,) = read_sessions(HEADER + f"P1,2026-09-07,AM,/,{text}\n").records

    assert mark.recorded is not None
    assert (mark.recorded.hour, mark.recorded.minute) == (8, minute)


@pytest.mark.parametrize("cell", ["", "-", " - "])
def test_an_empty_code_or_a_dash_is_a_register_that_was_not_taken(cell: str) -> None:
    """Neither a presence nor an absence."""
    (mark,) = read_sessions(HEADER + f"P1,2026-09-07,PM,{cell},\n").records

    assert mark.code == NOT_TAKEN
    assert mark.pm is True


def test_a_bad_row_is_named_with_its_line_and_the_rest_goes_in() -> None:
    """Lines count from 1, the header being line 1."""
    parsed = read_sessions(
        HEADER
        + "P1,2026-09-07,AM,/,\n"
        + "P1,07/09/2026,PM,/,\n"
        + "P1,2026-09-07,noon,/,\n"
        + "P1,2026-09-07,PM,Q9,\n"
        + ",2026-09-07,PM,/,\n"
        + "P1,2026-09-07\n"
        + "P2,2026-09-07,PM,\\,25:00\n"
        + "P2,2026-09-07,PM,\\,\n",
        "export.csv",
    )

    assert [mark.pupil for mark in parsed.records] == ["P1", "P2"]
    assert [(row.file, row.line) for row in parsed.problems] == [
        ("export.csv", line) for line in (3, 4, 5, 6, 7, 8)
    ]
    assert parsed.unknown_codes == {"Q9"}


def test_a_school_s_own_code_is_read_as_what_it_means() -> None:
    """The school's table wins over the register's."""
    parsed = read_sessions(
        HEADER + "P1,2026-09-07,AM,!,\nP1,2026-09-07,PM,N,\n", codes={"!": "X", "N": "O"}
    )

    assert [mark.code for mark in parsed.records] == [to_byte("X"), to_byte("O")]


@pytest.mark.parametrize(
    ("header", "named"),
    [
        ("pupil_id,date,session\n", ["'code'", "missing"]),
        ("pupil,date,session,code\n", ["'pupil_id'", "'pupil'"]),
        ("pupil_id,date,session,code,recorded\n", ["'recorded'", "'recorded_at'"]),
        ("", ["'pupil_id'", "missing"]),
        ("pupil_id;date;session;code\n", ["';'", "commas"]),
        ("pupil_id\tdate\tsession\tcode\n", ["'\\t'", "commas"]),
        ("pupil_id,date,session,code,Code\n", ["'code'", "twice"]),
    ],
)
def test_a_missing_or_misspelt_column_is_refused_and_the_nearest_named(
    header: str, named: list[str]
) -> None:
    """Without its columns no row of a file means what it says."""
    with pytest.raises(BadRow) as caught:
        read_sessions(header + "P1,2026-09-07,AM,/\n", "sessions-x.csv")

    assert caught.value.line == 1
    assert caught.value.file == "sessions-x.csv"
    for word in named:
        assert word in str(caught.value)


def test_an_empty_file_is_called_empty() -> None:
    """Nobody looks for a misspelt column in it."""
    with pytest.raises(BadRow, match=r"the file is empty; an events file needs .* pupil_id,at"):
        read_events("")


def test_cells_beyond_the_header_are_refused_unless_they_are_empty() -> None:
    """An unquoted comma pushes every cell after it into the wrong column."""
    parsed = read_sessions(
        "pupil_id,date,session,code\nP1,2026-09-07,AM,/,,\nP1,2026-09-07,PM,N,late, with a note\n"
    )

    assert len(parsed.records) == 1
    assert [row.line for row in parsed.problems] == [3]
    assert "late" not in str(parsed.problems[0])


def test_lines_of_commas_are_empty_lines() -> None:
    """Spreadsheets write them after the last row."""
    for read, rows in (
        (read_sessions, "pupil_id,date,session,code\n,,,\n,,\n\n"),
        (read_events, "pupil_id,at,kind,reason\n,,,\n"),
    ):
        parsed = read(rows)
        assert (parsed.records, parsed.problems) == ([], [])


def test_a_quotation_mark_that_is_not_closed_repeats_nothing_of_what_follows() -> None:
    """Whatever stood in the next lines is in that cell now, names perhaps."""
    parsed = read_sessions(HEADER + 'P1,2026-09-07,AM,"/,\nTestpupil,2026-09-07,AM,/,\n')

    (problem,) = parsed.problems
    assert "quotation mark" in str(problem)
    assert "Testpupil" not in f"{problem} {problem.value}"
    assert parsed.unknown_codes == frozenset()


@pytest.mark.parametrize("spoilt", ["P\0001", "P\x1b1"])
def test_an_id_that_can_not_be_printed_is_refused(spoilt: str) -> None:
    """No database of text takes a NUL: one such row must not hold up the others."""
    parsed = read_sessions(HEADER + f"{spoilt},2026-09-07,AM,/,\nP2,2026-09-07,AM,/,\n")

    assert [mark.pupil for mark in parsed.records] == ["P2"]
    assert [row.line for row in parsed.problems] == [2]


def test_a_pupils_row_with_a_nul_is_refused() -> None:
    """In whatever cell it stands."""
    parsed = read_pupils(",".join(COLUMNS["pupils"][0]) + "\nP1,,Test\0pupil,Ada,,8,8X\n")

    assert parsed.records == []
    assert "Test" not in str(parsed.problems[0])


def test_columns_may_stand_in_any_order_beside_others_of_the_export() -> None:
    """What the export adds is left alone."""
    parsed = read_sessions("Code, Date ,class,SESSION,pupil_id\n/,2026-09-07,9X,am,P1\n")

    assert [(mark.pupil, mark.code) for mark in parsed.records] == [("P1", to_byte("/"))]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_file_is_read_with_and_without_a_byte_order_mark(tmp_path: Path, mark: bytes) -> None:
    """Spreadsheets write one."""
    file = tmp_path / "sessions.csv"
    file.write_bytes(mark + HEADER.encode() + b"P1,2026-09-07,AM,/,\r\n\r\n")

    assert len(read_sessions(file).records) == 1


def test_a_file_in_another_encoding_is_refused_with_its_line(tmp_path: Path) -> None:
    """Latin-1 letters are not UTF-8; a guess would store wrong names."""
    file = tmp_path / "pupils.csv"
    header = ",".join(COLUMNS["pupils"][0])
    file.write_bytes(header.encode() + "\nP1,,Invented-Ñame,Ada,,8,8X\n".encode("latin-1"))

    with pytest.raises(BadRow, match="not UTF-8") as caught:
        read_pupils(file)
    assert caught.value.line == 2


def test_a_lesson_row_has_minutes_and_a_code_of_any_class() -> None:
    """Times of day or whole moments; a lesson that ends before it starts is a bad row."""
    parsed = read_lessons(
        "pupil_id,date,period,starts_at,ends_at,code\n"
        "P1,2026-09-07,P1,09:15,10:15,/\n"
        "P1,2026-09-07,P2,2026-09-07T09:15:00Z,2026-09-07T11:15:00,I\n"
        "P1,2026-09-07,P3,11:15,10:15,/\n"
        "P1,2026-09-07,,11:15,12:15,/\n"
    )

    assert [(mark.starts, mark.ends) for mark in parsed.records] == [(555, 615), (615, 675)]
    assert parsed.records[1].code == to_byte("I")
    assert [row.line for row in parsed.problems] == [4, 5]


def test_a_pupil_row_has_typed_fields_and_flags() -> None:
    """Flags are joined by a semicolon; Reception is year 0."""
    parsed = read_pupils(
        ",".join((*COLUMNS["pupils"][0], *COLUMNS["pupils"][1]))
        + "\nP1,Z999900000301,Testpupil,Ada,2013-02-03,Year 8,8X,F,2024-09-04,,,LAC; sen,2026-08-20"
        + "\nP2,,Samplechild,Ben,,R,,,,,,,\n"
    )

    ada, ben = parsed.records
    assert (ada.dob, ada.year_group, ada.admission) == (date(2013, 2, 3), 8, date(2024, 9, 4))
    assert ada.flags == {"lac", "sen"}
    assert ada.care_began == date(2026, 8, 20)
    assert (ben.year_group, ben.flags, ben.dob) == (0, frozenset(), None)


def test_problems_of_a_pupils_file_repeat_no_cell() -> None:
    """Where columns have slipped, any cell may hold a name."""
    parsed = read_pupils(
        ",".join((*COLUMNS["pupils"][0], "flags"))
        + "\nP1,,x,y,Testpupil,8,8X,\nP2,,x,y,,Testpupil,8X,\nP3,,x,y,,8,8X,Testpupil\n"
    )

    assert len(parsed.problems) == 3
    assert not [row for row in parsed.problems if "Testpupil" in str(row) or row.value]


def test_an_event_row_has_its_moment_and_kind() -> None:
    """A day without a time is no moment."""
    parsed = read_events(
        "pupil_id,at,kind,reason\n"
        "P1,2026-09-07T10:40,sign_out,dentist\n"
        "P1,2026-09-07,sign_in,\n"
        "P1,2026-09-07T10:40,gone,\n"
    )

    (event,) = parsed.records
    assert (event.at, event.kind) == (datetime(2026, 9, 7, 9, 40, tzinfo=UTC), "sign_out")
    assert [row.line for row in parsed.problems] == [3, 4]


@pytest.mark.parametrize(
    ("read", "kind"),
    [
        (read_sessions, "sessions"),
        (read_lessons, "lessons"),
        (read_pupils, "pupils"),
        (read_events, "events"),
    ],
)
def test_a_file_of_nothing_but_its_header_is_empty_and_no_error(
    read: Callable[[str], object], kind: str
) -> None:
    """A school that starts today has nothing yet."""
    parsed = read(",".join(COLUMNS[kind][0]) + "\n")

    assert getattr(parsed, "records") == []  # noqa: B009 - four types share the field
    assert getattr(parsed, "problems") == []  # noqa: B009 - as above
