"""What Microsoft's services ask of a request's body, as documented: mail, activity line, card."""

from __future__ import annotations

import base64
import email
import email.policy
import json
from dataclasses import dataclass
from email.utils import parseaddr
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from email.message import EmailMessage

__all__ = ["LARGEST_MAIL", "SYSTEM", "Line", "ShapeError", "card_in", "line_in", "mail_in"]

LARGEST_MAIL: Final = 4_000_000
"""Bytes of one request to Graph."""

SYSTEM: Final[Mapping[str, str]] = MappingProxyType({"systemDefault": "systemDefaultText"})
"""The activity type that needs no manifest, and the name of its one parameter."""

_PREVIEW: Final = 150
_MESSAGE: Final = 28_672
_GROWTH: Final = 28_897 / 24_453
"""By how much Teams' own form of a message is longer than what was sent, as measured once."""
_CARD: Final = "application/vnd.microsoft.card.adaptive"
_RECIPIENT: Final = "microsoft.graph.aadUserNotificationRecipient"
_FIELDS: Final = frozenset(
    {"topic", "activityType", "chainId", "previewText", "recipient", "templateParameters"}
)


class ShapeError(Exception):
    """A request that the service does not take.

    Args:
        status: HTTP status of the refusal.
        code: the service's word for it.
        problem: what is wrong with the request, for whoever reads the verdict.
    """

    def __init__(self, status: int, code: str, problem: str) -> None:
        self.status, self.code, self.problem = status, code, problem
        super().__init__(f"{code}: {problem}")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an activity feed.

    Args:
        person: who is notified.
        chain: a later line of the same chain takes its place.
        text: what it says.
        preview: what the telephone shows of it.
    """

    person: str
    chain: int
    text: str
    preview: str


def mail_in(content_type: str, body: bytes, mailbox: str) -> tuple[bytes, EmailMessage]:
    """Give the mail in a request to ``sendMail``, MIME in base64: as it came, and taken apart.

    Raises:
        ShapeError: Graph would not take it.
    """
    if len(body) > LARGEST_MAIL:
        raise ShapeError(413, "RequestEntityTooLarge", "more than 4 MB")
    if content_type != "text/plain":
        raise ShapeError(415, "RequestBodyRead", f"not MIME: {content_type}")
    try:
        content = base64.b64decode(body, validate=True)
    except ValueError:
        raise ShapeError(400, "ErrorMimeContentInvalidBase64String", "no base64") from None
    mail = email.message_from_bytes(content, policy=email.policy.SMTP)
    if mail.defects or b"\r\n\r\n" not in content or b"\n" in content.replace(b"\r\n", b""):
        raise ShapeError(400, "ErrorMimeContentInvalid", "not a mail")
    if parseaddr(mail["From"])[1].lower() != mailbox:
        raise ShapeError(403, "ErrorSendAsDenied", "From is another mailbox")
    if not mail["To"]:
        raise ShapeError(400, "ErrorInvalidRecipients", "nobody to send to")
    return content, mail


def line_in(
    content_type: str, body: bytes, *, person: str | None, types: Mapping[str, str] = SYSTEM
) -> Line:
    """Give the line in a request for an activity notification.

    Args:
        content_type: of the body.
        body: JSON.
        person: whom the path names; None where the body has to.
        types: the activity types that the app has, and the name of each one's parameter.

    Raises:
        ShapeError: Graph would not take it.
    """
    held = _object_in(content_type, body)
    topic, parameters = held.get("topic", {}), held.get("templateParameters")
    recipient, kind = held.get("recipient", {}), held.get("activityType")
    names = [one.get("name") for one in parameters or ()]
    preview = held.get("previewText", {}).get("content", "")
    chain = held.get("chainId")
    who = person if person is not None else recipient.get("userId")
    _refuse_where(
        {
            f"unknown fields {sorted(set(held) - _FIELDS)}": bool(set(held) - _FIELDS),
            "nobody, or twice": not who or (person is None) != bool(recipient),
            "recipient": bool(recipient) and recipient.get("@odata.type") != _RECIPIENT,
            "topic": topic.get("source") != "text" or not topic.get("value"),
            "webUrl": not topic.get("webUrl", "").startswith("https://teams.microsoft.com/l/"),
            "activityType": str(kind) not in types,
            "templateParameters": names != [types.get(str(kind))],
            "chainId": not (isinstance(chain, int) and 0 < chain < 2**63),
            "previewText": not 0 < len(preview) <= _PREVIEW,
        },
        "BadRequest",
    )
    assert isinstance(parameters, list)  # noqa: S101 - looked at above
    assert isinstance(chain, int)  # noqa: S101
    return Line(str(who), chain, str(parameters[0]["value"]), str(preview))


def card_in(
    content_type: str, body: bytes, *, app: str, conversation: str, activity: str
) -> dict[str, Any]:
    """Give the Adaptive Card in an activity that a bot posts, or puts in the place of one.

    Args:
        content_type: of the body.
        body: JSON.
        app: the bot's application id.
        conversation: where it is posted.
        activity: which one is changed; empty for a new one.

    Raises:
        ShapeError: the bot service would not take it.
    """
    held = _object_in(content_type, body)
    attachments = held.get("attachments")
    attachment = attachments[0] if isinstance(attachments, list) and attachments else {}
    card = attachment.get("content", {})
    _refuse_where(
        {
            "type": held.get("type") != "message",
            "from": held.get("from") != {"id": app},
            "conversation": held.get("conversation") != {"id": conversation},
            "id": held.get("id", "") != activity,
            "one card": not isinstance(attachments, list) or len(attachments) != 1,
            "card": attachment.get("contentType") != _CARD or card.get("type") != "AdaptiveCard",
            "size": len(body) * _GROWTH > _MESSAGE,
        },
        "BadSyntax",
    )
    assert isinstance(card, dict)  # noqa: S101 - looked at above
    return card


def _object_in(content_type: str, body: bytes) -> dict[str, Any]:
    try:
        held = json.loads(body) if content_type == "application/json" else None
    except ValueError:
        held = None
    if not isinstance(held, dict):
        raise ShapeError(HTTPStatus.BAD_REQUEST, "BadRequest", "not an object in JSON")
    return held


def _refuse_where(checks: dict[str, bool], code: str) -> None:
    for problem, wrong in checks.items():
        if wrong:
            raise ShapeError(HTTPStatus.BAD_REQUEST, code, problem)
