"""A school that nobody watches although all runs: its calendar is over, or it is not judged."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from mis_bridge.registers.calendar import LONDON, local_datetime
from mis_bridge.triggers.model import (
    Audience,
    Evidence,
    Finding,
    Kind,
    Severity,
    TriggerInfo,
)
from mis_bridge.triggers.parameters import ENABLED

if TYPE_CHECKING:
    from datetime import datetime

    from mis_bridge.registers.calendar import SchoolCalendar

__all__ = ["INFO", "UNJUDGED_AFTER", "calendar_over", "evaluate"]

INFO: Final = TriggerInfo(
    id="not_watched",
    title="A school is not watched",
    meaning="The configured calendar of a school does not reach today, or its registers could not "
    "be judged for minutes because of a fault of the program. Nobody would be told of a missing "
    "child.",
    source="DESIGN: no data must never look like nobody missing.",
    kind=Kind.FEED,
    audience=(Audience.IT, Audience.OFFICE),
    severity=Severity.HIGH,
    parameters=(ENABLED,),
    never_for="Not at weekends and not in July and August.",
)

UNJUDGED_AFTER: Final = timedelta(minutes=3)
"""A decision that fails once is tried again; one that fails for so long is told."""

_SATURDAY: Final = 5
_SUMMER: Final = (7, 8)
_TERM_HAS_BEGUN: Final = 10


def calendar_over(calendar: SchoolCalendar, today: date) -> Finding | None:
    """Give the finding where the calendar does not reach a day on which schools are open.

    A calendar that is yet to begin is told from 10 September on.

    Args:
        calendar: as configured.
        today: local date.
    """
    if today.weekday() >= _SATURDAY or today.month in _SUMMER:
        return None
    if calendar.first_day <= today <= calendar.last_day:
        return None
    early = today < calendar.first_day
    if early and date(today.year, 9, 1) <= today < date(today.year, 9, _TERM_HAS_BEGUN):
        return None
    at = local_datetime(today, calendar.am.opens)
    edge = calendar.first_day if early else calendar.last_day
    said = f"{'begins' if early else 'ended'} on {edge:%-d %B %Y}"
    return Finding(
        trigger=INFO.id,
        pupil="",
        day=today,
        slot="",
        level=1,
        fired_at=at,
        raised_at=at,
        evidence=(Evidence(None, "", f"the school's calendar {said}"),),
        sentence=f"The configured calendar of this school {said}: its registers are not watched "
        "today. Set [calendar] in the school's file to the present school year.",
        episode=f"calendar {edge.isoformat()}",
    )


def evaluate(
    calendar: SchoolCalendar, failing_since: datetime | None, now: datetime
) -> tuple[list[Finding], datetime | None]:
    """Give the findings, and when time alone could add one.

    Args:
        calendar: as configured.
        failing_since: when the first decision failed of those that still fail, aware, or None.
        now: aware.
    """
    today = now.astimezone(LONDON).date()
    over = calendar_over(calendar, today)
    found = [over] if over else []
    if failing_since is None:
        return found, None
    due = failing_since + UNJUDGED_AFTER
    if now < due:
        return found, due
    return [*found, _unjudged(failing_since, today)], None


def _unjudged(since: datetime, today: date) -> Finding:
    local = since.astimezone(LONDON)
    return Finding(
        trigger=INFO.id,
        pupil="",
        day=today,
        slot="",
        level=1,
        fired_at=local,
        raised_at=local,
        evidence=(Evidence(local, "", "a fault of the program; its log has the details"),),
        sentence=f"The registers of this school have not been judged since {local:%H:%M} because "
        "of a fault of the program. Until it is mended, look at the registers themselves.",
        episode="decisions",
    )
