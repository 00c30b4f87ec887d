"""What holds in an authority, line by line, and in which lines two authorities differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mis_bridge.adapters.authority.checks import OF_CME
from mis_bridge.incidents.chain_words import criteria, whom
from mis_bridge.triggers.catalogue import TRIGGERS, parameters

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mis_bridge.adapters.authority.profile import Authority
    from mis_bridge.incidents.protocol import Step
    from mis_bridge.messages.form import Form, FormField

__all__ = ["DUE", "Difference", "asked", "differences", "lines", "own_thresholds", "within"]

DUE: Final = {
    "enquiries": "enquiries start",
    "home_visit": "the home is visited by then",
    "refer": "the authority is told by then",
}
"""What is due on a day of ``[cme]``, in words."""

_GROUPS: Final = (
    "contact",
    "cme",
    "route",
    "letter",
    "calendar",
    "told",
    "escalation",
    "triggers",
    "protocol",
    "form",
)


@dataclass(frozen=True, slots=True)
class Difference:
    """A line that two authorities do not have alike; None where one has no such line."""

    what: str
    first: str | None
    second: str | None


def differences(first: Authority, second: Authority) -> list[Difference]:
    """Say in which lines two authorities differ, in the order in which the lines are read.

    Their names and numbers are no difference, and neither is whose rule a number is.
    """
    one, other = dict(lines(first)), dict(lines(second))
    keys = [*one, *(key for key in other if key not in one)]
    return [
        Difference(key, one.get(key), other.get(key))
        for key in sorted(keys, key=_place)
        if one.get(key) != other.get(key)
    ]


def _place(key: str) -> tuple[int, str]:
    """Keep what belongs together together; within that the order of the files."""
    group, _, rest = key.partition(".")
    if group == "cme":
        return _GROUPS.index(group), str(list(DUE).index(rest))
    return _GROUPS.index(group), rest.split(".")[0] if group in {"protocol", "form"} else ""


def lines(authority: Authority) -> Iterator[tuple[str, str]]:
    """Give all that holds in an authority as (key, value in words), each key once."""
    yield from _contacts(authority)
    for name, due in authority.cme.items():
        yield f"cme.{name}", f"school day {due.day}"
    yield "route.kind", authority.route.kind
    if authority.route.portal:
        yield "route.portal", authority.route.portal
    if authority.letter:
        yield "letter", authority.letter
    for year, written in sorted(authority.calendar.items()):
        yield f"calendar.{year}", f"{written.first_day} to {written.last_day}"
        for closure in written.closures:
            last = f" to {closure.last}" if closure.last else ""
            yield f"calendar.{year}.{closure.first}", f"{closure.why}{last}"
    for place, rule in enumerate(authority.escalation, 1):
        # Which rule comes first decides, so the place is part of what holds.
        yield f"escalation.{place}", f"{criteria(rule)}: {whom(rule, None)}"
    yield from _triggers(authority)
    for protocol, steps in authority.protocols.items():
        yield f"protocol.{protocol}", ", ".join(step.id for step in steps)
        for step in steps:
            yield f"protocol.{protocol}.{step.id}", _step(step)
    for kind, form in authority.forms.items():
        yield from _form(kind, form)


def _contacts(authority: Authority) -> Iterator[tuple[str, str]]:
    for number, contact in enumerate(authority.contacts, 1):
        reach = ", ".join(part for part in (contact.telephone, contact.email) if part)
        yield (
            f"contact.{contact.role}" + (f".{number}" if _again(authority, number) else ""),
            f"{contact.name}: {reach or 'telephone and mail address not known'}",
        )


def _triggers(authority: Authority) -> Iterator[tuple[str, str]]:
    for trigger in TRIGGERS:
        told = authority.told.get(trigger, TRIGGERS[trigger].INFO.audience)
        yield f"told.{trigger}", ", ".join(told)
        for name, value in parameters(trigger, authority.triggers.get(trigger, {})).items():
            if (trigger, name) not in OF_CME:
                yield f"triggers.{trigger}.{name}", _plain(value)


def _again(authority: Authority, number: int) -> bool:
    role = authority.contacts[number - 1].role
    return role in {contact.role for contact in authority.contacts[: number - 1]}


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def within(step: Step) -> str:
    """Say a step's deadline in words; empty where it has none."""
    if step.school_days is not None:
        span = f"{step.school_days} school day{'s'[: step.school_days != 1]}"
    elif step.minutes is None:
        return ""
    else:
        hours, minutes = divmod(step.minutes, 60)
        span = f"{hours} h" if hours and not minutes else f"{step.minutes} min"
    return f"{span} after the return" if step.after == "found" else span


def _step(step: Step) -> str:
    tells = ", ".join(name.replace("_", " ") for name in step.tells)
    notes = (step.who, within(step), f"tells {tells}" if tells else "")
    return f"{step.text} ({'; '.join(note for note in notes if note)})"


def _form(kind: str, form: Form) -> Iterator[tuple[str, str]]:
    yield f"form.{kind}", form.title
    yield f"form.{kind}.sections", "; ".join(section.title for section in form.sections)
    for field in form.fields:
        yield f"form.{kind}.{field.key}", f"{asked(field)}: {field.label}"
    for check in form.checklist:
        yield f"form.{kind}.check.{check.id}", check.text


def asked(field: FormField) -> str:
    """Say how strictly a field is asked for."""
    if field.refused_without:
        return "refused without"
    return "needed" if field.needed else "asked"


def own_thresholds(authority: Authority) -> list[dict[str, str]]:
    """List the parameters that an authority sets to another value than is usual."""
    return [
        {
            "trigger": trigger,
            "parameter": name,
            "value": _plain(value),
            "usual": _plain(usual[name]),
            "source": authority.sources.get(trigger, ""),
        }
        for trigger, values in authority.triggers.items()
        if (usual := parameters(trigger))
        for name, value in parameters(trigger, values).items()
        if value != usual[name] and (trigger, name) not in OF_CME
    ]
