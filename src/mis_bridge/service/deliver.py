"""Transaction 3 of 3: send what waits in the outbox, and write down what became of it.

It is in two short halves with the network between them: ``claim`` leases rows and writes the
attempt before anything is sent; ``record`` writes the outcome and, where the channel failed or was
too slow, puts the next channel of the route in the outbox. A crash between the two leaves a lease
that runs out: the message is sent again, with the same id and reference (at least once, never
lost). The sending itself is in ``sending``, the words are in ``writing``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from mis_bridge.channels.outcome import Outcome, Result
from mis_bridge.errors import LeaseLost
from mis_bridge.incidents.model import MessagePlan
from mis_bridge.incidents.reasons import ENDINGS, Reason
from mis_bridge.messages.package_kinds import is_for
from mis_bridge.registers.calendar import LONDON
from mis_bridge.service import installation_lines, routing, showing
from mis_bridge.service.sent_lines import not_sent_line, outcome_line
from mis_bridge.service.writing import LEASE_SECONDS
from mis_bridge.store import audit, dirty, incidents, leases, notifications, outbox, owed, pacing
from mis_bridge.store import channels as channel_rows
from mis_bridge.triggers.catalogue import nearer_ends
from mis_bridge.triggers.model import Audience

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from mis_bridge.channels.base import Expiry
    from mis_bridge.incidents.model import AuditEntry
    from mis_bridge.service.bundles import Written
    from mis_bridge.service.routing import Deadlines
    from mis_bridge.service.schools import School
    from mis_bridge.store.outbox import OutboxRow

__all__ = ["Limits", "claim", "note_ends", "record", "record_together", "take_over"]

AT_ONCE: Final = 20
"""Messages leased in one go for all channels together."""

_HOUR: Final = timedelta(hours=1)

FIRST_WAIT: Final = timedelta(seconds=15)
LONGEST_WAIT: Final = timedelta(minutes=10)
BELIEVED: Final = 3
"""So many times a peer that says when it takes more is tried then, and not later."""

_ARRIVED: Final = frozenset({Result.SENT, Result.ACCEPTED})

UNKNOWN_WAIT: Final = timedelta(minutes=2)
"""After an unknown outcome: it may have arrived, so a copy is less urgent than after a refusal."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How many messages a channel may carry before what is due comes as a summary.

    Args:
        an_hour: messages.
        summary_every: time between two summaries of a school, unless something is urgent.
    """

    an_hour: int
    summary_every: timedelta


def claim(
    tx: Connection,
    now: datetime,
    holder: str,
    *,
    busy: frozenset[str] = frozenset(),
    limits: Limits | None = None,
) -> list[OutboxRow]:
    """Lease what is due for the channels that are free, and write down that attempts begin.

    Rows that go out as one message are leased together; ``leases.lots`` brings them together.
    """
    resting = channel_rows.paused(tx, now) | busy
    due = pacing.channels_due(tx, now, resting)
    if not due:
        return []
    if limits is not None:
        _keep_to(tx, limits, now, due)
    return leases.claim(tx, now, AT_ONCE, LEASE_SECONDS, holder, channels_paused=resting)


def _keep_to(tx: Connection, limits: Limits, now: datetime, due: Collection[str]) -> None:
    """Make one summary of what is due for a channel that has carried too many messages.

    Nothing is left out: what may not go out yet is in the next summary, a few minutes later.
    """
    for channel in pacing.busy_since(tx, due, now - _HOUR, limits.an_hour):
        for school, urgent in pacing.schools_due(tx, channel, now).items():
            last = pacing.last_message(tx, school, channel, now - limits.summary_every)
            if last is None or urgent:
                pacing.bring_together(tx, school, channel, f"limited/{now.isoformat()}", now)
            else:
                pacing.put_off(tx, school, channel, min(last, now) + limits.summary_every, now)


def record_together(
    tx: Connection,
    rows: Sequence[OutboxRow],
    written: Written,
    outcome: Outcome | None,
    now: datetime,
    deadlines: Deadlines,
    schools: Mapping[str, School],
) -> int:
    """Write down what became of rows that went out as one message, each for itself.

    Args:
        tx: the transaction.
        rows: as they were leased.
        written: what was made of them.
        outcome: what the channel said; None where nothing was sent.
        now: aware.
        deadlines: how long one channel may take, by severity.
        schools: by id.

    Returns:
        How many another sender had taken over meanwhile; their outcome counts.
    """
    lost, noted = 0, False
    said: dict[str, list[AuditEntry]] = {}
    arrived = outcome is not None and outcome.result in _ARRIVED
    why_not = {**(written.covered if arrived else {}), **written.unsaid}
    taken, ended = set(written.lost), set[str]()
    if outcome is not None and arrived and not outcome.refused:
        # What went as usual is written down for all of them at once.
        sent = [row for row in rows if row.id not in why_not and row.id not in taken]
        taken |= leases.finish_together(tx, sent, outcome, now) if sent else set()
        ended = {row.id for row in sent} - taken
    for row in rows:
        why = why_not.get(row.id)
        came_to = why or outcome
        if row.id in taken or came_to is None:
            lost += 1
            continue
        try:
            if row.id in ended and isinstance(came_to, Outcome):
                _follow(tx, row, came_to, now, schools, again=noted)
                lines = outcome_line(row, leases.state_after(came_to.result, None), now)
            else:
                lines = _record(tx, row, came_to, now, deadlines, schools, again=noted)
        except LeaseLost:
            lost += 1
        else:
            noted = noted or why is None
            said.setdefault(row.school, []).extend(lines)
    for school, lines in said.items():
        audit.append(tx, school, lines)
    return lost


def record(
    tx: Connection,
    row: OutboxRow,
    outcome: Outcome | Reason,
    now: datetime,
    deadlines: Deadlines,
    schools: Mapping[str, School],
) -> None:
    """Write down what became of one attempt; where the channel failed, the next takes over.

    Args:
        tx: the transaction.
        row: as it was leased.
        outcome: what the channel said, or why nothing was sent.
        now: aware.
        deadlines: how long one channel may take, by severity.
        schools: by id.

    Raises:
        LeaseLost: another sender holds the row by now; its outcome counts.
    """
    audit.append(tx, row.school, _record(tx, row, outcome, now, deadlines, schools, again=False))


def _record(
    tx: Connection,
    row: OutboxRow,
    outcome: Outcome | Reason,
    now: datetime,
    deadlines: Deadlines,
    schools: Mapping[str, School],
    *,
    again: bool,
) -> list[AuditEntry]:
    """Write down what became of one attempt, and return what the history has to say of it.

    ``again``: another row of the same message has said what it says of the channel.
    """
    if isinstance(outcome, Reason):
        leases.withdraw(tx, row, outcome, now)
        return not_sent_line(row, outcome, now)
    retry_at = _retry_at(row, outcome, now)
    if row.reason == Reason.SHOWN_ANEW:
        showing.record(tx, row, outcome, now, retry_at)
        return []
    refused = outcome.result is Result.PERMANENT
    too_late = bool(retry_at and row.deadline_at and retry_at >= row.deadline_at)
    handed_on = refused or too_late or bool(outcome.refused)
    heir = _heir(tx, row, now, deadlines, schools) if handed_on else None
    if refused and outcome.config_alarm and heir is None:
        # Nobody else is left to be asked, and a person may mend this channel or one before it.
        retry_at = now + LONGEST_WAIT
    state = leases.finish(tx, row, outcome, now, retry_at)
    if refused and state == "pending" and row.incident:
        owed.try_again(tx, row, now + LONGEST_WAIT)
    over = refused and retry_at is None and heir is None
    _follow(tx, row, outcome, now, schools, over=over, again=again)
    if handed_on:
        _hand_on(tx, row, heir, now)
    if refused:
        _tell_of_refusal(tx, row, outcome, heir, now, deadlines, schools)
    if refused and row.result == Result.PERMANENT:
        return []  # the history has it: it is tried every ten minutes until somebody mends it
    return outcome_line(row, state, now)


def _follow(
    tx: Connection,
    row: OutboxRow,
    outcome: Outcome,
    now: datetime,
    schools: Mapping[str, School],
    *,
    again: bool,
    over: bool = False,
) -> None:
    """Do what follows from an attempt whatever it came to: channel, card, package.

    ``over``: it was refused for good, and no other channel is left.
    """
    if not again:
        _note(tx, row, outcome, now, schools)
    showing.catch_up(tx, row, outcome.proof, now)
    if row.attempts > 1 and outcome.result in _ARRIVED:
        # That it arrived after all ends what was said of its channel, and of the message itself.
        dirty.mark(tx, row.school, [now.astimezone(LONDON).date()], now)
    if row.reason == Reason.PACKAGE_APPROVED:
        _note_package(tx, row, outcome, now, over=over)


def take_over(
    tx: Connection, now: datetime, deadlines: Deadlines, schools: Mapping[str, School]
) -> int:
    """Put the next channel in the outbox for every message that is past its deadline."""
    late = owed.due_deadlines(tx, now)
    for row in late:
        _hand_on(tx, row, _heir(tx, row, now, deadlines, schools), now)
    return len(late)


def note_ends(
    tx: Connection,
    ends: Mapping[str, Expiry | None],
    schools: Mapping[str, School],
    now: datetime,
    before: datetime | None,
) -> None:
    """Write down when each channel's first certificate or secret runs out.

    A school has its day decided on where that is news, or where an end has come nearer than it was
    at the last look: on a day without school nobody else would look.

    Args:
        tx: the transaction.
        ends: by channel; None where nothing of it ends.
        schools: by id.
        now: aware.
        before: when this was done last, aware, or None.
    """
    known = channel_rows.load(tx)
    news = {
        name
        for name, expiry in ends.items()
        if (expiry or name in known) and channel_rows.ends(tx, name, expiry)
    }
    for school in schools.values():
        used = school.channels
        moments = [expiry.at for name in used if (expiry := ends.get(name))]
        moments += [school.mis_ends.at] if school.mis_ends else []
        if news & used or nearer_ends(moments, before, now, school.triggers):
            dirty.mark(tx, school.id, [now.astimezone(LONDON).date()], now)


def _note_package(
    tx: Connection, row: OutboxRow, outcome: Outcome, now: datetime, *, over: bool
) -> None:
    """Write down how far a package has come.

    Args:
        tx: the transaction.
        row: the message that carried it.
        outcome: of the attempt.
        now: aware.
        over: it was refused for good, and no other channel is left.
    """
    package = notifications.get(tx, row.school, row.notification)
    # A copy to somebody else has not reached whom the package is for.
    if package is None or not is_for(package.kind, row.audience):
        return
    # Some kinds are for two, each with a way of its own.
    several = any(
        one.audience != row.audience
        and (one.reason, one.notification) == (row.reason, row.notification)
        and is_for(package.kind, one.audience)
        for one in outbox.of_incident(tx, row.school, row.incident)
    )
    if over:
        notifications.refused(tx, package, outcome.proof)
    elif outcome.result not in _ARRIVED:
        return
    elif outcome.by_hand:
        notifications.laid_out(tx, package, outcome.proof, now, beside=several)
    elif not (several and package.state == "to_upload"):
        notifications.sent(tx, package, outcome.proof, now)


def _note(
    tx: Connection,
    row: OutboxRow,
    outcome: Outcome,
    now: datetime,
    schools: Mapping[str, School],
) -> None:
    """Write down what an attempt says of its channel."""
    if outcome.refused:
        # Some of the people behind this channel got nothing, although the others did.
        outcome = replace(outcome, result=Result.PERMANENT, config_alarm=True)
    before = channel_rows.one(tx, row.channel)
    if outcome.result is Result.RETRY and outcome.retry_after is not None:
        until = now + timedelta(seconds=outcome.retry_after)
        resting = channel_rows.rest(tx, row.channel, outcome, now, until)
        channel_rows.hurry(tx, row.channel, now, until)
        installation_lines.channel_changed(tx, before, resting, now)
        return
    after = channel_rows.note(tx, row.channel, outcome, now)
    installation_lines.channel_changed(tx, before, after, now)
    if after.is_failing:
        channel_rows.hurry(tx, row.channel, now)
    if before.failures and not after.failures:
        # That it delivers again is news for all who were told that it does not.
        today = now.astimezone(LONDON).date()
        for school in schools.values():
            if row.channel in school.channels:
                dirty.mark(tx, school.id, [today], now)


def _heir(
    tx: Connection,
    row: OutboxRow,
    now: datetime,
    deadlines: Deadlines,
    schools: Mapping[str, School],
) -> OutboxRow | None:
    """The message by the next channel of the route; None where there is none.

    A channel that was taken out of the route since leaves its messages to the present one.
    """
    if row.reason == Reason.DAILY:
        return routing.following_note(tx, row, now, deadlines)
    incident, school = incidents.one(tx, row.school, row.incident), schools.get(row.school)
    if incident is None or row.reason == Reason.SHOWN_ANEW:
        return None
    heir = routing.following(tx, row, incident, now, deadlines)
    today = now.astimezone(LONDON).date()
    present = school.route_to(row.audience, today) if school else ()
    if heir is None and row.channel not in present:
        rerouted = owed.reroute(tx, row, present)
        heir = routing.following(tx, rerouted, incident, now, deadlines)
    return heir


def _hand_on(tx: Connection, row: OutboxRow, heir: OutboxRow | None, now: datetime) -> None:
    """Let the next channel take over, and have the school's day looked at: IT is told there."""
    owed.deadline_noted(tx, row)
    if row.reason in ENDINGS:
        owed.revive(tx, row, Reason.CLEARED_BEFORE_SENDING, now)
    if heir:
        outbox.insert(tx, [heir])
    dirty.mark(tx, row.school, [now.astimezone(LONDON).date()], now)


def _tell_of_refusal(
    tx: Connection,
    row: OutboxRow,
    outcome: Outcome,
    heir: OutboxRow | None,
    now: datetime,
    deadlines: Deadlines,
    schools: Mapping[str, School],
) -> None:
    """Tell IT of a message that a working channel refuses; of a broken one an incident tells.

    Whoever had a package approved hears that it did not go out.
    """
    who = [] if outcome.config_alarm else [Audience.IT]
    if row.reason == Reason.PACKAGE_APPROVED and heir is None:
        who.append(Audience.ATTENDANCE)
    incident, school = incidents.one(tx, row.school, row.incident), schools.get(row.school)
    if incident is None or school is None or row.reason == Reason.CHANNEL_FAILED:
        return
    for audience in who:
        plan = MessagePlan(
            incident, Reason.CHANNEL_FAILED, audience, incident.severity, incident.revision
        )
        avoid = frozenset({row.channel})
        outbox.insert(tx, routing.expand(tx, plan, school, now, deadlines, avoid=avoid))


def _retry_at(row: OutboxRow, outcome: Outcome, now: datetime) -> datetime | None:
    """When the same channel is tried again; None where that makes no sense."""
    if outcome.result not in {Result.RETRY, Result.UNKNOWN}:
        return None
    first = UNKNOWN_WAIT if outcome.result is Result.UNKNOWN else FIRST_WAIT
    wait = min(first * (1 << min(row.attempts - 1, 10)), LONGEST_WAIT)
    if outcome.retry_after is not None:
        asked = timedelta(seconds=max(outcome.retry_after, 1.0))
        # The peer knows best when it takes more, unless it says the same again and again.
        wait = asked if row.attempts <= BELIEVED else max(wait, asked)
    return now + wait
