"""What a step of a protocol is, and the sources that many steps share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from mis_bridge.registers.calendar import local_minute

if TYPE_CHECKING:
    from datetime import datetime

    from mis_bridge.registers.school_years import SchoolYears

__all__ = ["OWN_STEP", "WTTISA", "Clock", "Recipient", "Step"]

WTTISA: Final = "Working together to improve school attendance (DfE, August 2024)"
OWN_STEP: Final = "This product's own step"


class Clock(StrEnum):
    """What a step's deadline counts from."""

    OPENED = "opened"
    FOUND = "found"


class Recipient(StrEnum):
    """Whom a step tells, outside the people that mis-bridge itself tells."""

    PARENTS = "parents"
    POLICE = "police"
    SOCIAL_WORKER = "social_worker"
    YOT_WORKER = "yot_worker"
    VIRTUAL_SCHOOL = "virtual_school"
    DESIGNATED_TEACHER = "designated_teacher"
    SEN_CASEWORKER = "sen_caseworker"
    SOCIAL_CARE = "social_care"
    AUTHORITY = "authority"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a protocol.

    Args:
        id: stable name within the protocol.
        text: what a person does, imperative, short enough for a telephone's screen.
        who: who does it.
        minutes: deadline, or None where the source gives none.
        source: guidance that the step and its deadline come from.
        after: what the deadline counts from.
        school_days: the deadline where it is stated in school days: the end of that school day.
        tells: whom the person tells with it.
    """

    id: str
    text: str
    who: str
    minutes: int | None
    source: str
    after: Clock = Clock.OPENED
    school_days: int | None = None
    tells: tuple[Recipient, ...] = ()

    def due_at(self, begins: datetime, years: SchoolYears) -> datetime | None:
        """Give the deadline, None where the source gives none.

        Args:
            begins: what it counts from, aware.
            years: the school's calendars.
        """
        if self.school_days is not None:
            return years.deadline(local_minute(begins)[0], self.school_days)
        return None if self.minutes is None else begins + timedelta(minutes=self.minutes)
