"""What can be configured about a school's days: years, holidays, sessions, lessons."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from mis_bridge.settings.fields import MinuteOfDay, Section, TermDates, TimeSpan

__all__ = [
    "CalendarSettings",
    "ClosureSettings",
    "SessionTimesSettings",
    "WordsSettings",
    "YearSettings",
]


class SessionTimesSettings(Section):
    """When one session's register is taken, local times."""

    opens: MinuteOfDay = Field(description="When the register opens.")
    closes: MinuteOfDay = Field(description="When it closes; a mark N is unexplained after it.")
    ends: MinuteOfDay = Field(description="When the session ends.")

    @model_validator(mode="after")
    def _in_order(self) -> SessionTimesSettings:
        if not self.opens < self.closes <= self.ends:
            raise PydanticCustomError("order", "write opens, closes and ends in the order of time")
        return self


class ClosureSettings(Section):
    """Days without school inside the year."""

    first: dt.date = Field(description="First day, YYYY-MM-DD without quotes.")
    last: dt.date | None = Field(default=None, description="Last day, if it is more than one.")
    why: str = Field(min_length=1, description="Half term, training day, and so on.")
    session: Literal["AM", "PM"] | None = Field(
        default=None, description="Only this half of the day, if not the whole."
    )

    @model_validator(mode="after")
    def _in_order(self) -> ClosureSettings:
        if self.last is not None and self.last < self.first:
            raise PydanticCustomError("order", "last is before first")
        return self


def _start(day: dt.date) -> int:
    return day.year if day.month >= 8 else day.year - 1  # noqa: PLR2004


def _one_year(first: dt.date, last: dt.date) -> None:
    if last < first:
        raise PydanticCustomError("order", "last_day is before first_day")
    if last > dt.date(_start(first) + 1, 7, 31):
        raise PydanticCustomError(
            "one_year", "last_day is in another academic year (1 August to 31 July)"
        )


class YearSettings(Section):
    """The days of one academic year."""

    first_day: dt.date = Field(description="First school day of the year.")
    last_day: dt.date = Field(description="Last school day of the year.")
    closures: list[ClosureSettings] = Field(
        default_factory=list, description="Holidays, training days and other closures."
    )

    @model_validator(mode="after")
    def _in_one_year(self) -> YearSettings:
        _one_year(self.first_day, self.last_day)
        return self

    @property
    def start(self) -> int:
        """Calendar year of the 1 August before the first day."""
        return _start(self.first_day)


class WordsSettings(Section):
    """What the titles of an iCalendar file's events mean; each list takes the place of its own."""

    closed: list[str] | None = Field(default=None, description="The school is closed.")
    starts: list[str] | None = Field(default=None, description="First day of a term.")
    ends: list[str] | None = Field(default=None, description="Last day of a term.")
    term: list[str] | None = Field(default=None, description="A term, if it lasts several days.")
    ignore: list[str] | None = Field(default=None, description="Passed over, whatever else it is.")


class CalendarSettings(Section):
    """The days on which the school is open."""

    first_day: dt.date | None = Field(
        default=None, description="First school day of the year that is written here."
    )
    last_day: dt.date | None = Field(default=None, description="Last school day of that year.")
    closures: list[ClosureSettings] = Field(
        default_factory=list,
        description="Holidays, training days and other closures of the school's own; they come on "
        "top of those of term_dates.",
    )
    years: list[YearSettings] = Field(
        default_factory=list,
        description="More years that are written out, for example the next one.",
    )
    term_dates: TermDates = Field(
        default="",
        description="Where the other years come from: `authority` (what the authority's file "
        "gives), an iCalendar file (`terms.ics`), an https:// address of one, or a secret that "
        "holds the address. A year that is written here goes before.",
    )
    bank_holidays: bool = Field(
        default=True, description="Whether the school is closed on the bank holidays of England."
    )
    words: WordsSettings = Field(
        default=WordsSettings(),
        description="What the titles of an iCalendar file's events mean.",
    )
    am: SessionTimesSettings = Field(
        default_factory=lambda: SessionTimesSettings.model_validate(
            {"opens": "08:45", "closes": "09:15", "ends": "12:15"}
        ),
        description="The morning session.",
    )
    pm: SessionTimesSettings = Field(
        default_factory=lambda: SessionTimesSettings.model_validate(
            {"opens": "13:00", "closes": "13:30", "ends": "15:10"}
        ),
        description="The afternoon session.",
    )
    periods: dict[str, TimeSpan] = Field(
        default_factory=dict,
        description="Times of the lessons, for a MIS that names a period without its time: "
        '`P1 = "09:00-10:00"`.',
    )

    @model_validator(mode="after")
    def _some_years(self) -> CalendarSettings:
        if (self.first_day is None) != (self.last_day is None):
            raise PydanticCustomError("order", "write first_day and last_day, or neither")
        if not (self.first_day or self.years or self.term_dates):
            raise PydanticCustomError(
                "no_year",
                "write first_day and last_day, or where the term dates come from (term_dates)",
            )
        if self.first_day is not None and self.last_day is not None:
            _one_year(self.first_day, self.last_day)
        starts = [year.start for year in self.written]
        if len(set(starts)) != len(starts):
            raise PydanticCustomError("twice", "two of the years that are written are the same")
        if self.pm.opens < self.am.ends:
            raise PydanticCustomError("order", "the afternoon (pm) opens before the morning ends")
        return self

    @property
    def written(self) -> list[YearSettings]:
        """The years that are written out here, in any order, without the closures of them all."""
        if self.first_day is None or self.last_day is None:
            return list(self.years)
        return [YearSettings(first_day=self.first_day, last_day=self.last_day), *self.years]
