"""Write the files of many schools from one template; what is there is never touched.

A template is a school's file. Its table ``[school]`` is written anew for each school; in the rest
``{id}``, ``{urn}`` and ``{dfe}`` stand for the school's own. A file that is written says
``enabled = false``: the school is listed, and read from the day on which a person sets it to true.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mis_bridge.errors import OperatorError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from mis_bridge.settings.gias import Establishment

__all__ = [
    "Planned",
    "authority_in",
    "known_schools",
    "plan",
    "school_id",
    "text_of",
    "write",
]

_TABLE: Final = re.compile(r"^\s*\[")
_OWN: Final = re.compile(r"^\s*\[school\]\s*(#.*)?$")
_LONGEST_ID: Final = 60


@dataclass(frozen=True, slots=True)
class Planned:
    """What is to be done about one school of an extract.

    Args:
        school: as the extract has it.
        id: of its file, new or there already.
        action: ``write``, ``keep`` (a file has its URN) or ``closed`` (it has closed).
        file: its file, or None where none is needed.
    """

    school: Establishment
    id: str
    action: str
    file: Path | None


def known_schools(folder: Path) -> dict[str, str]:
    """Find the schools that have a file: URN -> id, and ``id:`` + id -> id for those without one.

    Files with mistakes count too: a person is working on them.
    """
    known = {}
    for file in sorted(folder.glob("*.toml")):
        known[f"id:{file.stem}"] = file.stem
        try:
            table = tomllib.loads(file.read_text(encoding="utf-8")).get("school")
        except (OSError, ValueError):
            continue
        urn = table.get("urn") if isinstance(table, dict) else None
        if isinstance(urn, str) and urn:
            known[urn] = file.stem
    return known


def plan(schools: Iterable[Establishment], folder: Path) -> list[Planned]:
    """Decide what to do about each school; nothing is written.

    Args:
        schools: of the extract.
        folder: ``conf.d``.
    """
    known = known_schools(folder)
    taken = {key.removeprefix("id:") for key in known if key.startswith("id:")}
    planned = []
    for school in schools:
        if school.urn in known:
            own = known[school.urn]
            action = "keep" if school.is_open else "closed"
            planned.append(Planned(school, own, action, folder / f"{own}.toml"))
        elif school.is_open:
            own = school_id(school, taken)
            taken.add(own)
            planned.append(Planned(school, own, "write", folder / f"{own}.toml"))
    return planned


def school_id(school: Establishment, taken: Iterable[str] = ()) -> str:
    """Make an id of a school's name; where two have one name, the later has its URN too.

    >>> from mis_bridge.settings.gias import Establishment
    >>> school_id(Establishment("100001", "895", "4001", "St Mary's C.E. School", "", "", True))
    'st-marys-ce-school'
    """
    plain = unicodedata.normalize("NFKD", school.name).encode("ascii", "ignore").decode().lower()
    words = re.findall(r"[a-z0-9]+", plain.replace("'", "").replace(".", ""))
    name = "-".join(words)[:_LONGEST_ID].strip("-") or f"school-{school.urn}"
    return f"{name}-{school.urn}" if name in set(taken) else name


def authority_in(template: str) -> str | None:
    """The authority that a template names; empty where its table names none, None without table."""
    try:
        table = tomllib.loads(template).get("authority")
    except ValueError:
        return None  # a mistake that the file itself will show
    if not isinstance(table, dict):
        return None
    return str(table.get("id", ""))


def text_of(template: str, planned: Planned, authority: str = "") -> str:
    """Write the text of a school's file.

    Args:
        template: text of a school's file.
        planned: the school.
        authority: id of the authority that the file is to name; a template that has a table
            ``[authority]`` keeps its own. Empty: none.

    Raises:
        SettingsError: the template has no table ``[school]``.
    """
    school = planned.school
    values = {"{id}": planned.id, "{urn}": school.urn, "{dfe}": school.dfe_number}
    lines: list[str] = []
    inside = found = False
    for line in template.splitlines():
        if _TABLE.match(line):
            inside = bool(_OWN.match(line)) and not found
            if inside:
                found = True
                lines += _identity(planned)
        if not inside:
            for name, value in values.items():
                line = line.replace(name, value)  # noqa: PLW2901 - one line, filled in
            lines.append(line)
    if not found:
        raise SettingsError("the template has no table [school]")
    if authority and authority_in(template) is None:
        lines += [
            "",
            f"# Whose rules hold: the authority whose number is {school.authority}.",
            "[authority]",
            f'id = "{authority}"',
        ]
    return "\n".join(lines).rstrip() + "\n"


def _identity(planned: Planned) -> list[str]:
    school = planned.school
    number = f" DfE number {school.dfe_number}." if school.dfe_number else ""
    return [
        f"# {school.kind or 'School'}.{number}",
        "# Name and numbers are those of Get information about schools. Fill in the rest, try it",
        f"# with: mis-bridge schools check {planned.id}, then set enabled to true. Until then",
        "# nothing is read, and nobody is told of missing children.",
        "[school]",
        f'id = "{planned.id}"',
        f"name = {json.dumps(school.name, ensure_ascii=False)}",
        f'urn = "{school.urn}"',
        f'phase = "{school.phase}"',
        "enabled = false",
        "",
    ]


def write(planned: Planned, template: str, authority: str = "") -> None:
    """Write one school's file, which must not exist yet (0640); arguments as ``text_of``.

    Raises:
        OperatorError: it can not be written.
    """
    if planned.file is None:
        return
    text = text_of(template, planned, authority)
    try:
        handle = os.open(planned.file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        raise OperatorError(f"{planned.file}: {error.strerror}") from error
