"""What a message is, and what it may say of a pupil."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from datetime import date, datetime

    from mis_bridge.incidents.reasons import Reason
    from mis_bridge.triggers.model import Severity

__all__ = [
    "BRIEF_LENGTH",
    "Attachment",
    "Carried",
    "Disclosure",
    "Message",
    "MessageContext",
    "Noted",
    "PupilIdentity",
]

BRIEF_LENGTH: Final = 150
"""Characters of a notification's preview that Teams shows."""


class Disclosure(StrEnum):
    """What a channel may say of a pupil.

    ``REFERENCE``: nothing but the incident's reference. ``INITIALS``: initials and form (or year
    group) and the evidence. ``FULL``: the name as well.
    """

    REFERENCE = "reference"
    INITIALS = "initials"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class PupilIdentity:
    """Who the pupil is, as far as a message may need it.

    Args:
        pupil: the MIS's pupil id; never shown.
        surname, forename: as in the MIS, possibly empty.
        form: registration group, or empty.
        year_group: national curriculum year, 0 for Reception, None unknown.
        alike: how many others of the form a message at this disclosure would call the same.
    """

    pupil: str
    surname: str = ""
    forename: str = ""
    form: str = ""
    year_group: int | None = None
    alike: int = 0


@dataclass(frozen=True, slots=True)
class Noted:
    """That something was noted of the pupil: on which day, and of what kind, in our words."""

    day: date
    kind: str


@dataclass(frozen=True, slots=True)
class MessageContext:
    """What a message needs beside the incident.

    Args:
        school_name: as people call the school.
        disclosure: what the channel may say of the pupil.
        identity: who the pupil is; None where the incident is about a register or a feed, or
            where the pupil is not on the roll that was read.
        link_base: ``https://bridge.school.example``; empty or not https: no link.
        now: when the message is written, aware.
        data_as_of: up to when the registers are known, aware: when they were last read well, less
            the delay; or None.
        authority_name: the Local Authority as people call it, or empty.
        detail: for messages about a channel or a package: what happened, without names.
        delay: by how much the MIS may be behind when it is read.
        held_back: how many alerts about pupils the incident holds back.
        letter: the authority's own words for the message that carries a package to it, with the
            names of ``package_words.LETTER_WORDS`` in braces; empty: the usual ones.
        noted: what people noted of the pupil lately, the newest first.
    """

    school_name: str
    disclosure: Disclosure
    identity: PupilIdentity | None
    link_base: str
    now: datetime
    data_as_of: datetime | None
    authority_name: str = ""
    detail: str = ""
    delay: timedelta = timedelta()
    letter: str = ""
    held_back: int = 0
    noted: tuple[Noted, ...] = ()


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a message.

    Args:
        name: file name; ASCII letters, digits, dots and hyphens, no pupil's name.
        content_type: media type.
        content: the bytes.
    """

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Carried:
    """The approved package that a message carries.

    Args:
        id: of the package: 64 hexadecimal digits, the same over every attempt and every channel.
        kind: ``attendance_return``, ``cme`` ...
        version: from 1.
        form: its fields and tables for a person to copy, in the form's order: for each section its
            title and (label, value) rows, rows of a table without a label; a value that is not
            known is empty.
        portal: address of the authority's form, or empty.
    """

    id: str
    kind: str
    version: int
    form: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()
    portal: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one channel, ready to send.

    Args:
        id: the outbox row's id; the same over every attempt.
        reference: the incident's reference.
        reason: why it is sent.
        severity: for the order of sending.
        subject: of the mail; never a name.
        text, html: bodies of the mail.
        card: the whole JSON body for a Teams Workflows webhook: the ``message`` envelope with
            one Adaptive Card 1.5 in it; under 20,000 bytes as ASCII JSON.
        attachments: files, for mail and for the folder route.
        recipients: mail addresses, or empty for the channel's own.
        package: what the files are, where they are a package for the Local Authority.
        brief: what happened, to whom as far as the channel may say it, and the reference: one line
            of at most ``BRIEF_LENGTH`` characters for a notification on a screen.
        edits: proof of the earlier message that this one takes the place of, or empty.
        references: of a bundle: of all incidents in it; ``reference`` is the first.
    """

    id: str
    reference: str
    reason: Reason
    severity: Severity
    subject: str
    text: str
    html: str
    card: dict[str, Any]
    attachments: tuple[Attachment, ...] = ()
    recipients: tuple[str, ...] = ()
    package: Carried | None = None
    brief: str = ""
    edits: str = ""
    references: tuple[str, ...] = ()
