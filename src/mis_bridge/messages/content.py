"""What a message says, in the order in which it says it, before it becomes a card or a mail."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mis_bridge.incidents.reasons import Reason
    from mis_bridge.triggers.model import Severity

__all__ = ["INFORMS", "Content", "EvidenceLine", "Group", "Line", "StepLine", "Tone"]

INFORMS: Final = "mis-bridge informs; people decide and call."
"""At the foot of messages to the school's people."""


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
