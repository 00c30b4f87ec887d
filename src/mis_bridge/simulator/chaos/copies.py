"""Which messages arrived twice for their reader, and what each copy comes from.

The same news of one incident (its reason and revision) is a copy where it has rung its reader
before by the same channel, alone or among others: a message that was sent alone before a kill can
come together with others after it. What an arrival says follows from the attempt that sent it,
which is written down before anything is sent.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from mis_bridge.simulator.chaos.arrivals import Arrival

__all__ = ["Copies", "Sending", "find_copies"]


@dataclass(frozen=True, slots=True)
class Sending:
    """One attempt to send one row of the outbox.

    Args:
        message: what the rows of one message have in common.
        channel: by which it was sent.
        began: when, by the rehearsal's clock.
        row: the row's id.
        reference: of the incident that it is about; empty for none.
        news: what it says of it: why, and of which of the incident's revisions.
        lost: nobody knows what became of it: the answer was lost, or the daemon killed.
        put_off: it was to be tried again: one of several readers may have had it.
    """

    message: str
    channel: str
    began: datetime
    row: str
    reference: str
    news: str
    lost: bool
    put_off: bool = False


@dataclass(slots=True)
class Copies:
    """What arrived more often than once.

    Args:
        found: the messages that said again what had rung the same reader before.
        told: every message with the incidents that it told of, also those that it only counts.
        problems: copies that nothing explains or nobody recognises, and what came from nowhere.
    """

    found: list[Arrival] = field(default_factory=list)
    told: list[tuple[Arrival, frozenset[str]]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


_Heard = dict[tuple[str, str, str, str], tuple["datetime", Sending]]
"""(channel, reader, reference, news) -> when it rang last, and what brought it."""


def find_copies(
    arrivals: Iterable[Arrival], sendings: Iterable[Sending], kills: Sequence[datetime]
) -> Copies:
    """Find the messages that a reader had had already.

    Each has to follow from an attempt of the same news whose outcome was lost, or that was put off
    with one of its readers told before the daemon was killed; and has to name the incident that it
    repeats.

    Args:
        arrivals: what rang.
        sendings: every attempt.
        kills: when the daemon was killed, in order.
    """
    messages: dict[str, list[list[Sending]]] = {}
    together: dict[tuple[str, str, datetime], list[Sending]] = {}
    for one in sorted(sendings, key=lambda one: one.began):
        key = (one.channel, one.message, one.began)
        if key not in together:
            together[key] = []
            messages.setdefault(one.channel, []).append(together[key])
        together[key].append(one)
    copies, heard = Copies(), _Heard()
    for arrival in sorted(arrivals, key=lambda one: one.at):
        sent = _sent_as(arrival, messages.get(arrival.channel, []))
        if sent:
            _hear(arrival, sent, heard, kills, copies)
        else:
            copies.problems.append(f"{_named(arrival)} came from no attempt that was written down")
    return copies


def _sent_as(arrival: Arrival, messages: Sequence[list[Sending]]) -> list[Sending]:
    """The rows of the message that arrived: a channel sends one after another."""
    for rows in reversed(messages):
        named = {row.reference for row in rows if row.reference}
        fits = named & arrival.references if named else not arrival.references
        if rows[0].began <= arrival.at and fits:
            return rows
    return []


def _hear(
    arrival: Arrival,
    rows: list[Sending],
    heard: _Heard,
    kills: Sequence[datetime],
    copies: Copies,
) -> None:
    whole = arrival.abridged
    said = [
        one for one in rows if whole or not one.reference or one.reference in arrival.references
    ]
    copies.told.append((arrival, frozenset(one.reference for one in said if one.reference)))
    again = []
    for row in said:
        key = (arrival.channel, arrival.reader, row.reference, row.news)
        if key in heard:
            again.append(row)
            at, before = heard[key]
            killed = any(at <= kill <= arrival.at for kill in kills)
            if not before.lost and not (before.put_off and killed):
                copies.problems.append(f"{_named(arrival)} came again, and its answer was not lost")
        heard[key] = arrival.at, row
    if not again:
        return
    copies.found.append(arrival)
    if any(row.reference for row in again) and not arrival.references:
        copies.problems.append(f"{_named(arrival)} came again, and does not say of what it is")


def _named(arrival: Arrival) -> str:
    names = " ".join(sorted(arrival.references))
    return f"{arrival.channel}, {arrival.at:%A %H:%M}: {arrival.title!r} {names}".rstrip()
