"""A message as an email, the same for every way of sending it.

The Message-ID comes from the outbox row's id, so that a copy that is sent again after an unknown
outcome is one message to mail servers and readers. All mails about one incident refer to one
invented first message, so that mail programs show them together.
"""

from __future__ import annotations

from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import TYPE_CHECKING, Final

from mis_bridge.channels.outcome import Outcome, Result

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from mis_bridge.messages.model import Message

__all__ = ["DISPLAY_NAME", "NOBODY", "as_email", "message_id"]

DISPLAY_NAME: Final = "mis-bridge"
NOBODY: Final = Outcome(
    Result.PERMANENT, "nobody to send to: set the channel's recipients", config_alarm=True
)
"""What becomes of a mail where neither the message nor the channel has a reader."""

# Seven bits: what is signed or relayed by a server without 8BITMIME stays as it was.
_POLICY: Final = SMTP.clone(cte_type="7bit", raise_on_defect=True)
_URGENT: Final = frozenset({"critical", "high"})
_LONGEST_SUBJECT: Final = 150
_MOST_THREADS: Final = 20
"""Incidents that a mail about several is shown with; its own header names them all."""


def message_id(message: Message, sender: str) -> str:
    """Give the Message-ID, angle brackets included: the same over every attempt."""
    return f"<{_token(message.id)}@{sender.rpartition('@')[2]}>"


def as_email(
    message: Message, *, sender: str, recipients: Sequence[str], now: datetime
) -> EmailMessage:
    """Build the mail: text and HTML, attachments, and headers to recognise it by.

    Args:
        message: what to say.
        sender: the address that it comes from.
        recipients: to whom; at least one, all of them see each other.
        now: aware, for the Date header.

    Raises:
        ValueError: an address can not stand in a header.
    """
    mail = EmailMessage(policy=_POLICY)
    mail["Date"] = now
    mail["From"] = Address(DISPLAY_NAME, addr_spec=sender)
    mail["To"] = tuple(Address(addr_spec=recipient) for recipient in recipients)
    mail["Subject"] = _one_line(message.subject)[:_LONGEST_SUBJECT]
    mail["Message-ID"] = message_id(message, sender)
    references = message.references or (message.reference,)
    mail["References"] = " ".join(
        f"<{_token(one)}.incident@{sender.rpartition('@')[2]}>"
        for one in references[:_MOST_THREADS]
    )
    mail["X-Mis-Bridge-Id"] = _one_line(" ".join(references))
    mail["Importance"] = "high" if message.severity in _URGENT else "normal"
    # No out-of-office answer to a program (RFC 3834; the second is Exchange's own header).
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    mail.set_content(message.text)
    if message.html:
        mail.add_alternative(message.html, subtype="html")
    for attachment in message.attachments:
        main, _, sub = attachment.content_type.partition(";")[0].strip().partition("/")
        mail.add_attachment(
            attachment.content,
            maintype=main or "application",
            subtype=sub or "octet-stream",
            filename=_one_line(attachment.name),
        )
    return mail


def _token(text: str) -> str:
    """Keep what may stand in a Message-ID without quoting (RFC 5322 dot-atom)."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in text)


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
