"""Read ``authority.toml``: every mistake with its file, line and the nearest right spelling."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from mis_bridge.adapters.authority.checks import SOURCE, mistakes
from mis_bridge.adapters.authority.profile import Authority, Contact, DueDay, Route
from mis_bridge.adapters.authority.tables import AuthorityModel
from mis_bridge.errors import SettingsError
from mis_bridge.incidents.chain import ChainStep, Origin
from mis_bridge.incidents.protocol import NATIONAL, Clock, Recipient, Step
from mis_bridge.messages.form import CheckItem, Form, FormField, FormSection
from mis_bridge.messages.form_fields import FIELDS
from mis_bridge.messages.national_forms import NATIONAL_FORMS
from mis_bridge.registers.calendar import AcademicYear
from mis_bridge.settings.escalation import rules_of
from mis_bridge.settings.problems import Reader, SettingsProblems
from mis_bridge.settings.toml_lines import LineIndex
from mis_bridge.triggers import whereabouts_unknown
from mis_bridge.triggers.model import Audience

if TYPE_CHECKING:
    from pathlib import Path

    from mis_bridge.adapters.authority.tables import FieldTable, FormTable, StepTable
    from mis_bridge.incidents.chain import Rule

__all__ = ["ACK_MINUTES", "FILE", "read"]

FILE: Final = "authority.toml"
ACK_MINUTES: Final = 15
"""``incidents.ack_minutes`` where nobody has said otherwise; a test holds the two equal."""


def read(
    folder: Path, *, origin: Origin = Origin.AUTHORITY, ack_minutes: int = ACK_MINUTES
) -> Authority:
    """Read the folder of an authority.

    Args:
        folder: of ``authority.toml``.
        origin: of its rules.
        ack_minutes: after which the usual people are told again where nobody has answered.

    Raises:
        SettingsProblems: with every mistake; each names file, line and key.
    """
    file = folder / FILE
    model = _parse(file)
    return Authority(
        id=model.authority.id,
        name=model.authority.name,
        folder=folder,
        la_number=model.authority.la_number,
        url=model.authority.url,
        contacts=tuple(Contact(**contact.model_dump()) for contact in model.contact),
        cme={name: DueDay(**day) for name, day in model.cme.model_dump(exclude_none=True).items()},
        route=Route(**model.route.model_dump()),
        told={
            trigger: tuple(Audience(name) for name in names)
            for trigger, names in model.told.items()
        },
        escalation=_rules(model, origin, ack_minutes),
        escalation_sources=tuple(rule.source for rule in model.escalation),
        triggers=_thresholds(model),
        sources={
            trigger: values[SOURCE]
            for trigger, values in model.triggers.items()
            if SOURCE in values
        },
        protocols=MappingProxyType(
            dict(NATIONAL)
            | {name: tuple(map(_step, steps)) for name, steps in model.protocol.items()}
        ),
        letter=" ".join(model.letter.text.split()) if model.letter else "",
        forms=MappingProxyType(
            dict(NATIONAL_FORMS) | {kind: _form(kind, form) for kind, form in model.form.items()}
        ),
        calendar={AcademicYear(year.start): year for year in model.calendar.values()},
    )


def _parse(file: Path) -> AuthorityModel:
    try:
        text = file.read_text(encoding="utf-8")
        raw = tomllib.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "save it as UTF-8"
        raise SettingsProblems([_problem(file, f"can not be read: {why}")]) from None
    except tomllib.TOMLDecodeError as error:
        found = re.search(r" \(at line (\d+), column \d+\)$", str(error))
        problem = str(error)[: found.start()] if found else str(error)
        line = int(found[1]) if found else None
        raise SettingsProblems([_problem(file, f"this is not TOML: {problem}", line)]) from None
    reader = Reader(AuthorityModel, str(file), LineIndex(text))
    try:
        model = AuthorityModel.model_validate(raw)
    except ValidationError as error:
        problems = reader.read(error)
    else:
        problems = [reader.problem(key, text) for key, text in mistakes(model, file.parent.name)]
        if not problems:
            return model
    raise SettingsProblems(sorted(problems, key=lambda problem: problem.line or 0))


def _problem(file: Path, text: str, line: int | None = None) -> SettingsError:
    return SettingsError(text, file=str(file), line=line)


def _rules(model: AuthorityModel, origin: Origin, ack_minutes: int) -> tuple[Rule, ...]:
    rules = zip(model.escalation, rules_of(model.escalation, origin), strict=True)
    return tuple(
        replace(
            rule,
            besides=table.besides,
            steps=tuple(
                ChainStep(step.tell, place * ack_minutes) for place, step in enumerate(rule.steps)
            )
            if table.goes_along
            else rule.steps,
        )
        for table, rule in rules
    )


def _thresholds(model: AuthorityModel) -> dict[str, dict[str, Any]]:
    """Give the parameters of triggers; the days of ``[cme]`` are parameters too."""
    own = {
        trigger: {key: value for key, value in values.items() if key != SOURCE}
        for trigger, values in model.triggers.items()
    }
    days = model.cme.model_dump(exclude_none=True)
    if days:
        name = whereabouts_unknown.INFO.id
        due = {f"{what}_day": table["day"] for what, table in days.items()}
        own[name] = {**own.get(name, {}), **due}
    return own


def _step(table: StepTable) -> Step:
    return Step(
        table.id,
        table.text,
        table.who,
        table.minutes,
        table.source,
        Clock(table.after),
        table.school_days,
        tuple(Recipient(name) for name in table.tells),
    )


def _form(kind: str, table: FormTable) -> Form:
    usual = NATIONAL_FORMS[kind]
    return Form(
        kind,
        table.title or usual.title,
        usual.basis,
        tuple(
            FormSection(section.title, tuple(map(_field, section.fields)))
            for section in table.section
        )
        or usual.sections,
        tuple(CheckItem(check.id, check.text, check.source) for check in table.check),
        table.source,
    )


def _field(table: FieldTable) -> FormField:
    usual = FIELDS.get(table.key)
    return FormField(
        table.key,
        table.label or (usual.label if usual else table.key),
        table.needed or table.refused_without,
        table.hint or (usual.hint if usual else ""),
        table.refused_without,
    )
