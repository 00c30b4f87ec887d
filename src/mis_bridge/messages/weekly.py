"""The week's check of a channel: a card that says how much went there, and that it still works.

It holds counts and no pupil. Its absence says more than its presence, and it says so itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mis_bridge.incidents.reasons import Reason
from mis_bridge.messages.content import Content, Tone
from mis_bridge.messages.times import day_name, moment
from mis_bridge.registers.calendar import LONDON
from mis_bridge.triggers.model import Severity

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["Week", "compose_week"]


@dataclass(frozen=True, slots=True)
class Week:
    """What is said of a channel's last seven days.

    Args:
        now: when it is written, aware.
        since: from when the alerts are counted, aware.
        alerts: incidents that this channel was told of since then.
        unanswered: incidents that it was told of at any time, that are open, and that nobody has
            said to see to.
        schools: names of the schools that tell their people by this channel.
        unread: how many of them can not be read now, or were never read.
        read_at: when the others were all read last, the oldest of them, aware; None: none was.
        link: https address of the web pages, or empty.
    """

    now: datetime
    since: datetime
    alerts: int
    unanswered: int
    schools: tuple[str, ...]
    unread: int
    read_at: datetime | None
    link: str = ""


def compose_week(week: Week) -> Content:
    """Say how a channel's week was, and what it means where this card is missing."""
    title = "Weekly check: this channel works"
    if week.unanswered:
        title = f"Weekly check: {_alerts(week.unanswered)} nobody has answered"
    since = day_name(week.since.astimezone(LONDON).date())
    several = len(week.schools) > 1
    facts = (
        ("Schools" if several else "School", _schools(week.schools)),
        ("Told here", f"{_alerts(week.alerts)} since {since}"),
        ("Unanswered", str(week.unanswered) if week.unanswered else "none"),
        ("Registers", _registers(week, several=several)),
        ("Sent", moment(week.now, week.now)),
    )
    return Content(
        reason=Reason.WEEKLY_CHECK,
        reference="",
        severity=Severity.LOW,
        tone=Tone.WARNING if week.unanswered or week.unread else Tone.GOOD,
        title=title,
        lead="This card comes every Monday, in the holidays too. If it is missing one Monday, "
        "alerts do not arrive here either: tell your IT.",
        facts=tuple((label, value) for label, value in facts if value),
        link=week.link if week.link.startswith("https://") else "",
    )


def _alerts(count: int) -> str:
    return "1 alert" if count == 1 else f"{count or 'no'} alerts"


def _schools(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else str(len(names) or "")


def _registers(week: Week, *, several: bool) -> str:
    read = f"read at {moment(week.read_at, week.now)}" if week.read_at else ""
    if not several:
        return "can not be read now" if week.unread else f"last {read}" if read else ""
    if week.unread:
        said = f"{week.unread} of {len(week.schools)} schools can not be read now"
        return f"{said}; the others {read} or later" if read else said
    return f"all {read} or later" if read else ""
