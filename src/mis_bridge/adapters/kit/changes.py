"""The silver cases of data that change: rows, marks, pupils, and the days that they stand on."""

from __future__ import annotations

from typing import Final

from mis_bridge.adapters.kit import days, leavers, rows
from mis_bridge.adapters.kit.model import Case, Tier

__all__ = ["CASES"]

CASES: Final = tuple(
    Case(name, Tier.SILVER, sentence, check)
    for name, sentence, check in (
        (
            "moving-rows",
            "rows added, taken away and corrected between pages are right after the sweep",
            rows.moving_rows,
        ),
        (
            "deleted-rows",
            "a mark that is taken away in the MIS is gone after the sweep",
            rows.deleted_rows,
        ),
        ("crash", "killed between any two steps, a reading loses and doubles nothing", rows.crash),
        ("corrections", "a mark that is corrected is stored by the next poll", rows.corrections),
        (
            "late-register",
            "a register that comes late is stored by the next poll",
            rows.late_register,
        ),
        (
            "leaver",
            "a pupil who has left is off the roll, or has a last day, after the sweep",
            leavers.leaver,
        ),
        (
            "clock-change",
            "days and times are the same on both sides of the autumn clock change",
            days.clock_change,
        ),
        ("leap-day", "29 February is a day like any other", days.leap_day),
    )
)
