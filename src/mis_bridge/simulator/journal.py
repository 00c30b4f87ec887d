"""What one stream of a MIS holds at any moment: every version of every row, in order of saving.

A row is a key and a value; saving the key again supersedes it. Asked at a moment, the journal
shows the latest version of each key saved up to then, in order of saving, exactly as a MIS that
keeps one row and an ``updated_at`` would.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mis_bridge.simulator.history import Version

__all__ = ["GONE", "Journal", "JournalPage"]

GONE = 0
"""Value of a row that was deleted: it is not shown, but it supersedes what was there."""

_NEVER = 1 << 62


@dataclass(frozen=True, slots=True)
class JournalPage:
    """Some rows of a journal.

    Args:
        positions: places in the journal, in order.
        next: position at which the following page starts, or None on the last page.
        digest: equal digests of one journal mean equal positions.
    """

    positions: list[int]
    next: int | None
    digest: tuple[int, int, int]


class Journal:
    """Versions of the rows of one stream.

    Args:
        versions: (microseconds since 1970 UTC, key, value) in any order; of two versions of one
            key saved in the same microsecond the later one in the iterable wins.

    Attributes:
        generation: how often something was added; places mean the same thing within one.
    """

    def __init__(self, versions: Iterable[Version] = ()) -> None:
        self.generation = 0
        self._versions = sorted(versions, key=_saved)
        self._index()

    def __len__(self) -> int:
        return len(self._versions)

    def add(self, versions: Iterable[Version]) -> None:
        """Add versions; places in the journal from their time on change."""
        self.generation += 1
        # Timsort: appending sorted to sorted costs one pass.
        self._versions.extend(versions)
        self._versions.sort(key=_saved)
        self._index()

    def _index(self) -> None:
        count = len(self._versions)
        self._saved = array("q", (version[0] for version in self._versions))
        self._superseded = array("q", [_NEVER]) * count
        self._created = array("q", self._saved)
        latest: dict[int, int] = {}
        for position, (saved, key, _) in enumerate(self._versions):
            before = latest.get(key)
            if before is not None:
                self._superseded[before] = saved
                self._created[position] = self._created[before]
            latest[key] = position
        self._replacements = array(
            "q", sorted(moment for moment in self._superseded if moment != _NEVER)
        )

    def version(self, position: int) -> Version:
        """Give (saved, key, value) at a place."""
        return self._versions[position]

    def created(self, position: int) -> int:
        """Give when the row at a place was saved for the first time."""
        return self._created[position]

    def shown(self, position: int, as_of: int) -> bool:
        """Say whether a version is the one to see at a moment."""
        saved, _, value = self._versions[position]
        return saved <= as_of < self._superseded[position] and value != GONE

    def span(self, as_of: int, after: int | None = None, before: int | None = None) -> range:
        """Give the places saved up to ``as_of``, after ``after`` and before ``before``."""
        start = 0 if after is None else bisect_right(self._saved, after)
        stop = bisect_right(self._saved, as_of)
        if before is not None:
            stop = min(stop, bisect_left(self._saved, before))
        return range(start, max(start, stop))

    def page(self, span: range, as_of: int, limit: int) -> JournalPage:
        """Give the first rows of a span that are to be seen.

        Args:
            span: as :meth:`span` gives it; the next page starts at ``next`` with the same stop.
            as_of: the moment, microseconds.
            limit: rows on a page, at least 1.
        """
        superseded, versions = self._superseded, self._versions
        positions: list[int] = []
        following = None
        for position in span:
            if as_of < superseded[position] and versions[position][2] != GONE:
                if len(positions) == limit:
                    following = position
                    break
                positions.append(position)
        stop = following if following is not None else span.stop
        replaced = bisect_right(self._replacements, as_of)
        return JournalPage(positions, following, (span.start, stop, replaced))

    def rows(self, span: range, as_of: int) -> list[int]:
        """Give all places of a span that are to be seen."""
        return self.page(span, as_of, len(self) + 1).positions


def _saved(version: Version) -> int:
    return version[0]
