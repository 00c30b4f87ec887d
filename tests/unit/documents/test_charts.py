"""The pictures of a replay: well-formed, complete, and without a way in for a pupil's id."""

from __future__ import annotations

from datetime import date, timedelta
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from mis_bridge.documents.charts import heat_map, load_chart
from mis_bridge.registers.calendar import AcademicYear
from mis_bridge.registers.codes import CODES
from mis_bridge.registers.strip import Strip

YEAR = AcademicYear(2026)
MONDAY = date(2026, 11, 9)
SVG = "{http://www.w3.org/2000/svg}"


def titles(picture: str) -> list[str]:
    """What the parts of a picture say of themselves, the picture's own title first."""
    return [title.text or "" for title in ET.fromstring(picture).iter(f"{SVG}title")]  # noqa: S314


@given(st.lists(st.sampled_from([one.code for one in CODES]), min_size=1, max_size=40))
def test_every_mark_is_in_the_picture_with_its_day_and_its_class(codes: list[str]) -> None:
    """One cell a session, whatever the code."""
    days = [MONDAY + timedelta(days=7 * (n // 5) + n % 5) for n in range(len(codes))]
    strip = Strip.from_days(YEAR, ((d, c, c) for d, c in zip(days, codes, strict=True)))

    _, *cells = titles(heat_map(strip, {}, "marks"))

    assert len(cells) == 2 * len(codes)
    for day, code in zip(days, codes, strict=True):
        assert sum(f"{day:%A %d %B %Y} AM: {code} (" in cell for cell in cells) == 1


def test_a_day_on_which_something_was_raised_is_framed_with_what_it_was() -> None:
    """A frame that lies over the cells, not under the next one."""
    strip = Strip.from_days(YEAR, [(MONDAY, "N", "N"), (MONDAY + timedelta(days=1), "/", "\\")])

    *_, last = titles(heat_map(strip, {MONDAY: ["Unexplained absence"]}, "marks"))

    assert last == "Monday 09 November 2026: Unexplained absence"


def test_a_label_is_text_whatever_is_in_it() -> None:
    """An id from a file does not become a part of the page."""
    strip = Strip.from_days(YEAR, [(MONDAY, "/", "\\")])
    nasty = "<script>alert('1')</script> & \"x\""

    for picture in (heat_map(strip, {MONDAY: [nasty]}, nasty), load_chart([MONDAY], {}, nasty)):
        assert titles(picture)[0] == nasty
        assert "<script" not in picture


@given(st.lists(st.integers(0, 500), min_size=1, max_size=60))
def test_a_day_s_bar_is_as_tall_as_its_share_of_the_busiest(counts: list[int]) -> None:
    """Days with nothing have no bar, and no day is left out."""
    days = [MONDAY + timedelta(days=number) for number in range(len(counts))]
    given_ = dict(zip(days, counts, strict=True))

    root = ET.fromstring(load_chart(days, given_, "load"))  # noqa: S314
    bars = [float(bar.get("height", 0)) for bar in root.iter(f"{SVG}rect")]

    busy = [count for count in counts if count]
    assert len(bars) == len(busy)
    for bar, count in zip(bars, busy, strict=True):
        assert abs(bar - 90 * count / max(counts)) < 0.1


def test_of_nothing_there_is_no_picture() -> None:
    """An empty one would look like a quiet year."""
    assert heat_map(Strip.empty(YEAR), {}, "marks") == load_chart([], {}, "load") == ""
