"""What no single table of ``authority.toml`` can know: names and days that do not fit."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from mis_bridge.adapters.vocabulary import placeholders
from mis_bridge.incidents.protocol import NATIONAL
from mis_bridge.messages.form import OWN
from mis_bridge.messages.form_fields import FIELDS
from mis_bridge.messages.national_forms import NATIONAL_FORMS
from mis_bridge.messages.package_words import LETTER_WORDS
from mis_bridge.registers.calendar import AcademicYear
from mis_bridge.settings.problems import nearest
from mis_bridge.settings.route_checks import rule_problems
from mis_bridge.triggers import whereabouts_unknown
from mis_bridge.triggers.catalogue import TRIGGERS, parameters

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mis_bridge.adapters.authority.tables import AuthorityModel, FormTable

__all__ = ["LAWFUL", "OF_CME", "SOURCE", "Mistake", "mistakes"]

Mistake = tuple[tuple[str | int, ...], str]
"""(key from the root, problem)."""

SOURCE: Final = "source"
"""Beside the parameters of a trigger: whose rule they are."""

OF_CME: Final = {
    (whereabouts_unknown.INFO.id, f"{due}_day"): due for due in ("enquiries", "home_visit", "refer")
}
"""Parameters that an authority sets in ``[cme]``, with the source of each day: the table there."""

LAWFUL: Final = {
    "attendance_return": (
        "pupil.surname",
        "pupil.forenames",
        "pupil.address",
        "absence.cause",
    )
}
"""What a form asks for whatever the authority: full name, address and, if known, the cause
(attendance return, SI 2024/208, regulation 13, in the wording of SI 2006/1751, regulation 12)."""


def mistakes(model: AuthorityModel, folder: str) -> Iterator[Mistake]:
    """Find what no single table can know.

    Args:
        model: the file.
        folder: name of the folder that it stands in.
    """
    if model.authority.id != folder:
        yield ("authority", "id"), f'write id = "{folder}", the name of its folder'
    yield from _day_mistakes(model)
    yield from _year_mistakes(model)
    yield from _told_mistakes(model)
    yield from _trigger_mistakes(model)
    for protocol, steps in model.protocol.items():
        here = ("protocol", protocol)
        if protocol not in NATIONAL:
            yield here, _no_such("protocol", protocol, NATIONAL)
        yield from _twice((*here,), [step.id for step in steps], "step", "id")
        for place, step in enumerate(steps):
            if step.minutes is not None and step.school_days is not None:
                yield (*here, place), "a step has one deadline: write minutes or school_days"
    yield from _letter_mistakes(model)
    for kind, form in model.form.items():
        if kind not in NATIONAL_FORMS:
            yield ("form", kind), _no_such("form", kind, NATIONAL_FORMS)
        else:
            yield from _form_mistakes(kind, form)


def _no_such(what: str, name: str, known: Iterable[str]) -> str:
    return f'there is no {what} "{name}": {nearest(name, known)}'


def _twice(here: tuple[str, ...], ids: list[str], what: str, key: str) -> Iterator[Mistake]:
    counts = Counter(ids)
    for place, name in enumerate(ids):
        if counts[name] > 1 and name in ids[:place]:
            yield (*here, place, key), f'there is a {what} "{name}" already: give it another id'


def _told_mistakes(model: AuthorityModel) -> Iterator[Mistake]:
    for trigger in model.told:
        if trigger not in TRIGGERS:
            yield ("told", trigger), _no_such("trigger", trigger, TRIGGERS)
    for place, rule in enumerate(model.escalation):
        for path, text in rule_problems(rule.model_dump(), {}):
            yield ("escalation", place, *path), text


def _day_mistakes(model: AuthorityModel) -> Iterator[Mistake]:
    names = ("enquiries", "home_visit", "refer")
    days = [(name, table.day) for name in names if (table := getattr(model.cme, name))]
    for (earlier, first), (later, second) in pairwise(days):
        if second < first:
            yield (
                ("cme", later, "day"),
                f"{later} is due on day {second}, before {earlier} on day {first}",
            )


def _year_mistakes(model: AuthorityModel) -> Iterator[Mistake]:
    for name, written in model.calendar.items():
        year = AcademicYear(written.start)
        if name == str(year):
            continue
        if re.fullmatch(r"\d{4}/\d{2}", name):
            yield ("calendar", name, "first_day"), f"this day is in {year}"
        else:
            yield ("calendar", name), f'write a school year in quotes: [calendar."{year}"]'


def _trigger_mistakes(model: AuthorityModel) -> Iterator[Mistake]:
    for trigger, values in model.triggers.items():
        here = ("triggers", trigger)
        if trigger not in TRIGGERS:
            yield here, _no_such("trigger", trigger, TRIGGERS)
            continue
        for key, value in values.items():
            if key == SOURCE:
                if not isinstance(value, str) or not value:
                    yield (*here, key), "write in quotes whose rule it is"
                continue
            if (trigger, key) in OF_CME:
                due = OF_CME[trigger, key]
                yield (*here, key), f"write it as [cme.{due}], with day and source"
                continue
            try:
                parameters(trigger, {key: value})
            except ValueError as error:
                yield (*here, key), str(error)


def _letter_mistakes(model: AuthorityModel) -> Iterator[Mistake]:
    here = ("letter", "text")
    try:
        names = placeholders(model.letter.text) if model.letter else []
    except ValueError:
        yield here, "a brace is meant for a placeholder: write {school}, not { or }"
        return
    for name in names:
        if name not in LETTER_WORDS:
            yield here, f"{{{name}}} can not be put in: {nearest(name, LETTER_WORDS)}"


def _form_mistakes(kind: str, form: FormTable) -> Iterator[Mistake]:
    here = ("form", kind)
    seen: set[str] = set()
    for number, section in enumerate(form.section):
        for place, field in enumerate(section.fields):
            at = (*here, "section", number, "fields", place)
            if field.key in seen:
                yield (*at, "key"), f'"{field.key}" is asked for already'
            seen.add(field.key)
            if field.key.startswith(OWN):
                if not field.label:
                    yield (*at, "label"), "a field of your own needs a label: the words of the form"
            elif field.key not in FIELDS:
                yield (
                    (*at, "key"),
                    f'there is no field "{field.key}": {_advice(field.key)}',
                )
    if form.section:
        for key in LAWFUL.get(kind, ()):
            if key not in seen:
                yield (
                    (*here, "section"),
                    f'"{key}" is not asked for: SI 2024/208, regulation 13, wants it; add it',
                )
    yield from _twice((*here, "check"), [check.id for check in form.check], "check", "id")


def _advice(key: str) -> str:
    close = nearest(key, FIELDS)
    if close.startswith("did"):
        return close
    return f"docs/reference/authority-file.md lists them, or write {OWN}NAME with a label"
