"""Days that the calendar calls closed, and on which registers are taken.

The register is the record, the calendar a plan: such a day is read and judged like a school day,
and the wrong calendar is told by a trigger of its own (``calendar_wrong``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mis_bridge.registers.calendar import Session
from mis_bridge.triggers import calendar_wrong
from mis_bridge.triggers.catalogue import parameters

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from mis_bridge.service.schools import School
    from mis_bridge.triggers.model import PupilDay

__all__ = ["sessions_of"]


def sessions_of(school: School, day: date, pupils: Sequence[PupilDay]) -> frozenset[Session]:
    """Give the sessions that a school has on a day, by its calendar or by its registers.

    Where a register is taken on a day that is closed as a whole, the school has both.

    Args:
        school: what is configured.
        day: that day.
        pupils: everybody on roll on it.
    """
    planned = frozenset(one for one in Session if school.calendar.has_session(day, one))
    if len(planned) == len(Session):
        return planned
    values = parameters(calendar_wrong.INFO.id, school.triggers.get(calendar_wrong.INFO.id))
    marked = calendar_wrong.registered(pupils, school.calendar.pm.opens)
    found = {
        session
        for session, number in marked.items()
        if calendar_wrong.is_more_than_a_slip(number, len(pupils), values["marked_per_cent"])
    }
    return planned | (found if planned or not found else frozenset(Session))
