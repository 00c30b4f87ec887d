"""What arrived at the people: read from what the peers were given, not from the database."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mis_bridge.simulator.chaos.ways_out import GRAPH_TO
from mis_bridge.simulator.demo_setup import ADDRESSES
from mis_bridge.simulator.sinks import texts_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from mis_bridge.simulator.microsoft import Card, Notified
    from mis_bridge.simulator.sinks import Mail, Posted

__all__ = ["Arrival", "of_card", "of_line", "of_mail", "of_post", "references_in"]

_REFERENCE: Final = re.compile(r"MB-[0-9A-Z]{4}-[0-9A-Z]{4}")
_MORE: Final = re.compile(r" and \d+ more\b")
_CHANNEL_OF: Final = {address: f"{name}-mail" for name, address in ADDRESSES.items()}


@dataclass(frozen=True, slots=True)
class Arrival:
    """One message that rang, for one reader.

    Args:
        at: when, by the rehearsal's clock.
        channel: name of the channel in the settings.
        reader: whom it rang; empty where all behind the channel see one and the same.
        references: of the incidents that it names.
        title: its first words.
        abridged: it is about more incidents than it names: one line of an activity feed.
    """

    at: datetime
    channel: str
    reader: str
    references: frozenset[str]
    title: str
    abridged: bool = False


def references_in(texts: Iterable[str]) -> frozenset[str]:
    """Find the incidents that a text names."""
    return frozenset(_REFERENCE.findall(" ".join(texts)))


def of_post(posted: Posted) -> Arrival:
    """Read a card that the webhook was given."""
    texts = posted.texts
    return Arrival(posted.at, "dsl-teams", "", references_in(texts), next(iter(texts), ""))


def of_card(card: Card) -> Arrival:
    """Read a card as the bot posted it; that it was changed since rang nobody."""
    texts = list(texts_of(card.posted))
    return Arrival(card.at, "dsl-bot", "", references_in(texts), next(iter(texts), ""))


def of_line(notified: Notified) -> Arrival:
    """Read a line of an activity feed."""
    line = notified.line
    title = line.text
    return Arrival(
        notified.at,
        "year-feed",
        line.person,
        references_in((line.text, line.preview)),
        title,
        abridged=_MORE.search(title) is not None,
    )


def of_mail(mail: Mail, *, by_graph: bool) -> Iterator[Arrival]:
    """Read a mail, for each of its readers."""
    subject = " ".join(str(mail.message["Subject"]).split())
    references = references_in([subject, mail.part("plain")])
    channels = GRAPH_TO if by_graph else _CHANNEL_OF
    for address in mail.recipients:
        channel = channels.get(address, "unknown")
        yield Arrival(mail.at, channel, address, references, subject)
