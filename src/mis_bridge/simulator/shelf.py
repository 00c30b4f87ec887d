"""A store of its own for the conformance kit: what the daemon would know after each batch."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import event

from mis_bridge.adapters.source import Quarantined, ReadPlan
from mis_bridge.registers.codes import NO_SESSION, NOT_TAKEN, to_code
from mis_bridge.registers.day_sheet import decode
from mis_bridge.service.ingest import ingest
from mis_bridge.settings.service import PollingSettings
from mis_bridge.store import digests, feeds, pupils, quarantine, sheets, strips
from mis_bridge.store.opening import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime

    from mis_bridge.adapters.records import PupilRecord
    from mis_bridge.adapters.source import Batch
    from mis_bridge.store.engine import Store

__all__ = ["SqliteShelf", "shelf"]

_SCHOOL: Final = "kit"
_KEY: Final = "0f" * 32
_BLANK: Final = frozenset((NO_SESSION, NOT_TAKEN))
_KEEP: Final = timedelta(days=400)
_LARGEST: Final = 1_000_000


@contextmanager
def shelf() -> Iterator[SqliteShelf]:
    """Open an empty store; what is stored is thrown away at the end."""
    # Opening a file is cheap, and setting up what opens it is not: that is kept, with all that it
    # has learned of the statements.
    store, path = _free.pop() if _free else _made()
    shutil.copy(_template(), path)
    try:
        yield SqliteShelf(store)
    finally:
        store.engine.dispose()
        for file in path.parent.iterdir():
            file.unlink()
        _free.append((store, path))


class SqliteShelf:
    """The real store, filled by the real ingest; see ``kit.bench.Shelf``.

    Args:
        store: empty, set up.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._last_good: datetime | None = None
        self._known = False
        self._days: set[date] = set()

    def plan(self, window: tuple[date, date], now: datetime, *, sweep: bool) -> ReadPlan:
        """Plan a reading as the daemon would."""
        with self._store.transaction() as tx:
            if not self._known:
                feeds.sync_schools(tx, [(_SCHOOL, "kit", "Kit")], now)
                self._known = True
            feed = feeds.get(tx, _SCHOOL)
            overlap = timedelta(minutes=PollingSettings().overlap_minutes)
            since = None if sweep or self._last_good is None else self._last_good - overlap
            return ReadPlan(
                window=window,
                since=since,
                sweep=sweep or self._last_good is None,
                resume=feed.resume if feed is not None else {},
                known_digests=digests.known(tx, _SCHOOL),
            )

    def keep(self, batch: Batch, plan: ReadPlan, now: datetime) -> int:
        """Store a batch in one transaction."""
        keep_from = plan.window[0] - _KEEP
        with self._store.transaction() as tx:
            result = ingest(
                tx,
                _SCHOOL,
                batch,
                now,
                keep_from=keep_from,
                sweep=plan.window if plan.sweep else None,
            )
        self._days |= result.days
        return result.changed

    def finish(self, now: datetime) -> None:
        """Note that a reading came to its end."""
        self._last_good = now

    def marks(self) -> dict[tuple[str, date, str], str]:
        """Give the stored marks, blanks left out."""
        found: dict[tuple[str, date, str], str] = {}
        with self._store.transaction() as tx:
            for year in strips.years(tx, _SCHOOL):
                for pupil, strip in strips.load(tx, _SCHOOL, year).items():
                    for place, code in enumerate(strip.marks):
                        if code not in _BLANK:
                            day, pm = year.day_of(place)
                            found[pupil, day, "PM" if pm else "AM"] = to_code(code)
            for day in sorted(self._days):
                whole = sheets.load_whole(tx, _SCHOOL, day)
                for pupil, (entries, _) in whole.rows.items():
                    for slot, entry in decode(day, whole.plan, entries).entries:
                        if not slot.is_session and entry.code not in _BLANK:
                            found[pupil, day, f"lesson {slot.name}"] = to_code(entry.code)
        return found

    def roll(self) -> dict[str, PupilRecord]:
        """Give everybody on roll."""
        with self._store.transaction() as tx:
            return pupils.load(tx, _SCHOOL)

    def quarantined(self) -> list[Quarantined]:
        """Give what could not be used."""
        with self._store.transaction() as tx:
            rows = quarantine.load(tx, _SCHOOL, limit=_LARGEST)
        return [Quarantined(row.stream, row.place, row.problem, row.value) for row in rows]

    def texts(self) -> list[str]:
        """Give every text that is kept beside the marks and the roll."""
        with self._store.transaction() as tx:
            feed = feeds.get(tx, _SCHOOL)
            known = digests.known(tx, _SCHOOL)
        rows = [f"{row.stream} {row.place} {row.problem} {row.value}" for row in self.quarantined()]
        return [*rows, *known, *known.values(), repr(feed)]


def _unsynchronised(connection: Any, _record: object, _proxy: object) -> None:
    """Wait for no disk: what is thrown away need not survive a power cut."""
    connection.execute("PRAGMA synchronous = OFF")


def _made() -> tuple[Store, Path]:
    """Make a store, and the place of its file."""
    path = _folder() / "mis-bridge.db"
    shutil.copy(_template(), path)
    store = open_store(f"sqlite:///{path}", _KEY)
    event.listen(store.engine, "checkout", _unsynchronised)
    store.engine.dispose()
    return store, path


@cache
def _template() -> Path:
    """Set up a database once, to be copied."""
    path = _folder() / "mis-bridge.db"
    open_store(f"sqlite:///{path}", _KEY, create=True).close()
    return path


def _folder() -> Path:
    """Make a folder that is deleted when the program ends."""
    folder = tempfile.TemporaryDirectory(prefix="mis-bridge-kit-")
    _held.append(folder)
    return Path(folder.name)


_held: list[tempfile.TemporaryDirectory[str]] = []
_free: list[tuple[Store, Path]] = []
