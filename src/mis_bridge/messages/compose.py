"""From an incident to what a message says, before it becomes a card or a mail."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from mis_bridge.incidents.families import ASKED_FOR, family_of_incident
from mis_bridge.incidents.model import State
from mis_bridge.incidents.reasons import ENDINGS, REMINDERS, Reason
from mis_bridge.messages.model import Disclosure
from mis_bridge.messages.noted import noted_before
from mis_bridge.messages.reminding import reminder_lead, reminder_title
from mis_bridge.messages.times import ago, clock, day_name, moment, span
from mis_bridge.messages.wording import HISTORY_WORDING, wording_of
from mis_bridge.registers.calendar import LONDON
from mis_bridge.triggers.model import Kind, Severity
from mis_bridge.triggers.self_check_failed import HISTORY

if TYPE_CHECKING:
    from mis_bridge.incidents.model import Incident, StepState
    from mis_bridge.messages.model import MessageContext, PupilIdentity
    from mis_bridge.messages.wording import Wording

__all__ = [
    "LETTER_WORDS",
    "Content",
    "EvidenceLine",
    "Group",
    "Line",
    "StepLine",
    "Tone",
    "compose",
    "compose_test",
    "pupil_label",
]

_FRESH = timedelta(minutes=15)
"""Registers older than this are said to be old in so many words."""

_ONE_REGISTER = frozenset({"register_not_taken", "register_anomaly"})
_DECIDED = frozenset(
    {
        Reason.PACKAGE_APPROVED,
        Reason.PACKAGE_TO_UPLOAD,
        Reason.PACKAGE_REJECTED,
        Reason.PACKAGE_EXPIRED,
    }
)
_ABOUT_PACKAGES = _DECIDED | {Reason.PACKAGE_READY}
_ABOUT_CHANNELS = frozenset({Reason.CHANNEL_FAILED, Reason.CHANNEL_TEST})
_OF_CHANNELS = frozenset(
    {"channel_failing", "certificate_expiring", "undelivered", "self_check_failed"}
)


class Tone(StrEnum):
    """How a message looks before it is read; values are Adaptive Card container styles."""

    ATTENTION = "attention"
    WARNING = "warning"
    GOOD = "good"
    CALM = "accent"


@dataclass(frozen=True, slots=True)
class EvidenceLine:
    """One fact: when (``10:02`` or empty), where (``P2`` or empty), what."""

    when: str
    where: str
    what: str


@dataclass(frozen=True, slots=True)
class StepLine:
    """One thing to do: by when (``by 10:22``, ``by 10:22, passed`` or empty), what, and who."""

    due: str
    text: str
    who: str


@dataclass(frozen=True, slots=True)
class Line:
    """One incident in a bundle: who (or empty), its reference, what (or empty), its page."""

    label: str
    reference: str
    text: str
    link: str


@dataclass(frozen=True, slots=True)
class Group:
    """Incidents of one kind in a bundle: the kind, how many, what holds for all, each of them.

    The kind is empty where the bundle has one kind only, which its title names.
    """

    title: str
    counted: str
    text: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Content:
    """What a message says, in the order in which it says it.

    Args:
        reason: why it is sent.
        reference: the incident's reference; empty in a test message.
        severity: for the order of sending.
        tone: colour.
        title: heading, no name.
        lead: one or two sentences: what happened.
        facts: (label, value) rows: pupil, school, since when, registers, reference.
        evidence_title: heading of the evidence.
        evidence: in time order.
        uncertain: what makes it less than certain, or empty.
        steps_title: heading of the steps.
        steps: what to do next, in order.
        link: https address of the incident, or empty.
        footer: why this person gets it.
        status: above the heading: how it stands now, where the message is shown anew; or empty.
        groups: of a bundle: the incidents in it, by kind; empty in a message about one.
        references: of a bundle: of all incidents in it.
        left_out: of a bundle: the command that shows what there was no room for.
    """

    reason: Reason
    reference: str
    severity: Severity
    tone: Tone
    title: str
    lead: str
    facts: tuple[tuple[str, str], ...]
    evidence_title: str = "What the registers show"
    evidence: tuple[EvidenceLine, ...] = ()
    uncertain: str = ""
    steps_title: str = "What to do next"
    steps: tuple[StepLine, ...] = ()
    link: str = ""
    footer: str = ""
    status: str = ""
    groups: tuple[Group, ...] = ()
    references: tuple[str, ...] = ()
    left_out: str = ""


def pupil_label(identity: PupilIdentity | None, disclosure: Disclosure) -> str:
    """Return how a pupil may be called: ``Ada Testpupil, 8B``, ``A.T., 8B``, or nothing."""
    if disclosure is Disclosure.REFERENCE:
        return ""
    if identity is None:
        return "not on the roll that was read"
    forename, surname = identity.forename.strip(), identity.surname.strip()
    if disclosure is Disclosure.FULL:
        name = f"{forename} {surname}".strip()
    else:
        name = "".join(_initial(part) for part in (forename, surname))
        if not name and (forename or surname):
            name = "initials not given"
    group = identity.form.strip() or _year(identity.year_group)
    label = ", ".join(part for part in (name or "name not known", group) if part)
    if not identity.alike:
        return label
    # Whoever goes to look would look for the wrong twin.
    both = f"{identity.alike + 1} pupils of the form have"
    if disclosure is Disclosure.FULL:
        return f"{label} ({both} this name: make sure which)"
    return f"{label} ({both} these initials: open the incident to see which)"


def _initial(name: str) -> str:
    """Abbreviate a name; empty where the first character would be all of it, or a whole word."""
    letters = [char for char in name if char.isalpha()]
    # Of scripts that know capitals, one letter of several tells little. A Chinese character is
    # a name by itself.
    if len(letters) < 2 or letters[0].upper() == letters[0].lower():  # noqa: PLR2004 - one is all
        return ""
    return f"{letters[0].upper()}."


def _year(year_group: int | None) -> str:
    if year_group is None:
        return ""
    if year_group < 0:
        return "Nursery"
    return f"Year {year_group}" if year_group else "Reception"


def compose(incident: Incident, reason: Reason, context: MessageContext) -> Content:
    """Say what there is to say of an incident, for one reason, within one disclosure.

    Args:
        incident: as it stands now.
        reason: why the message is sent.
        context: school, disclosure, times, link.
    """
    private = bool(incident.pupil) and context.disclosure is Disclosure.REFERENCE
    elsewhere = private or reason in _ABOUT_CHANNELS | _DECIDED
    return Content(
        reason=reason,
        reference=incident.reference,
        severity=incident.severity,
        tone=_tone(incident, reason),
        title=_title(incident, reason, context),
        lead=_lead(incident, reason, context, private=private),
        facts=_facts(incident, reason, context),
        evidence_title="What the registers show" if _is_about_marks(incident) else "What is known",
        evidence=() if elsewhere else _evidence(incident, context),
        uncertain="" if elsewhere or reason in ENDINGS else incident.uncertain,
        steps_title="What is left to do" if reason in ENDINGS else "What to do next",
        steps=_steps(incident, reason, context),
        link=_link(context.link_base, incident, reason),
        footer=_footer(reason),
    )


def compose_test(context: MessageContext) -> Content:
    """Say that this is a test: for ``channels test`` and the weekly sign of life."""
    return Content(
        reason=Reason.CHANNEL_TEST,
        reference="",
        severity=Severity.LOW,
        tone=Tone.CALM,
        title="Test message",
        lead=context.detail
        or "Alerts about missing children arrive here. Nothing has happened: this is a test.",
        facts=(
            ("School", context.school_name),
            ("Sent", f"{clock(context.now)}, {_today(context)}"),
        ),
        footer=_footer(Reason.CHANNEL_TEST),
    )


def _today(context: MessageContext) -> str:
    return day_name(context.now.astimezone(LONDON).date(), year=True)


def _tone(incident: Incident, reason: Reason) -> Tone:
    if reason in ENDINGS:
        return Tone.GOOD
    if reason in _ABOUT_PACKAGES or reason is Reason.CHANNEL_TEST:
        return Tone.CALM
    if reason in _ABOUT_CHANNELS or incident.severity is Severity.HIGH:
        return Tone.WARNING if incident.level == 1 else Tone.ATTENTION
    return Tone.ATTENTION if incident.severity is Severity.CRITICAL else Tone.CALM


def _named_matter(incident: Incident, words: str) -> str:
    if incident.trigger in _ONE_REGISTER and incident.slot:
        return f"{words}: {incident.slot}"
    if incident.family == "missing_during_day" and incident.level > 1:
        return f"{words}, level {incident.level}"
    return words


_FIXED_TITLES = {
    Reason.CHANNEL_FAILED: "A message could not be delivered",
    Reason.PACKAGE_READY: "A notification to the Local Authority waits for approval",
    Reason.PACKAGE_APPROVED: "Notification to the Local Authority",
    Reason.PACKAGE_TO_UPLOAD: "A notification to the Local Authority waits to be uploaded",
    Reason.PACKAGE_REJECTED: "A notification to the Local Authority was rejected",
    Reason.PACKAGE_EXPIRED: "A notification to the Local Authority was not approved in time",
}


_ASKED_FOR_TITLES = {
    Reason.PACKAGE_READY: "A package waits for approval",
    Reason.PACKAGE_APPROVED: "A package was approved",
    Reason.PACKAGE_TO_UPLOAD: "A package waits to be uploaded",
    Reason.PACKAGE_REJECTED: "A package was rejected",
    Reason.PACKAGE_EXPIRED: "A package was not approved in time",
}


def _wording(incident: Incident) -> Wording:
    if incident.facts.get("about") == HISTORY:
        return HISTORY_WORDING
    return wording_of(incident.trigger)


def _is_back(incident: Incident) -> bool:
    """Whether a child who was absent on a day was seen on a later one."""
    seen = incident.closed_at
    if seen is None or not family_of_incident(incident).quiet_next_day:
        return False
    return seen.astimezone(LONDON).date() > incident.day


def _title(incident: Incident, reason: Reason, context: MessageContext) -> str:
    if reason is Reason.PACKAGE_APPROVED and context.detail:
        return context.detail
    if reason in _FIXED_TITLES:
        # What a person asked for is not always for the authority.
        asked_for = incident.family == ASKED_FOR.id and reason in _ABOUT_PACKAGES
        return _ASKED_FOR_TITLES[reason] if asked_for else _FIXED_TITLES[reason]
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


_PACKAGE_LEADS = {
    Reason.PACKAGE_READY: "A package has been prepared. Nothing is sent until a person has checked "
    "and approved it.",
    Reason.PACKAGE_TO_UPLOAD: "The package was approved, and waits for a person to upload it to "
    "the authority's portal.",
    Reason.PACKAGE_REJECTED: "A named person rejected the package: nothing was sent to the "
    "authority. Who and why stands in the incident's history.",
    Reason.PACKAGE_EXPIRED: "Nobody approved or rejected the package in time: nothing was sent to "
    "the authority.",
}


def _lead(incident: Incident, reason: Reason, context: MessageContext, *, private: bool) -> str:
    if reason is Reason.PACKAGE_APPROVED:
        if context.letter:
            return _letter(incident, context)
        return (
            f"{context.school_name} sends the attached notification. A named member of staff has "
            "approved it. Please reply to the school quoting the reference."
        )
    if reason in _ABOUT_CHANNELS:
        return context.detail or "The incident's page says which channel and why."
    if reason in _ABOUT_PACKAGES:
        return context.detail or _PACKAGE_LEADS[reason]
    if reason in REMINDERS:
        reminder = reminder_lead(incident, reason, context.now)
        return reminder if private else f"{reminder} {incident.sentence}"
    return (
        _lead_withholding(incident, reason) if private else _lead_telling(incident, reason, context)
    )


LETTER_WORDS: Final = ("school", "title", "reference", "authority")
"""What can be put into an authority's letter: nothing of the child, which stands in the package."""


def _letter(incident: Incident, context: MessageContext) -> str:
    title = context.detail or _FIXED_TITLES[Reason.PACKAGE_APPROVED]
    said = (context.school_name, title, incident.reference, context.authority_name)
    text = context.letter
    for name, words in zip(LETTER_WORDS, said, strict=True):
        text = text.replace(f"{{{name}}}", words)
    return text


def _lead_withholding(incident: Incident, reason: Reason) -> str:
    words = _wording(incident)
    told = f"{words.found}." if reason in ENDINGS else words.generic
    return f"{told} Open the incident to see who."


def _lead_telling(incident: Incident, reason: Reason, context: MessageContext) -> str:
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


def _facts(
    incident: Incident, reason: Reason, context: MessageContext
) -> tuple[tuple[str, str], ...]:
    rows: list[tuple[str, str]] = []
    if reason is Reason.PACKAGE_APPROVED:
        rows += [("School", context.school_name), ("Authority", context.authority_name)]
    else:
        if incident.pupil and reason not in _ABOUT_CHANNELS:
            rows.append(("Pupil", pupil_label(context.identity, context.disclosure)))
        rows.append(("School", context.school_name))
        if reason not in ENDINGS and reason not in _ABOUT_CHANNELS:
            rows += _began(incident, context)
        rows.append(("Raised", _raised(incident, context)))
        if incident.state is State.ACKNOWLEDGED and incident.owner:
            rows.append(("Seen to by", incident.owner))
        if reason not in _ABOUT_CHANNELS | _ABOUT_PACKAGES and incident.family not in _OF_CHANNELS:
            rows.append(("Registers", _age(context)))
        if incident.pupil and reason not in ENDINGS | _ABOUT_CHANNELS | _ABOUT_PACKAGES:
            rows.append(("Noted", noted_before(context)))
    rows.append(("Reference", incident.reference))
    return tuple((label, value) for label, value in rows if value)


def _began(incident: Incident, context: MessageContext) -> list[tuple[str, str]]:
    """Say since when, where the facts say it: it is not the time at which the alert was raised."""
    facts = incident.facts
    if context.disclosure is Disclosure.REFERENCE:
        return []
    if first_day := facts.get("first_day"):
        return [("Since", day_name(date.fromisoformat(str(first_day)), year=True))]
    # A pupil who signed in at the desk was last seen there; the sentence says so.
    seen = facts.get("last_seen") or None
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


def _is_about_marks(incident: Incident) -> bool:
    """Whether registers show it, and not the roll, or the way to the registers or to people."""
    return family_of_incident(incident).kind in {Kind.DAY, Kind.STRIP, None}


def _evidence(incident: Incident, context: MessageContext) -> tuple[EvidenceLine, ...]:
    return tuple(
        EvidenceLine(moment(e.at, context.now) if e.at else "", e.slot, e.what)
        for e in incident.evidence
    )


def _steps(incident: Incident, reason: Reason, context: MessageContext) -> tuple[StepLine, ...]:
    if reason in _ABOUT_CHANNELS | _DECIDED:
        return ()
    if reason in ENDINGS:
        wanted = "found" if reason is Reason.FOUND and incident.told else ""
    elif reason in REMINDERS and not incident.active:
        wanted = "found"
    else:
        wanted = "opened"
    return tuple(
        _step_line(state, context)
        for state in incident.steps
        if state.after == wanted and state.done_at is None
    )


def _step_line(state: StepState, context: MessageContext) -> StepLine:
    if state.due_at is None:
        return StepLine("", state.text, state.who)
    passed = ", passed" if state.due_at < context.now else ""
    return StepLine(f"by {moment(state.due_at, context.now)}{passed}", state.text, state.who)


def _link(base: str, incident: Incident, reason: Reason) -> str:
    # The authority's people have no account with the school.
    if reason is Reason.PACKAGE_APPROVED or not base.startswith("https://"):
        return ""
    return f"{base.rstrip('/')}/incidents/{quote(incident.reference, safe='')}"


_WHY = {
    Reason.OPENED: "the alert was raised",
    Reason.LEVEL_RAISED: "the alert became more serious",
    Reason.REOPENED: "the alert was raised again",
    Reason.FOUND: "you were told of the alert, and it is over",
    Reason.EXPLAINED: "you were told of the alert, and it is over",
    Reason.CORRECTED: "you were told of the alert, and it is over",
    Reason.FEED_BACK: "you were told of the outage, and it is over",
    Reason.UNACKNOWLEDGED: "nobody has answered",
    Reason.LAPSED: "an acknowledgement was not renewed",
    Reason.UNSEEN: "nobody has answered what you were sent by another channel",
    Reason.ACK_ENDING: "an acknowledgement runs out soon",
    Reason.STEP_OVERDUE: "the time for a step has passed",
    Reason.CHANNEL_FAILED: "a channel refused a message",
    Reason.PACKAGE_READY: "a person has to approve it",
    Reason.PACKAGE_APPROVED: "the school approved this notification",
    Reason.PACKAGE_TO_UPLOAD: "nobody has written down that it was uploaded",
    Reason.PACKAGE_REJECTED: "you were asked to approve it",
    Reason.PACKAGE_EXPIRED: "nobody approved it in time",
    Reason.CHANNEL_TEST: "somebody asked for a test",
    Reason.DAEMON_STUCK: "mis-bridge itself does not work",
}


def _footer(reason: Reason) -> str:
    why = f"Sent because {_WHY.get(reason, 'the alert changed')}."
    if reason is Reason.PACKAGE_APPROVED:
        return why
    return f"{why} mis-bridge informs; people decide and call."
