"""The schools of an authority come from the DfE's extract, a file each, and no edit is lost."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mis_bridge.errors import DataError, SettingsError
from mis_bridge.io.shipped import shipped
from mis_bridge.settings.gias import COLUMNS, Establishment, read_establishments
from mis_bridge.settings.school_file import Planned, plan, school_id, text_of, write

if TYPE_CHECKING:
    from pathlib import Path

HEADER = ("Something else", *COLUMNS, "LA (name)")


def row(urn: str, name: str, **other: str) -> str:
    """One row of an extract, as the DfE quotes it."""
    cells = {
        "URN": urn,
        "LA (code)": other.get("la", "895"),
        "EstablishmentNumber": other.get("number", "4001"),
        "EstablishmentName": name,
        "TypeOfEstablishment (name)": other.get("kind", "Academy converter"),
        "PhaseOfEducation (name)": other.get("phase", "Secondary"),
        "EstablishmentStatus (name)": other.get("status", "Open"),
    }
    return ",".join(f'"{cell}"' for cell in ("x", *(cells[column] for column in COLUMNS), "East"))


def extract(folder: Path, *rows: str) -> Path:
    """An extract of these rows, in the DfE's encoding."""
    file = folder / "edubase.csv"
    text = "\r\n".join((",".join(f'"{one}"' for one in HEADER), *rows))
    file.write_bytes(text.encode("cp1252"))
    return file


def one(
    urn: str = "999001", name: str = "Oak\u2019s Invented Academy", **other: str
) -> Establishment:
    """An establishment."""
    return Establishment(urn, "895", other.get("number", "4001"), name, "Academy", "", True)


def test_the_open_schools_of_one_authority_are_read(tmp_path: Path) -> None:
    """Windows-1252, other authorities left out, closed ones known as closed."""
    file = extract(
        tmp_path,
        row("999001", "Oak\u2019s Invented Academy"),
        row("999002", "Elsewhere School", la="896"),
        row("999003", "Old Invented School", status="Closed"),
        row("999004", "Going School", status="Open, but proposed to close", phase="Primary"),
        row("999005", "Planned School", status="Proposed to open"),
        row("999006", "Invented PRU", kind="Pupil referral unit", phase="Not applicable"),
        row("999007", "Invented Special", kind="Community special school", number=""),
    )

    schools, bad = read_establishments(file, "895")

    assert bad == []
    assert [(s.urn, s.is_open, s.phase) for s in schools] == [
        ("999001", True, "secondary"),
        ("999003", False, "secondary"),
        ("999004", True, "primary"),
        ("999005", False, "secondary"),
        ("999006", True, "ap"),
        ("999007", True, "special"),
    ]
    assert schools[0].name == "Oak\u2019s Invented Academy"
    assert schools[0].dfe_number == "8954001"
    assert schools[-1].dfe_number == ""


def test_a_row_that_can_not_be_used_is_named_by_its_line(tmp_path: Path) -> None:
    """The other schools are read."""
    file = extract(tmp_path, row("999001", "Good School"), row("99x", "Bad School"), row("1", ""))

    schools, bad = read_establishments(file, "895")

    assert [s.urn for s in schools] == ["999001"]
    assert [(problem.line, "URN" in problem.problem) for problem in bad] == [(3, True), (4, True)]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b'"URN","LA (cod)"\r\n', "LA \\(code\\)"),
        (b"", "URN"),
        (b"\x81\x8d", "Windows-1252"),
    ],
)
def test_a_file_that_is_no_extract_says_what_to_download(
    tmp_path: Path, content: bytes, told: str
) -> None:
    """A missing column is named."""
    (tmp_path / "edubase.csv").write_bytes(content)

    with pytest.raises(DataError, match=told):
        read_establishments(tmp_path / "edubase.csv", "895")


def test_a_file_that_is_not_there_is_said() -> None:
    """With its name."""
    from pathlib import Path

    with pytest.raises(DataError, match=r"not-there\.csv"):
        read_establishments(Path("not-there.csv"), "895")


def test_what_is_written_is_a_valid_school_that_rests(tmp_path: Path) -> None:
    """From the shipped template: its own identity, nobody read, everything else to fill in."""
    planned = plan([one()], tmp_path)
    write(planned[0], shipped("school.example.toml").read_text("utf-8"))

    (file,) = tmp_path.glob("*.toml")
    table = tomllib.loads(file.read_text("utf-8"))
    assert file.stem == table["school"]["id"] == "oaks-invented-academy"
    assert table["school"]["name"] == "Oak\u2019s Invented Academy"
    assert table["school"]["urn"] == "999001"
    assert table["school"]["enabled"] is False
    assert table["mis"]["adapter"]
    assert table["calendar"]["am"]["opens"] == "08:45"
    assert file.stat().st_mode & 0o777 == 0o640


def test_a_template_is_filled_in_for_each_school() -> None:
    """The DfE number is what many MIS call a school."""
    template = '[school]\nid = "t"\n[mis.connection]\nestab = "{dfe}"\nfolder = "in/{id}/{urn}"\n'

    text = text_of(template, Planned(one(), "oak", "write", None))

    assert tomllib.loads(text)["mis"]["connection"] == {
        "estab": "8954001",
        "folder": "in/oak/999001",
    }
    assert 'id = "t"' not in text


def test_a_template_without_a_school_is_refused() -> None:
    """Before anything is written."""
    with pytest.raises(SettingsError, match=r"\[school\]"):
        text_of("[mis]\n", Planned(one(), "oak", "write", None))


def test_a_file_that_is_there_is_left_whatever_it_is_called(tmp_path: Path) -> None:
    """A person renamed it, edited it, or is in the middle of a mistake."""
    renamed = tmp_path / "our-oak.toml"
    renamed.write_text('[school]\nid = "our-oak"\nurn = "999001"\n# a note\n')
    broken = tmp_path / "elm-invented-school.toml"
    broken.write_text("[school\n")

    planned = plan([one(), one("999002", "Elm Invented School"), one("999003", "Ash")], tmp_path)

    assert [(p.id, p.action) for p in planned] == [
        ("our-oak", "keep"),
        ("elm-invented-school-999002", "write"),
        ("ash", "write"),
    ]
    for planned_one in planned:
        if planned_one.action == "write":
            write(planned_one, '[school]\nid = ""\n')
    assert "# a note" in renamed.read_text("utf-8")
    assert broken.read_text("utf-8") == "[school\n"


def test_two_schools_of_one_name_get_ids_of_their_own(tmp_path: Path) -> None:
    """The second carries its URN."""
    planned = plan([one("999001", "St Mary's"), one("999002", "St. Mary\u2019s")], tmp_path)

    assert [p.id for p in planned] == ["st-marys", "st-marys-999002"]


@given(st.lists(st.text(min_size=1, max_size=30), max_size=8))
def test_ids_are_names_of_files_and_never_the_same_twice(names: list[str]) -> None:
    """Whatever a school is called."""
    taken: set[str] = set()
    for number, name in enumerate(names):
        own = school_id(one(f"{100000 + number}", name), taken)
        assert own not in taken
        assert own.strip("-") == own
        assert own.replace("-", "").isalnum()
        assert own.isascii()
        assert own == own.lower()
        taken.add(own)
