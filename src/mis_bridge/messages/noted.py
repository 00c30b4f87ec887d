"""What people noted of a pupil, beside an alert: kind and date, never a word that they wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mis_bridge.messages.model import Disclosure
from mis_bridge.messages.times import day_name
from mis_bridge.registers.calendar import LONDON

if TYPE_CHECKING:
    from mis_bridge.messages.model import MessageContext

__all__ = ["noted_before"]

_SHOWN: Final = 3


def noted_before(context: MessageContext) -> str:
    """Return ``12 Nov: new belongings; 3 Nov: tired``, by reference only how many, or nothing."""
    count = len(context.noted)
    if not count:
        return ""
    if context.disclosure is Disclosure.REFERENCE:
        return "1 note on the pupil" if count == 1 else f"{count} notes on the pupil"
    this_year = context.now.astimezone(LONDON).year
    lines = [
        f"{day_name(one.day, year=one.day.year != this_year)}: {one.kind}"
        for one in context.noted[:_SHOWN]
    ]
    if count > _SHOWN:
        lines.append(f"and {count - _SHOWN} more")
    return "; ".join(lines)
