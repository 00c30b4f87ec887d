"""A way to reach people is broken: what it should have said goes another way, and IT is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mis_bridge.registers.calendar import LONDON
from mis_bridge.triggers.model import (
    Assessment,
    Audience,
    Evidence,
    Finding,
    Kind,
    Severity,
    TriggerInfo,
)
from mis_bridge.triggers.parameters import ENABLED

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime

__all__ = ["INFO", "BrokenChannel", "assess_channels"]

INFO: Final = TriggerInfo(
    id="channel_failing",
    title="A channel does not deliver",
    meaning="A channel refused a message for good, failed three times in a row, or could not take "
    "one by its deadline. The next channel of the route took over; IT has to mend the broken one.",
    source="DESIGN: a message that may not have arrived is said out loud.",
    kind=Kind.FEED,
    audience=(Audience.IT,),
    severity=Severity.HIGH,
    parameters=(ENABLED,),
)


@dataclass(frozen=True, slots=True)
class BrokenChannel:
    """A channel that does not deliver.

    Args:
        name: in the settings.
        since: when its last attempt failed, aware.
        detail: what the attempt came to, without address or secret.
        waiting: messages that it still owes.
        unreached: duties and people whom no other channel reaches.
        instead: (duty or person, channel): whom the next one tells meanwhile.
    """

    name: str
    since: datetime
    detail: str
    waiting: int = 0
    unreached: tuple[str, ...] = ()
    instead: tuple[tuple[str, str], ...] = ()


def assess_channels(broken: Iterable[BrokenChannel], day: date) -> Assessment:
    """Give a finding for every broken channel; none while all of them deliver.

    Args:
        broken: as they are now.
        day: today.
    """
    findings = []
    for channel in sorted(broken, key=lambda one: (one.since, one.name)):
        since = channel.since.astimezone(LONDON)
        owed = "; 1 message waits for it" if channel.waiting == 1 else ""
        if channel.waiting > 1:
            owed = f"; {channel.waiting} messages wait for it"
        findings.append(
            Finding(
                trigger=INFO.id,
                pupil="",
                day=day,
                slot="",
                level=1,
                fired_at=since,
                raised_at=since,
                evidence=(Evidence(since, "", f"channel {channel.name}: {channel.detail}"),),
                sentence=f"The channel {channel.name} did not deliver at {since:%H:%M}: "
                f"{channel.detail}{owed}.{_reach(channel)}",
                facts={"channel": channel.name, "waiting": channel.waiting},
                episode=channel.name,
            )
        )
    return Assessment(tuple(findings))


def _reach(channel: BrokenChannel) -> str:
    """Say who is not told at all, and who is told by what."""
    said = ""
    if channel.unreached:
        said += f" No other channel reaches: {', '.join(channel.unreached)}."
    if channel.instead:
        told = ", ".join(f"{who} by {other}" for who, other in channel.instead)
        said += f" Told another way meanwhile: {told}."
    return said
