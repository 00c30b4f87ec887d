"""A certificate or secret that a channel or the MIS needs runs out soon, or has run out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from mis_bridge.registers.calendar import LONDON
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

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

__all__ = ["INFO", "Ending", "evaluate", "level_at"]

AGAIN: Final = (7, 1)
"""So many days before its end it is told again, each time as a higher level."""

_LEFT: Final = ("", "within 7 days", "within a day")
"""By level, for the heading: who reads it a third time sees that it is not the same again."""

INFO: Final = TriggerInfo(
    id="certificate_expiring",
    title="A certificate or secret runs out",
    meaning="A certificate or secret that a channel or the MIS needs expires within days, or has "
    "expired. From then on the channel sends nothing, or no registers are read: a new one has to "
    "be in place before. It is told again 7 days and 1 day before.",
    source="DESIGN: a message that may not arrive is said out loud; an authority takes weeks to "
    "answer.",
    kind=Kind.FEED,
    audience=(Audience.IT,),
    severity=Severity.NORMAL,
    parameters=(
        ENABLED,
        Parameter(
            "days",
            default=30,
            unit="days",
            meaning="So long before its end people are told.",
            minimum=0,
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Ending:
    """A certificate or secret that ends.

    Args:
        channel: name in the settings of the channel that needs it; empty for the MIS.
        at: its end, aware.
        what: which it is.
        then: what to do about it.
    """

    channel: str
    at: datetime
    what: str
    then: str


def level_at(at: datetime, now: datetime, values: Mapping[str, Any]) -> int:
    """Say how near an end is: 0 not near, 1 within ``days``, 2 within 7 days, 3 within one.

    Args:
        at: the end, aware.
        now: aware.
        values: the trigger's parameters.
    """
    if now < at - timedelta(days=values["days"]):
        return 0
    return 1 + sum(now >= at - timedelta(days=days) for days in AGAIN)


def evaluate(endings: Iterable[Ending], now: datetime, values: Mapping[str, Any]) -> list[Finding]:
    """Give a finding for everything that ends soon or has ended.

    Args:
        endings: as they are now.
        now: aware.
        values: the trigger's parameters.
    """
    found = []
    for ending in sorted(endings, key=lambda one: (one.at, one.channel)):
        level = level_at(ending.at, now, values)
        if not level:
            continue
        days = (values["days"], *AGAIN)
        fired = (ending.at - timedelta(days=values["days"])).astimezone(LONDON)
        raised = (ending.at - timedelta(days=days[level - 1])).astimezone(LONDON)
        end = ending.at.astimezone(LONDON)
        date = f"{end.day} {end:%B %Y}"
        place = f"channel {ending.channel}" if ending.channel else "reading of the MIS"
        found.append(
            Finding(
                trigger=INFO.id,
                pupil="",
                day=now.astimezone(LONDON).date(),
                slot="",
                level=level,
                fired_at=fired,
                raised_at=max(fired, raised),
                evidence=(Evidence(None, "", f"{place}: until {date}"),),
                sentence=_sentence(ending, date, over=now > ending.at),
                facts={"channel": ending.channel, "expires": end.date().isoformat()}
                | ({"left": left} if (left := _LEFT[level - 1]) and now <= ending.at else {}),
                episode=f"{ending.channel or 'MIS'} {end.date().isoformat()}",
            )
        )
    return found


def _sentence(ending: Ending, date: str, *, over: bool) -> str:
    if ending.channel:
        effect = f"The channel {ending.channel} {'sends' if over else 'will send'} nothing"
    else:
        effect = "No register can be read" if over else "No register will be read any more"
    ends = "expired" if over else "expires"
    return f"{effect}: {ending.what} {ends} on {date}. To do: {ending.then}."
