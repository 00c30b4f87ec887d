r"""Laws of codes, strips, day sheets and local time, tried on random histories."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from mis_bridge.registers.calendar import (
    AcademicYear,
    local_datetime,
    local_minute,
    minutes_after_midnight,
)
from mis_bridge.registers.codes import CODES, NO_SESSION, class_of, to_byte, to_code
from mis_bridge.registers.day_sheet import (
    DayPlan,
    DaySheet,
    Entry,
    Slot,
    SlotKind,
    decode,
    encode,
)
from mis_bridge.registers.strip import Strip

years = st.integers(2005, 2040).map(AcademicYear)
code_texts = st.sampled_from([code.code for code in CODES])
code_bytes = st.sampled_from([*(code.byte for code in CODES), NO_SESSION])


@st.composite
def strips(draw: st.DrawFn) -> Strip:
    """A year whose slots hold any marks."""
    year = draw(years)
    changes = draw(st.dictionaries(st.integers(0, year.slots - 1), code_bytes, max_size=60))
    return Strip.empty(year).merge(changes)[0]


@given(st.lists(code_texts))
def test_any_sequence_of_codes_survives_as_bytes(texts: list[str]) -> None:
    """Codes, two-character ones among them, come back one for one from one byte each."""
    stored = bytes(map(to_byte, texts))

    assert len(stored) == len(texts)
    assert texts == [to_code(byte) for byte in stored]
    assert all(class_of(byte) for byte in stored)


@given(years, st.data())
def test_days_of_codes_survive_in_a_strip(year: AcademicYear, data: st.DataObject) -> None:
    """A strip built from any days gives the same codes back after it was stored."""
    rows = data.draw(
        st.dictionaries(st.dates(year.first, year.last), st.tuples(code_texts, code_texts))
    )
    strip = Strip.from_days(year, [(day, am, pm) for day, (am, pm) in rows.items()])

    read = Strip.decode(year, strip.encode())

    assert read == strip
    for day, codes in rows.items():
        assert codes == (read.mark(day, pm=False), read.mark(day, pm=True))
    assert [day for day, _, _ in read.days()] == sorted(rows)


@given(strips())
def test_a_stored_strip_is_as_long_as_its_last_mark(strip: Strip) -> None:
    """Storing gives no byte after the last known mark, and the same strip back."""
    blob = strip.encode()
    last = strip.last_marked_slot

    assert len(blob) == (0 if last is None else last + 1)
    assert Strip.decode(strip.year, blob) == strip


@given(strips(), st.data())
def test_merging_twice_is_merging_once(strip: Strip, data: st.DataObject) -> None:
    """Reading the same marks again changes nothing and reports nothing."""
    slots = st.integers(0, strip.year.slots - 1)
    changes = data.draw(st.dictionaries(slots, code_bytes, max_size=40))

    once, reported = strip.merge(changes)
    twice, again = once.merge(changes)

    assert twice == once
    assert again == ()
    assert {change.slot: (change.old, change.new) for change in reported} == {
        slot: (strip.marks[slot], new) for slot, new in changes.items() if strip.marks[slot] != new
    }
    assert once.merge({change.slot: change.old for change in reported})[0] == strip


@given(strips(), st.data())
def test_pages_may_come_in_any_order(strip: Strip, data: st.DataObject) -> None:
    """Merges of different slots give the same strip in either order, and at once."""
    slots = st.integers(0, strip.year.slots - 1)
    every = data.draw(st.dictionaries(slots, code_bytes, max_size=40))
    first = data.draw(st.sets(st.sampled_from(sorted(every)))) if every else set()
    one = {slot: new for slot, new in every.items() if slot in first}
    other = {slot: new for slot, new in every.items() if slot not in first}

    forwards = strip.merge(one)[0].merge(other)[0]
    backwards = strip.merge(other)[0].merge(one)[0]

    assert forwards == backwards == strip.merge(every)[0]


@given(strips(), st.data())
def test_a_span_keeps_its_days_and_no_others(strip: Strip, data: st.DataObject) -> None:
    """Leaving out what lies outside a span keeps every mark inside it."""
    ends = st.none() | st.dates(
        strip.year.first - timedelta(days=30), strip.year.last + timedelta(days=30)
    )
    first, last = data.draw(ends), data.draw(ends)

    kept = strip.between(first, last)

    assert list(kept.days()) == [
        (day, am, pm)
        for day, am, pm in strip.days()
        if (first is None or first <= day) and (last is None or day <= last)
    ]


@given(years, st.data())
def test_slots_and_dates_are_one_to_one(year: AcademicYear, data: st.DataObject) -> None:
    """Every slot has one session and every session one slot."""
    slot = data.draw(st.integers(0, year.slots - 1))
    day, pm = year.day_of(slot)

    assert slot == year.slot(day, pm)
    assert day in year
    assert AcademicYear.of(day) == year


@given(years)
def test_years_touch(year: AcademicYear) -> None:
    """The day after a year's last is the next one's first, and slots cover all days between."""
    assert AcademicYear(year.start + 1).first - year.last == timedelta(days=1)
    assert year.slots == 2 * ((year.last - year.first).days + 1)


# Minutes around both clock changes of 2026 come up often; other times come up too.
_CHANGES = [datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)]
instants = st.builds(
    lambda origin, minutes: origin + timedelta(minutes=minutes),
    st.sampled_from([*_CHANGES, datetime(2020, 1, 1, tzinfo=UTC)]),
    st.integers(-300, 300) | st.integers(0, 15 * 365 * 1440),
)


@given(instants)
@example(datetime(2026, 10, 25, 0, 30, tzinfo=UTC))
@example(datetime(2026, 10, 25, 1, 30, tzinfo=UTC))
@example(datetime(2026, 3, 29, 0, 59, tzinfo=UTC))
@example(datetime(2026, 3, 29, 1, 0, tzinfo=UTC))
def test_utc_survives_the_way_through_local_time(at: datetime) -> None:
    """Any minute comes back, but for the hour that the clocks repeat: there its first pass does."""
    day, minute = local_minute(at)
    back = local_datetime(day, minute).astimezone(UTC)

    assert at - back in {timedelta(0), timedelta(hours=1)}
    if at != back:
        assert local_minute(back) == (day, minute)


@given(instants, st.integers(-3, 45))
def test_minutes_survive_from_another_day(at: datetime, days: int) -> None:
    """A minute counted from an earlier or later day says the same moment of the local clock."""
    day, minute = local_minute(at)
    origin = day - timedelta(days=days)

    assert minutes_after_midnight(at, origin) == 1440 * days + minute
    assert local_datetime(origin, 1440 * days + minute) == local_datetime(day, minute)


@given(st.dates(date(2020, 1, 1), date(2035, 1, 1)), st.integers(3 * 60, 1439))
def test_every_school_minute_exists(day: date, minute: int) -> None:
    """From 03:00 on a local minute is one moment, on the days of the clock changes too."""
    assert local_minute(local_datetime(day, minute)) == (day, minute)


slots_of_day = st.builds(
    Slot,
    name=st.sampled_from(["AM", "PM", "P1", "P2", "P3", "Reg", "Tutor time"]),
    kind=st.sampled_from(SlotKind),
    starts=st.integers(0, 1439),
    ends=st.integers(0, 1440),
    closes=st.none() | st.integers(0, 1440),
)
entries = st.builds(
    Entry,
    code=st.sampled_from([code.byte for code in CODES]),
    recorded=st.none() | st.integers(0, 65_534),
    register=st.sampled_from(["", "reg-1", "reg-2", "a/b"]),
    settled=st.booleans(),
)


@st.composite
def sheets(draw: st.DrawFn) -> DaySheet:
    """A day built mark by mark."""
    sheet = DaySheet(draw(st.dates(date(2020, 1, 1), date(2035, 1, 1))))
    for slot, entry in draw(st.lists(st.tuples(slots_of_day, entries), max_size=12)):
        sheet = sheet.with_entry(slot, entry)
    return sheet


@given(st.lists(sheets(), max_size=6))
def test_day_sheets_survive_with_a_shared_plan(all_sheets: list[DaySheet]) -> None:
    """Sheets stored with one growing plan all come back, six bytes an entry."""
    plan = DayPlan()
    blobs = [encode(sheet, plan) for sheet in all_sheets]

    for sheet, blob in zip(all_sheets, blobs, strict=True):
        assert len(blob) == 6 * len(sheet.entries)
        assert decode(sheet.day, plan, blob) == sheet


@given(sheets(), slots_of_day, entries)
def test_writing_a_mark_twice_is_writing_it_once(sheet: DaySheet, slot: Slot, entry: Entry) -> None:
    """A sheet is in time order, has each slot once, and a second equal mark changes nothing."""
    once = sheet.with_entry(slot, entry)

    assert once.with_entry(slot, entry) == once
    starts = [known.starts for known, _ in once.entries]
    assert starts == sorted(starts)
    keys = [known.key for known, _ in once.entries]
    assert len(keys) == len(set(keys))
