"""Strategies for invented school days and years."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from hypothesis import strategies as st

from mis_bridge.registers.codes import NOT_TAKEN, to_byte
from mis_bridge.registers.day_sheet import DayEvent, DaySheet, Entry, Slot, SlotKind
from mis_bridge.triggers.model import PupilDay

DAY = date(2026, 9, 15)
SLOTS = (
    Slot("AM", SlotKind.SESSION, 525, 735, 555),
    Slot("P1", SlotKind.LESSON, 535, 595),
    Slot("P2", SlotKind.LESSON, 595, 655),
    Slot("P3", SlotKind.LESSON, 675, 735),
    Slot("PM", SlotKind.SESSION, 780, 910, 810),
    Slot("P4", SlotKind.LESSON, 790, 850),
    Slot("P5", SlotKind.LESSON, 850, 910),
)
CODES = [*"/\\LUNOGIVMDX&#-", "C2", "Y1"]
FORMS = ("", "8A", "8B")


def entries(now: int) -> st.SearchStrategy[list[tuple[Slot, Entry]]]:
    """Give marks of some slots, none of them saved after now."""

    def entry(code: str, saved: int | None, settled: bool) -> Entry:
        byte = to_byte(code)
        return Entry(byte, None if byte == NOT_TAKEN else saved, "", settled)

    codes = st.sampled_from(["N", "/", *CODES])
    times = st.one_of(st.none(), st.integers(min(520, now), min(now, 930)))
    mark = st.builds(entry, codes, times, st.sampled_from([True, True, True, False]))
    return st.lists(st.sampled_from(SLOTS), unique_by=lambda slot: slot.name).flatmap(
        lambda slots: st.tuples(*(st.tuples(st.just(slot), mark) for slot in slots)).map(list)
    )


@st.composite
def pupil_days(draw: st.DrawFn, now: int, pupil: str = "P-1") -> PupilDay:
    """Give one pupil's day as it may be known at a minute."""
    events = draw(
        st.lists(
            st.builds(
                DayEvent,
                st.integers(480, 930),
                st.sampled_from(["sign_in", "sign_out", "message"]),
            ),
            max_size=3,
        )
    )
    return PupilDay(
        pupil,
        DaySheet(DAY, tuple(draw(entries(now)))),
        tuple(sorted(events, key=lambda event: event.minute)),
        draw(st.sampled_from([frozenset(), frozenset({"lac"}), frozenset({"sen"})])),
        draw(st.sampled_from([None, 5, 8])),
        draw(st.sampled_from(FORMS)),
    )


@st.composite
def classes(draw: st.DrawFn, now: int) -> list[PupilDay]:
    """Give a form that was all there in the first lesson, and odd or not in the next two.

    Or one whose morning register is odd or not.
    """

    def marks(codes: list[str], saved: int) -> st.SearchStrategy[Entry]:
        return st.builds(Entry, st.sampled_from([to_byte(code) for code in codes]), st.just(saved))

    often = draw(st.sampled_from([["N"] * 9 + ["/"], ["N", "/"], ["/"] * 9 + ["N"], ["N", "-"]]))
    later = draw(st.sampled_from([["/"] * 9 + ["N"], ["N"] * 9 + ["/"], ["-"], ["/", "N", "M"]]))
    third = draw(st.integers(675, 800))
    morning = draw(st.sampled_from([["/"], ["/"], ["N"] * 9 + ["/"], ["N", "-", "I"]]))
    pupils = []
    for number in range(draw(st.integers(7, 14))):
        came = draw(st.sampled_from(morning))
        sheet = [(SLOTS[0], Entry(to_byte(came), 530))]
        if came != "N":
            sheet.append((SLOTS[1], Entry(to_byte("/"), 540)))
        sheet.append((SLOTS[2], draw(marks(often, draw(st.sampled_from([598, 599, 600]))))))
        if third <= now:
            sheet.append((SLOTS[3], draw(marks(later, third))))
        flags = frozenset({"lac"}) if draw(st.integers(0, 19)) == 0 else frozenset()
        pupils.append(PupilDay(f"P-{number:02d}", DaySheet(DAY, tuple(sheet)), (), flags, 8, "8A"))
    return pupils


Days = Callable[..., st.SearchStrategy[Any]]


@pytest.fixture(scope="session")
def pupil_day_of() -> Days:
    """The strategy of a pupil's day as it may be known at a minute."""
    return pupil_days


@pytest.fixture(scope="session")
def class_of() -> Days:
    """The strategy of a whole form as it may be known at a minute."""
    return classes
