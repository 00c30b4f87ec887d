"""Several incidents in one message: what and how many first, then the list.

Written from what each of them would have said alone, so that a bundle discloses nothing more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from mis_bridge.incidents.families import MISSING, ONE_REGISTER, family_of_incident
from mis_bridge.incidents.reasons import ASKS, REMINDERS, Reason
from mis_bridge.incidents.timing import is_urgent
from mis_bridge.messages.compose import compose, to_answer
from mis_bridge.messages.content import INFORMS, Content, Group, Line, Tone
from mis_bridge.messages.model import Disclosure
from mis_bridge.messages.pupil_label import pupil_label
from mis_bridge.messages.times import day_name
from mis_bridge.triggers.model import Kind, Severity

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from mis_bridge.incidents.model import Incident
    from mis_bridge.messages.model import MessageContext

__all__ = ["Item", "compose_bundle"]

_TONES: Final = (Tone.ATTENTION, Tone.WARNING, Tone.CALM, Tone.GOOD)
_MOST_COUNTED: Final = 6

_TITLES: Final = {
    Reason.DIGEST: "Daily summary: {}, none of them urgent",
    Reason.QUIET_HOURS: "Since yesterday evening: {}",
    Reason.SCHOOL_CLOSED: "While the school was closed: {}",
    Reason.SILENCED: "After a silence: {}",
    Reason.LIMITED: "Summary of many alerts: {}",
}
_LEADS: Final = {
    Reason.LIMITED: "There are so many alerts now that they come together; none is left out.",
}
_FOOTERS: Final = {
    Reason.DIGEST: "Sent at its fixed time, because none of it is urgent.",
    Reason.QUIET_HOURS: "Held back during the quiet hours; what is urgent is never held.",
    Reason.SCHOOL_CLOSED: "Held back while the school was closed; what is urgent is never held.",
    Reason.SILENCED: "Held back by a silence that has ended.",
    Reason.LIMITED: "Sent as one because this channel had more messages than its limit an hour.",
}
_TOGETHER: Final = "Sent together because they have the same cause."


@dataclass(frozen=True, slots=True)
class Item:
    """One incident in a bundle.

    Args:
        incident: as it stands now.
        reason: why people are told of it.
        context: as for a message of its own.
    """

    incident: Incident
    reason: Reason
    context: MessageContext


def compose_bundle(items: Sequence[Item], why: Reason | None) -> Content:
    """Say of several incidents what there is to say, the most urgent kind first.

    Args:
        items: two or more, of one school, for one channel; what is left to do of an incident is
            not said beside an alert of it, which lists that too.
        why: of ``reasons.WAITS``: why they come together; None or ``GROUPED``: the same cause.
    """
    items = _without_repeats(items)
    if len(items) == 1:
        return compose(items[0].incident, items[0].reason, items[0].context)
    said = [(item, compose(item.incident, item.reason, item.context)) for item in items]
    said.sort(key=lambda one: _place(one[0]))
    by_title: dict[str, list[tuple[Item, Content]]] = {}
    for item, content in said:
        by_title.setdefault(content.title, []).append((item, content))
    groups = tuple(_group(title, ones) for title, ones in by_title.items())
    mixed = len(groups) > 1
    first, context = said[0][1], said[0][0].context
    return Content(
        reason=first.reason,
        reference=first.reference,
        severity=first.severity,
        tone=min((content.tone for _, content in said), key=_TONES.index),
        title=_title([item for item, _ in said], groups, why),
        lead=_lead(said, groups, why),
        facts=(
            ("School", context.school_name),
            *(row for row in first.facts if row[0] == "Registers"),
        ),
        # What all of them are stands in the title.
        groups=groups if mixed else (replace(groups[0], title=""),),
        steps_title=f"{first.steps_title}, for each",
        steps=() if mixed else first.steps,
        footer=" ".join(
            part
            for part in (
                _FOOTERS.get(why, _TOGETHER) if why else _TOGETHER,
                to_answer([(item.incident, item.reason) for item in items], context.now),
                INFORMS,
            )
            if part
        ),
        references=tuple(dict.fromkeys(content.reference for _, content in said)),
        left_out=f"mis-bridge incidents list --school {said[0][0].incident.school}",
    )


def _title(items: Sequence[Item], groups: tuple[Group, ...], why: Reason | None) -> str:
    """Name what is most urgent, and how many; what kind of list it is where no child is missing."""
    first = groups[0]
    named = f"{_flat(first.title)}: {first.counted}"
    if len(groups) == 1:
        return named
    is_missing = items[0].incident.family == MISSING.id and items[0].reason in ASKS
    if why in _TITLES and not is_missing:
        return _TITLES[why].format(_count([item.incident for item in items]))
    return f"{named}, and {len(items) - len(first.lines)} more"


def _without_repeats(items: Sequence[Item]) -> Sequence[Item]:
    alerted = {item.incident.id for item in items if item.reason in ASKS}
    return [one for one in items if one.reason not in REMINDERS or one.incident.id not in alerted]


def _place(item: Item) -> tuple[bool, int, datetime]:
    """What cannot wait comes first, then by severity, then what is older."""
    incident = item.incident
    severity = list(Severity).index(incident.severity)
    return not is_urgent(incident, item.reason), severity, incident.opened_at


def _group(title: str, said: list[tuple[Item, Content]]) -> Group:
    texts = {_text(item, content) for item, content in said}
    shared = texts.pop() if len(texts) == 1 else ""
    return Group(
        title,
        _count([item.incident for item, _ in said]),
        "" if _is_private(said[0][0]) else shared,
        tuple(
            Line(
                pupil_label(item.context.identity, item.context.disclosure)
                if item.incident.pupil
                else "",
                content.reference,
                "" if shared or _is_private(item) else _text(item, content),
                content.link,
            )
            for item, content in said
        ),
    )


def _text(item: Item, content: Content) -> str:
    return content.lead if item.context.detail else item.incident.ending or item.incident.sentence


def _is_private(item: Item) -> bool:
    return bool(item.incident.pupil) and item.context.disclosure is Disclosure.REFERENCE


def _count(incidents: list[Incident]) -> str:
    pupils = {incident.pupil for incident in incidents}
    if "" not in pupils and len(pupils) == len(incidents):
        return f"{len(pupils)} pupils" if len(pupils) > 1 else "1 pupil"
    if all(incident.trigger in ONE_REGISTER for incident in incidents):
        return f"{len(incidents)} registers" if len(incidents) > 1 else "1 register"
    return f"{len(incidents)} alerts" if len(incidents) > 1 else "1 alert"


def _lead(said: list[tuple[Item, Content]], groups: tuple[Group, ...], why: Reason | None) -> str:
    parts = [_LEADS[why]] if why in _LEADS else []
    if len(groups) > 1:
        counts = [f"{_flat(group.title)}: {group.counted}" for group in groups[:_MOST_COUNTED]]
        if more := len(groups) - _MOST_COUNTED:
            counts += [f"and {more} more kinds"] if more > 0 else []
        parts.append("; ".join(counts) + ".")
    else:
        where = {_where(item.incident) for item, _ in said}
        parts += [one for one in where if one and len(where) == 1]
        parts.append("Each has a reference of its own.")
    return " ".join(parts)


def _where(incident: Incident) -> str:
    """Name the register that all of it is about, where it is about one."""
    if family_of_incident(incident).kind is not Kind.DAY:
        return ""
    day = day_name(incident.day)
    return f"{incident.slot}, {day}." if incident.slot else f"{day}."


def _flat(title: str) -> str:
    """Leave the colon to what follows."""
    return title.replace(": ", ", ")
