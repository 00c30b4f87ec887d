"""Which findings are one matter, and how each family of incidents behaves.

A trigger belongs to exactly one family. What a family does not say here (who is told, how severe
it is) the trigger says of itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from mis_bridge.triggers.model import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mis_bridge.incidents.model import Incident
    from mis_bridge.triggers.model import Finding

__all__ = [
    "ASKED_FOR",
    "FAMILIES",
    "ONE_REGISTER",
    "Family",
    "Identity",
    "family_of",
    "family_of_incident",
    "identity_of",
    "rank_of",
]


@dataclass(frozen=True, slots=True)
class Family:
    """How the incidents of some triggers behave.

    Args:
        id: stable name, part of the incident's id.
        triggers: ids of the triggers, the least serious first where the matter can rise; none:
            a person opens its incidents.
        kind: which assessments look at it; None: no one, a person opens and closes it.
        about_a_child: people who were told hear how it ended, and time alone never ends it.
        ends_with_the_day: closed quietly once the school day is over.
        protocol: id of the protocol whose steps are copied into each incident.
        package: kind of package prepared once an episode, or empty.
        package_level: level from which it is prepared.
        tells_the_end: those who were told hear of it when it is over.
        quiet_next_day: from the next day on nobody is rung about it any more; that the child was
            seen is said, together with others.
        recurs: its episodes have no date of their own (the same channel fails again in May): an
            incident goes on while it is active, and is a new one on a later day.
        many_at_once: a morning brings many of them: nobody is reminded of it, because thirty
            reminders would hide the one that matters.
        once: a border that is crossed to and fro: true again after its end, nobody hears of it
            unless it has become more serious.

    A family of more than one trigger rises from one to the next: the level of its incidents is the
    place of their trigger.
    """

    id: str
    triggers: tuple[str, ...]
    kind: Kind | None
    about_a_child: bool = False
    ends_with_the_day: bool = False
    protocol: str = ""
    package: str = ""
    package_level: int = 1
    tells_the_end: bool = False
    quiet_next_day: bool = False
    recurs: bool = False
    many_at_once: bool = False
    once: bool = False

    @property
    def rises(self) -> bool:
        """Whether its triggers are the levels of one matter."""
        return len(self.triggers) > 1


_ALL = (
    Family(
        "missing_during_day",
        ("missing_during_day",),
        Kind.DAY,
        about_a_child=True,
        protocol="missing_during_day",
        tells_the_end=True,
    ),
    # Where a pupil was missing, the truancy is how that ended and has no incident of its own.
    Family("internal_truancy", ("internal_truancy",), Kind.DAY, protocol="missed_lesson"),
    Family(
        "unexplained_absence",
        ("unexplained_absence",),
        Kind.DAY,
        about_a_child=True,
        protocol="first_day_calling",
        tells_the_end=True,
        quiet_next_day=True,
        many_at_once=True,
    ),
    Family(
        "register_not_taken",
        ("register_not_taken",),
        Kind.DAY,
        ends_with_the_day=True,
        protocol="register_not_taken",
        many_at_once=True,
    ),
    Family(
        "register_anomaly",
        ("register_anomaly",),
        Kind.DAY,
        ends_with_the_day=True,
        protocol="register_anomaly",
        tells_the_end=True,
        many_at_once=True,
    ),
    Family(
        "marks_disagree",
        ("marks_disagree",),
        Kind.DAY,
        protocol="marks_disagree",
        many_at_once=True,
    ),
    Family(
        "feed_blind",
        ("feed_blind",),
        Kind.FEED,
        protocol="feed_blind",
        tells_the_end=True,
        recurs=True,
    ),
    Family(
        "channel_failing",
        ("channel_failing",),
        Kind.FEED,
        protocol="channel_failing",
        tells_the_end=True,
        recurs=True,
    ),
    Family(
        "undelivered",
        ("undelivered",),
        Kind.FEED,
        protocol="undelivered",
        recurs=True,
    ),
    Family(
        "certificate_expiring",
        ("certificate_expiring",),
        Kind.FEED,
        protocol="certificate_expiring",
        recurs=True,
    ),
    Family(
        "not_watched",
        ("not_watched",),
        Kind.FEED,
        protocol="not_watched",
        tells_the_end=True,
        recurs=True,
    ),
    Family(
        "self_check_failed",
        ("self_check_failed",),
        Kind.FEED,
        protocol="self_check_failed",
        tells_the_end=True,
        recurs=True,
    ),
    Family(
        "calendar_wrong",
        ("calendar_wrong",),
        Kind.FEED,
        protocol="calendar_wrong",
        recurs=True,
    ),
    Family(
        "absence_level",
        ("approaching_persistent_absence", "persistent_absence", "severe_absence"),
        Kind.STRIP,
        protocol="absence_level",
        once=True,
    ),
    Family(
        "whereabouts_unknown",
        ("whereabouts_unknown",),
        Kind.STRIP,
        protocol="whereabouts_unknown",
        tells_the_end=True,
    ),
    Family(
        "ten_day_absence",
        ("ten_day_absence",),
        Kind.STRIP,
        protocol="attendance_return",
        package="attendance_return",
        tells_the_end=True,
    ),
    Family("twenty_day_absence", ("twenty_day_absence",), Kind.STRIP, protocol="joint_enquiries"),
    Family(
        "not_returned_from_leave",
        ("not_returned_from_leave",),
        Kind.STRIP,
        protocol="not_returned_from_leave",
    ),
    Family("twenty_sessions", ("twenty_sessions",), Kind.STRIP, protocol="early_word", once=True),
    Family(
        "sickness",
        ("ten_day_sickness", "fifteen_day_sickness"),
        Kind.STRIP,
        protocol="sickness",
        package="sickness_return",
        package_level=2,
    ),
    Family(
        "penalty_threshold",
        ("penalty_threshold",),
        Kind.STRIP,
        protocol="penalty_threshold",
        recurs=True,
    ),
    Family(
        "reason_overdue",
        ("reason_overdue",),
        Kind.STRIP,
        protocol="reason_overdue",
        recurs=True,
        many_at_once=True,
    ),
    Family("absence_pattern", ("absence_pattern",), Kind.STRIP, protocol="pattern", once=True),
    Family("lateness_pattern", ("lateness_pattern",), Kind.STRIP, protocol="pattern", once=True),
    # A person asks for a package that no trigger asks for.
    Family("package_asked_for", (), None),
    Family(
        "left_without_destination",
        ("left_without_destination",),
        Kind.ROLL,
        protocol="left_without_destination",
        package="cme",
        package_level=2,
        tells_the_end=True,
    ),
    Family("newly_in_care", ("newly_in_care",), Kind.FLAG, protocol="newly_in_care"),
    Family("repeat_missing", ("repeat_missing",), Kind.HISTORY, protocol="repeat_missing"),
)

FAMILIES: Mapping[str, Family] = MappingProxyType({family.id: family for family in _ALL})

_FAMILY_OF: Mapping[str, Family] = MappingProxyType(
    {trigger: family for family in _ALL for trigger in family.triggers}
)

ABSENCE_LEVEL = FAMILIES["absence_level"]
ASKED_FOR = FAMILIES["package_asked_for"]
MISSING = FAMILIES["missing_during_day"]
ONE_REGISTER: Final = frozenset({"register_not_taken", "register_anomaly"})
"""Families, and their triggers, that are about a register, however many pupils are on it."""

_AUGUST = 8


@dataclass(frozen=True, slots=True, order=True)
class Identity:
    """What tells one episode from another: the content of an incident's id."""

    family: str
    pupil: str
    key: str

    @property
    def episode(self) -> str:
        """The key without the day on which a recurring matter was raised."""
        return self.key.rpartition("@")[0]


def family_of(trigger: str) -> Family:
    """Return the family of a trigger.

    A trigger that no family names (one that came with an adapter or a later version) is a family
    of its own, told and closed like a matter about a child: the careful assumption.
    """
    return _FAMILY_OF.get(trigger) or Family(
        trigger, (trigger,), Kind.DAY, about_a_child=True, tells_the_end=True
    )


def family_of_incident(incident: Incident) -> Family:
    """Return the family that an incident was opened in, whatever it stands for by now."""
    return FAMILIES.get(incident.family) or family_of(incident.trigger)


def rank_of(trigger: str, level: int) -> int:
    """Return the level of an incident that stands for this finding, from 1.

    In a family that rises it is the trigger's place (approaching 1, persistent 2, severe 3);
    elsewhere it is the finding's own level.
    """
    family = family_of(trigger)
    return family.triggers.index(trigger) + 1 if family.rises else level


def identity_of(finding: Finding) -> Identity:
    """Return which episode a finding belongs to.

    - Untaken and odd registers: one a register, however many pupils are on it.
    - Unexplained absence: one a pupil and day, morning and afternoon together.
    - Missing during the day, a missed lesson: one a pupil and the lesson it began with.
    - Absence level: one a pupil and academic year (1 August to 31 July).
    - A blind feed, a failing channel, a certificate that runs out, an overdue reason, a penalty
      threshold: one an episode and the day on which it was raised.
    - All others: what the finding itself says (episode, else day and slot).
    """
    family = family_of(finding.trigger)
    day = finding.day.isoformat()
    if family.id in ONE_REGISTER:
        register = str(finding.facts.get("register", "")) or finding.episode
        return Identity(family.id, "", f"{day}/{finding.slot}/{register}")
    if family is ABSENCE_LEVEL:
        year = finding.day.year if finding.day.month >= _AUGUST else finding.day.year - 1
        return Identity(family.id, finding.pupil, str(year))
    if family.id == "unexplained_absence":
        return Identity(family.id, finding.pupil, day)
    if family.recurs:
        return Identity(family.id, finding.pupil, f"{finding.episode}@{day}")
    if finding.episode:
        return Identity(family.id, finding.pupil, finding.episode)
    return Identity(family.id, finding.pupil, f"{day}/{finding.slot}" if finding.slot else day)
