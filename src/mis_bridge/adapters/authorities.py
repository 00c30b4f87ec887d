"""A Local Authority as data: a folder with ``authority.toml``, beside the MIS adapters.

What it sets goes before the defaults of the triggers and after the settings of the installation and
of a school. The format is described in ``adapters/la/national``, which holds where no authority
has said otherwise.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mis_bridge.adapters.registry import shipped
from mis_bridge.calendars.tables import authority_years
from mis_bridge.errors import SettingsError
from mis_bridge.incidents.protocol import protocols_from
from mis_bridge.triggers.catalogue import parameters

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from mis_bridge.incidents.protocol import Step
    from mis_bridge.registers.calendar import AcademicYear
    from mis_bridge.settings.model import YearSettings

__all__ = ["Authority", "authority_ids", "load_authority"]

_TABLES = frozenset({"authority", "triggers", "protocol", "calendar"})


@dataclass(frozen=True, slots=True)
class Authority:
    """What holds in one Local Authority.

    Args:
        id: name of its folder.
        name: as people call it.
        triggers: parameters by trigger id.
        protocols: steps by protocol id.
        calendar: term dates by academic year, for the schools that go by the authority's.
    """

    id: str
    name: str
    triggers: Mapping[str, Mapping[str, Any]]
    protocols: Mapping[str, tuple[Step, ...]]
    calendar: Mapping[AcademicYear, YearSettings] = field(default_factory=dict)


def authority_ids(dirs: Sequence[Path] = ()) -> list[str]:
    """Ids of all authorities that there are, in order."""
    return sorted({folder.name for folder in _folders(dirs)})


def load_authority(authority: str, dirs: Sequence[Path] = ()) -> Authority:
    """Read one authority.

    Args:
        authority: its id.
        dirs: ``service.adapter_dirs``; each may have a folder ``la``.

    Raises:
        SettingsError: there is none of this id, or its file has a mistake; names file and key.
    """
    folder = next((one for one in _folders(dirs) if one.name == authority), None)
    if folder is None:
        known = ", ".join(authority_ids(dirs))
        raise SettingsError(
            f'there is no authority "{authority}": there are {known}', key="authority.id"
        )
    path = folder / "authority.toml"
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"can not be read as TOML: {error}", file=str(path)) from None
    return _checked(authority, tables, str(path))


def _checked(authority: str, tables: dict[str, Any], file: str) -> Authority:
    for table in tables:
        if table not in _TABLES:
            allowed = ", ".join(sorted(_TABLES))
            raise SettingsError(f"no such table; there are {allowed}", file=file, key=table)
    own = tables.get("authority", {})
    if own.get("id") != authority:
        raise SettingsError(
            f'write id = "{authority}", the name of its folder', file=file, key="authority.id"
        )
    triggers = tables.get("triggers", {})
    for trigger, values in triggers.items():
        try:
            parameters(trigger, values)
        except ValueError as error:
            raise SettingsError(str(error), file=file, key=f"triggers.{trigger}") from None
    return Authority(
        id=authority,
        name=str(own.get("name", "")),
        triggers=triggers,
        protocols=protocols_from(tables.get("protocol", {}), file=file),
        calendar=authority_years(tables.get("calendar", {}), file=file),
    )


def _folders(dirs: Sequence[Path]) -> Iterator[Path]:
    for place in (*dirs, shipped()):
        if (place / "la").is_dir():
            for folder in sorted((place / "la").iterdir()):
                if (folder / "authority.toml").is_file():
                    yield folder
