"""Several records about one pupil in one roll: enrolments that follow each other, and copies."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from mis_bridge.adapters.records import PupilRecord

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mis_bridge.adapters.records import Record

__all__ = ["Enrolments"]


class Enrolments:
    """Finds the record of each pupil that counts, while a whole roll is read.

    The one counts that is on roll on a day; of several, and where none is, the one that leaves
    last; of equals the first.

    Args:
        day: the last day that is asked for.
    """

    def __init__(self, day: date) -> None:
        self._day = day
        self._standing: dict[str, PupilRecord] = {}

    def of(self, records: Iterable[Record]) -> list[Record]:
        """Give the records of a batch that count so far, each pupil once."""
        given: dict[str, Record] = {}
        for record in records:
            if not isinstance(record, PupilRecord):
                continue
            known = self._standing.get(record.pupil)
            if known is None or self._rank(record) > self._rank(known):
                self._standing[record.pupil] = given[record.pupil] = record
        return list(given.values())

    def _rank(self, record: PupilRecord) -> tuple[bool, date]:
        leaves = record.leaving or date.max
        return (record.admission or date.min) <= self._day <= leaves, leaves
