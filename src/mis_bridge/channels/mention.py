"""Name people in a card, so that Teams rings them: a card alone rings only who follows a channel.

Teams takes a mention where ``<at>NAME</at>`` stands in a text of the card and the same text in
``msteams.entities``, with the person's id beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mis_bridge.incidents.reasons import Reason
from mis_bridge.triggers.model import Severity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mis_bridge.messages.model import Message

__all__ = ["Person", "calling"]

_RINGS: Final = frozenset({Severity.CRITICAL, Severity.HIGH})


@dataclass(frozen=True, slots=True)
class Person:
    """Who is named.

    Args:
        name: as it stands on the card; no angle brackets.
        id: Entra object id, or user principal name.
    """

    name: str
    id: str


def calling(message: Message, people: Sequence[Person]) -> dict[str, Any]:
    """Give a message's card with people named on it, where it is worth ringing them.

    That is so where a child may be missing, where that is over, and in a test: it shows whether
    they are rung. The message's own card stays as it is.
    """
    worth = message.severity in _RINGS or message.reason is Reason.CHANNEL_TEST
    if not people or not worth:
        return message.card
    return {**message.card, "attachments": [_named(one, people) for one in _of(message)]}


def _of(message: Message) -> list[dict[str, Any]]:
    attachments: list[dict[str, Any]] = message.card["attachments"]
    return attachments


def _named(attachment: dict[str, Any], people: Sequence[Person]) -> dict[str, Any]:
    content = attachment["content"]
    tags = [f"<at>{person.name}</at>" for person in people]
    line = {"type": "TextBlock", "wrap": True, "spacing": "Small", "text": " ".join(tags)}
    entities = [
        {"type": "mention", "text": tag, "mentioned": {"id": person.id, "name": person.name}}
        for tag, person in zip(tags, people, strict=True)
    ]
    named = {
        **content,
        "msteams": {**content.get("msteams", {}), "entities": entities},
        "body": [*content["body"][:1], line, *content["body"][1:]],
    }
    return {**attachment, "content": named}
