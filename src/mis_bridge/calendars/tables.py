"""Term dates that stand in a TOML file: a school's own, and those of a Local Authority."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mis_bridge.registers.calendar import AcademicYear, Closure, SchoolCalendar, Session

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mis_bridge.registers.calendar import SessionTimes
    from mis_bridge.settings.calendar import ClosureSettings, YearSettings

__all__ = ["calendar_from", "closures_from"]


def closures_from(written: Iterable[ClosureSettings]) -> tuple[Closure, ...]:
    """Give the closures of a file."""
    return tuple(
        Closure(
            closure.first,
            closure.last or closure.first,
            closure.why,
            Session(closure.session) if closure.session else None,
        )
        for closure in written
    )


def calendar_from(written: YearSettings, am: SessionTimes, pm: SessionTimes) -> SchoolCalendar:
    """Give the calendar of one year that is written out.

    Args:
        written: as it was checked.
        am: times of the school's morning session.
        pm: times of its afternoon session.
    """
    return SchoolCalendar(
        AcademicYear.of(written.first_day),
        written.first_day,
        written.last_day,
        closures_from(written.closures),
        am,
        pm,
    )
