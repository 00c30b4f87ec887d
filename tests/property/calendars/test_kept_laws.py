"""Whatever a source gives, the last good copy holds, and what is wrong is known."""

from __future__ import annotations

import asyncio
import tempfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from mis_bridge.calendars.ics import Words, write_ics
from mis_bridge.calendars.shelf import Shelf
from mis_bridge.calendars.source import refresh, source_of
from mis_bridge.io.http import Transport
from mis_bridge.io.secrets import Secrets
from mis_bridge.registers.calendar import AcademicYear, SchoolCalendar

NOW = datetime(2026, 11, 17, 9, 0, tzinfo=UTC)


def _good(last_day: int) -> bytes:
    calendar = SchoolCalendar(AcademicYear(2026), date(2026, 9, 3), date(2027, 7, last_day))
    return write_ics([calendar], name="A school", stamp=NOW)


GOOD = [_good(20), _good(21)]
NEXT_YEAR = write_ics(
    [SchoolCalendar(AcademicYear(2027), date(2027, 9, 2), date(2028, 7, 20))],
    name="A school",
    stamp=NOW,
)
FILES = st.sampled_from([*GOOD, None, b"", b"<html>", GOOD[0][:-25], NEXT_YEAR])


@given(st.lists(FILES, max_size=12))
def test_the_last_good_copy_always_holds(files: list[bytes | None]) -> None:
    """None is a file that is not there. A file without the present year counts only as the first.

    Since when it fails is the first failure after the last success.
    """
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        source = source_of("terms.ics", place)
        assert source is not None
        shelf = Shelf(place / "term-dates")
        kept, failing, now = None, None, NOW
        for data in files:
            now += timedelta(hours=6)
            file = place / "terms.ics"
            file.unlink(missing_ok=True)
            if data is not None:
                file.write_bytes(data)

            changed = asyncio.run(
                refresh(source, shelf, Transport(), Secrets(place, {}), now, NOW.date(), {Words()})
            )

            good = data in GOOD or (data == NEXT_YEAR and kept in (None, NEXT_YEAR))
            assert changed == (good and data != kept)
            kept = data if good else kept
            failing = None if good else failing or now
            copy = shelf.look(source.place)
            assert copy.data == kept
            assert copy.failing_since == failing
            assert bool(copy.problem) == (not good)
