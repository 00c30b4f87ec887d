"""A run of whole days of absence that goes on at the end of a day."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mis_bridge.registers.codes import NOT_TAKEN, OUTSIDE_BYTES
from mis_bridge.registers.runs import continuous_runs
from mis_bridge.triggers.evidence import listed
from mis_bridge.triggers.year_walk import day_words, slots_up_to

if TYPE_CHECKING:
    from mis_bridge.registers.runs import Run
    from mis_bridge.triggers.year_look import YearLook

__all__ = ["in_a_row", "open_run", "uncertain"]


def open_run(look: YearLook, codes: bytes, days: int) -> Run | None:
    """Give the run of so many school days or more with these codes that goes on, or None.

    It may have begun before the summer; one that was complete by then is last year's.

    Args:
        look: the pupil's year, without the days outside compulsory school age.
        codes: what lengthens a run.
        days: school days that complete it.
    """
    # A day of a run has a possible session or two, so the last so many sessions are all counted.
    if look.unauthorised < days or look.latest(days).strip(codes):
        return None
    runs = continuous_runs(*look.strips, codes=codes, days=days)
    run = runs[-1] if runs else None
    year = look.pupil_year.strip.year
    if run is None or run.completed is None or run.completed not in year:
        return None
    # Days with a missing mark alone begin no new run, so the last one may be over.
    after = look.marks[slots_up_to(year.start, run.last) :]
    over = after.translate(None, codes + OUTSIDE_BYTES + bytes((NOT_TAKEN,)))
    return None if over else run


def in_a_row(run: Run) -> str:
    """Say how many days in a row are certain: ``12 school days in a row up to 4 May 2027``."""
    days = run.certain_days if run.missing else run.days
    return f"{days} school days in a row up to {day_words(run.last)}"


def uncertain(run: Run, number: str) -> str:
    """Say which marks are missing from a run, empty where none is.

    Args:
        run: the run.
        number: how many days are claimed, in words.
    """
    if not run.missing:
        return ""
    days = listed([day_words(day) for day in run.missing])
    return (
        f"A mark is missing on {days}: these days are not counted, and {number} days in a row are "
        "only claimed without one between them."
    )
