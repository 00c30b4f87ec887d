"""A folder to begin an adapter with: a small one that works, under a name of its own."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING, Final

from mis_bridge.adapters.registry import shipped
from mis_bridge.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

__all__ = ["new_adapter"]

_TEMPLATE: Final = "template"
_ID: Final = re.compile(r"[a-z][a-z0-9-]*")
_RENAMED: Final = ("adapter.toml", "README.md")


def new_adapter(adapter_id: str, name: str, place: Path, known: Collection[str] = ()) -> Path:
    """Write the folder of a new adapter.

    Args:
        adapter_id: its name and its folder's.
        name: what people call the MIS.
        place: the folder that gets the new one; made where it is not there.
        known: ids that are taken.

    Returns:
        The new folder.

    Raises:
        OperatorError: the id is none, is taken, or the folder is there already; nothing is written.
    """
    if not _ID.fullmatch(adapter_id) or adapter_id == _TEMPLATE:
        raise OperatorError(
            f"{adapter_id!r} can not be the id of an adapter: small letters, digits and hyphens, "
            "a letter first"
        )
    if adapter_id in known:
        raise OperatorError(f'there is an adapter "{adapter_id}" already: choose another id')
    folder = place / adapter_id
    if folder.exists():
        raise OperatorError(f"{folder} is there already, and nothing in it is touched")
    try:
        shutil.copytree(shipped() / _TEMPLATE, folder)
        for file in _RENAMED:
            text = (folder / file).read_text(encoding="utf-8")
            (folder / file).write_text(_renamed(text, adapter_id, name), encoding="utf-8")
    except OSError as error:
        raise OperatorError(f"{folder} can not be written ({error.strerror})") from None
    return folder


def _renamed(text: str, adapter_id: str, name: str) -> str:
    """Put the new names in; a new adapter has no grade until its author records one."""
    text = re.sub(r"(?m)^grade = .*\n", "", text)
    return text.replace(_TEMPLATE.capitalize(), name).replace(_TEMPLATE, adapter_id)
