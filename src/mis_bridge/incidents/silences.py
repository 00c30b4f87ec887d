"""Silences: a named person has people told later of one matter, for a reason and until an end.

A silence mutes the telling, not the noticing: the incident is opened, and who was silent until when
and why stands in its history. When the silence ends and it is still true, people are told. How a
matter ends is never silenced: whoever was told of its beginning hears that too.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from mis_bridge.errors import DateOutsideYear, IncidentError
from mis_bridge.incidents.families import MISSING, family_of
from mis_bridge.incidents.ids import reference
from mis_bridge.incidents.said import named, worded
from mis_bridge.registers.calendar import LONDON, local_minute
from mis_bridge.triggers.model import Severity

if TYPE_CHECKING:
    from datetime import datetime

    from mis_bridge.incidents.model import Incident
    from mis_bridge.registers.school_years import SchoolYears

__all__ = ["LONGEST_SCHOOL_DAYS", "Silence", "accepted"]

LONGEST_SCHOOL_DAYS: Final = 5
_WITHOUT_CALENDAR: Final = timedelta(days=7)
_LONGEST_WHY: Final = 500


@dataclass(frozen=True, slots=True)
class Silence:
    """One silence.

    Args:
        school: whose.
        id: what people call it, ``S-XXXX-XXXX``.
        trigger: of which trigger nobody is told.
        pupil: only of this pupil, the MIS's pupil id; empty: of everybody.
        incident: only of this incident, its id; empty: of all.
        author: who has asked for it.
        why: why.
        begins_at, ends_at: aware.
        ended_by: who has ended it before its time, or empty.
    """

    school: str
    id: str
    trigger: str
    pupil: str
    incident: str
    author: str
    why: str
    begins_at: datetime
    ends_at: datetime
    ended_by: str = ""

    def mutes(self, incident: Incident, now: datetime) -> bool:
        """Whether nobody is told of this incident now."""
        return (
            self.begins_at <= now < self.ends_at
            and incident.trigger == self.trigger
            and self.pupil in ("", incident.pupil)
            and self.incident in ("", incident.id)
        )


def accepted(draft: Silence, severity: Severity, years: SchoolYears) -> Silence:
    """Return a silence with its id, where it is one that a careful person may ask for.

    Args:
        draft: what is asked for; it begins now, and its id does not count.
        severity: of its trigger.
        years: the school's calendars.

    Raises:
        IncidentError: it names nobody or no reason, ends in the past or too late, or would hide
            children nobody has thought of.
    """
    author = named(draft.author, "say who asks for the silence: the history needs a person")
    why = worded(draft.why, "the reason", _LONGEST_WHY)
    if not why:
        raise IncidentError("say why: whoever is not told will ask")
    if draft.ends_at <= draft.begins_at:
        raise IncidentError("the silence would end in the past: give a later --until")
    _check_length(draft.trigger, severity, draft.ends_at, draft.begins_at, years)
    if family_of(draft.trigger) is MISSING and not (draft.pupil or draft.incident):
        raise IncidentError(
            "a silence about missing children has to name one: give --pupil or --incident"
        )
    silence = replace(draft, author=author, why=why, id="")
    digest = hashlib.sha256(json.dumps(asdict(silence), default=str).encode()).hexdigest()
    return replace(silence, id=reference(digest).replace("MB-", "S-"))


def _check_length(
    trigger: str, severity: Severity, until: datetime, now: datetime, years: SchoolYears
) -> None:
    today, _ = local_minute(now)
    last_day, _ = local_minute(until - timedelta(microseconds=1))
    if severity is Severity.CRITICAL or family_of(trigger) is MISSING:
        if last_day > today:
            raise IncidentError(
                f"{trigger} can be silenced until the end of the day at most: a longer silence "
                "would hide a child"
            )
        return
    try:
        latest = years.add_school_days(today, LONGEST_SCHOOL_DAYS)
    except DateOutsideYear:
        latest = (now.astimezone(LONDON) + _WITHOUT_CALENDAR).date()
    if last_day > latest:
        raise IncidentError(
            f"a silence lasts for {LONGEST_SCHOOL_DAYS} school days at most, here until "
            f"{latest.isoformat()}; it can be asked for again then"
        )
