"""Read the DfE's "Get information about schools" extract: who the schools of an authority are.

The extract is CSV in Windows-1252 with more than a hundred columns (``edubasealldata*.csv``, from
the downloads page of get-information-schools.service.gov.uk); seven of them are read.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mis_bridge.errors import BadRow, DataError
from mis_bridge.settings.problems import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Establishment", "read_establishments"]

_URN: Final = "URN"
_LA: Final = "LA (code)"
_NUMBER: Final = "EstablishmentNumber"
_NAME: Final = "EstablishmentName"
_KIND: Final = "TypeOfEstablishment (name)"
_PHASE: Final = "PhaseOfEducation (name)"
_STATUS: Final = "EstablishmentStatus (name)"
COLUMNS: Final = (_URN, _LA, _NUMBER, _NAME, _KIND, _PHASE, _STATUS)

_OPEN: Final = frozenset({"Open", "Open, but proposed to close"})
_PHASES: Final = {
    "nursery": "nursery",
    "primary": "primary",
    "middle deemed primary": "primary",
    "secondary": "secondary",
    "middle deemed secondary": "secondary",
    "16 plus": "",
    "all-through": "all-through",
}
_KINDS: Final = (("special", "special"), ("pupil referral", "ap"), ("alternative provision", "ap"))


@dataclass(frozen=True, slots=True)
class Establishment:
    """One school of the extract.

    Args:
        urn: unique reference number, six digits.
        authority: the Local Authority's number, three digits.
        number: the establishment's number within it, four digits, or empty where it has none.
        name: as the DfE writes it.
        kind: ``TypeOfEstablishment (name)``.
        phase: as a school's file writes it: ``primary``, ``secondary`` ..., or empty.
        is_open: whether it takes registers now.
    """

    urn: str
    authority: str
    number: str
    name: str
    kind: str
    phase: str
    is_open: bool

    @property
    def dfe_number(self) -> str:
        """The seven digits by which a MIS often names a school, or empty."""
        return f"{self.authority}{self.number}" if self.number else ""


def read_establishments(file: Path, authority: str) -> tuple[list[Establishment], list[BadRow]]:
    """Read the schools of one authority.

    Args:
        file: the extract.
        authority: the Local Authority's number, three digits.

    Returns:
        The schools in the order of the file, and the rows of this authority that can not be used.

    Raises:
        DataError: the file can not be read, or lacks a column.
    """
    try:
        text = file.read_bytes().decode("cp1252")
    except OSError as error:
        raise DataError(f"{file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise DataError(
            f"{file}: this is not the extract as it is downloaded (Windows-1252 text)"
        ) from None
    rows = csv.reader(io.StringIO(text.removeprefix("ï»¿"), newline=""))
    header = next(rows, [])
    for column in COLUMNS:
        if column not in header:
            raise DataError(
                f'{file}:1: there is no column "{column}": {nearest(column, header)}. Download '
                '"All establishment data" from Get information about schools'
            )
    places = {column: header.index(column) for column in COLUMNS}
    schools: dict[str, Establishment] = {}
    bad: list[BadRow] = []
    for row in _of(rows, authority, places[_LA]):
        try:
            one = _establishment(row, places, authority)
        except ValueError as error:
            bad.append(BadRow(str(error), file=file.name, line=rows.line_num))
        else:
            schools.setdefault(one.urn, one)
    return list(schools.values()), bad


def _of(rows: Iterator[list[str]], authority: str, place: int) -> Iterator[list[str]]:
    return (row for row in rows if len(row) > place and row[place].strip() == authority)


def _establishment(row: list[str], places: dict[str, int], authority: str) -> Establishment:
    if len(row) <= max(places.values()):
        raise ValueError("the row is cut short")
    cell = {column: row[place].strip() for column, place in places.items()}
    if not (cell[_URN].isascii() and cell[_URN].isdigit() and len(cell[_URN]) == 6):  # noqa: PLR2004
        raise ValueError("the URN is not a number of six digits")
    if not cell[_NAME]:
        raise ValueError("the school has no name")
    number = cell[_NUMBER]
    kind = cell[_KIND]
    phase = next(
        (short for word, short in _KINDS if word in kind.casefold()),
        _PHASES.get(cell[_PHASE].casefold(), ""),
    )
    return Establishment(
        urn=cell[_URN],
        authority=authority,
        number=number.zfill(4) if number.isascii() and number.isdigit() else "",
        name=cell[_NAME],
        kind=kind,
        phase=phase,
        is_open=cell[_STATUS] in _OPEN,
    )
