"""The heading of a message about one incident, and its first sentences: what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mis_bridge.incidents.families import ONE_REGISTER, family_of_incident
from mis_bridge.incidents.reasons import (
    ABOUT_CHANNELS,
    ABOUT_PACKAGES,
    ENDINGS,
    REMINDERS,
    Reason,
)
from mis_bridge.messages.package_words import package_lead, package_title
from mis_bridge.messages.reminding import reminder_lead, reminder_title
from mis_bridge.messages.times import moment
from mis_bridge.messages.wording import HISTORY_WORDING, wording_of
from mis_bridge.registers.calendar import LONDON
from mis_bridge.triggers.self_check_failed import HISTORY

if TYPE_CHECKING:
    from mis_bridge.incidents.model import Incident
    from mis_bridge.messages.model import MessageContext
    from mis_bridge.messages.wording import Wording

__all__ = ["lead", "title"]


def title(incident: Incident, reason: Reason, context: MessageContext) -> str:
    """Return the heading: what it is, without a name, for it stands on locked screens.

    Args:
        incident: as it stands now.
        reason: why the message is sent.
        context: of a package, its detail is what it is called.
    """
    if reason in ABOUT_PACKAGES:
        return package_title(incident, reason, context)
    if reason is Reason.CHANNEL_FAILED:
        return "A message could not be delivered"
    words = _wording(incident)
    if reason in REMINDERS:
        return reminder_title(reason, _named_matter(incident, words.matter))
    titles = {
        Reason.FOUND: "Found: back in school" if _is_back(incident) else words.found,
        Reason.FEED_BACK: words.found,
        Reason.EXPLAINED: f"Explained: {words.matter}",
        Reason.CORRECTED: f"{words.corrected}: {words.matter}",
        Reason.REOPENED: _named_matter(incident, words.again),
        Reason.UNACKNOWLEDGED: f"Nobody has answered: {_named_matter(incident, words.matter)}",
        Reason.LAPSED: f"Nobody sees to it any more: {_named_matter(incident, words.matter)}",
        Reason.UNSEEN: f"Nobody has answered: {_named_matter(incident, words.matter)}",
    }
    if reason is Reason.LEVEL_RAISED and incident.family == "missing_during_day":
        return f"{words.title}, raised to level {incident.level}"
    if reason is Reason.LEVEL_RAISED and incident.trigger == "certificate_expiring":
        return f"{words.title} {incident.facts.get('left', '')}".rstrip()
    return titles.get(reason) or _named_matter(incident, words.title)


def _wording(incident: Incident) -> Wording:
    if incident.facts.get("about") == HISTORY:
        return HISTORY_WORDING
    return wording_of(incident.trigger)


def _named_matter(incident: Incident, words: str) -> str:
    if incident.trigger in ONE_REGISTER and incident.slot:
        return f"{words}: {incident.slot}"
    if incident.family == "missing_during_day" and incident.level > 1:
        return f"{words}, level {incident.level}"
    return words


def _is_back(incident: Incident) -> bool:
    """Whether a child who was absent on a day was seen on a later one."""
    seen = incident.closed_at
    if seen is None or not family_of_incident(incident).quiet_next_day:
        return False
    return seen.astimezone(LONDON).date() > incident.day


def lead(incident: Incident, reason: Reason, context: MessageContext, *, private: bool) -> str:
    """Say in one or two sentences what happened.

    Args:
        incident: as it stands now.
        reason: why the message is sent.
        context: what is known of a package or channel; the time; what is held back.
        private: nothing of the pupil may be said.
    """
    if reason in ABOUT_PACKAGES:
        return package_lead(incident, reason, context)
    if reason in ABOUT_CHANNELS:
        return context.detail or "The incident's page says which channel and why."
    if reason in REMINDERS:
        reminder = reminder_lead(incident, reason, context.now)
        return reminder if private else f"{reminder} {incident.sentence}"
    if private:
        return _withholding(incident, reason)
    return _telling(incident, reason, context)


def _withholding(incident: Incident, reason: Reason) -> str:
    words = _wording(incident)
    told = f"{words.found}." if reason in ENDINGS else words.generic
    return f"{told} Open the incident to see who."


def _telling(incident: Incident, reason: Reason, context: MessageContext) -> str:
    if reason in ENDINGS:
        return f"{incident.ending} Earlier: {incident.sentence}".strip()
    since = f"Open since {moment(incident.opened_at, context.now)}"
    said = f"{incident.sentence} {_held_back(context.held_back)}".strip()
    if reason in {Reason.UNACKNOWLEDGED, Reason.UNSEEN}:
        return f"{since}, and nobody has said that they see to it. {said}"
    if reason is Reason.LAPSED:
        return f"{since}; somebody saw to it, and has not said so again. {said}"
    return said


def _held_back(count: int) -> str:
    """Say what is not told because of this, so that nobody takes silence for safety."""
    if not count:
        return ""
    alerts = (
        "1 alert about a pupil that rests on older marks is"
        if count == 1
        else f"{count} alerts about pupils that rest on older marks are"
    )
    return f"{alerts} held back until they can be read again."
