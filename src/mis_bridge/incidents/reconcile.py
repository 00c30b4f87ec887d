"""From what is open and what is true now to what has to be stored and said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mis_bridge.incidents.model import Decision

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date, datetime

    from mis_bridge.incidents.model import Incident, Scope
    from mis_bridge.incidents.rules import IncidentRules
    from mis_bridge.triggers.model import Assessment, PupilDay

__all__ = ["reconcile"]


def reconcile(
    school: str,
    known: Iterable[Incident],
    assessment: Assessment,
    now: datetime,
    *,
    rules: IncidentRules,
    data_as_of: datetime | None,
    scope: Scope,
    pupils: Mapping[str, PupilDay] | None = None,
    quiet_before: date | None = None,
) -> Decision:
    """Return what has to change so that the incidents agree with the registers.

    Level-triggered: only what is stored and what is true now is looked at, never which event
    came. Called again with the incidents as it left them and the same assessment, it changes
    nothing.

    Args:
        school: school id.
        known: every active incident of the school, and every found or closed one that an
            assessment in this scope could speak of again: for a day those of that day, for
            strips those of the academic year, for a feed those of today. Leaving a closed one
            out tells people again of what a person has closed.
        assessment: what the triggers say.
        now: aware.
        rules: what the school has set.
        data_as_of: when the registers were last read well, aware, or None.
        scope: what the assessment looked at.
        pupils: for a day: the pupils' days that it looked at, by pupil id. They tell why a
            finding is gone (seen, explained, corrected). Without them a child's incident is only
            closed by a finding that says the child was seen.
        quiet_before: on the first load of a school: findings about days before this one are not
            told. Day findings then open nothing; strip findings open quietly.
    """
    del school, known, assessment, now, rules, data_as_of, scope, pupils, quiet_before
    return Decision()
