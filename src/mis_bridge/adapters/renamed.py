"""A field that a vendor renamed or moved overnight is told as such, and not read as "none".

One odd record is noise and is set aside. Where not one of several has what it needs, the answer has
changed: without a word, every mark would be missing, or every register look as if nobody took it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from mis_bridge.adapters.mapping import leads
from mis_bridge.adapters.mapping import path as parse_path
from mis_bridge.errors import MisAnswerInvalid
from mis_bridge.registers.codes import NOT_TAKEN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mis_bridge.adapters.lookups import Lookups
    from mis_bridge.adapters.normalise import Decoded
    from mis_bridge.adapters.source import Quarantined
    from mis_bridge.adapters.vocabulary import StreamTable

__all__ = ["refuse_changed_list", "refuse_changed_page"]

_SEVERAL: Final = 3
"""Records, all of them wrong in one way, that make a changed answer of a bad record."""

_ASKED: Final = "Has the vendor renamed or moved a field?"


def refuse_changed_page(stream: str, table: StreamTable, decoded: Decoded, raw: bytes) -> None:
    """Look at a page of which nothing could be used, or of which no mark has a code.

    Args:
        stream: named in the error.
        table: its part of the manifest.
        decoded: what the page held.
        raw: JSON array of its records.

    Raises:
        MisAnswerInvalid: the answer has changed.
    """
    if not decoded.records:
        _refuse_unusable(stream, decoded.quarantined)
    entry = table.map.get("code")
    if entry is None or entry.path is None or len(decoded.records) < _SEVERAL:
        return
    if any(getattr(record, "code", None) != NOT_TAKEN for record in decoded.records):
        return
    # Registers that nobody took yet have codes too, empty ones.
    paths = [parse_path(text).steps for text in entry.paths]
    records = msgspec.json.decode(raw, type=list)
    if not any(leads(record, steps) for record in records for steps in paths):
        places = " or ".join(entry.paths)
        raise MisAnswerInvalid(f"{stream}: none of {len(records)} marks has {places!r}. {_ASKED}")


def refuse_changed_list(stream: str, read: Lookups, wrong: Sequence[Quarantined]) -> None:
    """Look at a list that marks refer to, of which nothing could be used.

    Args:
        stream: one of ``vocabulary.LOOKUPS``.
        read: the whole list.
        wrong: what of it was set aside.

    Raises:
        MisAnswerInvalid: the answer has changed.
    """
    entries = getattr(read, stream)
    if not entries:
        _refuse_unusable(stream, wrong)
    if stream == "codes" and len(entries) >= _SEVERAL and not any(read.codes.values()):
        raise MisAnswerInvalid(f"codes: none of {len(entries)} entries has a code. {_ASKED}")


def _refuse_unusable(stream: str, wrong: Sequence[Quarantined]) -> None:
    """Take several records, all wrong for one reason that is no strange value, for a change."""
    if len(wrong) < _SEVERAL or any(one.value for one in wrong):
        return
    if len({one.problem for one in wrong}) == 1:
        raise MisAnswerInvalid(
            f"{stream}: none of {len(wrong)} records can be used: {wrong[0].problem}. {_ASKED}"
        )
