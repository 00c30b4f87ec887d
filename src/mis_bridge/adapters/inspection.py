"""One careful look at a school's MIS: what it lets us see, how fresh it is, what nobody knows.

Nothing is stored. Each list is asked for on its own, so that one that is not granted does not hide
the others.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, time
from typing import TYPE_CHECKING, Final

from mis_bridge.adapters.records import LessonMark, SessionMark
from mis_bridge.adapters.source import ReadPlan
from mis_bridge.errors import MisError
from mis_bridge.registers.calendar import LONDON
from mis_bridge.registers.codes import NOT_TAKEN

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from mis_bridge.adapters.source import Source, Standing

__all__ = ["Inspection", "ListSeen", "inspect"]

_LISTS: Final = {"session": "sessions", "lesson": "lessons"}
"""Capability -> the list that proves it."""


@dataclass(frozen=True, slots=True)
class ListSeen:
    """What one list of marks showed of today.

    Args:
        marks: how many marks of today, registers not taken left out.
        newest: when the newest of them was saved, aware, or None where the MIS does not say.
        quarantined: records that could not be used.
        error: why the list could not be read, or None.
    """

    marks: int = 0
    newest: datetime | None = None
    quarantined: int = 0
    error: MisError | None = None


@dataclass(frozen=True, slots=True)
class Inspection:
    """What the look found.

    Args:
        standing: pupils and codes.
        lists: by ``sessions`` and ``lessons``, as far as the adapter declares them.
        left_out: lists that the school's file leaves out.
    """

    standing: Standing
    lists: dict[str, ListSeen] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()

    @property
    def capabilities(self) -> list[str]:
        """What is really there: declared, and readable."""
        return [name for name, of in _LISTS.items() if of in self.lists and not self._error(of)]

    def _error(self, name: str) -> MisError | None:
        return self.lists[name].error

    @property
    def asks(self) -> list[str]:
        """What to ask the vendor or the school for, one sentence each."""
        asks = [
            f"{name}: {seen.error}. {seen.error.advice}"
            for name, seen in self.lists.items()
            if seen.error is not None
        ]
        if self.standing.unknown_codes:
            codes = " ".join(self.standing.unknown_codes)
            asks.append(f"ask the school what these codes mean, and map them in [codes]: {codes}")
        return asks


async def inspect(
    source: Source,
    capabilities: Iterable[str],
    now: datetime,
    *,
    left_out: Iterable[str] = (),
) -> Inspection:
    """Look at one school.

    Args:
        source: opened.
        capabilities: that the adapter declares.
        now: aware.
        left_out: lists that the school's file leaves out.

    Raises:
        MisError: the MIS can not be reached, or does not let us in at all.
    """
    skipped, declared = set(left_out), set(capabilities)
    standing = await source.check()
    today = now.astimezone(LONDON).date()
    lists = {
        name: await _seen(source, name, today)
        for capability, name in _LISTS.items()
        if capability in declared and name not in skipped
    }
    return Inspection(standing, lists, tuple(sorted(skipped)))


async def _seen(source: Source, name: str, today: date) -> ListSeen:
    marks = quarantined = 0
    newest: datetime | None = None
    plan = ReadPlan(
        window=(today, today),
        since=datetime.combine(today, time(), LONDON),
        streams=frozenset({name}),
    )
    try:
        async for batch in source.read(plan):
            quarantined += len(batch.quarantined)
            for record in batch.records:
                if not isinstance(record, SessionMark | LessonMark) or record.day != today:
                    continue
                marks += record.code != NOT_TAKEN
                if record.recorded is not None:
                    newest = max(newest or record.recorded, record.recorded)
    except MisError as error:
        return ListSeen(marks, newest, quarantined, error)
    return ListSeen(marks, newest, quarantined)
