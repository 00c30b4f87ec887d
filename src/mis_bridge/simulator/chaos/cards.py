"""Whether the cards that stand in the bot's conversation say how their incidents have ended.

A card whose answer was lost can not be changed: nobody but the bot service knows its id. The same
is said once more, by a card that can be.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from mis_bridge.channels.base import activity_of
from mis_bridge.incidents.model import State
from mis_bridge.incidents.reasons import ASKS
from mis_bridge.service.showing import turns_of
from mis_bridge.simulator.chaos.arrivals import references_in
from mis_bridge.simulator.sinks import texts_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import Connection

    from mis_bridge.incidents.model import Incident
    from mis_bridge.simulator.microsoft import Card
    from mis_bridge.store.outbox import OutboxRow

__all__ = ["Cards", "look_at"]

_OVER: Final = ('"Ended"', "The school day is over")
"""What a card about one incident says when that is over, besides how it ended."""

_STANDS: Final = frozenset({"sent", "accepted"})


@dataclass(slots=True)
class Cards:
    """What stands there at the end.

    Args:
        standing: how many cards.
        changed: how many of them have been changed since they were posted.
        lost: how many nobody can change, as their answer was lost.
        problems: cards that do not say how it stands.
    """

    standing: int = 0
    changed: int = 0
    lost: int = 0
    problems: list[str] = field(default_factory=list)


def look_at(
    tx: Connection,
    cards: Sequence[Card],
    incidents: Mapping[str, Incident],
    rows: Mapping[str, list[OutboxRow]],
) -> Cards:
    """Compare every card that stands there with its incidents.

    Args:
        tx: the daemon's database.
        cards: in the order in which they were posted.
        incidents: by reference.
        rows: their messages, by the incident's id.
    """
    seen = Cards(standing=len(cards))
    known = _known(incidents, rows)
    told = {
        reference
        for reference, one in incidents.items()
        if any(row.state in _STANDS for row in rows[one.id])
    }
    for card in cards:
        seen.changed += card.shown_at != card.at
        if card.id in known:
            for reference in sorted(known[card.id]):
                seen.problems += _wrong(tx, card, incidents[reference])
        elif named := references_in(texts_of(card.posted)):
            seen.lost += 1
            if untold := sorted(named - told):
                seen.problems.append(f"a card that nobody can change is all about {untold}")
    return seen


def _known(
    incidents: Mapping[str, Incident], rows: Mapping[str, list[OutboxRow]]
) -> dict[str, set[str]]:
    """By id of a card that can be changed: the incidents that it asks somebody to see to."""
    found: dict[str, set[str]] = {}
    for reference, incident in incidents.items():
        for row in rows[incident.id]:
            posted = activity_of(row.proof)
            if posted and row.state in _STANDS:
                asks = found.setdefault(posted[0], set())
                asks |= {reference} if row.reason in ASKS else set()
    return found


def _wrong(tx: Connection, card: Card, incident: Incident) -> Iterator[str]:
    said = json.dumps(card.shown, ensure_ascii=False)
    named, turns = references_in([said]), turns_of(tx, incident)
    name = f"the card about {incident.reference} ({incident.trigger}, {incident.state})"
    taken = incident.state is State.ACKNOWLEDGED and incident.owner
    if incident.reference not in named:
        yield f"{name} does not name it any more"
    elif turns and turns[-1].at > card.shown_at:
        yield f"{name} says how it stood before {turns[-1].act} on {turns[-1].at:%A %H:%M}"
    elif taken and f"Acknowledged by {incident.owner}" not in said:
        yield f"{name} does not say who has acknowledged it"
    elif not incident.active and len(named) == 1 and not any(word in said for word in _OVER):
        yield f"{name} does not say that it is over"
