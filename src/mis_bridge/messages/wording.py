"""What each trigger is called and said to mean, for people who have never seen the catalogue.

Titles carry no name and no number of a pupil: they stand in subjects and on locked screens.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["HISTORY_WORDING", "WORDING", "Wording", "wording_of"]


@dataclass(frozen=True, slots=True)
class Wording:
    """Words for one trigger.

    Args:
        title: heading when it is raised.
        matter: the same inside a sentence ("Explained: missing during the day").
        again: heading when it is raised again.
        found: heading when the pupil was found or the matter ended well.
        generic: lead where nothing may be said of the pupil.
        corrected: what it is called when the registers ended it.
    """

    title: str
    matter: str
    again: str
    found: str
    generic: str
    corrected: str = "Corrected"


WORDING: Mapping[str, Wording] = MappingProxyType(
    {
        "missing_during_day": Wording(
            "Missing during the day",
            "missing during the day",
            "Missing again during the day",
            "Found: seen again in school",
            "A pupil who was in school today is marked absent from a register that was taken.",
        ),
        "internal_truancy": Wording(
            "Missed a lesson, seen again since",
            "missed lesson",
            "Missed a lesson again, seen since",
            "Found: seen again in school",
            "A pupil missed a lesson today and has been seen again since.",
        ),
        "unexplained_absence": Wording(
            "Absent without explanation",
            "absent without explanation",
            "Absent without explanation again",
            "Found: in school after all",
            "A pupil is marked absent, and nobody has given a reason.",
        ),
        "register_not_taken": Wording(
            "Register not taken",
            "register not taken",
            "Register not taken",
            "The register has been taken",
            "A register has not been taken. Nobody can say who is there.",
        ),
        "register_anomaly": Wording(
            "A whole class is marked absent",
            "a whole class marked absent",
            "A whole class is marked absent again",
            "The register was put right",
            "Nearly all pupils of a register are marked absent at once.",
        ),
        "marks_disagree": Wording(
            "Two marks disagree",
            "marks that disagree",
            "Two marks disagree again",
            "The marks agree again",
            "Two registers contradict each other about one pupil.",
        ),
        "feed_blind": Wording(
            "Registers can not be read",
            "registers that can not be read",
            "Registers can not be read, once more",
            "Registers can be read again",
            "The registers can not be read. No missing child would be noticed.",
        ),
        "channel_failing": Wording(
            "A channel does not deliver",
            "a channel that does not deliver",
            "A channel does not deliver, once more",
            "The channel delivers again",
            "Messages of a channel do not arrive.",
        ),
        "undelivered": Wording(
            "A message has reached nobody",
            "a message that reached nobody",
            "A message has reached nobody, once more",
            "The message has arrived, or its matter is over",
            "A message has reached none of those who should have got it.",
        ),
        "certificate_expiring": Wording(
            "A certificate or secret runs out",
            "a certificate or secret that runs out",
            "A certificate or secret runs out, once more",
            "There is a new certificate or secret",
            "A certificate or secret that mis-bridge needs runs out.",
        ),
        "not_watched": Wording(
            "A school is not watched",
            "a school that is not watched",
            "A school is not watched, once more",
            "The school is watched again",
            "The registers of a school are not watched. No missing child would be noticed.",
        ),
        "self_check_failed": Wording(
            "mis-bridge is behind with its own work",
            "work that mis-bridge has not done",
            "mis-bridge is behind with its own work, once more",
            "mis-bridge has done all of its work again",
            "mis-bridge is behind with its own work. Do not rely on it alone.",
        ),
        "calendar_wrong": Wording(
            "The calendar is wrong",
            "a wrong calendar",
            "The calendar is wrong again",
            "The calendar is right again",
            "The school's calendar and its registers do not agree.",
        ),
        "approaching_persistent_absence": Wording(
            "Close to persistent absence",
            "close to persistent absence",
            "Close to persistent absence again",
            "No longer close to persistent absence",
            "A pupil's absence is close to the level that counts as persistent.",
        ),
        "persistent_absence": Wording(
            "Persistent absence",
            "persistent absence",
            "Persistent absence again",
            "No longer persistent absence",
            "A pupil has missed a tenth or more of their sessions.",
        ),
        "severe_absence": Wording(
            "Severe absence",
            "severe absence",
            "Severe absence again",
            "No longer severe absence",
            "A pupil has missed half or more of their sessions.",
        ),
        "whereabouts_unknown": Wording(
            "Whereabouts unknown",
            "whereabouts unknown",
            "Whereabouts unknown again",
            "The whereabouts are known again",
            "A pupil has been absent without a reason until a day that the authority sets.",
            corrected="Over",
        ),
        "ten_day_absence": Wording(
            "Absent for ten school days in a row",
            "absent for ten school days in a row",
            "Absent for ten school days in a row again",
            "No longer absent for ten school days in a row",
            "A pupil has been absent for ten school days in a row without leave.",
            corrected="Over",
        ),
        "twenty_day_absence": Wording(
            "Day 20 of absence reached",
            "day 20 of an absence",
            "Day 20 of absence reached again",
            "The absence of twenty days is over",
            "A pupil has been absent for twenty school days in a row. Joint enquiries are due.",
        ),
        "not_returned_from_leave": Wording(
            "Not returned from leave",
            "not returned from leave",
            "Not returned from leave again",
            "Returned from leave",
            "A pupil has not come back in the ten school days since a leave ended.",
        ),
        "twenty_sessions": Wording(
            "Absence: time for an early word",
            "an early word about absence",
            "Absence: time for an early word again",
            "No early word about absence is needed",
            "A pupil has missed so many sessions that an early word helps.",
        ),
        "ten_day_sickness": Wording(
            "Ill for ten school days in a row",
            "ill for ten school days in a row",
            "Ill for ten school days in a row again",
            "No longer ill for ten school days in a row",
            "A pupil has been ill for ten school days in a row.",
        ),
        "fifteen_day_sickness": Wording(
            "Ill for fifteen school days",
            "ill for fifteen school days",
            "Ill for fifteen school days again",
            "No longer ill for fifteen school days",
            "A pupil has been ill for fifteen school days of this school year.",
        ),
        "penalty_threshold": Wording(
            "Ten unauthorised sessions in ten weeks",
            "ten unauthorised sessions in ten weeks",
            "Ten unauthorised sessions in ten weeks again",
            "Fewer than ten unauthorised sessions in ten weeks",
            "A pupil has missed ten sessions within ten school weeks without leave.",
        ),
        "reason_overdue": Wording(
            "A reason for absence is overdue",
            "an overdue reason for absence",
            "A reason for absence is overdue again",
            "The reason for absence is entered",
            "A session is still marked N after more than five school days.",
        ),
        "absence_pattern": Wording(
            "A pattern of absence",
            "a pattern of absence",
            "A pattern of absence again",
            "No longer a pattern of absence",
            "A pupil's short absences lie on the same days more often than chance explains.",
        ),
        "lateness_pattern": Wording(
            "Late more and more often",
            "late more and more often",
            "Late more and more often again",
            "No longer late more and more often",
            "A pupil comes late more often than before.",
        ),
        "left_without_destination": Wording(
            "Left, destination not known",
            "left, destination not known",
            "Left again, destination not known",
            "Destination known, or on a roll again",
            "A pupil's name is off the roll, and nobody has recorded where the pupil went.",
            corrected="Over",
        ),
        "newly_in_care": Wording(
            "Newly in care",
            "newly in care",
            "Newly in care again",
            "The first days in care are over",
            "A pupil has come into care within the last days.",
        ),
        "repeat_missing": Wording(
            "Missing again and again",
            "missing again and again",
            "Missing again and again, once more",
            "No longer missing again and again",
            "A pupil has been missing on several days within some weeks.",
        ),
    }
)


HISTORY_WORDING: Final = Wording(
    "The history was changed",
    "a history that was changed",
    "The history was changed, once more",
    "The history holds, or its change was accepted",
    "The history of what was told and done is not as it was written.",
)
"""Of ``self_check_failed``, where it is about the history and not about work that is not done."""


def wording_of(trigger: str) -> Wording:
    """Return the words of a trigger; one that came with a later version is called by its id."""
    if trigger in WORDING:
        return WORDING[trigger]
    plain = trigger.replace("_", " ")
    title = plain[:1].upper() + plain[1:]
    return Wording(title, plain, f"{title} again", f"Over: {plain}", f"{title}.")
