"""What holds in one Local Authority."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mis_bridge.messages.national_forms import NATIONAL_FORMS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mis_bridge.incidents.chain import Rule
    from mis_bridge.incidents.protocol import Step
    from mis_bridge.messages.form import Form
    from mis_bridge.registers.calendar import AcademicYear
    from mis_bridge.settings.calendar import YearSettings
    from mis_bridge.triggers.model import Audience

__all__ = ["Authority", "Contact", "DueDay", "Route"]


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom to reach at the authority; empty where it was not public."""

    role: str
    name: str
    telephone: str
    email: str
    source: str


@dataclass(frozen=True, slots=True)
class DueDay:
    """What is due on a school day of an absence with whereabouts unknown, from 1."""

    day: int
    source: str


@dataclass(frozen=True, slots=True)
class Route:
    """How the authority wants to be told.

    Args:
        kind: ``assisted``, ``secure_mail``, ``sftp`` or ``https``.
        portal: page with its form, or empty.
        source: where this stands.
    """

    kind: str = "assisted"
    portal: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Authority:
    """What holds in one Local Authority.

    Args:
        id: name of its folder.
        name: as people call it.
        folder: where it was read.
        la_number: its DfE number, or empty.
        url: page where its rules stand, or empty.
        contacts: whom to reach there.
        cme: of ``enquiries``, ``home_visit``, ``refer``: the day, as far as it sets one.
        route: how it wants to be told.
        told: trigger id to who in the school is told, where that differs.
        escalation: who in the school is told in which order, where the school has no rule; its own
            rules, then the national ones.
        escalation_sources: whose each of those rules is.
        triggers: parameters by trigger id.
        sources: whose rule the parameters of a trigger are, by trigger id.
        protocols: steps by protocol id, the national ones filling the gaps.
        letter: what the message says that carries a package there, or empty for the usual words.
        forms: by kind, the national ones filling the gaps.
        calendar: term dates by academic year, for the schools that go by the authority's.
    """

    id: str
    name: str
    folder: Path
    la_number: str = ""
    url: str = ""
    contacts: tuple[Contact, ...] = ()
    cme: Mapping[str, DueDay] = field(default_factory=dict)
    route: Route = Route()
    told: Mapping[str, tuple[Audience, ...]] = field(default_factory=dict)
    escalation: tuple[Rule, ...] = ()
    escalation_sources: tuple[str, ...] = ()
    triggers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    protocols: Mapping[str, tuple[Step, ...]] = field(default_factory=dict)
    letter: str = ""
    forms: Mapping[str, Form] = field(default_factory=dict)
    calendar: Mapping[AcademicYear, YearSettings] = field(default_factory=dict)

    @property
    def own_forms(self) -> Mapping[str, Form]:
        """Its forms that are not the national ones; without one a package is made as usual."""
        return {kind: form for kind, form in self.forms.items() if form != NATIONAL_FORMS.get(kind)}
