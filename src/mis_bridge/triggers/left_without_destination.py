"""Off the roll, and nobody knows where the child goes to school now."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from mis_bridge.registers.calendar import AcademicYear, local_datetime
from mis_bridge.triggers.model import (
    Audience,
    Evidence,
    Finding,
    Kind,
    Parameter,
    Severity,
    TriggerInfo,
)
from mis_bridge.triggers.parameters import ENABLED
from mis_bridge.triggers.roll_model import school_year_of
from mis_bridge.triggers.year_walk import day_words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mis_bridge.triggers.roll_model import Enrolment, SchoolRoll

__all__ = ["INFO", "evaluate", "is_looked_at"]

INFO: Final = TriggerInfo(
    id="left_without_destination",
    title="Left, destination not known",
    meaning="A pupil's name is off the roll and no destination is recorded. At level 2 at once "
    "from Year 11 before the exams and for a pupil whom children's services know; for everybody "
    "once five school days have passed without a school that the pupil goes to.",
    source="'Children missing education' (statutory guidance: of compulsory school age and on no "
    "school's roll) and regulation 13 of SI 2024/208 (the deletion return names the destination "
    "where it is known). The five school days, and what is loudest, are our choice.",
    kind=Kind.ROLL,
    audience=(Audience.ATTENDANCE,),
    severity=Severity.NORMAL,
    parameters=(
        ENABLED,
        Parameter(
            "confirm_school_days",
            default=5,
            unit="school days",
            meaning="After so many without a destination, counted from the day after the last one "
            "on roll, it is at level 2.",
            minimum=1,
        ),
        Parameter(
            "exam_year_group",
            default=11,
            unit="year group",
            meaning="Who leaves this year group before the exams is at level 2 at once; -99 for "
            "nobody.",
            minimum=-99,
        ),
        Parameter(
            "immediate_flags",
            default=("lac", "cp", "cin", "missing_before"),
            unit="flags",
            meaning="A pupil with one of these is at level 2 at once.",
        ),
        Parameter(
            "unknown_destinations",
            default=(
                "unknown",
                "not known",
                "destination unknown",
                "n/k",
                "nk",
                "n/a",
                "none",
                "tbc",
                "tba",
                "xxx",
                "xxxx",
                "xxxxxxx",
                "xxx/xxxx",
            ),
            unit="texts",
            meaning="What stands in the MIS where nobody knows, in small letters; XXX and XXXX are "
            "what a Common Transfer File says of an unknown destination.",
        ),
        Parameter(
            "senior_year_group",
            default=-99,
            unit="year group",
            meaning="The school's most senior class; -99 for the highest year group on its roll.",
            minimum=-99,
        ),
        Parameter(
            "look_back_days",
            default=180,
            unit="days",
            meaning="Who left longer ago is not looked at any more; what is open stays open until "
            "a person closes it.",
            minimum=30,
        ),
    ),
    never_for="Not for those who leave at the end of the most senior class (Year 6 of a primary "
    "school in July, Year 11 from the last Friday in June, also a class that leaves together "
    "earlier in June), nor outside compulsory school age: "
    "not for the sixth form, nor the nursery. Not for a child who is on the roll under another id, "
    "or on that of another school that is watched here.",
    raised_audience=(Audience.DSL,),
)

_AS_THE_ROLL_SHOWS: Final = -99
_DAY: Final = timedelta(days=1)
_FRIDAY: Final = 4
_LAST_OF_COMPULSORY_AGE: Final = 11
_EARLIEST_END: Final = (6, 1)
_TERM_ENDS_BY: Final = (7, 20)
_TERM_ENDS_FROM: Final = (7, 10)
"""Where the calendar gives a later day, or none: when the summer term of a school is over."""


def is_looked_at(enrolment: Enrolment, today: date, parameters: Mapping[str, Any]) -> bool:
    """Whether this trigger has anything to say of a pupil, that it is over included."""
    left = enrolment.last_day
    return left is None or (today - left).days <= parameters["look_back_days"]


def evaluate(
    enrolment: Enrolment, roll: SchoolRoll, today: date, parameters: Mapping[str, Any]
) -> Finding | None:
    """Give the finding about a pupil who is off the roll on a day.

    True from the day after the last one on roll until a destination is recorded or the pupil is on
    a roll again.
    """
    left = enrolment.last_day
    if (
        left is None
        or left >= today
        or not is_looked_at(enrolment, today, parameters)
        or (enrolment.admission is not None and left < enrolment.admission)
        or enrolment.on_another_roll
        or _is_known(enrolment.destination, parameters)
        or not _of_school_age(enrolment, left)
        or _leaves_the_top(enrolment, left, roll, parameters)
    ):
        return None
    began = local_datetime(left + _DAY, 0)
    exams = _before_exams(enrolment, left, parameters)
    overdue = _overdue(left, today, roll, parameters)
    if exams or not enrolment.flags.isdisjoint(parameters["immediate_flags"]):
        level, raised = 2, began
    elif overdue is not None:
        level, raised = 2, local_datetime(overdue, 0)
    else:
        level, raised = 1, began
    return Finding(
        trigger=INFO.id,
        pupil=enrolment.pupil,
        day=left + _DAY,
        slot="",
        level=level,
        fired_at=began,
        raised_at=raised,
        evidence=_evidence(enrolment, left),
        sentence=_sentence(left, parameters, exams=exams, overdue=overdue is not None),
        facts={"last_day_on_roll": left.isoformat()},
        episode=_episode(enrolment, left),
        uncertain=_uncertain(enrolment, roll),
    )


def _is_known(destination: str, parameters: Mapping[str, Any]) -> bool:
    words = " ".join(destination.casefold().split()).strip(" .?-")
    return bool(words) and words not in parameters["unknown_destinations"]


def _of_school_age(enrolment: Enrolment, left: date) -> bool:
    """Whether the pupil left within compulsory school age; where nobody can say, yes."""
    first, last = enrolment.compulsory_age_from, enrolment.compulsory_age_to
    if first is not None and last is not None:
        return first <= left <= last
    group = enrolment.year_group
    if group is None:
        return True
    if group == _LAST_OF_COMPULSORY_AGE:
        return left <= _last_friday_in_june(left)
    return 0 <= group < _LAST_OF_COMPULSORY_AGE


def _last_friday_in_june(day: date) -> date:
    june = date(school_year_of(day).start + 1, 6, 30)
    return june - timedelta(days=(june.weekday() - _FRIDAY) % 7)


def _leaves_the_top(
    enrolment: Enrolment, left: date, roll: SchoolRoll, parameters: Mapping[str, Any]
) -> bool:
    """Whether the pupil left at the end of the most senior class (regulation 13).

    The end is the summer term's. A class that leaves together in June is at its end, too, and so
    is the year of the exams, which is not a school's last where it has a sixth form.
    """
    year, group = school_year_of(left), enrolment.year_group
    if group is None or left < date(year.start + 1, *_EARLIEST_END):
        return False
    senior = parameters["senior_year_group"]
    top = roll.top_group(left) if senior == _AS_THE_ROLL_SHOWS else senior
    is_top = top is not None and group >= top
    if (is_top or group == parameters["exam_year_group"]) and roll.leaves_together(group, left):
        return True
    calendar = roll.calendar_of(year)
    if calendar is not None:
        over = min(calendar.last_day, date(year.start + 1, *_TERM_ENDS_BY))
    else:
        over = date(year.start + 1, *_TERM_ENDS_FROM)
    return is_top and left >= over


def _before_exams(enrolment: Enrolment, left: date, parameters: Mapping[str, Any]) -> bool:
    """Whether the pupil left the year of the exams before its end; by age where nobody says."""
    group, last = enrolment.year_group, enrolment.compulsory_age_to
    if group is not None:
        return bool(group == parameters["exam_year_group"])
    return (
        parameters["exam_year_group"] == _LAST_OF_COMPULSORY_AGE
        and last is not None
        and left in AcademicYear.of(last)
    )


def _overdue(
    left: date, today: date, roll: SchoolRoll, parameters: Mapping[str, Any]
) -> date | None:
    """Give the first day on which the wait for a destination is over, None while it runs."""
    days = roll.school_days(left + _DAY, today - _DAY)
    wait = parameters["confirm_school_days"]
    return days[wait - 1] + _DAY if len(days) >= wait else None


def _episode(enrolment: Enrolment, left: date) -> str:
    """Tell one leaving from the next, also where the date of leaving is corrected."""
    admitted = enrolment.admission.isoformat() if enrolment.admission else ""
    return f"{school_year_of(left).start}/{admitted}"


def _evidence(enrolment: Enrolment, left: date) -> tuple[Evidence, ...]:
    last = (
        f"the MIS does not give the pupil any more since {day_words(left + _DAY)}"
        if enrolment.dropped
        else f"last day on roll: {day_words(left)}"
    )
    where = (
        "destination in the MIS: recorded as not known"
        if enrolment.destination.strip()
        else "destination in the MIS: none"
    )
    return (Evidence(None, "", last), Evidence(None, "", where))


def _sentence(left: date, parameters: Mapping[str, Any], *, exams: bool, overdue: bool) -> str:
    words = f"Off the roll since {day_words(left + _DAY)}, and no destination is recorded."
    if exams:
        words += " The pupil left before the exams."
    if overdue:
        words += f" {parameters['confirm_school_days']} school days have passed since."
    return words


def _uncertain(enrolment: Enrolment, roll: SchoolRoll) -> str:
    parts = []
    if enrolment.dropped:
        parts.append(
            "The MIS never said when the pupil left: the day is the one on which it gave the pupil "
            "no more."
        )
    if not roll.tells_destinations:
        parts.append(
            "No destination of anybody has been read from this MIS: it may not tell where leavers "
            "go. Look in the MIS, and close this once the new school has confirmed."
        )
    if enrolment.compulsory_age_from is None and enrolment.year_group is None:
        parts.append("Neither date of birth nor year group is known.")
    return " ".join(parts)
