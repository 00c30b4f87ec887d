# ruff: noqa: INP001 - an adapter's folder is no package
"""A folder of CSV files as a MIS: bad rows are set aside, the rest go in.

How the folder is watched is in ``mis_bridge.adapters.drops``.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mis_bridge.adapters import csv_format
from mis_bridge.adapters.drops import DropFolder, Dropped
from mis_bridge.errors import MisAnswerInvalid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mis_bridge.adapters.csv_format import Parsed
    from mis_bridge.adapters.drops import Drop
    from mis_bridge.adapters.registry import OpenContext

__all__ = ["open_source"]

_KINDS: Final = ("pupils", "sessions", "lessons", "events")


def open_source(context: OpenContext) -> DropFolder:
    """Open the folder of a school.

    Args:
        context: with the connection's ``folder``, ``settle_seconds``, ``stale_after_hours``.
    """
    connection = {name: str(value) for name, value in context.connection.items()}
    codes = dict(context.codes)
    return DropFolder(
        Path(connection["folder"]),
        Dropped(_KINDS, (".csv",), partial(_parse, codes), repr(sorted(codes.items())).encode()),
        settle_seconds=float(connection["settle_seconds"]),
        stale_after=timedelta(hours=float(connection["stale_after_hours"])),
        now=context.clock.now,
    )


def _parse(codes: Mapping[str, str], file: Drop, content: bytes) -> Parsed[Any]:
    name = file.path.name
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise MisAnswerInvalid(
            f"{name}:{line}: the file is not UTF-8 text: export it as 'CSV UTF-8'"
        ) from None
    match file.kind:
        case "sessions":
            return csv_format.read_sessions(text, name, codes=codes)
        case "lessons":
            return csv_format.read_lessons(text, name, codes=codes)
        case "pupils":
            return csv_format.read_pupils(text, name)
        case _:
            return csv_format.read_events(text, name)
