"""What can be configured about who is told in which order: the rules of escalation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from mis_bridge.incidents.chain import ChainStep, Origin, Rule
from mis_bridge.settings.fields import OneLine, Section, SeverityName, TimeSpan
from mis_bridge.triggers.model import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["EscalationSettings", "EscalationStep", "check_order", "rules_of"]

FlagName = Literal["lac", "cp", "cin", "ehcp", "sen", "send_risk", "yot", "missing_before"]
DayName = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

_DAYS: Final[Sequence[str]] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FILES: Final = {
    Origin.SCHOOL: "the school's file",
    Origin.INSTALLATION: "config.toml",
    Origin.AUTHORITY: "the authority",
    Origin.NATIONAL: "the national file",
}


class EscalationStep(Section):
    """Who is told at one moment of an escalation."""

    tell: list[str] = Field(
        min_length=1,
        description="Duties of `[routes]`, or ids of people; `head_of_year` is the head of the "
        "pupil's own year where there is one.",
    )
    after_minutes: int = Field(
        default=0,
        ge=0,
        le=1440,
        description="Minutes after the alert was raised, if nobody has acknowledged it by then.",
    )


class EscalationSettings(Section):
    """A rule that says who is told at once, who next and when; the first that fits is used."""

    name: OneLine = Field(
        default="", description="What the history calls it; empty: the number of the rule."
    )
    triggers: list[str] = Field(
        default_factory=list, description="Ids of triggers; empty: all of them."
    )
    severity: SeverityName = Field(
        default="low", description="For alerts of this severity and above."
    )
    level: int = Field(default=1, ge=1, le=3, description="For alerts of this level and above.")
    flags: list[FlagName] = Field(
        default_factory=list, description="The pupil has one of these flags; empty: every pupil."
    )
    year_groups: list[Annotated[int, Field(ge=-3, le=14)]] = Field(
        default_factory=list,
        description="The pupil is in one of these years, 0 for Reception; empty: every pupil.",
    )
    hours: TimeSpan | None = Field(
        default=None, description='Raised in these hours, `"08:30-15:30"`; unset: at any time.'
    )
    days: list[DayName] = Field(
        default_factory=list, description="Raised on one of these days; empty: every day."
    )
    term: bool | None = Field(
        default=None,
        description="true: raised in a week with school; false: raised in the holidays; unset: "
        "always.",
    )
    steps: list[EscalationStep] = Field(
        min_length=1, description="Who is told, in order of time; the first at once."
    )

    @model_validator(mode="after")
    def _in_order(self) -> EscalationSettings:
        check_order(self.steps)
        return self


def check_order(steps: Sequence[EscalationStep]) -> None:
    """Refuse steps that are not told one after the other, the first at once.

    Raises:
        PydanticCustomError: says what to write.
    """
    if steps[0].after_minutes:
        raise PydanticCustomError(
            "order", "the first step is told at once: write it without after_minutes"
        )
    minutes = [step.after_minutes for step in steps]
    if minutes != sorted(set(minutes)):
        raise PydanticCustomError(
            "order", "write the steps in the order of time, each later than the one before"
        )


def rules_of(tables: Iterable[EscalationSettings], origin: Origin) -> list[Rule]:
    """Give the rules of one file as the incidents use them, in their order."""
    return [
        Rule(
            name=table.name or f"{place} of {_FILES[origin]}",
            steps=tuple(ChainStep(tuple(step.tell), step.after_minutes) for step in table.steps),
            origin=origin,
            place=place - 1,
            triggers=frozenset(table.triggers),
            severity=Severity(table.severity),
            level=table.level,
            flags=frozenset(table.flags),
            year_groups=frozenset(table.year_groups),
            hours=table.hours or (0, 24 * 60),
            weekdays=frozenset(map(_DAYS.index, table.days)),
            term=table.term,
        )
        for place, table in enumerate(tables, 1)
    ]
