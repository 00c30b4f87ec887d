"""Term dates that stand in a TOML file: a school's own, and those of a Local Authority."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pydantic import ValidationError

from mis_bridge.errors import SettingsError
from mis_bridge.registers.calendar import AcademicYear, Closure, SchoolCalendar, Session
from mis_bridge.settings.model import YearSettings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mis_bridge.registers.calendar import SessionTimes
    from mis_bridge.settings.model import ClosureSettings

__all__ = ["authority_years", "calendar_from", "closures_from"]

_YEAR = re.compile(r"(\d{4})/(\d{2})")


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


def authority_years(table: object, *, file: str) -> Mapping[AcademicYear, YearSettings]:
    """Read the table ``[calendar]`` of an authority: one table a school year, ``"2026/27"``.

    Args:
        table: as it stands in the file.
        file: for the errors.

    Raises:
        SettingsError: a year that is none, or a mistake in its dates; names the key.
    """
    if not isinstance(table, dict):
        raise SettingsError(
            'write one table a school year: [calendar."2026/27"]', file=file, key="calendar"
        )
    years = {}
    for name, value in table.items():
        key = f'calendar."{name}"'
        found = _YEAR.fullmatch(name)
        year = AcademicYear(int(found[1])) if found else None
        if year is None or str(year) != name:
            raise SettingsError('write a school year as "2026/27", in quotes', file=file, key=key)
        try:
            years[year] = YearSettings.model_validate(value)
        except ValidationError as error:
            problem = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(str(part) for part in (key, *problem["loc"]))
            raise SettingsError(_plain(problem["msg"]), file=file, key=where) from None
        if AcademicYear.of(years[year].first_day) != year:
            raise SettingsError(
                f"its first day is in {AcademicYear.of(years[year].first_day)}", file=file, key=key
            )
    return years


def _plain(message: str) -> str:
    return f"{message[:1].lower()}{message[1:]}"
