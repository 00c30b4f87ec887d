"""What ``check`` and ``schools calendar`` say of a school's calendar."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from mis_bridge.calendars.ics import read_ics
from mis_bridge.cli.main import cli
from mis_bridge.io.secrets import Secrets
from mis_bridge.registers.calendar import AcademicYear, Session, local_datetime
from mis_bridge.registers.strip import Strip
from mis_bridge.settings import load
from mis_bridge.store import feeds, strips
from mis_bridge.store.opening import open_configured

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

CONFIG = """\
[service]
data_dir = "data"
heartbeat_url = "env:HEARTBEAT"

[channels.folder]
kind = "folder"
path = "outbox"

[routes]
dsl = ["folder"]
office = ["folder"]
attendance = ["folder"]
it = ["folder"]
"""

SCHOOL = """\
[school]
id = "sample"
name = "Sample School"

[mis]
adapter = "csv"

[mis.connection]
folder = "registers"

[calendar]
first_day = 2026-09-03
last_day = 2027-07-21
closures = [
  { first = 2026-10-26, last = 2026-10-30, why = "autumn half term" },
  { first = 2026-11-20, why = "training day" },
  { first = 2026-12-21, last = 2027-01-04, why = "Christmas holiday" },
  { first = 2027-02-15, last = 2027-02-19, why = "spring half term" },
  { first = 2027-03-26, last = 2027-04-09, why = "Easter holiday" },
  { first = 2027-05-31, last = 2027-06-04, why = "summer half term" },
]
"""
TODAY = date(2026, 11, 25)


class House:
    """A configuration of one school, at a time of the test's choice."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self._monkeypatch = monkeypatch
        (folder / "conf.d").mkdir()
        (folder / "config.toml").write_text(CONFIG, "utf-8")
        self.write(SCHOOL)

    def write(self, school: str) -> None:
        """Write the school's file."""
        (self.folder / "conf.d" / "sample.toml").write_text(school, "utf-8")

    def run(self, *arguments: str, today: date = TODAY) -> Result:
        """Run a command on a day, at ten o'clock."""
        start = local_datetime(today, 10 * 60).isoformat()
        # So slow that it stands still.
        self._monkeypatch.setenv("MIS_BRIDGE_REHEARSAL", f"{start}|0|1e-12")
        config = str(self.folder / "config.toml")
        return CliRunner().invoke(cli, [*arguments, "--config", config])

    def check(self, today: date = TODAY) -> list[str]:
        """What ``check`` says of the calendar and the registers, without the file's path."""
        lines = self.run("check", today=today).output.splitlines()
        prefix = str(self.folder / "conf.d" / "sample.toml") + ":"
        return [
            line.removeprefix(prefix)
            for line in lines
            if ": calendar" in line or line.startswith("school sample: ")
        ]

    def store(self, **marks: Strip) -> None:
        """Put marks into the database, read well today."""
        configuration = load(self.folder / "config.toml")
        store = open_configured(configuration, Secrets(self.folder, {}), create=True)
        now = local_datetime(TODAY, 9 * 60)
        with store.transaction() as tx:
            feeds.sync_schools(tx, [("sample", "csv", "Sample School")], now)
            held = feeds.hold(tx, "sample", now, 60, "test")
            assert held is not None
            feeds.finish_good(tx, held, now, now)
            strips.save_raw(
                tx, "sample", AcademicYear(2026), {p: s.encode() for p, s in marks.items()}
            )
        store.close()


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """As it should be."""
    return House(tmp_path, monkeypatch)


def test_a_right_calendar_is_shown_with_its_days_and_holidays(house: House) -> None:
    """190 days or so, the closures in order, and the bank holiday that nobody wrote."""
    result = house.run("schools", "calendar", "sample", "--format", "json")
    rows = [json.loads(line) for line in result.stdout.splitlines()]

    assert result.exit_code == 0
    assert house.check() == []
    assert rows[0]["what"] == "school year"
    assert rows[0]["origin"] == "the school's file"
    assert "school days" in rows[0]["why"]
    assert [row["first"] for row in rows[1:]] == sorted(row["first"] for row in rows[1:])
    assert any("May Day" in row["why"] for row in rows)


def test_it_is_printed_as_an_icalendar_file(house: House) -> None:
    """Outlook opens it, and it says the same."""
    result = house.run("schools", "calendar", "sample", "--ics")

    (calendar,) = read_ics(result.stdout_bytes).calendars
    assert not calendar.has_session(date(2026, 11, 20), Session.AM)
    assert calendar.is_school_day(date(2026, 11, 19))


@pytest.mark.parametrize(
    ("old", "new", "today", "said"),
    [
        ("", "", date(2027, 6, 1), "no calendar of 2027/28 yet"),
        ("", "", date(2027, 8, 2), "the school year ended on 2027-07-21"),
        ("2026-11-20, why", "2025-11-20, why", TODAY, "2025-11-20 is in another school year"),
        ("2026-12-21, last = 2027-01-04", "2026-12-21", TODAY, "and most schools have 380"),
        (
            "first_day = 2026-09-03\nlast_day = 2027-07-21",
            'term_dates = "terms.ics"',
            TODAY,
            "there is no calendar of any school year",
        ),
        (
            "first_day = 2026-09-03\nlast_day = 2027-07-21",
            'term_dates = "authority"',
            TODAY,
            "gives no term dates",
        ),
    ],
)
def test_what_is_wrong_with_a_calendar_is_said(
    house: House, old: str, new: str, today: date, said: str
) -> None:
    """Before anybody is missed because of it."""
    house.write(SCHOOL.replace(old, new) if old else SCHOOL)

    assert any(said in line for line in house.check(today)), house.check(today)


def test_in_the_summer_a_school_with_next_years_calendar_has_nothing_to_do(house: House) -> None:
    """The year is over, and the next one is written."""
    extra = SCHOOL + (
        "[[calendar.years]]\nfirst_day = 2027-09-02\nlast_day = 2028-07-20\n"
        'closures = [{ first = 2027-10-25, last = 2027-10-29, why = "half term" },\n'
        '{ first = 2027-12-20, last = 2027-12-31, why = "Christmas" },\n'
        '{ first = 2028-02-14, last = 2028-02-18, why = "half term" },\n'
        '{ first = 2028-04-03, last = 2028-04-14, why = "Easter" },\n'
        '{ first = 2028-05-29, last = 2028-06-02, why = "half term" }]\n'
    )
    house.write(extra)

    assert house.check(date(2027, 7, 28)) == []
    assert house.check(date(2027, 8, 20)) == []


def test_days_on_which_registers_and_calendar_differ_are_named(house: House) -> None:
    """Taken on the training day; nobody has a mark on the 18th; the 19th was learned from #."""
    days = {
        date(2026, 11, 17): ("/", "\\"),
        date(2026, 11, 19): ("#", "#"),
        date(2026, 11, 20): ("/", "\\"),
        date(2026, 11, 23): ("/", "\\"),
        date(2026, 11, 24): ("/", "#"),
    }
    strip = Strip.from_days(AcademicYear(2026), [(day, *codes) for day, codes in days.items()])
    house.store(one=strip, two=strip)

    found = house.check()

    assert len(found) == 2
    assert "calls closed: Friday 20 November 2026;" in found[0]
    assert "note: nobody has a mark" in found[1]
    assert "calls school days: Wednesday 18 November 2026;" in found[1]


def test_a_school_that_joined_in_the_middle_of_the_year_has_no_silent_days_before(
    house: House,
) -> None:
    """Marks begin in November: nothing is said of September."""
    strip = Strip.from_days(
        AcademicYear(2026),
        [(date(2026, 11, day), "/", "\\") for day in (23, 24)],
    )
    house.store(one=strip)

    assert house.check() == []
