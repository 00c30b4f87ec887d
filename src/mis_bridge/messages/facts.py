"""The rows of a message: who, where, since when, how old the registers are, which reference."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from mis_bridge.incidents.families import family_of_incident
from mis_bridge.incidents.model import State
from mis_bridge.incidents.reasons import ABOUT_CHANNELS, ABOUT_PACKAGES, ENDINGS, Reason
from mis_bridge.messages.model import Disclosure
from mis_bridge.messages.noted import noted_before
from mis_bridge.messages.pupil_label import pupil_label
from mis_bridge.messages.times import ago, clock, day_name, moment, span
from mis_bridge.registers.calendar import LONDON
from mis_bridge.triggers.model import Kind

if TYPE_CHECKING:
    from mis_bridge.incidents.model import Incident
    from mis_bridge.messages.model import MessageContext

__all__ = ["facts"]

_FRESH: Final = timedelta(minutes=15)
"""Registers older than this are said to be old in so many words."""

_OF_CHANNELS: Final = frozenset(
    {"channel_failing", "certificate_expiring", "undelivered", "self_check_failed"}
)
"""Families of incidents that have nothing to do with registers, and so not with their age."""


def facts(
    incident: Incident, reason: Reason, context: MessageContext
) -> tuple[tuple[str, str], ...]:
    """Return (label, value) rows, in the order in which they are read; none without a value.

    Args:
        incident: as it stands now.
        reason: why the message is sent.
        context: school, disclosure, times.
    """
    rows: list[tuple[str, str]] = []
    if reason is Reason.PACKAGE_APPROVED:
        rows += [("School", context.school_name), ("Authority", context.authority_name)]
    else:
        if incident.pupil and reason not in ABOUT_CHANNELS:
            rows.append(("Pupil", pupil_label(context.identity, context.disclosure)))
        rows.append(("School", context.school_name))
        if reason not in ENDINGS and reason not in ABOUT_CHANNELS:
            rows += _began(incident, context)
        rows.append(("Raised", _raised(incident, context)))
        if incident.state is State.ACKNOWLEDGED and incident.owner:
            rows.append(("Seen to by", incident.owner))
        if reason not in ABOUT_CHANNELS | ABOUT_PACKAGES and incident.family not in _OF_CHANNELS:
            rows.append(("Registers", _age(context)))
        if incident.pupil and reason not in ENDINGS | ABOUT_CHANNELS | ABOUT_PACKAGES:
            rows.append(("Noted", noted_before(context)))
    rows.append(("Reference", incident.reference))
    return tuple((label, value) for label, value in rows if value)


def _began(incident: Incident, context: MessageContext) -> list[tuple[str, str]]:
    """Say since when, where the facts say it: it is not the time at which the alert was raised."""
    told = incident.facts
    if context.disclosure is Disclosure.REFERENCE:
        return []
    if first_day := told.get("first_day"):
        return [("Since", day_name(date.fromisoformat(str(first_day)), year=True))]
    # A pupil who signed in at the desk was last seen there; the sentence says so.
    seen = told.get("last_seen") or None
    times = [e.at for e in incident.evidence if e.at and e.slot == seen]
    return [("Last seen", f"{moment(times[-1], context.now)} in {seen}")] if times else []


def _raised(incident: Incident, context: MessageContext) -> str:
    local = incident.opened_at.astimezone(LONDON)
    if family_of_incident(incident).kind not in {Kind.DAY, Kind.FEED}:
        return day_name(incident.day, year=True)
    if local.date() == context.now.astimezone(LONDON).date():
        return f"{clock(local)} today, {day_name(local.date())}"
    return moment(incident.opened_at, context.now)


def _age(context: MessageContext) -> str:
    read = context.data_as_of
    if read is None:
        return "not read yet: what they say now is not known"
    words = f"read at {moment(read, context.now)}, {ago(read, context.now)}"
    if context.delay:
        words = (
            f"as of {moment(read, context.now)} or later: the MIS may have been "
            f"{span(context.delay)} behind"
        )
    if context.now - read <= _FRESH:
        return words
    return f"{words}{';' if context.delay else ':'} anything newer is not known"
