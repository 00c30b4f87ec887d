"""One incident and one context for the tests of messages."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from mis_bridge.incidents.model import Incident, State, StepState
from mis_bridge.messages.model import Disclosure, MessageContext, PupilIdentity
from mis_bridge.registers.calendar import LONDON
from mis_bridge.triggers.model import Audience, Evidence, Severity

_OPENED = datetime(2026, 11, 12, 10, 12, tzinfo=LONDON)


@pytest.fixture
def missing() -> Incident:
    """A pupil missing since the second lesson, level 2."""
    return Incident(
        id="ab" * 32,
        reference="MB-0VQ2-9GK2",
        school="hilltop",
        pupil="pupil-4711",
        family="missing_during_day",
        key="2026-11-12/P2",
        state=State.OPEN,
        level=2,
        trigger="missing_during_day",
        severity=Severity.CRITICAL,
        audience=(Audience.DSL,),
        told=(Audience.DSL,),
        opened_at=_OPENED,
        updated_at=_OPENED,
        revision=1,
        day=date(2026, 11, 12),
        slot="P2",
        sentence="In school at P1, marked absent in P2 (10:02). Not signed out.",
        evidence=(
            Evidence(_OPENED - timedelta(minutes=72), "P1", "present"),
            Evidence(_OPENED - timedelta(minutes=10), "P2", "marked N"),
        ),
        ending="Seen again at 11:18 in P3.",
        steps=(
            StepState("search_site", "Search the site.", "staff", _OPENED + timedelta(minutes=10)),
            StepState("talk", "Talk with the pupil.", "DSL", None, after="found"),
        ),
    )


@pytest.fixture
def context() -> MessageContext:
    """Written a minute after opening, the registers a minute old, initials only."""
    return MessageContext(
        school_name="Hilltop Invented School",
        disclosure=Disclosure.INITIALS,
        identity=PupilIdentity("pupil-4711", "Testpupil", "Ada", "8B", 8),
        link_base="https://bridge.school.example/",
        now=_OPENED + timedelta(minutes=1),
        data_as_of=_OPENED,
        authority_name="Invented Council",
    )
