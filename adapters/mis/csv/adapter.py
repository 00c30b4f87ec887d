# ruff: noqa: INP001 - an adapter's folder is no package
"""A folder of CSV files as a MIS: half-written files wait, bad rows are set aside, the rest go in.

Files are read in the order of their times, so that a later export corrects an earlier one. Where
one file of a kind has changed, it and all later ones of that kind are read again; the earlier ones
cost a hash.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mis_bridge.adapters import csv_format
from mis_bridge.adapters.source import BATCH_RECORDS, Batch, Quarantined, Standing
from mis_bridge.errors import (
    BadRow,
    MisAnswerInvalid,
    MisDataStale,
    MisError,
    MisNotThere,
    MisPermissionMissing,
    MisUnreachable,
)
from mis_bridge.registers.calendar import LONDON

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

    from mis_bridge.adapters.csv_format import Parsed
    from mis_bridge.adapters.registry import OpenContext
    from mis_bridge.adapters.source import ReadPlan

__all__ = ["FolderSource", "open_source"]

_KINDS: Final = ("pupils", "sessions", "lessons", "events")
_UNFINISHED: Final = (".part", ".tmp", ".partial", ".crdownload")
_SATURDAY: Final = 5

Stamp = tuple[int, int]
"""Size and time of change in nanoseconds: what must stay the same while a file is read."""


def open_source(context: OpenContext) -> FolderSource:
    """Open the folder of a school.

    Args:
        context: with the connection's ``folder``, ``settle_seconds``, ``stale_after_hours``.
    """
    connection = {name: str(value) for name, value in context.connection.items()}
    return FolderSource(
        Path(connection["folder"]),
        settle_seconds=float(connection["settle_seconds"]),
        stale_after=timedelta(hours=float(connection["stale_after_hours"])),
        now=context.clock.now,
        codes=dict(context.codes),
    )


@dataclass(frozen=True, slots=True)
class _File:
    """One file that is not being written."""

    path: Path
    kind: str
    stamp: Stamp

    @property
    def written(self) -> datetime:
        return datetime.fromtimestamp(self.stamp[1] / 1e9, UTC)


class FolderSource:
    """The files of one school.

    Args:
        folder: where they are written.
        settle_seconds: a file that changes within this time is still being written.
        stale_after: age of the newest file, weekends not counted, that is too old; 0 for never.
        now: the present.
        codes: the school's own codes -> register codes.
        sleep: replaced in tests.
    """

    def __init__(
        self,
        folder: Path,
        *,
        settle_seconds: float,
        stale_after: timedelta,
        now: Callable[[], datetime],
        codes: dict[str, str],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._folder = folder
        self._settle = settle_seconds
        self._stale_after = stale_after
        self._now = now
        self._codes = codes
        self._sleep = sleep
        self._settled: dict[Path, Stamp] = {}
        codes_read = repr(sorted(codes.items())).encode()
        self._meaning = hashlib.sha256(codes_read).digest()

    async def read(self, plan: ReadPlan) -> AsyncGenerator[Batch]:
        """Give the batches of a plan; what a folder lacks is never taken for gone."""
        files = await self._files()
        failed: list[MisError] = []
        for kind in _KINDS:
            if plan.streams is not None and kind not in plan.streams:
                continue
            own = sorted(
                (file for file in files if file.kind == kind),
                key=lambda file: (file.stamp[1], file.path.name),
            )
            changed = plan.sweep
            for file in own:
                try:
                    digest, parsed = await asyncio.to_thread(
                        self._load, file, "" if changed else _known(plan, file)
                    )
                except MisError as error:
                    failed.append(error)
                    continue
                changed = changed or parsed is not None
                for batch in _batches(file, digest, parsed, last=file is own[-1]):
                    yield batch
        if failed:
            raise failed[0]
        self._refuse_stale(files)

    async def check(self) -> Standing:
        """Look at the files: how many pupils, which codes nobody knows."""
        files = await self._files()
        pupils: set[str] = set()
        strange: set[str] = set()
        for file in files:
            _, parsed = await asyncio.to_thread(self._load, file, "")
            if parsed is None:
                continue
            if file.kind == "pupils":
                pupils.update(record.pupil for record in parsed.records)
            strange.update(code for code in parsed.unknown_codes if code)
        self._refuse_stale(files)
        newest = max(file.written for file in files).astimezone(LONDON)
        return Standing(
            len(pupils) if any(file.kind == "pupils" for file in files) else None,
            tuple(sorted(strange)),
            f"{len(files)} files, the newest of {newest:%Y-%m-%d %H:%M}",
        )

    async def _files(self) -> list[_File]:
        """List the files that are not being written."""
        first = await asyncio.to_thread(self._look)
        if any(self._settled.get(path) != stamp for path, stamp in first.items()):
            await self._sleep(self._settle)
            second = await asyncio.to_thread(self._look)
        else:
            second = first
        self._settled = {path: stamp for path, stamp in second.items() if first.get(path) == stamp}
        if not first and not second:
            raise MisNotThere(
                f"{self._folder} has no file named sessions*.csv, lessons*.csv, pupils*.csv or "
                "events*.csv: look at the school's export"
            )
        return [_File(path, _kind(path), stamp) for path, stamp in self._settled.items()]

    def _look(self) -> dict[Path, Stamp]:
        try:
            found = {}
            for path in self._folder.iterdir():
                if _kind(path) and path.is_file():
                    status = path.stat()
                    found[path] = (status.st_size, status.st_mtime_ns)
        except PermissionError:
            raise MisPermissionMissing(
                f"{self._folder} may not be read: give the service's user read access"
            ) from None
        except OSError as error:
            raise MisUnreachable(
                f"{self._folder} can not be read ({error.strerror}): is the share mounted?"
            ) from None
        return found

    def _load(self, file: _File, known: str) -> tuple[str, Parsed[Any] | None]:
        """Hash a file and, unless its digest is known, parse it."""
        try:
            content = file.path.read_bytes()
            status = file.path.stat()
        except OSError as error:
            raise MisUnreachable(f"{file.path.name} can not be read ({error.strerror})") from None
        if (status.st_size, status.st_mtime_ns) != file.stamp:
            self._settled.pop(file.path, None)
            raise MisAnswerInvalid(
                f"{file.path.name} was written to while it was read; it is read again next time"
            )
        digest = hashlib.sha256(self._meaning + content).hexdigest()[:40]
        if digest == known:
            return digest, None
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            raise MisAnswerInvalid(
                f"{file.path.name}:{line}: the file is not UTF-8 text: export it as 'CSV UTF-8'"
            ) from None
        try:
            return digest, _parse(file, text, self._codes)
        except BadRow as error:
            raise MisAnswerInvalid(str(error)) from None

    def _refuse_stale(self, files: Sequence[_File]) -> None:
        if not self._stale_after or not files:
            return
        newest = max(file.written for file in files)
        if _school_time(newest, self._now()) > self._stale_after:
            hours = self._stale_after / timedelta(hours=1)
            raise MisDataStale(
                f"the newest file is of {newest.astimezone(LONDON):%Y-%m-%d %H:%M}, more than "
                f"{hours:g} hours ago (weekends not counted)"
            )


def _kind(path: Path) -> str:
    name = path.name.lower()
    if not name.endswith(".csv") or name.startswith(("~", ".")):
        return ""
    if any(mark in name for mark in _UNFINISHED):
        return ""
    return next((kind for kind in _KINDS if name.startswith(kind)), "")


def _known(plan: ReadPlan, file: _File) -> str:
    return plan.known_digests.get(f"{file.kind}:{file.path.name}", "")


def _parse(file: _File, text: str, codes: dict[str, str]) -> Parsed[Any]:
    name = file.path.name
    match file.kind:
        case "sessions":
            return csv_format.read_sessions(text, name, codes=codes)
        case "lessons":
            return csv_format.read_lessons(text, name, codes=codes)
        case "pupils":
            return csv_format.read_pupils(text, name)
        case _:
            return csv_format.read_events(text, name)


def _batches(file: _File, digest: str, parsed: Parsed[Any] | None, *, last: bool) -> list[Batch]:
    """Cut a file into batches; its digest goes with the last, when all of it is stored."""
    digests = {f"{file.kind}:{file.path.name}": digest}
    if parsed is None:
        return [
            Batch(
                file.kind,
                digests=digests,
                unchanged=True,
                last_of_stream=last,
                data_as_of=file.written,
            )
        ]
    lines = f"{file.path.name} line "
    quarantined = [
        Quarantined(file.kind, f"{lines}{row.line}", row.problem, row.value)
        for row in parsed.problems
    ]
    records = parsed.records
    if file.kind in {"sessions", "lessons"}:
        # A correction carries a later time and may stand anywhere in the file.
        records = sorted(
            records, key=lambda mark: mark.recorded.timestamp() if mark.recorded else 0
        )
    cuts = range(0, max(1, len(records)), BATCH_RECORDS)
    return [
        Batch(
            file.kind,
            records[start : start + BATCH_RECORDS],
            quarantined=quarantined if start == cuts[-1] else (),
            digests=digests if start == cuts[-1] else {},
            replaces=lines if start == cuts[-1] else "",
            last_of_stream=last and start == cuts[-1],
            data_as_of=file.written,
        )
        for start in cuts
    ]


def _school_time(first: datetime, last: datetime) -> timedelta:
    """Measure the time between two moments without Saturdays and Sundays, local."""
    here, end = first.astimezone(LONDON), last.astimezone(LONDON)
    spent = timedelta()
    while here < end:
        tomorrow = datetime.combine(here.date() + timedelta(days=1), datetime.min.time(), LONDON)
        until = min(tomorrow, end)
        if here.weekday() < _SATURDAY:
            spent += until.astimezone(UTC) - here.astimezone(UTC)
        here = until
    return spent
