"""The last good copy of every iCalendar file that term dates come from.

A file that vanished, an address that answers with an error and a calendar that is cut short change
nothing: the copy that could be read last stays in force, and what is wrong is written beside it.
The copies hold no pupils' data.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Copy", "Shelf"]


@dataclass(frozen=True, slots=True)
class Copy:
    """What is kept of one source.

    Args:
        data: the file as it could be read last, or None where it never could.
        read_at: when that was, aware.
        etag, last_modified: what the server said of it, for asking whether it has changed.
        problem: why it could not be read since, or empty.
        failing_since: since when, aware.
    """

    data: bytes | None = None
    read_at: datetime | None = None
    etag: str = ""
    last_modified: str = ""
    problem: str = ""
    failing_since: datetime | None = None


class Shelf:
    """The copies, two files a source.

    Args:
        folder: made when the first copy is kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def copied(self, folder: Path) -> Shelf:
        """Give a shelf with the same copies in another folder, to try something on.

        Args:
            folder: there already.
        """
        with suppress(OSError):
            for file in self._folder.iterdir():
                if file.suffix in {".ics", ".json"}:
                    (folder / file.name).write_bytes(file.read_bytes())
        return Shelf(folder)

    def look(self, source: str) -> Copy:
        """Give what is kept; what can not be read is as if it were not there."""
        try:
            said: dict[str, Any] = json.loads(self._file(source, "json").read_text("utf-8"))
            return Copy(
                self._data(source),
                _moment(said["read_at"]),
                said["etag"],
                said["last_modified"],
                said["problem"],
                _moment(said["failing_since"]),
            )
        except (OSError, ValueError, KeyError, TypeError):
            return Copy(self._data(source))

    def keep(
        self, source: str, data: bytes, now: datetime, *, etag: str = "", last_modified: str = ""
    ) -> None:
        """Keep a file that could be read, in the place of the one before.

        Raises:
            OSError: the disk is full or the folder can not be written to; the old copy stays.
        """
        self._write(source, "ics", data)
        self._say(source, Copy(None, now, etag, last_modified))

    def unchanged(self, source: str, now: datetime) -> None:
        """Note that the copy is still what the source gives."""
        known = self.look(source)
        self._say(source, Copy(None, now, known.etag, known.last_modified))

    def failed(self, source: str, problem: str, now: datetime) -> None:
        """Note why the source could not be read; the copy stays."""
        known = self.look(source)
        since = known.failing_since or now
        self._say(
            source, Copy(None, known.read_at, known.etag, known.last_modified, problem, since)
        )

    def _data(self, source: str) -> bytes | None:
        try:
            return self._file(source, "ics").read_bytes()
        except OSError:
            return None

    def _say(self, source: str, copy: Copy) -> None:
        said = {
            "read_at": _text(copy.read_at),
            "etag": copy.etag,
            "last_modified": copy.last_modified,
            "problem": copy.problem,
            "failing_since": _text(copy.failing_since),
        }
        self._write(source, "json", json.dumps(said).encode())

    def _write(self, source: str, kind: str, data: bytes) -> None:
        self._folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        file = self._file(source, kind)
        part = file.with_suffix(f".{kind}.part")
        part.write_bytes(data)
        part.replace(file)

    def _file(self, source: str, kind: str) -> Path:
        # By digest: an address may be a secret.
        return self._folder / f"{hashlib.sha256(source.encode()).hexdigest()[:24]}.{kind}"


def _text(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""


def _moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
