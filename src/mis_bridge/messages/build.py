"""A message ready to send, from an incident."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mis_bridge.messages.anew import compose_all_anew
from mis_bridge.messages.brief import brief
from mis_bridge.messages.bundle import compose_bundle
from mis_bridge.messages.card import card
from mis_bridge.messages.compose import compose, compose_test
from mis_bridge.messages.mail import mail
from mis_bridge.messages.model import Message
from mis_bridge.messages.weekly import compose_week

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mis_bridge.incidents.model import Incident
    from mis_bridge.incidents.reasons import Reason
    from mis_bridge.messages.anew import Standing
    from mis_bridge.messages.bundle import Item
    from mis_bridge.messages.content import Content
    from mis_bridge.messages.model import Attachment, Carried, MessageContext
    from mis_bridge.messages.weekly import Week

__all__ = ["build", "build_anew", "build_bundle", "build_note", "build_test", "build_week"]


def build(
    incident: Incident,
    reason: Reason,
    outbox_id: str,
    context: MessageContext,
    *,
    attachments: tuple[Attachment, ...] = (),
    recipients: tuple[str, ...] = (),
    package: Carried | None = None,
) -> Message:
    """Return the message about an incident to one channel.

    Args:
        incident: as it stands when the message is sent, not as it stood when it was planned.
        reason: why it is sent.
        outbox_id: from ``incidents.ids.outbox_id``.
        context: school, disclosure, times, link.
        attachments: files that go with it.
        recipients: mail addresses where they are not the channel's own.
        package: what the files are, where they are a package for the Local Authority.
    """
    content = compose(incident, reason, context)
    return _message(outbox_id, content, attachments, recipients, package)


def build_anew(outbox_id: str, standing: Sequence[Standing], *, edits: str) -> Message:
    """Return what takes the place of a message that was sent, now that things have moved on.

    Args:
        outbox_id: from ``incidents.ids.outbox_id``.
        standing: the incidents that it speaks of, one or more.
        edits: proof of the message that stands there.
    """
    return replace(_message(outbox_id, compose_all_anew(standing), (), (), None), edits=edits)


def build_bundle(message_id: str, items: Sequence[Item], why: Reason | None) -> Message:
    """Return one message about several incidents.

    Args:
        message_id: follows from the rows of the outbox that it is made of.
        items: two or more.
        why: why they come together, of ``reasons.WAITS``, or None.
    """
    return _message(message_id, compose_bundle(items, why), (), (), None)


def build_test(outbox_id: str, context: MessageContext) -> Message:
    """Return a test message to one channel."""
    return _message(outbox_id, compose_test(context), (), (), None)


def build_week(outbox_id: str, week: Week) -> Message:
    """Return the card by which a channel shows every week that it works."""
    return _message(outbox_id, compose_week(week), (), (), None)


def build_note(outbox_id: str, content: Content) -> Message:
    """Return a message that is about the installation and no incident."""
    return _message(outbox_id, content, (), (), None)


def _message(
    outbox_id: str,
    content: Content,
    attachments: tuple[Attachment, ...],
    recipients: tuple[str, ...],
    package: Carried | None,
) -> Message:
    subject, text, html = mail(content)
    return Message(
        outbox_id,
        content.reference,
        content.reason,
        content.severity,
        subject,
        text,
        html,
        card(content),
        attachments,
        recipients,
        package,
        brief(content),
        references=content.references,
    )
