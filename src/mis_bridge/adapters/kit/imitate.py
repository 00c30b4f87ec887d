"""Moments written the way a MIS wrote another one, and moved to another day at the same hour."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from mis_bridge.adapters.values import Moments, Unusable
from mis_bridge.registers.calendar import LONDON

if TYPE_CHECKING:
    from datetime import tzinfo

__all__ = ["moment_of", "moved", "moved_text", "written"]

_SHAPE: Final = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)"
    r"(?:(?P<between>[T ])(?P<clock>\d\d:\d\d)(?P<seconds>:\d\d)?(?P<fraction>\.\d+)?"
    r"(?P<zone>Z|[+-]\d\d:?\d\d)?)?(?![\d])"
)

_NO_DAY: Final = 1900
"""Days before this year stand for no day (``0001-01-01``)."""


def moment_of(raw: Any, local: tzinfo = LONDON) -> datetime | None:
    """Understand a moment of a MIS; None for what is none.

    Args:
        raw: text, or object with ``date`` and ``timezone``.
        local: zone of texts that do not say theirs.
    """
    try:
        return Moments(local=local).get_fast(raw)
    except Unusable:
        return None


def written(sample: Any, moment: datetime, local: tzinfo = LONDON) -> Any:
    """Write a moment in the shape of a sample.

    Args:
        sample: as the MIS wrote another moment.
        moment: aware.
        local: zone of texts that do not say theirs.
    """
    if isinstance(sample, dict):
        zone = LONDON if sample.get("timezone") == "Europe/London" else _offset(sample, local)
        return {**sample, "date": written(sample.get("date"), moment, zone)}
    found = _SHAPE.fullmatch(sample) if isinstance(sample, str) else None
    if found is None:
        return sample
    here = moment.astimezone(_zone(found, local))
    if found["clock"] is None:
        return here.date().isoformat()
    text = f"{here.date().isoformat()}{found['between']}{here:%H:%M}"
    if found["seconds"] is not None:
        text += f":{here:%S}"
    if found["fraction"] is not None:
        text += f".{here:%f}".ljust(len(found["fraction"]), "0")[: len(found["fraction"])]
    if found["zone"] is not None:
        text += "Z" if found["zone"] == "Z" else _written_offset(here, found["zone"])
    return text


def moved(raw: Any, days: int, local: tzinfo = LONDON) -> Any:
    """Move a moment by whole days, to the same time on the wall in London.

    What is no moment stays as it is; so does a time without a day, or with one that is none.
    """
    text = raw.get("date") if isinstance(raw, dict) else raw
    moment = moment_of(raw, local) if isinstance(text, str) and _SHAPE.fullmatch(text) else None
    if moment is None or moment.year < _NO_DAY:
        return raw
    if isinstance(raw, str) and "T" not in raw and " " not in raw:
        return (datetime.fromisoformat(raw) + timedelta(days=days)).date().isoformat()
    wall = moment.astimezone(LONDON).replace(tzinfo=None) + timedelta(days=days)
    return written(raw, wall.replace(tzinfo=LONDON), local)


def moved_text(text: str, days: int) -> str:
    """Move every moment and every day that stands in a text."""
    return _SHAPE.sub(lambda found: str(moved(found[0], days)), text)


def _zone(found: re.Match[str], local: tzinfo) -> tzinfo:
    """Give the zone that a text is written in."""
    zone = found["zone"]
    if zone is None:
        return local
    moment = datetime.fromisoformat(found[0])
    offset = moment.utcoffset() or timedelta()
    if offset and moment.astimezone(LONDON).utcoffset() == offset:
        return LONDON
    return moment.tzinfo if offset and moment.tzinfo is not None else UTC


def _offset(sample: dict[str, Any], local: tzinfo) -> tzinfo:
    """Give the zone of an object by what it makes of its own text."""
    moment = moment_of(sample, local)
    text = sample.get("date")
    if moment is None or not isinstance(text, str):
        return UTC
    wall = datetime.fromisoformat(text).replace(tzinfo=UTC)
    return LONDON if wall != moment else UTC


def _written_offset(here: datetime, sample: str) -> str:
    text = f"{here:%z}"
    return f"{text[:3]}:{text[3:5]}" if ":" in sample else text
