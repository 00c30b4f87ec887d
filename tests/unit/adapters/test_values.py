"""Upstream values understood."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from mis_bridge.adapters.mapping import Moment
from mis_bridge.adapters.values import (
    Days,
    Flags,
    Minutes,
    Moments,
    Sessions,
    Texts,
    Unusable,
    Weekdays,
    Years,
)


@pytest.mark.parametrize(
    ("value", "day"),
    [
        (Moment("2026-09-07 00:00:00.000000", "Europe/London"), date(2026, 9, 7)),
        (Moment("2026-09-07 00:00:00", "Europe/London"), date(2026, 9, 7)),
        # Midnight of a British summer day is 23:00 UTC of the day before.
        (Moment("2026-09-06 23:00:00.000000", "UTC"), date(2026, 9, 7)),
        (Moment("2026-12-06 23:30:00.000000", "UTC"), date(2026, 12, 6)),
        (Moment("2026-09-06 23:30:00", "BST"), date(2026, 9, 6)),
        (Moment("2026-09-07 00:30:00", "+02:00"), date(2026, 9, 6)),
        ("2026-09-07", date(2026, 9, 7)),
        ("2026-09-06T23:30:00Z", date(2026, 9, 7)),
        ({"date": "2026-09-07 00:00:00", "timezone": "Europe/London"}, date(2026, 9, 7)),
        (None, None),
        (Moment(None, None), None),
    ],
)
def test_a_day_is_the_london_day_of_the_instant(value: Any, day: date | None) -> None:
    """UTC is turned to Europe/London before the day is taken."""
    assert Days().get_fast(value) == day


@pytest.mark.parametrize(
    "value", ["7 September", Moment("2026-09-07", "Nowhere/Land"), Moment("x", "UTC"), [1], 7]
)
def test_what_is_no_date_is_refused(value: Any) -> None:
    """Never a guess."""
    with pytest.raises(Unusable):
        Days().get_fast(value)


def test_an_instant_without_a_zone_is_local_unless_the_manifest_says_utc() -> None:
    """08:52 in September is 07:52 UTC."""
    assert Moments()["2026-09-07 08:52:00"] == datetime(2026, 9, 7, 7, 52, tzinfo=UTC)
    assert Moments(local=UTC)["2026-09-07 08:52:00"] == datetime(2026, 9, 7, 8, 52, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "minute"),
    [
        ("08:50", 530),
        ("8:50", 530),
        ("08:50:30", 530),
        (Moment("2026-09-07 07:50:00", "UTC"), 530),
        (None, None),
    ],
)
def test_a_time_of_day_is_minutes_after_local_midnight(value: Any, minute: int | None) -> None:
    """Clock times as they are, instants in London time."""
    assert Minutes().get_fast(value) == minute


def test_a_zero_character_is_no_part_of_a_text() -> None:
    """PostgreSQL has no text with one: a stray character would keep a school from being read."""
    assert Texts()["Al\0ex "] == "Alex"


def test_ids_stay_text_whatever_they_are() -> None:
    """Some MIS write numbers."""
    assert [Texts().get_fast(value) for value in (" A1 ", 12, 3.0, None, True)] == [
        "A1", "12", "3", "", "true",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "year"),
    [
        ("8", 8), (9, 9), ("Year  9", 9), ("Y10", 10), ("R", 0), ("Reception", 0), ("N1", -2),
        ("Purple", None), ("99", None), (None, None),
    ],
)  # fmt: skip
def test_a_year_group_is_a_number_or_unknown(value: Any, year: int | None) -> None:
    """Schools name groups freely; a pupil of an unknown year is still on roll."""
    assert Years().get_fast(value) == year


def test_sessions_are_am_and_pm_only() -> None:
    """A third word is a third thing."""
    sessions = Sessions()

    assert (sessions["AM"], sessions["pm"]) == (False, True)
    with pytest.raises(Unusable):
        sessions["EVE"]


def test_flags_are_yes_and_no_in_their_spellings() -> None:
    """Null is no; other words are refused."""
    flags = Flags()

    assert [flags.get_fast(v) for v in (True, 1, "Yes", "T", False, 0, "no", None, "")] == [
        True, True, True, True, False, False, False, False, False,
    ]  # fmt: skip
    with pytest.raises(Unusable):
        flags.get_fast("perhaps")


def test_meanings_that_are_given_win_and_others_are_refused() -> None:
    """The manifest's list of values is closed."""
    reader = Texts({"student": "pupils"}, strict=True)

    assert reader["student"] == "pupils"
    with pytest.raises(Unusable):
        reader["class"]


@pytest.mark.parametrize(
    ("value", "weekday"),
    [
        ("Monday", 0),
        (" tuesday ", 1),
        ("WED", 2),
        ("Thurs", 3),
        ("Fr", 4),
        ("sunday", 6),
        ("T", -1),  # Tuesday or Thursday
        ("Montag", -1),
        (1, -1),  # the first day is a Sunday somewhere
        ("", -1),
        (None, -1),
    ],
)
def test_a_weekday_has_an_english_name(value: Any, weekday: int) -> None:
    """Anything else is no weekday, and is not guessed."""
    assert Weekdays().get_fast(value) == weekday


def test_a_run_of_equal_values_is_understood_as_each_of_them() -> None:
    """One and true are equal to Python and not in JSON."""
    assert Texts().runs([1, 1, True, True, 1, "1", None]) == ["1", "1", "true", "true", *"11", ""]
    moment = Moment("2026-09-07 00:00:00", "Europe/London")
    again = Moment("2026-09-07 00:00:00", "Europe/London")
    assert Days().runs([moment, again, None, again]) == [
        date(2026, 9, 7), date(2026, 9, 7), None, date(2026, 9, 7),
    ]  # fmt: skip


def test_a_run_with_a_value_that_can_not_be_understood_is_refused() -> None:
    """Whoever asked goes through it one by one."""
    with pytest.raises(Unusable):
        Days().runs(["2026-09-07", "soon"])
    with pytest.raises(Unusable):
        Days().runs([["2026-09-07"]])
