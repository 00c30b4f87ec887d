"""Where an iCalendar file is, and reading it: a good one is kept, a bad one changes nothing."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from mis_bridge.calendars.ics import Words, read_ics
from mis_bridge.errors import DataError, SecretMissing
from mis_bridge.io.http import HttpError
from mis_bridge.registers.calendar import AcademicYear

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date, datetime

    from mis_bridge.calendars.shelf import Copy, Shelf
    from mis_bridge.io.http import Transport
    from mis_bridge.io.secrets import Secrets
    from mis_bridge.settings.calendar import WordsSettings

__all__ = ["IcsSource", "refresh", "source_of", "words_of"]

_SECONDS: Final = 30.0
_OK: Final = 200
_NOT_MODIFIED: Final = 304
_MOVED: Final = range(301, 309)


@dataclass(frozen=True, slots=True)
class IcsSource:
    """One iCalendar file.

    Args:
        place: a file's path, an address, or the secret that holds the address.
        shown: what people and logs may read of it.
    """

    place: str
    shown: str

    @property
    def is_file(self) -> bool:
        """Whether it is a file on this machine."""
        return not self.place.startswith(("https://", "credential:", "env:"))


def source_of(term_dates: str, folder: Path) -> IcsSource | None:
    """Give the iCalendar file that a school's ``term_dates`` names, None where it names none.

    Args:
        term_dates: as it was checked.
        folder: that relative paths start from.
    """
    if not term_dates or term_dates == "authority":
        return None
    if term_dates.startswith("https://"):
        return IcsSource(term_dates, urlsplit(term_dates).hostname or "its server")
    if term_dates.startswith(("credential:", "env:")):
        return IcsSource(term_dates, f"the address in {term_dates}")
    path = str(folder / term_dates)
    return IcsSource(path, path)


def words_of(written: WordsSettings) -> Words:
    """Give what titles mean: what is set, else the usual words."""
    chosen = {
        name: tuple(phrases)
        for name, phrases in written.model_dump().items()
        if phrases is not None
    }
    return Words(**chosen)


async def refresh(
    source: IcsSource,
    shelf: Shelf,
    transport: Transport,
    secrets: Secrets,
    now: datetime,
    today: date,
    words: Collection[Words],
) -> bool:
    """Read a source again; gives whether what is kept has changed.

    Args:
        source: to be read.
        shelf: where its copy is kept.
        transport: for an address.
        secrets: for an address that is one.
        now: aware.
        today: local date.
        words: of the schools that go by it; all of them have to be able to use a new copy.

    Raises:
        OSError: the copy can not be written.
    """
    kept = shelf.look(source.place)
    etag = last_modified = ""
    try:
        if source.is_file:
            data: bytes | None = await asyncio.to_thread(Path(source.place).read_bytes)
        else:
            data, etag, last_modified = await _fetch(source, kept, transport, secrets)
        if data is None or data == kept.data:
            shelf.unchanged(source.place, now)
            return False
        for meanings in words:
            # A school's calendar of years takes seconds to read: nothing else waits for it.
            await asyncio.to_thread(_accept, data, kept.data, meanings, today)
    except OSError as error:
        problem = error.strerror or "an error of the disk"
    except (DataError, HttpError, SecretMissing) as error:
        problem = str(error)
    else:
        shelf.keep(source.place, data, now, etag=etag, last_modified=last_modified)
        return True
    shelf.failed(source.place, problem, now)
    return False


async def _fetch(
    source: IcsSource, kept: Copy, transport: Transport, secrets: Secrets
) -> tuple[bytes | None, str, str]:
    """Ask the server; None where it says that the copy is still right."""
    address = (
        source.place
        if source.place.startswith("https://")
        else (secrets.resolve(source.place).reveal())
    )
    headers = {"Accept": "text/calendar, */*;q=0.1"}
    if kept.data is not None and kept.etag:
        headers["If-None-Match"] = kept.etag
    if kept.data is not None and kept.last_modified:
        headers["If-Modified-Since"] = kept.last_modified
    answer = await transport.request("GET", address, headers=headers, timeout=_SECONDS)
    if answer.status == _NOT_MODIFIED and kept.data is not None:
        return None, "", ""
    if answer.status in _MOVED:
        raise DataError(f"it has moved ({answer.status}): write the address that it leads to")
    if answer.status != _OK:
        raise DataError(f"its server answered {answer.status}")
    return answer.body, answer.header("etag"), answer.header("last-modified")


def _accept(data: bytes, kept: bytes | None, words: Words, today: date) -> None:
    """Refuse a file that can not be used, or that takes away the present school year.

    Raises:
        DataError: says why.
    """
    given = {calendar.year for calendar in read_ics(data, words).calendars}
    year = AcademicYear.of(today)
    if kept is None or year in given:
        return
    try:
        had = {calendar.year for calendar in read_ics(kept, words).calendars}
    except DataError:
        return
    if year in had:
        raise DataError(f"it does not give the school year {year} any more")
