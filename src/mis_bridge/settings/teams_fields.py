"""Types of fields that name something in Microsoft Teams, as people copy it from there."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import unquote

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

__all__ = ["Conversation", "MentionName", "Person", "TeamsLink"]

_LINK = re.compile(r"https://teams\.microsoft\.com/l/[^\s<>\"]+")
_IN_LINK = re.compile(r"https://teams\.microsoft\.com/l/(?:channel|chat)/([^/?#]+)")
_CONVERSATION = re.compile(r"(19|a):[^\s/?#%]+")
_NAME = re.compile(r"[^<>\x00-\x1f\x7f]{1,60}")
_PERSON = re.compile(r"[A-Za-z0-9-]{36}|[^\s/@]+@[^\s/@]+\.[^\s/@]+")


def _conversation(value: str) -> str:
    """Take a conversation's id, or the link of a channel or chat, which holds it."""
    linked = _IN_LINK.match(value)
    conversation = unquote(linked[1] if linked else value)
    if not _CONVERSATION.fullmatch(conversation):
        raise PydanticCustomError(
            "conversation",
            'this is no conversation in Teams: copy the link of the channel ("Copy link"), or '
            "write its id, 19:...@thread.tacv2",
        )
    return conversation


def _teams_link(value: str) -> str:
    if not _LINK.fullmatch(value):
        raise PydanticCustomError(
            "teams_link",
            'the link has to lead into Teams, https://teams.microsoft.com/l/...: "Copy link" of a '
            "channel gives one",
        )
    return value


def _person(value: str) -> str:
    if not _PERSON.fullmatch(value):
        raise PydanticCustomError(
            "entra_person",
            "write a person's Entra object id (36 characters) or user principal name, such as "
            "dsl@school.example",
        )
    return value


def _mention_name(value: str) -> str:
    if not _NAME.fullmatch(value.strip()):
        raise PydanticCustomError(
            "mention_name", "write a name of at most 60 characters, without < > and line breaks"
        )
    return value.strip()


Conversation = Annotated[str, AfterValidator(_conversation)]
TeamsLink = Annotated[str, AfterValidator(_teams_link)]
Person = Annotated[str, AfterValidator(_person)]
MentionName = Annotated[str, AfterValidator(_mention_name)]
