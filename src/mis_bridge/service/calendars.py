"""Every school's calendars, and keeping them right while the daemon runs.

The daemon is put together with the calendars of its time. When another one holds (the first of
August has come, an iCalendar file has changed) it is put together anew, as after a reload, with the
configuration that it already has.
"""

from __future__ import annotations

import asyncio
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from mis_bridge.calendars.shelf import Copy, Shelf
from mis_bridge.calendars.source import refresh, source_of, words_of
from mis_bridge.calendars.terms import terms_of, times_of
from mis_bridge.io.logs import get_logger
from mis_bridge.registers.calendar import AcademicYear, Closure, SchoolCalendar, local_minute
from mis_bridge.service.authorities import authorities_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import date, datetime

    from mis_bridge.calendars.ics import Words
    from mis_bridge.calendars.source import IcsSource
    from mis_bridge.calendars.terms import Terms
    from mis_bridge.io.clock import Clock
    from mis_bridge.io.http import Transport
    from mis_bridge.io.secrets import Secrets
    from mis_bridge.settings import CalendarSettings, Configuration

__all__ = [
    "CalendarWatch",
    "Which",
    "calendar_in_force",
    "read_terms",
    "say",
    "shelf_of",
    "sources_of",
    "terms_of_schools",
]

READ_AGAIN: Final = 6 * 3600.0
"""Seconds. Term dates change a few times a year, a closure may be entered the evening before."""


def terms_of_schools(configuration: Configuration, shelf: Shelf | None = None) -> dict[str, Terms]:
    """Put the calendars of every configured school together from what is on this machine.

    Args:
        configuration: as loaded.
        shelf: the copies of iCalendar files; None for the daemon's.

    Raises:
        SettingsError, SettingsProblems: as ``authorities_of``.
    """
    authorities = authorities_of(configuration)
    shelf = shelf or shelf_of(configuration)
    look = lru_cache(maxsize=None)(shelf.look)
    terms = {}
    for school, own in configuration.schools.items():
        source = source_of(own.calendar.term_dates, configuration.path.absolute().parent)
        copy: Copy | None = look(source.place) if source else None
        authority = authorities[configuration.authority(school)]
        terms[school] = terms_of(
            own.calendar, authority.calendar, copy, source.shown if source else ""
        )
    return terms


def calendar_in_force(terms: Terms, own: CalendarSettings, today: date | None) -> SchoolCalendar:
    """Give the calendar that a school goes by; without any, one that has no school day.

    Args:
        terms: the school's calendars.
        own: ``[calendar]`` of its file, for the times of its sessions.
        today: local date, or None for the newest calendar that there is.
    """
    calendars = terms.years.calendars
    found = calendars[-1] if calendars and today is None else None
    if found is None and today is not None:
        found = terms.years.in_force(today)
    if found is not None:
        return found
    year = AcademicYear.of(today) if today is not None else AcademicYear(2000)
    never = Closure(year.first, year.first, "no calendar is known")
    return SchoolCalendar(year, year.first, year.first, (never,), *times_of(own))


def sources_of(configuration: Configuration) -> dict[IcsSource, set[Words]]:
    """Give every iCalendar file that a school goes by, with what its titles mean to them."""
    sources: dict[IcsSource, set[Words]] = {}
    for own in configuration.schools.values():
        source = source_of(own.calendar.term_dates, configuration.path.absolute().parent)
        if source is not None:
            sources.setdefault(source, set()).add(words_of(own.calendar.words))
    return sources


class Which(Enum):
    """Which iCalendar files are read."""

    FILES = "those on this machine"
    NEW = "those on this machine, and the addresses of which there is no copy yet"
    ALL = "all"


async def read_terms(
    configuration: Configuration,
    transport: Transport,
    secrets: Secrets,
    now: datetime,
    *,
    which: Which,
    shelf: Shelf | None = None,
) -> list[Read]:
    """Read the iCalendar files that schools go by, at the same time.

    What is wrong with one is kept beside its copy.

    Args:
        configuration: as loaded.
        transport: for the addresses.
        secrets: for those that are secrets.
        now: aware.
        which: which of them.
        shelf: where the copies are kept; None for the daemon's.
    """
    shelf = shelf or shelf_of(configuration)
    wanted = {
        source: words
        for source, words in sources_of(configuration).items()
        if which is Which.ALL
        or source.is_file
        or (which is Which.NEW and shelf.look(source.place).data is None)
    }
    return await asyncio.gather(
        *(_read(source, words, shelf, transport, secrets, now) for source, words in wanted.items())
    )


class Read(NamedTuple):
    """What became of reading one iCalendar file.

    Args:
        shown: what people may read of where it is.
        changed: what is kept has changed.
        problem: why it can not be read, where that is new; else empty.
        not_kept: why its copy could not be written, or empty.
    """

    shown: str
    changed: bool = False
    problem: str = ""
    not_kept: str = ""


async def _read(
    source: IcsSource,
    words: set[Words],
    shelf: Shelf,
    transport: Transport,
    secrets: Secrets,
    now: datetime,
) -> Read:
    before = shelf.look(source.place).problem
    today, _ = local_minute(now)
    try:
        changed = await refresh(source, shelf, transport, secrets, now, today, words)
    except OSError as error:
        return Read(source.shown, not_kept=error.strerror or "an error of the disk")
    problem = shelf.look(source.place).problem
    return Read(source.shown, changed, problem if problem != before else "")


def say(read: Iterable[Read]) -> None:
    """Write into the daemon's log what became of reading."""
    log = get_logger(__name__)
    for one in read:
        if one.not_kept:
            log.warning("calendar_not_kept", source=one.shown, problem=one.not_kept)
        elif one.problem:
            log.warning("calendar_failed", source=one.shown, problem=one.problem)
        elif one.changed:
            log.info("calendar_read", source=one.shown)


class CalendarWatch:
    """Reads the iCalendar files again from time to time, and says when other calendars hold.

    Args:
        configuration: as it is in force.
        terms: the calendars that the daemon was put together with.
        transport, secrets, clock: as everywhere.
        changed: called when other calendars hold, or None where nobody asks.
    """

    def __init__(
        self,
        configuration: Configuration,
        terms: Mapping[str, Terms],
        transport: Transport,
        secrets: Secrets,
        clock: Clock,
        changed: Callable[[], None] | None,
    ) -> None:
        self._configuration = configuration
        self._terms = dict(terms)
        self._transport = transport
        self._secrets = secrets
        self._clock = clock
        self._changed = changed
        self._has_sources = bool(sources_of(configuration))
        self._since = clock.monotonic()
        self._year = AcademicYear.of(local_minute(clock.now())[0])
        self._reading: asyncio.Task[None] | None = None
        self._asked: float | None = None

    def look(self) -> None:
        """Begin to read what is due, and notice a new academic year; waits for nothing."""
        now, passed = self._clock.now(), self._clock.monotonic() - self._since
        if AcademicYear.of(local_minute(now)[0]) != self._year:
            self._say()
        if not self._has_sources or self._reading is not None or passed < READ_AGAIN:
            return
        self._since = self._clock.monotonic()
        self._reading = asyncio.create_task(self._read_again(now), name="term dates")
        self._reading.add_done_callback(self._done)

    async def wait(self) -> None:
        """Wait until nothing is being read (for rehearsals and tests)."""
        if self._reading is not None:
            await asyncio.gather(self._reading, return_exceptions=True)

    async def stop(self) -> None:
        """Break off what is being read; it is read again after the next start."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    async def _read_again(self, now: datetime) -> None:
        say(
            await read_terms(
                self._configuration, self._transport, self._secrets, now, which=Which.ALL
            )
        )
        terms = await asyncio.to_thread(terms_of_schools, self._configuration)
        if any(
            (one.years, one.failing_since)
            != (self._terms[school].years, self._terms[school].failing_since)
            for school, one in terms.items()
        ):
            self._terms = terms
            self._say()

    def _say(self) -> None:
        """Ask to be made anew, and again after a while: it may be refused for another reason."""
        at = self._clock.monotonic()
        if self._asked is not None and at - self._asked < READ_AGAIN:
            return
        self._asked = at
        if self._changed is not None:
            get_logger(__name__).info("calendars_changed")
            self._changed()

    def _done(self, task: asyncio.Task[None]) -> None:
        self._reading = None
        if not task.cancelled() and (error := task.exception()) is not None:
            get_logger(__name__).error("calendar_watch_failed", exc_info=error)


def shelf_of(configuration: Configuration) -> Shelf:
    """The daemon's copies of iCalendar files."""
    return Shelf(configuration.settings.service.data_dir / "term-dates")
