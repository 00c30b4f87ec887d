"""Laws of laying a batch out as strips: it is the same as taking mark by mark."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from mis_bridge.adapters.records import SessionMark, SessionMarks
from mis_bridge.registers.calendar import AcademicYear
from mis_bridge.registers.codes import CODES, NO_SESSION, NOT_TAKEN
from mis_bridge.store.laid_out import lay_out, merge
from mis_bridge.store.sheet_work import stands

YEAR = AcademicYear(2025)
FIRST = date(2025, 11, 3)
KEEP_FROM = FIRST + timedelta(days=6)
MOMENT = datetime(2025, 11, 20, 9, tzinfo=UTC)

BYTES = st.sampled_from([code.byte for code in CODES] + [NOT_TAKEN, NO_SESSION])
MARKS = st.builds(
    SessionMark,
    pupil=st.sampled_from(["p1", "p2"]),
    day=st.dates(FIRST, FIRST + timedelta(days=8)) | st.just(date(2024, 11, 4)),
    pm=st.booleans(),
    code=BYTES,
    recorded=st.none() | st.integers(0, 3).map(lambda minute: MOMENT + timedelta(minutes=minute)),
)
STRIPS = st.binary(max_size=0) | st.lists(BYTES, max_size=2 * 108).map(bytes)


@given(st.lists(MARKS, max_size=40))
def test_of_several_marks_of_a_slot_the_one_lies_there_that_stands(
    marks: list[SessionMark],
) -> None:
    """Taken one after the other, by the rule of which of two marks stands."""
    model: dict[tuple[str, date, bool], SessionMark] = {}
    for mark in marks:
        key = (mark.pupil, mark.day, mark.pm)
        before = model.setdefault(key, mark)
        if stands(before.code, before.recorded, mark.code, mark.recorded):
            model[key] = mark

    laid = lay_out(SessionMarks.of(marks), range(2024, 2026), KEEP_FROM)

    for year, came in laid.years.items():
        assert {
            (pupil, *year.day_of(slot)): byte
            for pupil, strip in came.old.items()
            for slot, byte in enumerate(strip)
            if byte
        } == {
            key: mark.code for key, mark in model.items() if key[1] in year and key[1] < KEEP_FROM
        }
    recent = [mark for came in laid.years.values() for row in came.recent.values() for mark in row]
    by_pupil = sorted((mark for mark in marks if mark.day >= KEEP_FROM), key=lambda m: m.pupil)
    assert sorted(recent, key=lambda mark: mark.pupil) == by_pupil
    assert laid.impossible == []


@given(st.lists(MARKS, max_size=12))
def test_marks_of_no_plausible_year_are_given_back(marks: list[SessionMark]) -> None:
    """They are laid nowhere."""
    laid = lay_out(SessionMarks.of(marks), range(2025, 2026), KEEP_FROM)

    assert laid.impossible == [mark for mark in marks if mark.day.year == 2024]
    assert set(laid.years) <= {YEAR}


@given(stored=STRIPS, came=STRIPS)
def test_a_stretch_is_merged_as_slot_by_slot(stored: bytes, came: bytes) -> None:
    """However it came together: blank before, the same again, corrected, or with gaps."""
    marks = bytearray(stored.ljust(YEAR.slots, bytes((NO_SESSION,))))
    # Every third place is one of which nothing came.
    new = bytearray(byte if place % 3 else 0 for place, byte in enumerate(came))
    new = new.ljust(YEAR.slots, b"\0")
    model, changed, corrected = bytearray(marks), 0, []
    for slot, byte in enumerate(new):
        if byte and byte != marks[slot] and stands(marks[slot], None, byte, None):
            model[slot] = byte
            changed += 1
            if marks[slot] != NO_SESSION:
                corrected.append((slot, marks[slot]))

    assert merge(marks, new) == (changed, corrected)
    assert marks == model
