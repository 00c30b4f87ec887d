"""What people note of a pupil beside any incident: small things that mean something together.

A child who is tired, has new belongings, or is fetched by an older friend: none of it is an alert,
and each of it matters beside the next one. Kinds are a closed set, so that an alert can say "new
belongings" without a word that somebody typed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from mis_bridge.errors import IncidentError
from mis_bridge.incidents.said import named, worded

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

__all__ = ["KIND_WORDS", "NoteKind", "PupilNote", "new_note"]


class NoteKind(StrEnum):
    """What a note is about."""

    TIRED = "tired"
    NEW_BELONGINGS = "new_belongings"
    OLDER_FRIEND = "older_friend"
    CHANGED_MOOD = "changed_mood"
    LOOKS_NEGLECTED = "looks_neglected"
    INJURY = "injury"
    HOME = "home"
    ONLINE = "online"
    BULLYING = "bullying"
    SEEN_ELSEWHERE = "seen_elsewhere"
    SAID_SOMETHING = "said_something"
    OTHER = "other"


KIND_WORDS: Mapping[str, str] = MappingProxyType(
    {
        NoteKind.TIRED: "tired",
        NoteKind.NEW_BELONGINGS: "new belongings",
        NoteKind.OLDER_FRIEND: "an older friend",
        NoteKind.CHANGED_MOOD: "a change of mood",
        NoteKind.LOOKS_NEGLECTED: "looks neglected",
        NoteKind.INJURY: "an injury",
        NoteKind.HOME: "something at home",
        NoteKind.ONLINE: "something online",
        NoteKind.BULLYING: "bullying",
        NoteKind.SEEN_ELSEWHERE: "seen somewhere unexpected",
        NoteKind.SAID_SOMETHING: "said something",
        NoteKind.OTHER: "something else",
    }
)
"""How each kind is said in a message: no word of it is the author's."""


@dataclass(frozen=True, slots=True)
class PupilNote:
    """One note.

    Args:
        id: unique within the school.
        pupil: the MIS's pupil id.
        at: when it was written down, aware.
        author: who.
        kind: a value of ``NoteKind``.
        body: in the author's words; never in a message.
        incident: id of the incident that it was written beside, or empty.
    """

    id: str
    pupil: str
    at: datetime
    author: str
    kind: str
    body: str
    incident: str = ""


def new_note(
    identity: str, pupil: str, who: str, now: datetime, kind: str, text: str, incident: str = ""
) -> PupilNote:
    """Make a note.

    Args:
        identity: its id.
        pupil: the MIS's pupil id.
        who: who writes it.
        now: aware.
        kind: a value of ``NoteKind``.
        text: in the author's words; may be empty where the kind says it all.
        incident: id of the incident that it is written beside, or empty.

    Raises:
        IncidentError: nobody is named, the kind is none, the text is none that is kept (``said``),
            or it is missing where the kind says nothing.
    """
    who, text = named(who, "say who writes this: a note needs a person"), worded(text)
    if kind not in set(NoteKind):
        raise IncidentError(f"{kind!r} is no kind of note; choose of {', '.join(NoteKind)}")
    if not text and kind in {NoteKind.OTHER, NoteKind.SAID_SOMETHING}:
        raise IncidentError(f"write what it was: {kind!r} alone helps nobody later")
    return PupilNote(identity, pupil, now, who, NoteKind(kind).value, text, incident)
