"""Reports of CommandReporter in a real folder: whole ones, broken ones, and what is no report."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

import pytest

from mis_bridge import errors
from mis_bridge.adapters import registry
from mis_bridge.adapters.source import ReadPlan
from mis_bridge.io.clock import ManualClock
from mis_bridge.io.http import Transport
from mis_bridge.registers.codes import to_code

from .vendor import records, taken, watched

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 9, 11, 11, 0, tzinfo=UTC)
FRIDAY = date(2026, 9, 11)
WINDOW = (date(2026, 9, 7), FRIDAY)
PLAN = ReadPlan(WINDOW)


def xml(*rows: dict[str, str], encoding: str = "utf-8", head: str = "") -> bytes:
    """A report as CommandReporter writes it: no element where there is no value."""
    body = "".join(
        "<Record>"
        + "".join(
            f"<{name.replace(' ', '_x0020_')}>{escape(value)}</{name.replace(' ', '_x0020_')}>"
            for name, value in row.items()
            if value
        )
        + "</Record>"
        for row in rows
    )
    text = f'<?xml version="1.0" encoding="{encoding}"?>{head}<SuperStarReport>{body}'
    return f"{text}</SuperStarReport>".encode(encoding)


def table(*rows: dict[str, str], encoding: str = "utf-8") -> bytes:
    """The same as CSV."""
    names = list(rows[0])
    lines = [names, *([row.get(name, "") for name in names] for row in rows)]
    return "\r\n".join(",".join(cells) for cells in lines).encode(encoding)


def mark(code: str, session: str = "AM", day: str = "11/09/2026", **more: str) -> dict[str, str]:
    """A row of a report on session marks."""
    return {"primary_id": "0042", "Date": day, "Session": session, "Mark": code, **more}


def pupil(**more: str) -> dict[str, str]:
    """A row of a report on pupils."""
    return {"primary_id": "0042", "Forename": "Ada", "Surname": "Testpupil", **more}


def drop(folder: Path, name: str, content: bytes, at: datetime = NOW) -> Path:
    """Write a file as if at a moment."""
    file = folder / name
    file.write_bytes(content)
    os.utime(file, (at.timestamp(), at.timestamp()))
    return file


def opened(folder: Path, periods: dict[str, tuple[int, int]] | None = None, **given: str) -> Any:
    """Open the folder, without waiting for files to settle."""
    return registry.load()["sims-report"].open(
        {"folder": str(folder), "settle_seconds": "0", **given},
        transport=Transport(),
        clock=ManualClock(NOW),
        codes={"!": "X"},
        periods=periods,
    )


def codes(batches: Any) -> list[str]:
    """The session marks that came."""
    return [to_code(one.code) for one in records(batches, "sessions")]


def problems(batches: Any) -> list[str]:
    """What was set aside."""
    return [row.problem for batch in batches for row in batch.quarantined]


@pytest.mark.parametrize(
    "write",
    [
        xml,
        table,
        # What a file is, is seen from its first character.
        lambda *rows: xml(*rows, encoding="utf-16"),
        lambda *rows: table(*rows, encoding="utf-16"),
        lambda *rows: b"\xef\xbb\xbf" + table(*rows),
        lambda *rows: xml(*rows, encoding="iso-8859-1"),
    ],
)
@pytest.mark.parametrize("suffix", ["xml", "csv"])
async def test_a_report_says_the_same_in_every_form(
    tmp_path: Path, write: Any, suffix: str
) -> None:
    """Ids stay text, a school's own letter is mapped, a blank mark is none."""
    drop(tmp_path, f"Pupils.{suffix}", write(pupil(Surname="Ñame", Year="Year  9", Reg="9Y")))
    rows = [mark("/"), mark("-", "Friday PM"), mark("!", day="2026-09-10T00:00:00"), mark("", "PM")]
    drop(tmp_path, f"sessions week 1.{suffix}", write(*rows))

    batches, error = await taken(opened(tmp_path), PLAN)

    assert error is None
    (one,) = records(batches, "pupils")
    assert (one.pupil, one.surname, one.year_group, one.form) == ("0042", "Ñame", 9, "9Y")
    assert codes(batches) == ["/", "-", "X"]
    assert problems(batches) == []


@pytest.mark.parametrize(
    "element", ["Legal_x0020_Surname", "Legal_X0020Surname", "Legal_X0020_Surname"]
)
@pytest.mark.parametrize("caption", ["Legal Surname", "legal  surname", "Legal_x0020_Surname"])
async def test_a_caption_is_found_however_its_space_is_written(
    tmp_path: Path, element: str, caption: str
) -> None:
    """In the vendor's page, in real files, and by the school."""
    row = pupil()
    row[element] = row.pop("Surname")
    drop(tmp_path, "pupils.xml", xml(row))

    batches, error = await taken(opened(tmp_path, surname_column=caption), PLAN)

    assert error is None
    assert [one.surname for one in records(batches, "pupils")] == ["Testpupil"]


async def test_two_sets_in_one_report_are_not_twice_as_many_marks(tmp_path: Path) -> None:
    """Every pair of a mark and a class is a row."""
    rows = [
        mark(code, session, Class=name)
        for name in ("9Y/Ma", "9Y/En", "9Y/Sc")
        for code, session in (("/", "AM"), ("N", "PM"))
    ]
    drop(tmp_path, "sessions.xml", xml(*rows))
    drop(tmp_path, "pupils.xml", xml(*[pupil(Class=name) for name in ("9Y/Ma", "9Y/En")]))

    batches, error = await taken(opened(tmp_path), PLAN)

    assert error is None
    assert codes(batches) == ["/", "N"]
    assert len(records(batches, "pupils")) == 1
    assert problems(batches) == []


async def test_two_marks_of_one_register_are_told(tmp_path: Path) -> None:
    """The later row counts; a blank one is no other mark."""
    drop(
        tmp_path,
        "sessions.csv",
        table(mark("N"), mark(""), mark("I"), mark("-", "PM"), mark("\\", "PM")),
    )

    batches, _ = await taken(opened(tmp_path), PLAN)

    assert codes(batches) == ["I", "\\"]
    assert problems(batches) == [
        "another row has another mark of this register; the later one counts"
    ]


async def test_of_a_pupil_who_came_back_the_time_of_today_counts(tmp_path: Path) -> None:
    """In whatever order the two stand in the report."""
    old = pupil(From="01/09/2022", Until="19/07/2024")
    drop(tmp_path, "pupils.csv", table(pupil(From="03/09/2026", Until=""), old))

    source = opened(tmp_path, admission_column="From", leaving_column="Until")
    batches, _ = await taken(source, PLAN)

    (one,) = records(batches, "pupils")
    assert (one.admission, one.leaving) == (date(2026, 9, 3), None)


async def test_lessons_have_their_own_times_or_the_school_s(tmp_path: Path) -> None:
    """A period that the school's file does not name is set aside, with its name."""
    lesson = {"primary_id": "0042", "Date": "11/09/2026", "Mark": "N"}
    drop(tmp_path, "lessons.xml", xml({**lesson, "Period": "Fri:1"}, {**lesson, "Period": "Fri:7"}))

    batches, _ = await taken(opened(tmp_path, {"Fri:1": (540, 600)}), PLAN)
    (one,) = records(batches, "lessons")
    assert (one.period, one.starts, one.ends) == ("Fri:1", 540, 600)
    (problem,) = problems(batches)
    assert problem.startswith("'Fri:7': [calendar.periods]")

    drop(
        tmp_path, "lessons.xml", xml({**lesson, "Period": "Fri:7", "From": "14:00", "To": "15:00"})
    )
    batches, _ = await taken(opened(tmp_path, starts_column="From", ends_column="To"), PLAN)
    (one,) = records(batches, "lessons")
    assert (one.starts, one.ends) == (840, 900)


# ---- what is no report


XXE = '<!DOCTYPE SuperStarReport [<!ENTITY secret SYSTEM "file:///etc/hostname">]>'
LAUGHS = '<!DOCTYPE SuperStarReport [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
OUTSIDE = '<!DOCTYPE SuperStarReport SYSTEM "http://127.0.0.1:9/report.dtd">'


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "the file is empty"),
        (b" \r\n", "the file is empty"),
        (b"Running...\r\n<CommandReporterError>Login failed</CommandReporterError>", "an error"),
        ("<CommandReporterError/>".encode("utf-16"), "an error"),
        (xml(mark("/"))[:-30], "cut off"),
        (xml(mark("/")) + b"</more>", "cut off"),
        (b"<html><body>Sign in</body></html>", "no SuperStarReport"),
        (xml(), "no record"),
        (b"primary_id,Date,Session,Mark\r\n", "no record"),
        (xml(mark("/"), head=XXE), "no document type"),
        (xml(mark("/"), head=LAUGHS), "no document type"),
        (xml(mark("/"), head=OUTSIDE), "no document type"),
        (xml(mark("/")).replace(b"utf-8", b"no-such"), "cut off or broken"),
        (b"primary_id,Date,Session,Mark\r\n\xff\xfe\xfd,,,", "set encoding"),
    ],
)
async def test_what_is_no_report_is_named_and_the_others_go_in(
    tmp_path: Path, content: bytes, told: str
) -> None:
    """The feed says so; it is never a day without marks."""
    drop(tmp_path, "sessions-bad.xml", content)
    drop(tmp_path, "sessions-good.xml", xml(mark("/")), NOW - timedelta(minutes=1))

    batches, error = await taken(opened(tmp_path), PLAN)

    assert isinstance(error, errors.MisAnswerInvalid)
    assert told in str(error)
    assert "sessions-bad.xml" in str(error)
    assert codes(batches) == ["/"]


async def test_an_entity_is_never_looked_up(tmp_path: Path) -> None:
    """Neither from a file of this machine nor by its name."""
    outside = drop(tmp_path, "outside.txt", b"0042")
    head = f'<!DOCTYPE SuperStarReport [<!ENTITY x SYSTEM "{outside.as_uri()}">]>'
    row = xml(mark("/")).replace(b"0042", b"&x;")
    drop(
        tmp_path,
        "sessions.xml",
        row.replace(b"<SuperStarReport>", head.encode() + b"<SuperStarReport>"),
    )

    batches, error = await taken(opened(tmp_path), PLAN)

    assert isinstance(error, errors.MisAnswerInvalid)
    assert records(batches, "sessions") == []


@pytest.mark.parametrize("write", [xml, table])
async def test_a_column_that_must_be_there_is_named(tmp_path: Path, write: Any) -> None:
    """Of an id it is said how SIMS comes to leave it out."""
    row = mark("/")
    del row["primary_id"]
    drop(tmp_path, "sessions.xml", write(row))

    _, error = await taken(opened(tmp_path), PLAN)

    assert isinstance(error, errors.MisAnswerInvalid)
    assert "'primary_id' (pupil_column)" in str(error)
    assert "Third Party Reporter" in str(error)


async def test_a_column_that_the_school_names_must_be_there_and_others_need_not(
    tmp_path: Path,
) -> None:
    """A caption with a slip of the pen would otherwise be a form that nobody has."""
    drop(tmp_path, "pupils.xml", xml(pupil(RegGroup="9Y")))

    batches, error = await taken(opened(tmp_path), PLAN)
    assert error is None
    assert [one.form for one in records(batches, "pupils")] == [""]

    _, error = await taken(opened(tmp_path, form_column="RegGrp"), PLAN)
    assert "'reggrp' (form_column), the nearest is 'reggroup'" in str(error)


async def test_a_table_without_captions_shows_nobody(tmp_path: Path) -> None:
    """Its first row is a pupil, whose name may look like a caption."""
    row = "0042,Surnameson,Forenameya,9Y\r\n"
    drop(tmp_path, "pupils.csv", row.encode())
    drop(tmp_path, "pupils-2.csv", (row * 2).encode())

    _, error = await taken(opened(tmp_path), PLAN)

    assert error is not None
    assert not {"surnameson", "forenameya", "0042"} & set(
        str(error).lower().replace(",", " ").split()
    )
    assert "surnameson" not in str(error).lower()


async def test_a_bad_date_of_a_pupil_shows_no_value(tmp_path: Path) -> None:
    """Where columns have slipped it may be a name."""
    drop(tmp_path, "pupils.xml", xml(pupil(Born="Testpupil")))

    batches, _ = await taken(opened(tmp_path, dob_column="Born"), PLAN)

    (problem,) = problems(batches)
    assert problem.startswith("dob: ")
    assert "Testpupil" not in problem


# ---- the folder


async def test_a_report_that_sims_is_still_writing_waits(tmp_path: Path) -> None:
    """SIMS is slow: ten seconds by default, in which size and time must stay the same."""
    source = opened(tmp_path, settle_seconds="10")
    drop(tmp_path, "sessions-a.xml", xml(mark("/")))
    growing = drop(tmp_path, "sessions-b.xml", xml(mark("N", "PM"))[:60])
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        drop(tmp_path, growing.name, xml(mark("N", "PM")))

    source._sleep = sleep
    batches, error = await taken(source, PLAN)

    assert error is None
    assert codes(batches) == ["/"]
    assert waits == [10.0]


async def test_other_captions_make_a_known_report_be_read_again(tmp_path: Path) -> None:
    """What a file means is part of what is remembered of it."""
    drop(tmp_path, "sessions.xml", xml(mark("/", Late="N")))
    first, _ = await taken(opened(tmp_path), PLAN)
    known = {key: digest for batch in first for key, digest in batch.digests.items()}

    same, _ = await taken(opened(tmp_path), ReadPlan(WINDOW, known_digests=known))
    assert codes(same) == []
    assert all(batch.unchanged for batch in same)

    other, _ = await taken(
        opened(tmp_path, mark_column="Late"), ReadPlan(WINDOW, known_digests=known)
    )
    assert codes(other) == ["N"]


async def test_a_later_report_corrects_an_earlier_one(tmp_path: Path) -> None:
    """As the daemon stores it; a look at the folder says how many reports there are."""
    folder, site = tmp_path / "reports", tmp_path / "site"
    folder.mkdir()
    site.mkdir()
    drop(folder, "sessions-0850.xml", xml(mark("N")), NOW - timedelta(hours=2))
    school = f"""
[mis]
adapter = "sims-report"
[mis.connection]
folder = "{folder}"
settle_seconds = 0
"""
    async with watched(site, ManualClock(NOW), school) as daemon:
        assert daemon.marks("0042", FRIDAY) == "N."

        drop(folder, "sessions-1100.xml", xml(mark("I"), mark("\\", "PM")), NOW)
        await daemon.after(minutes=5)
        assert daemon.marks("0042", FRIDAY) == "I\\"

        check = opened(folder)
        standing = await check.check()
        assert standing.detail.startswith("2 files")
