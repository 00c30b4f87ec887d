"""How often things happen in the invented schools, and how often people write them down wrongly.

What happens is in ``Life``, what is written wrongly or late is in ``Noise``. Absence itself is not
here: it follows the published figures (``england``). Nothing public counts wrong marks, lessons
missed by pupils who are in the school, or registers that are saved late. Those rates are therefore
our own assumptions, each with what it means in a school; ``Noise.scaled`` shows what a school with
twice or four times as many mistakes would see.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Final

__all__ = ["OWN", "Life", "Noise", "meaning_of", "source_of"]

OWN: Final = "own assumption"


def _rate(value: float, meaning: str, source: str = OWN) -> Any:
    """Give a field of a rate, with what it means and where it comes from."""
    return field(default=value, metadata={"meaning": meaning, "source": source})


@dataclass(frozen=True, slots=True)
class Life:
    """What happens. Chances are a pupil and day unless they say otherwise."""

    skips_lessons: float = _rate(0.010, "stays in the building and misses one lesson or more")
    leaves_site: float = _rate(0.0015, "walks out of a secondary school unseen")
    leaves_primary: float = _rate(0.00005, "walks out of a primary school unseen")
    leaves_special: float = _rate(0.0005, "walks out of a special school unseen")
    late_to_lesson: float = _rate(
        0.004, "a lesson: comes when its register is saved already, 9 to 25 minutes late"
    )
    signs_out: float = _rate(0.004, "is signed out for an hour or two and comes back")
    goes_home_ill: float = _rate(0.003, "falls ill and is signed out")
    with_another_teacher: float = _rate(
        0.010, "misses a lesson's beginning for a music lesson or a talk that staff know of"
    )
    medical_room: float = _rate(0.003, "is in the medical room when a lesson begins")
    fire_drill: float = _rate(1 / 60, "a school and day: about once a term")
    covered_lesson: float = _rate(0.08, "a lesson: another teacher covers it")
    message_before_register: float = _rate(0.62, "of absences for illness: told before it opens")
    message_in_register: float = _rate(0.08, "of them: told while it is open")
    message_that_day: float = _rate(0.22, "of them: told later that day")
    message_later: float = _rate(0.05, "of them: told on one of the next four school days")
    still_known: float = _rate(0.85, "of the further days of an illness: expected in the morning")
    refusal_told: float = _rate(0.30, "of days of unauthorised absence: told, and coded O")
    appointment_told: float = _rate(0.90, "of appointments of half a day: told before")
    holiday_told: float = _rate(0.70, "of holidays that the school did not grant: told before")


@dataclass(frozen=True, slots=True)
class Noise:
    """What is written wrongly, late or not at all."""

    lesson_late: float = _rate(0.03, "lesson registers saved 16 to 50 minutes after the start")
    lesson_never: float = _rate(0.004, "lesson registers never saved")
    cover_late: float = _rate(0.15, "as lesson_late, where the lesson is covered")
    cover_never: float = _rate(0.03, "as lesson_never, where the lesson is covered")
    session_late: float = _rate(0.01, "session registers saved 16 to 60 minutes after opening")
    session_never: float = _rate(0.002, "session registers not saved that day")
    opened_early: float = _rate(
        0.02,
        "lesson registers that a MIS fills in with presents 10 to 20 minutes before anybody looks",
    )
    wrong_absent: float = _rate(
        1 / 10_000, "marks of pupils in the room that say N: three a year for a teacher"
    )
    wrong_absent_stands: float = _rate(0.15, "of them: not put right within eight minutes")
    wrong_present: float = _rate(1 / 100, "marks of pupils not in the room that say present")
    late_forgotten: float = _rate(1 / 50, "pupils who come late to a lesson and stay N in it")
    desk_missed: float = _rate(1 / 100, "pupils who come late to school and are not signed in")
    known_unrecorded: float = _rate(
        1 / 100, "pupils with another teacher or in the medical room of whom nobody writes it down"
    )
    known_recorded_late: float = _rate(0.03, "of them it is written 5 to 25 minutes too late")
    sign_out_late: float = _rate(0.02, "sign-outs written 5 to 30 minutes too late")
    sign_out_never: float = _rate(0.003, "sign-outs never written")
    message_entered_late: float = _rate(
        1 / 200, "messages that stay on the answering machine for 10 to 60 minutes more"
    )
    trip_entered_late: float = _rate(
        1 / 50, "trips that are entered half an hour to an hour and a half after they left"
    )
    exam_not_entered: float = _rate(0.03, "exam sittings that nobody entered beforehand")
    drill_register: float = _rate(0.05, "registers in a fire drill saved with everybody absent")
    outage: float = _rate(1 / 40, "a school and day: the MIS can not be read for 20 to 45 minutes")

    def scaled(self, factor: float) -> Noise:
        """Give noise that is so many times as frequent; 0 for a school that makes no mistake."""
        return Noise(
            **{one.name: min(1.0, getattr(self, one.name) * factor) for one in fields(self)}
        )


def meaning_of(rates: type[Life | Noise], name: str) -> str:
    """Give what a rate means."""
    return str(_field(rates, name)["meaning"])


def source_of(rates: type[Life | Noise], name: str) -> str:
    """Give where a rate comes from."""
    return str(_field(rates, name)["source"])


def _field(rates: type[Life | Noise], name: str) -> Any:
    return next(one.metadata for one in fields(rates) if one.name == name)
