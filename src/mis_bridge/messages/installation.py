"""What is said of mis-bridge itself and of no incident: that it stands still."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mis_bridge.incidents.reasons import Reason
from mis_bridge.messages.content import INFORMS, Content, StepLine, Tone
from mis_bridge.messages.times import moment
from mis_bridge.triggers.model import Severity

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["compose_stuck"]


def compose_stuck(what: str, problem: str, machine: str, schools: int, now: datetime) -> Content:
    """Say that the daemon does no work, to those who can mend it.

    Args:
        what: a sentence without its full stop.
        problem: the last error that was seen, or empty; no name, no secret.
        machine: the name of the machine that it runs on.
        schools: how many schools nobody watches meanwhile.
        now: aware.
    """
    facts = (
        ("Machine", machine),
        ("Schools", str(schools)),
        ("Last error", problem.rstrip(".")),
        ("Sent", moment(now, now)),
    )
    return Content(
        reason=Reason.DAEMON_STUCK,
        reference="",
        severity=Severity.CRITICAL,
        tone=Tone.ATTENTION,
        title="mis-bridge stands still: nobody watches",
        lead=f"{what}. Until this is mended nobody is told of missing children. Where systemd runs "
        "it, it is started again by itself; if this message comes again, that did not help.",
        facts=tuple((label, value) for label, value in facts if value),
        steps=(
            StepLine("", "Run mis-bridge doctor on that machine, and do what it says.", "IT"),
            StepLine("", "Let the schools look at their registers themselves until then.", "IT"),
        ),
        footer=f"Sent because mis-bridge itself does not work. {INFORMS}",
    )
