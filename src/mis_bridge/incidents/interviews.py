"""The talk with a child who is back: whether it took place, what pushed and what pulled the child.

Source: Children who run away or go missing from home or care (DfE, statutory guidance, January
2014): every child who returns is offered an independent interview within 72 hours. It is the
authority's duty; a school checks that it is offered, and often hears first what happened.
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from mis_bridge.errors import IncidentError
from mis_bridge.incidents.model import Interview
from mis_bridge.incidents.said import worded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mis_bridge.incidents.model import StepState

__all__ = ["OUTCOME_WORDS", "TALKS", "InterviewOutcome", "interview_of", "may_be_told_again"]

TALKS: Final = frozenset({"talk_on_return", "return_interview"})
"""The steps that are a talk with the child: only these take what came of it."""


class InterviewOutcome(StrEnum):
    """What came of the offer of a talk."""

    OFFERED = "offered"
    HELD = "held"
    DECLINED = "declined"
    NOT_REACHED = "not_reached"
    NOT_NEEDED = "not_needed"


OUTCOME_WORDS: Mapping[str, str] = MappingProxyType(
    {
        InterviewOutcome.OFFERED: "offered, not held yet",
        InterviewOutcome.HELD: "held",
        InterviewOutcome.DECLINED: "offered and declined",
        InterviewOutcome.NOT_REACHED: "the child or family could not be reached",
        InterviewOutcome.NOT_NEEDED: "not needed: the child had not left the site",
    }
)
"""How each outcome is said to people."""


def interview_of(
    step: StepState, outcome: str = "", pushed: str = "", pulled: str = ""
) -> Interview | None:
    """Return what came of a talk; None where nothing was said of one.

    Args:
        step: the step that it belongs to.
        outcome: a value of ``InterviewOutcome``, or empty.
        pushed: what drove the child away, as the person wrote it.
        pulled: what drew the child there, likewise.

    Raises:
        IncidentError: the step is no talk, the outcome is none, it is missing, or a text is too
            long; the message says which.
    """
    pushed = worded(pushed, "what pushed the child")
    pulled = worded(pulled, "what pulled the child")
    if not (outcome or pushed or pulled):
        return None
    if step.id not in TALKS:
        raise IncidentError(
            f"step {step.id!r} is no talk with the child: an outcome, and what pushed or pulled "
            f"the child, belong to {' or '.join(sorted(TALKS))}"
        )
    if not outcome:
        raise IncidentError(
            f"say what came of the talk: an outcome of {', '.join(InterviewOutcome)}"
        )
    if outcome not in set(InterviewOutcome):
        raise IncidentError(
            f"{outcome!r} is no outcome of a talk; choose of {', '.join(InterviewOutcome)}"
        )
    if outcome != InterviewOutcome.HELD and (pushed or pulled):
        raise IncidentError(
            "what pushed and what pulled the child comes from a talk that was held; what somebody "
            "else says of it is a note"
        )
    return Interview(InterviewOutcome(outcome).value, pushed, pulled)


def may_be_told_again(step: StepState) -> bool:
    """Whether a step that is done waits for what came of it: a talk offered is not yet held."""
    waits = {InterviewOutcome.OFFERED, InterviewOutcome.NOT_REACHED}
    return step.interview is not None and step.interview.outcome in waits
