"""What arrived at the people: read from what the peers were given, not from the database."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mis_bridge.simulator.demo_setup import ADDRESSES

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from mis_bridge.simulator.sinks import Mail, Posted

__all__ = ["Arrival", "doubles", "of_mail", "of_post"]

_REFERENCE: Final = re.compile(r"MB-[0-9A-Z]{4}-[0-9A-Z]{4}")
_CHANNEL_OF: Final = {address: f"{name}-mail" for name, address in ADDRESSES.items()}


@dataclass(frozen=True, slots=True)
class Arrival:
    """One message that a person could have read.

    Args:
        at: when, by the rehearsal's clock.
        channel: name of the channel in the settings.
        references: of the incidents that it names.
        title: its first words.
        identity: what tells one message from another; the same when it arrives twice.
    """

    at: datetime
    channel: str
    references: frozenset[str]
    title: str
    identity: str


def of_post(posted: Posted) -> Arrival:
    """Read a card."""
    texts = posted.texts
    references = frozenset(_REFERENCE.findall(" ".join(texts)))
    title = texts[0] if texts else ""
    return Arrival(
        posted.at, "dsl-teams", references, title, " ".join([title, *sorted(references)])
    )


def of_mail(mail: Mail) -> Arrival:
    """Read a mail."""
    subject = " ".join(str(mail.message["Subject"]).split())
    return Arrival(
        mail.at,
        _CHANNEL_OF.get(mail.recipients[0] if mail.recipients else "", "unknown"),
        frozenset(_REFERENCE.findall(f"{subject} {mail.part('plain')}")),
        subject,
        str(mail.message["Message-ID"]),
    )


def doubles(arrivals: Iterable[Arrival]) -> int:
    """Count what arrived more often than once, each time after the first."""
    seen = Counter((one.channel, one.identity) for one in arrivals)
    return sum(number - 1 for number in seen.values())
