"""What a leased message says of the incident as it stands now; or why it is not said any more.

``compose`` runs between the two halves of transaction 3 of 3 (``deliver``), right before a message
goes out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from mis_bridge.channels.outcome import Result
from mis_bridge.documents.json_file import read_json
from mis_bridge.errors import LeaseLost
from mis_bridge.incidents.model import State
from mis_bridge.incidents.pupil_notes import KIND_WORDS
from mis_bridge.incidents.reasons import ASKS, CLIMBS, DECIDED, ENDINGS, REMINDERS, Reason
from mis_bridge.messages.anew import Standing
from mis_bridge.messages.build import build, build_anew
from mis_bridge.messages.bundle import Item
from mis_bridge.messages.model import Attachment, Carried, MessageContext, Noted
from mis_bridge.messages.package_kinds import is_for
from mis_bridge.messages.package_words import made_anew, prepared, to_upload
from mis_bridge.messages.times import day_name
from mis_bridge.registers.calendar import LONDON
from mis_bridge.service import showing
from mis_bridge.service.approving import AUTHORITY
from mis_bridge.service.background import background_of
from mis_bridge.service.identities import known_as
from mis_bridge.service.reminding import not_reminded
from mis_bridge.store import arrivals, leases, notifications, suppressed

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from mis_bridge.incidents.model import Incident
    from mis_bridge.messages.model import Disclosure, Message
    from mis_bridge.service.background import Background
    from mis_bridge.service.schools import School
    from mis_bridge.store.notifications import Notification
    from mis_bridge.store.outbox import OutboxRow

__all__ = ["LEASE_SECONDS", "Sender", "compose", "item_of"]

_LATELY: Final = timedelta(days=90)
"""Older notes are shown by the incident, not by a message."""

LEASE_SECONDS: Final = 120.0
"""Longer than any channel's own limit of time for one attempt."""


@dataclass(frozen=True, slots=True)
class Sender:
    """What messages say of their sender.

    Args:
        link_base: address of the web pages, or empty.
    """

    link_base: str = ""


def compose(
    tx: Connection,
    row: OutboxRow,
    school: School,
    disclosure: Disclosure,
    sender: Sender,
    now: datetime,
) -> Message | Reason:
    """Write the message from the incident as it stands now, or say why it is not sent any more.

    Raises:
        LeaseLost: another sender has taken the row over while it waited for its turn here.
    """
    if leases.renew(tx, [row], now, LEASE_SECONDS):
        raise LeaseLost("another sender has taken over this message")
    behind = background_of(tx, row.school, [row])
    item = item_of(tx, row, behind, school, disclosure, sender, now)
    if isinstance(item, Reason):
        return item
    if row.reason == Reason.SHOWN_ANEW:
        return build_anew(row.id, _standing(tx, row, item, disclosure), edits=row.proof)
    carries = row.reason == Reason.PACKAGE_APPROVED
    package = notifications.get(tx, school.id, row.notification) if carries else None
    files = notifications.files(tx, school.id, row.notification) if carries else []
    return build(
        item.incident,
        item.reason,
        row.id,
        item.context,
        attachments=tuple(Attachment(file.name, file.content_type, file.content) for file in files),
        package=_carried(package, school.portal) if package else None,
    )


def item_of(
    tx: Connection,
    row: OutboxRow,
    behind: Background,
    school: School,
    disclosure: Disclosure,
    sender: Sender,
    now: datetime,
) -> Item | Reason:
    """Look up what a row has to say of its incident as it stands now, or why it is not said."""
    incident = behind.incidents.get(row.incident)
    if incident is None:
        return Reason.CLEARED_BEFORE_SENDING
    changes = row.reason == Reason.SHOWN_ANEW
    if changes and not showing.shown_by(tx, row):
        return Reason.SUPERSEDED
    if not changes and (unsaid := _unsaid(tx, row, behind, incident, now)) is not None:
        return unsaid
    feed = behind.feed
    context = MessageContext(
        school_name=school.name,
        disclosure=disclosure,
        identity=known_as(tx, school.id, behind.pupils.get(incident.pupil), disclosure, now),
        link_base=sender.link_base,
        now=now,
        data_as_of=school.known_until(feed.last_good_at) if feed else None,
        delay=school.delay,
        authority_name=school.authority_name,
        detail=_detail(tx, row, behind, incident),
        letter=school.letter if row.audience == AUTHORITY else "",
        held_back=_held_back(tx, incident),
        noted=_noted(behind, incident, now),
    )
    return Item(incident, Reason(row.reason), context)


def _standing(tx: Connection, row: OutboxRow, item: Item, disclosure: Disclosure) -> list[Standing]:
    """How the incidents stand that a card speaks of which is changed."""
    standing = []
    shown = showing.shown_by(tx, row)
    behind = background_of(tx, row.school, shown)
    for one in shown:
        incident = behind.incidents.get(one.incident)
        if incident is None:
            continue
        record = behind.pupils.get(incident.pupil)
        who = known_as(tx, one.school, record, disclosure, item.context.now)
        noted = _noted(behind, incident, item.context.now)
        context = replace(item.context, identity=who, noted=noted)
        turns = showing.turns_of(tx, incident)
        standing.append(Standing(incident, Reason(one.reason), context, tuple(turns)))
    return standing


def _held_back(tx: Connection, incident: Incident) -> int:
    """How many alerts are not told because the registers can not be read.

    What an odd register holds back stands in its own sentence.
    """
    if incident.family != Reason.FEED_BLIND:
        return 0
    return suppressed.count(tx, incident.school, Reason.FEED_BLIND, incident.opened_at)


def _noted(behind: Background, incident: Incident, now: datetime) -> tuple[Noted, ...]:
    """What people noted of the pupil lately, the newest first: kind and day, nothing else."""
    return tuple(
        Noted(note.at.astimezone(LONDON).date(), KIND_WORDS.get(note.kind, note.kind))
        for note in behind.notes.get(incident.pupil, ())
        if now - note.at <= _LATELY
    )


def _carried(package: Notification, portal: str) -> Carried:
    """What a message carries, as it was approved: the fields are those of the package itself."""
    data = read_json(package.data)
    form = [
        (section.title, tuple((f.label, f.value) for f in section.fields))
        for section in data.sections
    ]
    form += [
        (table.title, tuple(("", "  ".join(row)) for row in table.rows)) for table in data.tables
    ]
    return Carried(package.id, package.kind, data.version, tuple(form), portal)


def _unsaid(
    tx: Connection, row: OutboxRow, behind: Background, incident: Incident, now: datetime
) -> Reason | None:
    """Why a message is not sent any more, or None where it is."""
    if (why := _overtaken(tx, row, incident, now)) is not None:
        return why
    others = behind.messages[incident.id]
    if _is_settled(tx, row, others) or (row.reason == Reason.UNSEEN and _told_since(row, others)):
        return Reason.SUPERSEDED
    return Reason.SAME_CHANNEL if _is_told(tx, row, others) else None


def _overtaken(tx: Connection, row: OutboxRow, incident: Incident, now: datetime) -> Reason | None:
    """Why what a message tells of is no news any more, or None where it is."""
    if row.reason in ENDINGS:
        if incident.active:
            return Reason.SUPERSEDED
        heard = arrivals.may_have_reached(tx, row) or arrivals.stands_in(tx, row)
        return None if heard else Reason.CLEARED_BEFORE_SENDING
    if row.reason in REMINDERS:
        return not_reminded(tx, row, incident, now)
    # What was planned for the incident as it still stands is told, also where it is over already.
    if not incident.active and incident.revision > row.revision:
        # An alarm whose answer was lost is not repeated either: its end goes to the same people.
        # What became of a package is news also after the end.
        return None if row.reason in DECIDED else Reason.CLEARED_BEFORE_SENDING
    climbs = row.reason in CLIMBS and incident.state is State.ACKNOWLEDGED
    return Reason.ACKNOWLEDGED if climbs else None


def _told_since(row: OutboxRow, others: list[OutboxRow]) -> bool:
    """Whether a channel has told of the incident since this was put in the outbox."""
    return any(
        one.channel == row.channel
        and one.id != row.id
        and one.reason in ASKS
        and one.state in {"sent", "accepted"}
        and one.finished_at is not None
        and one.finished_at >= row.created_at
        for one in others
    )


def _is_told(tx: Connection, row: OutboxRow, others: list[OutboxRow]) -> bool:
    """Whether this channel has carried the very message for another audience.

    A copy that somebody else got is not yet the notification to whom the package is for.
    """
    if not arrivals.is_told(row, others):
        return False
    package = notifications.get(tx, row.school, row.notification) if row.notification else None
    carries = package is not None and row.reason == Reason.PACKAGE_APPROVED
    return not (carries and package and is_for(package.kind, row.audience))


def _is_settled(tx: Connection, row: OutboxRow, others: list[OutboxRow]) -> bool:
    """Whether a package has reached its reader meanwhile, by another channel or by hand."""
    package = notifications.get(tx, row.school, row.notification) if row.notification else None
    if package is None or row.reason not in {Reason.PACKAGE_APPROVED, Reason.PACKAGE_TO_UPLOAD}:
        return False
    if row.reason == Reason.PACKAGE_TO_UPLOAD:
        return package.state not in notifications.ON_ITS_WAY
    if is_for(package.kind, row.audience) and package.state != "sent":
        return package.state == "done"
    return any(
        (one.reason, one.audience, one.notification) == (row.reason, row.audience, row.notification)
        and one.state in {"sent", "accepted"}
        for one in others
    )


def _detail(tx: Connection, row: OutboxRow, behind: Background, incident: Incident) -> str:
    """What a message says beside the incident: of its package, or of a message that was refused."""
    if row.reason == Reason.CHANNEL_FAILED:
        return _refusal(behind.messages[incident.id])
    package = notifications.get(tx, row.school, row.notification) if row.notification else None
    if package and row.reason == Reason.PACKAGE_READY:
        said = read_json(package.data)
        due = day_name(said.due, year=True) if said.due else ""
        return prepared(said.title, len(said.missing), due)
    if package and row.reason == Reason.PACKAGE_EXPIRED:
        return made_anew(incident.reference, package.kind)
    if package and row.reason == Reason.PACKAGE_TO_UPLOAD:
        return to_upload(incident.reference, package.kind)
    if package and row.reason == Reason.PACKAGE_APPROVED:
        return read_json(package.data).title
    return ""


def _refusal(messages: list[OutboxRow]) -> str:
    """Which channel refused a message for good, what it said, and who has it now."""
    others = [one for one in messages if one.reason != Reason.CHANNEL_FAILED]
    refused = [one for one in others if one.result == Result.PERMANENT]
    if not refused:
        return ""
    last = max(refused, key=lambda one: one.finished_at or one.created_at)
    heirs = [one.channel for one in others if arrivals.takes_over(one, last)]
    what = "the alert"
    if last.reason == Reason.PACKAGE_APPROVED:
        what = "the notification to the authority"
    elif last.reason in ENDINGS:
        what = "the message that it is over"
    if heirs:
        then = f"The channel {heirs[-1]} has taken over."
    elif last.state == "pending":
        then = "There is no other one, and it is tried again until the channel is mended."
    else:
        then = "There is no other one in its route."
    return f"The channel {last.channel} refused {what}: {last.detail}. {then}"
