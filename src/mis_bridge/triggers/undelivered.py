"""A message that nobody got: every channel of its route refused it, or none took it in time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mis_bridge.registers.calendar import LONDON
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
    from collections.abc import Iterable
    from datetime import date, datetime

__all__ = ["INFO", "DeadLetter", "evaluate"]

INFO: Final = TriggerInfo(
    id="undelivered",
    title="A message has reached nobody",
    meaning="All channels of a message's route have refused it for good, or none of them took it "
    "by its deadline. Whoever should have been told has to be told by a person.",
    source="DESIGN: a message that may not have arrived is said out loud.",
    kind=Kind.FEED,
    audience=(Audience.IT, Audience.OFFICE),
    severity=Severity.HIGH,
    parameters=(ENABLED,),
)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One message that is lost, or late on its whole route.

    Args:
        reference: of its incident; empty where it is about none.
        audience: who should have got it.
        channel: the last channel that was tried.
        since: when the last of them failed, aware.
        detail: what that attempt came to, without address or secret.
        still_tried: the last channel goes on trying.
        note: what it was, where it is about no incident: ``the day's message of 17 November``.
    """

    reference: str
    audience: str
    channel: str
    since: datetime
    detail: str
    still_tried: bool = False
    note: str = ""

    @property
    def what(self) -> str:
        """Which message it is, for a person: the incident's reference, or what it was."""
        return self.note or self.reference


def evaluate(letters: Iterable[DeadLetter], day: date) -> list[Finding]:
    """Give a finding for every message that has not arrived, each with an episode of its own.

    Args:
        letters: as they are now.
        day: today, local date.
    """
    # Of several to one duty about one incident the first says it all.
    first: dict[str, Finding] = {}
    for letter in sorted(letters, key=lambda one: (one.since, one.what, one.channel)):
        finding = _finding(letter, day)
        first.setdefault(finding.episode, finding)
    return list(first.values())


def _finding(letter: DeadLetter, day: date) -> Finding:
    since = letter.since.astimezone(LONDON)
    duty = letter.audience
    message = (
        f"{letter.note[:1].upper()}{letter.note[1:]} for {duty}"
        if letter.note
        else f"A message for {duty} about {letter.reference}"
    )
    then = (
        f"The channel {letter.channel} is still being tried."
        if letter.still_tried
        else "No channel is tried any more."
    )
    return Finding(
        trigger=INFO.id,
        pupil="",
        day=day,
        slot="",
        level=1,
        fired_at=since,
        raised_at=since,
        evidence=(Evidence(since, "", f"channel {letter.channel}: {letter.detail}"),),
        sentence=f"{message} has reached nobody. {then} Tell {duty} by telephone or in person.",
        facts={"audience": duty, "reference": letter.what},
        episode=f"{duty} {letter.what}",
    )
