"""What the week came to: was everybody told, in time, and how often twice?"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sqlalchemy import and_, select

from mis_bridge.channels.outcome import Result
from mis_bridge.incidents.families import family_of, family_of_incident
from mis_bridge.incidents.reasons import Reason
from mis_bridge.simulator.chaos import cards as bot_cards
from mis_bridge.simulator.chaos.cards import Cards
from mis_bridge.simulator.chaos.copies import Sending, find_copies
from mis_bridge.simulator.chaos.ways_out import CARRIES
from mis_bridge.store import audit, backup, incidents, outbox, schema, suppressed
from mis_bridge.triggers.model import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from mis_bridge.incidents.model import Incident
    from mis_bridge.simulator.chaos.arrivals import Arrival
    from mis_bridge.simulator.chaos.run import Aftermath
    from mis_bridge.store.outbox import OutboxRow

__all__ = ["Verdict", "judge"]

LONGEST_MINUTES: Final = 60.0
"""From an urgent matter to its message: two channels with a quarter of an hour each, and the daemon
dead for half of the time."""

_SAID = frozenset({"sent", "accepted"})


@dataclass(slots=True)
class Verdict:
    """Figures, and what is not as it has to be.

    Args:
        kills: how often the daemon was killed.
        incidents: how many were opened about which people had to be told.
        messages: rows of the outbox by state.
        arrived: messages that reached people.
        doubles: of these, those that had arrived before.
        by_channel: messages that reached people, by channel.
        cards: those of the bot that stand at the end.
        throttled: requests that were more than Microsoft's services take at a time.
        attempts_unknown: attempts of which nobody knows whether they arrived.
        minutes: from the moment at which a child's matter was true to the first message of it that
            arrived, rehearsed minutes, sorted.
        problems: one sentence each; empty where everything holds.
    """

    kills: int
    incidents: int = 0
    messages: Counter[str] = field(default_factory=Counter)
    arrived: int = 0
    doubles: int = 0
    by_channel: Counter[str] = field(default_factory=Counter)
    cards: Cards = field(default_factory=Cards)
    throttled: int = 0
    attempts_unknown: int = 0
    minutes: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def judge(left: Aftermath) -> Verdict:
    """Look at the database and at what arrived; each thing that had to hold and does not is told.

    - Every thing that happened and had to be noticed has an incident of its day.
    - Of every incident each audience that was to be told got a message that arrived, or the
      incident says why not (it was over before, the same channel told it for another).
    - What is urgent about a child arrived in time: a channel has a quarter of an hour, a route two
      channels, and the daemon is dead for half of it.
    - No message waits; no chain of the history is broken.
    - Teams was never sent more cards than it shows.
    - What a reader was told twice follows from a kill or a lost answer, and names its incident;
      there is no more of it than kills and attempts whose answer was lost.
    - Every channel has carried messages, and nothing was asked of Microsoft that it refuses.
    - Every card of the bot that can be changed says how its incidents have ended.
    """
    verdict = Verdict(
        len(left.kills),
        arrived=len(left.arrivals),
        by_channel=Counter(one.channel for one in left.arrivals),
        throttled=left.throttled,
    )
    with left.store.reading() as tx:
        known = incidents.recent(tx, 100_000)
        rows = {one.id: outbox.of_incident(tx, one.school, one.id) for one in known}
        unsaid = {one.id: suppressed.of_incident(tx, one.school, one.id) for one in known}
        sendings = _sendings(tx)
        by_reference = {one.reference: one for one in known}
        verdict.cards = bot_cards.look_at(tx, left.cards, by_reference, rows)
        verdict.messages.update(row.state for mine in rows.values() for row in mine)
        lines = {one.id: audit.history(tx, one.school, one.id) for one in known}
    copies = find_copies(left.arrivals, sendings, left.kills)
    verdict.doubles = len(copies.found)
    verdict.attempts_unknown = len({(one.message, one.began) for one in sendings if one.lost})
    verdict.problems += [*copies.problems, *verdict.cards.problems]
    verdict.problems += [f"Microsoft refused a request: {one}" for one in left.refused]
    silent = sorted(CARRIES - set(verdict.by_channel))
    verdict.problems += [f"no message came by {channel}" for channel in silent]
    checks = backup.verify(left.store)
    verdict.problems += [f"{one.name}: {one.detail}" for one in checks if not one.good]
    verdict.problems += _unnoticed(left, known)
    told = [one for one in known if one.told]
    verdict.incidents = len(told)
    for incident in told:
        arrived = [one for one, about in copies.told if incident.reference in about]
        verdict.problems += _untold(
            incident, rows[incident.id], arrived, has_reason=bool(unsaid[incident.id])
        )
        if arrived and _is_urgent(incident):
            verdict.minutes.append((arrived[0].at - incident.opened_at).total_seconds() / 60)
            if verdict.minutes[-1] > LONGEST_MINUTES:
                verdict.problems.append(
                    f"{incident.reference} came after {verdict.minutes[-1]:.0f} minutes"
                )
    verdict.minutes.sort()
    if not left.quiet:
        verdict.problems.append("messages wait at the end")
    for reference in left.acknowledged:
        mine = next(one for one in known if one.reference == reference)
        if not any(line.actor != "mis-bridge" for line in lines[mine.id]):
            verdict.problems.append(f"{reference} was acknowledged, and its history lost it")
    if left.swallowed:
        verdict.problems.append(f"{left.swallowed} cards were more than Teams shows at a time")
    if verdict.doubles > verdict.kills + verdict.attempts_unknown:
        verdict.problems.append(f"{verdict.doubles} doubles of {verdict.arrived} messages")
    return verdict


def _sendings(tx: Connection) -> list[Sending]:
    """Every attempt to send something that rings."""
    about = and_(
        schema.incidents.c.school == schema.outbox.c.school,
        schema.incidents.c.id == schema.outbox.c.incident,
    )
    of_row = and_(
        schema.outbox.c.school == schema.attempts.c.school,
        schema.outbox.c.id == schema.attempts.c.outbox,
    )
    wanted = (
        select(
            schema.attempts.c.message,
            schema.attempts.c.channel,
            schema.attempts.c.started_at,
            schema.attempts.c.result,
            schema.attempts.c.finished_at,
            schema.outbox.c.id,
            schema.outbox.c.reason,
            schema.outbox.c.revision,
            schema.outbox.c.notification,
            schema.incidents.c.reference,
        )
        .select_from(schema.attempts.join(schema.outbox, of_row).outerjoin(schema.incidents, about))
        .where(schema.outbox.c.reason != Reason.SHOWN_ANEW)
    )
    return [
        Sending(
            message=row.message,
            channel=row.channel,
            began=row.started_at,
            row=row.id,
            reference=row.reference or "",
            news=f"{row.reason}/{row.revision}/{row.notification}" if row.reference else row.id,
            lost=row.result == Result.UNKNOWN or row.finished_at is None,
            put_off=row.result == Result.RETRY,
        )
        for row in tx.execute(wanted)
    ]


def _is_urgent(incident: Incident) -> bool:
    urgent = incident.severity in {Severity.CRITICAL, Severity.HIGH}
    return urgent and family_of_incident(incident).about_a_child


def _unnoticed(left: Aftermath, known: list[Incident]) -> Iterator[str]:
    for day, one in left.week.expected:
        family = family_of(one.trigger).id
        if not any(
            incident.family == family and incident.pupil == one.pupil and incident.day == day
            for incident in known
        ):
            yield f"not noticed on {day:%A}: {one}"


def _untold(
    incident: Incident, rows: list[OutboxRow], arrived: list[Arrival], *, has_reason: bool
) -> Iterator[str]:
    for audience in incident.told:
        mine = [row for row in rows if row.audience == audience]
        if any(
            row.state in _SAID and any(one.channel == row.channel for one in arrived)
            for row in mine
        ):
            continue
        if mine and all(row.state == "cancelled" and row.detail for row in mine):
            continue
        if not mine and has_reason:
            continue
        states = ", ".join(f"{row.channel} {row.reason} {row.state}" for row in mine) or "nothing"
        yield (
            f"{incident.reference} ({incident.trigger}, {incident.severity}, {incident.state}, "
            f"{incident.day:%A}): {audience} heard nothing of it ({states})"
        )
