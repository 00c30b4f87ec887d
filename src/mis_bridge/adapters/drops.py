"""Files that a school's own export drops into a folder, read as a MIS.

Half-written files wait, an unchanged file costs a hash, a file that can not be read at all is named
while the others go in, and a folder that nobody writes to any more is stale. What a file means is
the adapter's own.

Files are read in the order of their times, so that a later export corrects an earlier one. Where
one file of a kind has changed, it and all later ones of that kind are read again.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

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
    from pathlib import Path

    from mis_bridge.adapters.csv_format import Parsed
    from mis_bridge.adapters.source import ReadPlan

__all__ = ["Drop", "DropFolder", "Dropped"]

_UNFINISHED: Final = (".part", ".tmp", ".partial", ".crdownload")
_SATURDAY: Final = 5

Stamp = tuple[int, int]
"""Size and time of change in nanoseconds: what must stay the same while a file is read."""


@dataclass(frozen=True, slots=True)
class Drop:
    """One file that is not being written.

    Args:
        path: where it is.
        kind: what it holds, one of ``Dropped.kinds``.
        stamp: size and time of change.
    """

    path: Path
    kind: str
    stamp: Stamp

    @property
    def written(self) -> datetime:
        """When it was written, aware."""
        return datetime.fromtimestamp(self.stamp[1] / 1e9, UTC)


@dataclass(frozen=True, slots=True)
class Dropped:
    """What an adapter knows of its files.

    Args:
        kinds: streams in the order in which they are read; a file's name begins with its kind.
        suffixes: ends of the names, in lower case.
        parse: reads the content of a file; a ``BadRow`` that it raises refuses the whole file.
        meaning: everything besides a file's bytes that decides what it means.
    """

    kinds: tuple[str, ...]
    suffixes: tuple[str, ...]
    parse: Callable[[Drop, bytes], Parsed[Any]]
    meaning: bytes = b""

    def kind(self, path: Path) -> str:
        """Give the kind of a file by its name; empty for one that is not for us."""
        name = path.name.lower()
        if not name.endswith(self.suffixes) or name.startswith(("~", ".")):
            return ""
        if any(mark in name for mark in _UNFINISHED):
            return ""
        return next((kind for kind in self.kinds if name.startswith(kind)), "")

    def __str__(self) -> str:
        names = [f"{kind}*{suffix}" for kind in self.kinds for suffix in self.suffixes]
        return f"{', '.join(names[:-1])} or {names[-1]}"


class DropFolder:
    """The files of one school.

    Args:
        folder: where they are written.
        dropped: what they are.
        settle_seconds: a file that changes within this time is still being written.
        stale_after: age of the newest file, weekends not counted, that is too old; 0 for never.
        now: the present.
        sleep: replaced in tests.
    """

    def __init__(
        self,
        folder: Path,
        dropped: Dropped,
        *,
        settle_seconds: float,
        stale_after: timedelta,
        now: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._folder = folder
        self._dropped = dropped
        self._settle = settle_seconds
        self._stale_after = stale_after
        self._now = now
        self._sleep = sleep
        self._settled: dict[Path, Stamp] = {}
        self._meaning = hashlib.sha256(dropped.meaning).digest()

    async def read(self, plan: ReadPlan) -> AsyncGenerator[Batch]:
        """Give the batches of a plan; what a folder lacks is never taken for gone."""
        files = await self._files()
        failed: list[MisError] = []
        for kind in self._dropped.kinds:
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

    async def _files(self) -> list[Drop]:
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
                f"{self._folder} has no file named {self._dropped}: look at the school's export"
            )
        kind = self._dropped.kind
        return [Drop(path, kind(path), stamp) for path, stamp in self._settled.items()]

    def _look(self) -> dict[Path, Stamp]:
        try:
            found = {}
            for path in self._folder.iterdir():
                if self._dropped.kind(path) and path.is_file():
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

    def _load(self, file: Drop, known: str) -> tuple[str, Parsed[Any] | None]:
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
            return digest, self._dropped.parse(file, content)
        except BadRow as error:
            raise MisAnswerInvalid(str(error)) from None

    def _refuse_stale(self, files: Sequence[Drop]) -> None:
        if not self._stale_after or not files:
            return
        newest = max(file.written for file in files)
        if _school_time(newest, self._now()) > self._stale_after:
            hours = self._stale_after / timedelta(hours=1)
            raise MisDataStale(
                f"the newest file is of {newest.astimezone(LONDON):%Y-%m-%d %H:%M}, more than "
                f"{hours:g} hours ago (weekends not counted)"
            )


def _known(plan: ReadPlan, file: Drop) -> str:
    return plan.known_digests.get(f"{file.kind}:{file.path.name}", "")


def _batches(file: Drop, digest: str, parsed: Parsed[Any] | None, *, last: bool) -> list[Batch]:
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
