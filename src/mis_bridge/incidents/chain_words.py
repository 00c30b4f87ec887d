"""Rules and chains in words, for the history, the command line and whoever asks why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mis_bridge.incidents.chain import Staff, next_step, present
from mis_bridge.incidents.model import State
from mis_bridge.incidents.reasons import Reason
from mis_bridge.registers.calendar import local_minute
from mis_bridge.triggers.model import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from mis_bridge.incidents.chain import ChainStep, Rule
    from mis_bridge.incidents.choosing import Chosen
    from mis_bridge.incidents.model import Incident

__all__ = ["course", "criteria", "listed", "passed_over", "told_by", "who_is_next", "whom"]

_DAYS: Final = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")
_WHOLE_DAY: Final = (0, 24 * 60)


def listed(names: Iterable[str], staff: Staff | None) -> str:
    """Return duties and people as words: ``DSL, deputy and head of year 8``."""
    words = [(staff or Staff()).called(name) for name in names]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def course(steps: Iterable[ChainStep], staff: Staff | None) -> str:
    """Return steps as words: ``DSL at once, then deputy after 10 minutes``."""
    return ", then ".join(
        f"{listed(step.tell, staff)} {f'after {step.after} minutes' if step.after else 'at once'}"
        for step in steps
    )


def whom(rule: Rule, staff: Staff | None) -> str:
    """Return whom a rule tells and when: its course, and whether that is besides the usual."""
    return f"{course(rule.steps, staff)}{', besides the usual' if rule.besides else ''}"


def criteria(rule: Rule) -> str:
    """Return for which alerts a rule is meant."""
    hours = "-".join(f"{minute // 60:02d}:{minute % 60:02d}" for minute in rule.hours)
    parts = [
        ", ".join(sorted(rule.triggers)),
        f"severity {rule.severity} and above" if rule.severity is not Severity.LOW else "",
        f"level {rule.level} and above" if rule.level > 1 else "",
        f"pupils with {' or '.join(sorted(rule.flags))}" if rule.flags else "",
        f"Year {', '.join(map(str, sorted(rule.year_groups)))}" if rule.year_groups else "",
        hours if rule.hours != _WHOLE_DAY else "",
        ", ".join(_DAYS[day] for day in sorted(rule.weekdays)),
        {None: "", True: "in term", False: "in the holidays"}[rule.term],
    ]
    return "; ".join(part for part in parts if part) or "every alert"


def passed_over(name: str, why_not: Reason, staff: Staff | None) -> str:
    """Return why a duty or a person is not told: ``nobody is deputy``."""
    called = listed([name], staff)
    if why_not is not Reason.HAS_LEFT:
        return f"nobody is {called}"
    return f"{called} has left" if staff and name in staff.names else f"who was {called} has left"


def told_by(chosen: Chosen, staff: Staff | None) -> str:
    """Return by which rule people are told, and who can not be told; empty for the usual."""
    lines = [
        f"{passed_over(name, why_not, staff)}: passed over."
        for name, why_not in chosen.passed_over.items()
    ]
    if chosen.chain:
        lines.append(f"told by the rule {chosen.chain.rule}: {course(chosen.chain.steps, staff)}.")
    elif lines:
        if chosen.rule:
            lines.append(f"the rule {chosen.rule.name} leads to nobody.")
        lines.append(f"told instead: {listed(chosen.audience, staff)}.")
    return " ".join(line[:1].upper() + line[1:] for line in lines)


def who_is_next(incident: Incident, staff: Staff | None, now: datetime) -> str:
    """Return whom an incident tells next; empty where nobody is, as long as nothing happens."""
    if incident.state is not State.OPEN or incident.escalate_at is None:
        return ""
    today, _ = local_minute(now)
    step = next_step(incident.chain, incident.escalations, staff, today)
    if step:
        return listed(step[1], staff)
    return f"{listed(present(incident.told, staff, today), staff)}, by the next channel"
