"""The files of a package: the same bytes every time, and no character lost."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import unicodedata
from collections import Counter
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import pypdf
import pytest
import typst
from jsonschema import Draft202012Validator

from mis_bridge import __version__
from mis_bridge.documents import render
from mis_bridge.documents.csv_file import render_csv, safe_cell
from mis_bridge.documents.json_file import package_schema, read_json, render_json
from mis_bridge.documents.pdf import render_pdf
from mis_bridge.documents.typeface import FAMILY, Lettering, drawable_characters, fonts
from mis_bridge.messages.absence_period import AbsencePeriod
from mis_bridge.messages.package import Case, attendance_return
from mis_bridge.messages.package_model import (
    Enquiry,
    PackageData,
    PackagePupil,
    PackageSchool,
    Table,
)
from mis_bridge.registers.calendar import LONDON

if TYPE_CHECKING:
    from collections.abc import Iterator

AT = datetime(2026, 11, 12, 15, 30, tzinfo=LONDON)


def _package(surname: str = "Testpupil", note: str = "No answer.", **more: Any) -> PackageData:
    rows = tuple((f"day {n}", "O", "O") for n in range(10))
    return attendance_return(
        Case(
            reference="MB-0VQ2-9GK2",
            pupil=PackagePupil(upn="A999000000001", surname=surname, forename="Ada", **more),
            school=PackageSchool("Hilltop Invented School", "999999"),
            absence=AbsencePeriod(date(2026, 10, 22), date(2026, 11, 11), 10, rows=rows),
            prepared_at=AT,
            authority_name="Invented Council",
            enquiries=(Enquiry(AT, "A. Office", note),),
        )
    )


def _text(content: bytes) -> str:
    pages = pypdf.PdfReader(io.BytesIO(content)).pages
    return " ".join(" ".join(page.extract_text().split()) for page in pages)


def test_the_same_data_gives_the_same_bytes() -> None:
    """What was approved can be compared with what was sent, byte for byte."""
    assert render(_package()) == render(_package())
    assert {a.name for a in render(_package())} == {
        "MB-0VQ2-9GK2-attendance-return-v1.pdf",
        "MB-0VQ2-9GK2-attendance-return-v1.csv",
        "MB-0VQ2-9GK2-attendance-return-v1.json",
    }


_ELSEWHERE = """
import hashlib, sys
from mis_bridge.documents.json_file import read_json
from mis_bridge.documents.pdf import render_pdf
print(hashlib.sha256(render_pdf(read_json(sys.stdin.read()))).hexdigest())
"""


def test_another_process_in_another_time_zone_draws_the_same_bytes() -> None:
    """The officer's machine, the daemon and the one that sends need not be the same process."""
    data = _package(surname="Zażółć")
    done = subprocess.run(
        [sys.executable, "-c", _ELSEWHERE],
        input=render_json(data).decode(),
        env=os.environ | {"TZ": "Pacific/Auckland", "PYTHONHASHSEED": "7", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        check=True,
        text=True,
    )

    assert done.stdout.strip() == hashlib.sha256(render_pdf(data)).hexdigest()


@pytest.mark.parametrize(
    "name",
    [
        "Zażółć",
        "Şükrü",
        "Siân",
        "Łukasz",
        "Nguyễn",
        "O\u2019Brien",
        "Ολυμπία",
        "Ярослав",
    ],
)
def test_names_of_many_languages_are_drawn(name: str) -> None:
    """Polish, Turkish, Welsh, Vietnamese, Greek, Cyrillic: all can be read back from the PDF."""
    assert name in _text(render_pdf(_package(surname=name)))


@pytest.mark.parametrize(
    ("name", "spelled"),
    [
        ("李", "[U+674E]"),
        ("שרה", "[U+05E9]"),
        ("Ada\u0007", "[U+0007]"),
        ("\U0001f600", "[U+1F600]"),
    ],
)
def test_a_character_that_can_not_be_drawn_is_spelled_out_and_said(name: str, spelled: str) -> None:
    """Nothing vanishes from a name; the note says where it stands as registered."""
    text = _text(render_pdf(_package(surname=name)))

    assert spelled in text
    assert "CSV and JSON files of this package hold it as it is registered" in text


def test_a_package_without_such_characters_has_no_note() -> None:
    """The note is not boilerplate."""
    assert "[U+" not in _text(render_pdf(_package()))


def test_the_library_draws_exactly_what_is_called_drawable() -> None:
    """What the fonts' own tables say is what the library, which refuses a missing glyph, says."""
    drawable = "".join(sorted(drawable_characters()))
    others = [chr(number) for number in range(0x21, 0x10000, 509)]

    assert _drawn(drawable)
    for char in others:
        if char.isprintable() and unicodedata.bidirectional(char) not in {"R", "AL"}:
            assert _drawn(char) == (char in drawable), f"U+{ord(char):04X}"


def _drawn(text: str) -> bool:
    trial = (
        f'#set document(title: "-"); #set text(font: "{FAMILY}", lang: "en", fallback: false)\n'
        "#sys.inputs.text #strong(sys.inputs.text)"
    )
    try:
        typst.compile(
            trial.encode(), font_paths=fonts(), sys_inputs={"text": text}, pdf_standards="ua-1"
        )
    except typst.TypstError:
        return False
    return True


def test_decomposed_letters_are_drawn_composed() -> None:
    """Some MIS send e and an accent as two characters."""
    letters = Lettering()

    assert letters.drawable("Zoe\u0308") == "Zoë"
    assert not letters.spelled_out


def test_the_pdf_shows_every_value_and_every_gap() -> None:
    """Whoever approves sees what is missing before anything else."""
    data = _package()
    text = _text(render_pdf(data))

    for section in data.sections:
        for f in section.fields:
            assert f.label in text
            assert f.value in text
    assert f"{len(data.missing)} fields are not known" in text
    assert re.search(r"page 1 of \d", text)
    assert "MB-0VQ2-9GK2, version 1" in text


def test_markup_in_the_data_is_text() -> None:
    """The PDF library reads XML; what somebody typed is not XML."""
    text = _text(render_pdf(_package(note="<b>Left</b> & <img src='x'/> said 3 < 4")))

    assert "<b>Left</b> & <img src='x'/> said 3 < 4" in text


def test_a_very_long_note_flows_over_pages() -> None:
    """Ten thousand characters of notes make a longer document, not an error."""
    content = render_pdf(_package(note="word " * 2_000))

    assert _text(content).count("word") == 2_000


def test_the_csv_is_what_spreadsheets_and_parsers_take() -> None:
    """Byte order mark, every cell quoted, CRLF; every field of the package has its row."""
    data = _package()
    content = render_csv(data)

    assert content.startswith(b"\xef\xbb\xbf")
    assert content.endswith(b"\r\n")
    assert all(line.startswith('"') for line in content.decode("utf-8-sig").split("\r\n")[:-1])
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    status = {row["field"]: row["status"] for row in rows}
    assert status["pupil.surname"] == "known"
    assert status["pupil.address"] == "missing"
    assert status["pupil.ethnicity"] == "not known"


def test_the_table_of_a_report_on_many_pupils_is_a_file_of_its_own() -> None:
    """A meeting sorts and filters it; one row a field would be of no use there."""
    rows = (("=Test", "12"), ("Other", "3"))
    listing = Table("pupils", "Pupils", ("Surname", "Missed"), rows)
    data = replace(_package(), kind="persistent_absence_list", tables=(listing,))
    files = {file.name.partition("-v1")[2]: file.content for file in render(data)}

    assert files.keys() == {".pdf", ".csv", "-pupils.csv", ".json"}
    text = files["-pupils.csv"].decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(text, newline=""))) == [
        ["Surname", "Missed"],
        ["'=Test", "12"],
        ["Other", "3"],
    ]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", " =", "\uff1d"])
def test_no_cell_is_a_formula(start: str) -> None:
    """Quoting does not keep a spreadsheet from running a cell; the apostrophe does."""
    evil = f"{start}HYPERLINK(A1)"

    assert safe_cell(evil) == f"'{evil}"
    assert (
        json.loads(render_json(_package(surname=evil)))["sections"][0]["fields"][0]["value"] == evil
    )


def test_the_json_says_its_version_and_null_for_what_is_not_known() -> None:
    """A program on the other side can tell unknown from empty."""
    body = json.loads(render_json(_package()))

    assert body["schema_version"] == 1
    fields = {f["key"]: f["value"] for s in body["sections"] for f in s["fields"]}
    assert fields["pupil.address"] is None
    assert "pupil.address" in body["missing"]


def test_the_json_says_which_files_it_belongs_to() -> None:
    """Whoever has the three files can tell that none was changed, and by what they were made."""
    pdf, table, sidecar = render(_package())
    said = json.loads(sidecar.content)

    assert said["made_by"] == f"mis-bridge {__version__}"
    assert said["files"] == [
        {
            "name": file.name,
            "bytes": len(file.content),
            "sha256": hashlib.sha256(file.content).hexdigest(),
        }
        for file in (pdf, table)
    ]


def test_the_pdf_can_be_read_aloud() -> None:
    """PDF/UA-1: tagged, with a title, a language, headings, and header cells in every table."""
    reader = pypdf.PdfReader(io.BytesIO(render_pdf(_package())))
    catalogue: Any = reader.trailer["/Root"]

    assert catalogue["/MarkInfo"]["/Marked"]
    assert str(catalogue["/Lang"]).lower() == "en-gb"
    assert catalogue["/ViewerPreferences"]["/DisplayDocTitle"]
    assert reader.metadata is not None
    assert reader.metadata.title == "Attendance return MB-0VQ2-9GK2"
    tags = Counter(_tags(catalogue["/StructTreeRoot"]))
    data = _package()
    assert tags["/H1"] == len(data.sections) + len(data.tables) + 1  # what is missing, too
    assert tags["/Table"] == len(data.sections) + len(data.tables)
    assert tags["/TH"] == 2 * len(data.sections) + 2 * 3
    assert tags["/LI"] == len(data.missing)
    assert b"pdfuaid" in catalogue["/Metadata"].get_data()


def _tags(node: Any) -> Iterator[str]:
    node = node.get_object()
    if "/S" in node:
        yield node["/S"]
    below = node.get("/K", [])
    for inner in below if isinstance(below, list) else [below]:
        if not isinstance(inner, int) and isinstance(inner.get_object(), dict):
            yield from _tags(inner)


def test_the_pdf_says_when_it_was_prepared_and_nothing_of_the_machine() -> None:
    """Its date is the package's own, on paper and in the file: the clock is not looked at."""
    content = render_pdf(_package())
    reader = pypdf.PdfReader(io.BytesIO(content))

    assert "Thu 12 Nov 2026, 15:30" in _text(content)
    assert reader.metadata is not None
    assert reader.metadata.creation_date is not None
    assert reader.metadata.creation_date.date() == AT.date()


def test_a_word_without_end_is_broken_and_not_lost() -> None:
    """An address of a portal is longer than a column."""
    text = _text(render_pdf(_package(note="https://portal.example/" + "x" * 300)))

    assert re.sub(r"[\s\u200b]", "", text).count("x") >= 300


def test_a_package_can_be_read_back_from_its_json() -> None:
    """The database keeps the data alone: what is drawn from it later is the same, byte by byte."""
    data = replace(_package(surname="Zażółć"), due=date(2026, 11, 14), checklist=("Visited.",))
    back = read_json(render_json(data))

    assert (back.due, back.checklist) == (data.due, data.checklist)
    assert back.sections == data.sections
    assert back.tables == data.tables
    assert render(back) == render(data)


def test_a_package_of_an_earlier_version_can_still_be_read() -> None:
    """What waits for approval during an update has neither hints nor a recipient."""
    body = json.loads(render_json(_package()))
    del body["recipient"]
    for section in body["sections"]:
        for f in section["fields"]:
            del f["hint"]

    assert read_json(json.dumps(body)).missing


def test_the_published_schema_takes_a_package_and_refuses_another_kind() -> None:
    """A program of the authority checks what it gets before it stores it."""
    schema = package_schema()
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    body = json.loads(render(_package())[-1].content)

    assert list(validator.iter_errors(body)) == []
    assert list(validator.iter_errors(body | {"kind": "birthday_card"})) != []
    assert list(validator.iter_errors(body | {"version": 0})) != []


def test_no_file_name_holds_a_pupil() -> None:
    """File names travel through logs and listings."""
    assert all("Testpupil" not in a.name and "A999" not in a.name for a in render(_package()))
