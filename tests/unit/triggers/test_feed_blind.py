"""No data never looks like no problem."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from mis_bridge.incidents.reasons import Reason
from mis_bridge.triggers.catalogue import assess_day, assess_feed
from mis_bridge.triggers.model import PupilDay, SchoolDay

MakeDay = Any
At = Any
TUESDAY = date(2026, 9, 15)


def a_day(
    at: At, read: str | None, *pupils: PupilDay, until: str | None = "17:30", **said: Any
) -> SchoolDay:
    """Give a school day whose readings are expected from half past seven."""
    return SchoolDay(
        TUESDAY,
        pupils,
        last_good_read=None if read is None else at(read),
        expected_reading_from=said.pop("expected", at("07:30")),
        expected_reading_until=None if until is None else at(until),
        **said,
    )


@pytest.mark.parametrize(
    ("read", "now", "fired"),
    [
        ("09:30", "09:44", None),
        ("09:30", "09:45", "09:45"),
        ("09:30", "16:00", "09:45"),
        (None, "07:44", None),
        (None, "07:45", "07:45"),
        ("-1T17:29", "07:44", None),
        ("-1T17:29", "07:45", "07:45"),
        ("17:20", "23:00", None),  # the hours end before it is too long
        ("17:15", "17:30", "17:30"),
        ("17:10", "23:00", "17:25"),  # it stays after hours: nobody saw how the day ended
    ],
)
def test_it_fires_after_the_limit_within_the_days_hours(
    read: str | None, now: str, fired: str | None, at: At
) -> None:
    """Fifteen minutes without a good reading, counted from the first reading expected."""
    assessment = assess_feed(a_day(at, read), at(now), {})

    assert [one.fired_at for one in assessment.findings] == ([] if fired is None else [at(fired)])


def test_it_says_when_the_last_reading_was(at: At) -> None:
    """The time of the last good reading is in the sentence and in the evidence."""
    (finding,) = assess_feed(a_day(at, "09:30"), at("09:50"), {}).findings

    assert "09:30" in finding.sentence
    assert finding.evidence[0].at == at("09:30")
    assert finding.pupil == ""


def test_it_names_the_day_of_an_older_reading(at: At) -> None:
    """A reading of yesterday is not mistaken for one of today."""
    (finding,) = assess_feed(a_day(at, "-1T17:29"), at("08:00"), {}).findings

    assert "14 September 2026" in finding.sentence
    (never,) = assess_feed(a_day(at, None), at("08:00"), {}).findings
    assert "never" in never.sentence


def test_one_outage_is_one_finding_and_the_next_is_another(at: At) -> None:
    """The identity stays while it lasts and changes with the last good reading."""
    first = assess_feed(a_day(at, "09:30"), at("09:50"), {}).findings[0]
    same = assess_feed(a_day(at, "09:30"), at("12:00"), {}).findings[0]
    other = assess_feed(a_day(at, "13:00"), at("14:00"), {}).findings[0]

    assert first == same
    assert first.identity != other.identity


def test_it_is_silent_where_no_reading_is_expected(at: At) -> None:
    """Training days, weekends and replayed exports have no feed to be blind."""
    assert assess_feed(a_day(at, None, sessions=frozenset()), at("12:00"), {}).findings == ()
    assert assess_feed(a_day(at, None, expected=None), at("12:00"), {}).findings == ()


def test_it_says_when_to_look_again(at: At) -> None:
    """Before the limit the next look is at the limit."""
    assert assess_feed(a_day(at, "09:30"), at("09:31"), {}).look_again == at("09:45")


def test_without_an_end_of_hours_the_day_ends_at_midnight(at: At) -> None:
    """Where nobody says until when readings are expected, the whole day counts."""
    assert assess_feed(a_day(at, "22:00", until=None), at("23:00"), {}).findings
    assert not assess_feed(a_day(at, "23:50", until=None), at("23:59"), {}).findings


def test_switched_off_it_is_held_with_its_reason(at: At) -> None:
    """Off is shown as off."""
    assessment = assess_feed(a_day(at, "09:30"), at("10:00"), {"feed_blind": {"enabled": False}})

    assert assessment.findings == ()
    assert [Reason(reason) for _, reason in assessment.held] == [Reason.TRIGGER_OFF]


def test_old_data_raises_nothing_new(pupil_day: MakeDay, at: At) -> None:
    """What would first be true once the data is too old is held, with the reason."""
    day = a_day(at, "09:30", pupil_day("08:50 AM /", blank="P2 P3"))

    assessment = assess_day(day, at("11:45"), {})

    assert assessment.findings == ()
    assert [(one.slot, Reason(reason)) for one, reason in assessment.held] == [
        ("P2", Reason.FEED_BLIND),
        ("P3", Reason.FEED_BLIND),
    ]


def test_what_was_open_before_stays_open(pupil_day: MakeDay, at: At) -> None:
    """A child who was missing when the readings stopped is still missing."""
    day = a_day(at, "10:05", pupil_day("08:50 AM /", "10:02 P2 N"))

    for now in ("10:14", "10:20", "15:00"):
        assert [one.trigger for one in assess_day(day, at(now), {}).findings] == [
            "missing_during_day"
        ]


def test_with_the_trigger_off_nothing_is_held_in_silence(pupil_day: MakeDay, at: At) -> None:
    """Held findings without anybody being told of the outage would look like nobody missing."""
    day = a_day(at, "09:30", pupil_day("08:50 AM /", blank="P2"))

    found = assess_day(day, at("11:00"), {"feed_blind": {"enabled": False}}).findings

    assert [one.slot for one in found] == ["P2"]


def test_a_reading_in_another_offset_is_the_same_moment(at: At) -> None:
    """The store gives UTC; the sentence is local."""
    utc = datetime.fromisoformat("2026-09-15T08:30:00+00:00")
    day = SchoolDay(TUESDAY, (), last_good_read=utc, expected_reading_from=at("07:30"))

    (finding,) = assess_feed(day, at("09:50"), {}).findings

    assert "09:30" in finding.sentence
    assert finding.fired_at.isoformat() == "2026-09-15T09:45:00+01:00"
