"""Several records about one pupil in one roll: enrolments that follow each other, and copies."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from mis_bridge.adapters.records import PupilRecord

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mis_bridge.adapters.records import Record

__all__ = ["who_counts"]


def who_counts(records: Iterable[Record], day: date) -> list[PupilRecord]:
    """Give the record of each pupil that counts.

    The one counts that is on roll on a day; of several, and where none is, the one that leaves
    last; of equals the first.

    Args:
        records: of a whole roll.
        day: the last day that is asked for.
    """
    found: dict[str, PupilRecord] = {}
    for record in records:
        if not isinstance(record, PupilRecord):
            continue
        known = found.get(record.pupil)
        if known is None or _rank(record, day) > _rank(known, day):
            found[record.pupil] = record
    return list(found.values())


def _rank(record: PupilRecord, day: date) -> tuple[bool, date]:
    leaves = record.leaving or date.max
    return (record.admission or date.min) <= day <= leaves, leaves
