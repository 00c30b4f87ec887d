"""A certificate that a way to the Local Authority needs runs out soon, or has run out."""

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

__all__ = ["INFO", "Ending", "evaluate"]

INFO: Final = TriggerInfo(
    id="certificate_expiring",
    title="A certificate runs out",
    meaning="A certificate that a channel to the Local Authority needs (the authority's own, or "
    "the school's) expires within days, or has expired. From then on the channel sends nothing: a "
    "new one has to be in place before.",
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
    """A certificate of a channel, the first to end.

    Args:
        channel: its name in the settings.
        at: its end, aware.
        what: which certificate it is.
        then: what to do about it.
    """

    channel: str
    at: datetime
    what: str
    then: str


def evaluate(endings: Iterable[Ending], now: datetime, values: Mapping[str, Any]) -> list[Finding]:
    """Give a finding for every certificate that ends soon or has ended.

    Args:
        endings: as they are now.
        now: aware.
        values: the trigger's parameters.
    """
    found = []
    for ending in sorted(endings, key=lambda one: (one.at, one.channel)):
        from_here = (ending.at - timedelta(days=values["days"])).astimezone(LONDON)
        if now < from_here:
            continue
        end = ending.at.astimezone(LONDON)
        date = f"{end.day} {end:%B %Y}"
        sends, ends = ("sends", "expired") if now > ending.at else ("will send", "expires")
        found.append(
            Finding(
                trigger=INFO.id,
                pupil="",
                day=now.astimezone(LONDON).date(),
                slot="",
                level=1,
                fired_at=from_here,
                raised_at=from_here,
                evidence=(Evidence(None, "", f"channel {ending.channel}: until {date}"),),
                sentence=f"The channel {ending.channel} {sends} nothing: {ending.what} {ends} on "
                f"{date}. To do: {ending.then}.",
                facts={"channel": ending.channel, "expires": end.date().isoformat()},
                episode=f"{ending.channel} {end.date().isoformat()}",
            )
        )
    return found
