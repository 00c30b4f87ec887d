"""A folder to begin an authority with: the national one, under a name of its own."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING, Final

from mis_bridge.adapters.authority.reading import FILE
from mis_bridge.adapters.registry import shipped
from mis_bridge.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

__all__ = ["new_authority"]

_ID: Final = re.compile(r"[a-z][a-z0-9-]*")
_HEAD: Final = """\
# What holds in {name}. Change what is done differently there and leave the rest, or take it out:
# what is not here is as in the national file. README.md beside it is for your sources.

"""
_README: Final = """\
# {name}

`authority.toml` says what holds in {name}. Nothing in it is {name}'s own yet: it is the national
file.

## Where the lines come from

| what | value | source |
|---|---|---|
| | | |

## Not known

- Everything that is not in the table above.
"""


def new_authority(authority: str, name: str, place: Path, known: Collection[str] = ()) -> Path:
    """Write the folder of a new authority.

    Args:
        authority: its id, the name of its folder.
        name: what messages call it.
        place: one of ``service.adapter_dirs``; the folder goes under ``la`` in it. Made where it is
            not there.
        known: ids that are taken.

    Returns:
        The new folder.

    Raises:
        OperatorError: the id is none, is taken, or the folder is there already; nothing is written.
    """
    if not _ID.fullmatch(authority):
        raise OperatorError(
            f"{authority!r} can not be the id of an authority: small letters, digits and hyphens, "
            "a letter first"
        )
    if authority in known:
        raise OperatorError(f'there is an authority "{authority}" already: choose another id')
    folder = place / "la" / authority
    if folder.exists():
        raise OperatorError(f"{folder} is there already, and nothing in it is touched")
    national = shipped() / "la" / "national" / FILE
    text = national.read_text(encoding="utf-8").partition("[authority]")
    try:
        folder.mkdir(parents=True)
        (folder / FILE).write_text(
            _HEAD.format(name=name) + _renamed(text[1] + text[2], authority, name), encoding="utf-8"
        )
        (folder / "README.md").write_text(_README.format(name=name), encoding="utf-8")
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise OperatorError(f"{folder} can not be written ({error.strerror})") from None
    return folder


def _renamed(text: str, authority: str, name: str) -> str:
    text = text.replace('id = "national"', f'id = "{authority}"', 1)
    return re.sub(
        r"(?m)^name = .*$",
        lambda _: f"name = {json.dumps(name, ensure_ascii=False)}",
        text,
        count=1,
    )
