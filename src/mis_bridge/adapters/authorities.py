"""Find the Local Authorities: a folder each with ``authority.toml``, beside the MIS adapters.

What an authority sets goes before the defaults of the triggers and after the settings of the
installation and of a school. The format is described in ``docs/how-to/write-an-authority.md``;
``adapters/la/national`` holds where no authority has said otherwise.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mis_bridge.adapters.authority.profile import Authority
from mis_bridge.adapters.authority.reading import ACK_MINUTES, FILE, read
from mis_bridge.adapters.registry import shipped
from mis_bridge.errors import SettingsError
from mis_bridge.incidents.chain import Origin
from mis_bridge.settings.problems import SettingsProblems, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = [
    "NATIONAL_ID",
    "Authority",
    "authority_ids",
    "find_authority",
    "load_authority",
    "national_file",
    "of_number",
]

NATIONAL_ID: Final = "national"
"""The authority of a school that has chosen none."""


def authority_ids(dirs: Sequence[Path] = ()) -> list[str]:
    """Ids of all authorities that there are, in order."""
    return sorted({folder.name for folder in _folders(dirs)})


def load_authority(
    authority: str,
    dirs: Sequence[Path] = (),
    *,
    key: str = "authority.id",
    ack_minutes: int = ACK_MINUTES,
) -> Authority:
    """Read one authority.

    Args:
        authority: its id.
        dirs: ``service.adapter_dirs``; each may have a folder ``la``.
        key: named in the error where there is none.
        ack_minutes: ``incidents.ack_minutes``, by which the steps of some rules go.

    Raises:
        SettingsError: there is none of this id (names the nearest), or there are two.
        SettingsProblems: its file has mistakes; each names file, line and key.
    """
    found = [folder for folder in _folders(dirs) if folder.name == authority]
    if not found:
        raise SettingsError(
            f'there is no authority "{authority}": {nearest(authority, authority_ids(dirs))}',
            key=key,
        )
    if len(found) > 1:
        raise SettingsError(
            f'two authorities have the id "{authority}": {found[0]} and {found[1]}; rename one of '
            "them (folder and authority.id)",
            key=key,
        )
    return _whole(found[0], ack_minutes)


def of_number(number: str, dirs: Sequence[Path] = ()) -> tuple[list[Authority], list[str]]:
    """Find the authorities that have a DfE number.

    Args:
        number: three digits.
        dirs: ``service.adapter_dirs``.

    Returns:
        Those whose file says this number; and what is wrong with files that can not be read.
    """
    found, broken = [], []
    for one in authority_ids(dirs):
        try:
            authority = load_authority(one, dirs)
        except (SettingsError, SettingsProblems) as error:
            broken.append(str(error))
        else:
            found += [authority] if authority.la_number == number else []
    return found, broken


def find_authority(given: str, dirs: Sequence[Path] = (), *, key: str = "ID") -> Authority:
    """Read an authority that a person named, by its id or by its folder.

    Args:
        given: an id, or the path of a folder with an ``authority.toml``.
        dirs: as ``load_authority``.
        key: named in the error.

    Raises:
        SettingsError, SettingsProblems: as ``load_authority``.
    """
    folder = Path(given)
    if (folder / FILE).is_file() and given not in authority_ids(dirs):
        return _whole(folder.resolve(), ACK_MINUTES)
    return load_authority(given, dirs, key=key)


def national_file() -> Path:
    """Where the national file stands: what it says of who is told holds in every authority."""
    return shipped() / "la" / NATIONAL_ID / FILE


def _whole(folder: Path, ack_minutes: int) -> Authority:
    """Read an authority; behind its own rules of escalation stand the national ones.

    One that its own rules leave nothing to do is left out: the first that fits is used.
    """
    usual = national_file().parent
    national = read(usual, origin=Origin.NATIONAL, ack_minutes=ack_minutes)
    if folder.resolve() == usual.resolve():
        return national
    authority = read(folder, ack_minutes=ack_minutes)
    behind = [
        (rule, source)
        for rule, source in zip(national.escalation, national.escalation_sources, strict=True)
        if not any(own.covers(rule) for own in authority.escalation)
    ]
    return replace(
        authority,
        escalation=(*authority.escalation, *(rule for rule, _ in behind)),
        escalation_sources=(*authority.escalation_sources, *(source for _, source in behind)),
    )


def _folders(dirs: Sequence[Path]) -> Iterator[Path]:
    seen: set[Path] = set()
    for place in (*dirs, shipped()):
        if (place / "la").is_dir():
            for folder in sorted((place / "la").iterdir()):
                # A place that is named twice, or is the shipped one, holds nothing twice.
                if (folder / FILE).is_file() and folder.resolve() not in seen:
                    seen.add(folder.resolve())
                    yield folder
