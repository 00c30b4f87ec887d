"""What is said of a package: that it waits, what became of it, and the letter that carries it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mis_bridge.incidents.families import ASKED_FOR
from mis_bridge.incidents.reasons import Reason

if TYPE_CHECKING:
    from mis_bridge.incidents.model import Incident
    from mis_bridge.messages.model import MessageContext

__all__ = [
    "LETTER_WORDS",
    "made_anew",
    "package_lead",
    "package_title",
    "prepared",
    "to_upload",
]

LETTER_WORDS: Final = ("school", "title", "reference", "authority")
"""What can be put into an authority's letter: nothing of the child, which stands in the package."""

_TITLES: Final = {
    Reason.PACKAGE_READY: "A notification to the Local Authority waits for approval",
    Reason.PACKAGE_APPROVED: "Notification to the Local Authority",
    Reason.PACKAGE_TO_UPLOAD: "A notification to the Local Authority waits to be uploaded",
    Reason.PACKAGE_REJECTED: "A notification to the Local Authority was rejected",
    Reason.PACKAGE_EXPIRED: "A notification to the Local Authority was not approved in time",
}
_ASKED_FOR_TITLES: Final = {
    Reason.PACKAGE_READY: "A package waits for approval",
    Reason.PACKAGE_APPROVED: "A package was approved",
    Reason.PACKAGE_TO_UPLOAD: "A package waits to be uploaded",
    Reason.PACKAGE_REJECTED: "A package was rejected",
    Reason.PACKAGE_EXPIRED: "A package was not approved in time",
}
"""What a person asked for is not always for the authority."""

_LEADS: Final = {
    Reason.PACKAGE_READY: "A package has been prepared. Nothing is sent until a person has checked "
    "and approved it.",
    Reason.PACKAGE_TO_UPLOAD: "The package was approved, and waits for a person to upload it to "
    "the authority's portal.",
    Reason.PACKAGE_REJECTED: "A named person rejected the package: nothing was sent to the "
    "authority. Who and why stands in the incident's history.",
    Reason.PACKAGE_EXPIRED: "Nobody approved or rejected the package in time: nothing was sent to "
    "the authority.",
}


def package_title(incident: Incident, reason: Reason, context: MessageContext) -> str:
    """Return the heading: of the mail that carries a package, what kind of package it is.

    Args:
        incident: whose package it is.
        reason: why the message is sent, of ``reasons.ABOUT_PACKAGES``.
        context: its detail is the package's title.
    """
    if reason is Reason.PACKAGE_APPROVED and context.detail:
        return context.detail
    return (_ASKED_FOR_TITLES if incident.family == ASKED_FOR.id else _TITLES)[reason]


def package_lead(incident: Incident, reason: Reason, context: MessageContext) -> str:
    """Return the first sentences: what happened, or the letter to whom the package goes.

    Args:
        incident: whose package it is.
        reason: why the message is sent, of ``reasons.ABOUT_PACKAGES``.
        context: its detail says what is known of this very package.
    """
    if reason is not Reason.PACKAGE_APPROVED:
        return context.detail or _LEADS[reason]
    if context.letter:
        return _letter(incident, context)
    return (
        f"{context.school_name} sends the attached notification. A named member of staff has "
        "approved it. Please reply to the school quoting the reference."
    )


def _letter(incident: Incident, context: MessageContext) -> str:
    title = context.detail or _TITLES[Reason.PACKAGE_APPROVED]
    said = (context.school_name, title, incident.reference, context.authority_name)
    text = context.letter
    for name, words in zip(LETTER_WORDS, said, strict=True):
        text = text.replace(f"{{{name}}}", words)
    return text


def prepared(title: str, gaps: int, due: str = "") -> str:
    """Say which package waits for a person, how much is left to fill in, and by when it is due."""
    left = {0: "No field is missing.", 1: "1 field is still to be filled in."}
    missing = left.get(gaps, f"{gaps} fields are still to be filled in.")
    return (
        f"{title}: prepared.{f' Due by {due}.' if due else ''} {missing} Nothing is sent until a "
        "person has checked and approved it."
    )


def made_anew(reference: str, kind: str) -> str:
    """Say that a package has expired, and how another one of that kind is made."""
    of_kind = "" if kind == "attendance_return" else f" --kind {kind}"
    return (
        "Nobody approved or rejected the package in time. It is out of date, and nothing was sent "
        "to the authority. Where it is still needed, have it made anew: mis-bridge notify package "
        f"{reference}{of_kind} --again. What people filled in is kept."
    )


def to_upload(reference: str, kind: str) -> str:
    """Say that a package waits for a person to take it to the portal, and what ends the waiting."""
    return (
        "The package was approved and its files lie ready. Nothing has reached the authority until "
        "a person has uploaded them to its portal. Then write the portal's reference down: "
        f'mis-bridge notify done {reference} --kind {kind} --reference "..." --by "YOUR NAME"'
    )
