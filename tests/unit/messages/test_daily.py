"""The day in one message: it says "all is well" only where everything was watched."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mis_bridge.messages.build import build_note
from mis_bridge.messages.card import SIZE_BUDGET, wire_size
from mis_bridge.messages.content import Tone
from mis_bridge.messages.daily import Gap, WatchedDay, compose_daily

NOW = datetime(2026, 11, 17, 15, 45, tzinfo=UTC)
QUIET = WatchedDay("Samplewood School", 412, 61, 61, 2431, NOW - timedelta(minutes=1))
BLIND = Gap(
    "the registers could not be read",
    NOW.replace(hour=10, minute=5),
    NOW.replace(hour=10, minute=40),
)


@pytest.mark.parametrize(
    ("day", "title", "tone"),
    [
        (QUIET, "All is well: no alerts today", Tone.GOOD),
        (
            replace(QUIET, raised=1, answered=1, ended=1),
            "All is well: 1 alert today, and it is over",
            Tone.GOOD,
        ),
        (
            replace(QUIET, raised=3, ended=3),
            "All is well: 3 alerts today, all of them over",
            Tone.GOOD,
        ),
        (
            replace(QUIET, raised=3, ended=1),
            "All was watched today: 2 alerts still open",
            Tone.CALM,
        ),
        (
            replace(QUIET, open_before=2, missing_before=1),
            "1 child is still missing since an earlier day",
            Tone.WARNING,
        ),
        (
            replace(QUIET, raised=1, open_before=2, missing_before=2, gaps=(BLIND,)),
            "2 children are still missing since an earlier day; not all was watched today",
            Tone.WARNING,
        ),
        (
            replace(QUIET, gaps=(BLIND,)),
            "Not all was watched today: the registers could not be read",
            Tone.WARNING,
        ),
        (
            replace(QUIET, raised=2, ended=2, gaps=(BLIND, Gap("2 registers were not taken"))),
            "Not all was watched today: the registers could not be read, and 1 more",
            Tone.WARNING,
        ),
    ],
)
def test_the_title_says_what_was_not_watched_before_anything_else(
    day: WatchedDay, title: str, tone: Tone
) -> None:
    """Whoever reads the title alone is not misled."""
    content = compose_daily([day], NOW)
    assert (content.title, content.tone) == (title, tone)


def test_no_news_is_no_good_news_while_a_child_is_missing_since_another_day() -> None:
    """It says that nothing has shown the child since, and where to look."""
    content = compose_daily([replace(QUIET, open_before=1, missing_before=1)], NOW)
    assert "good news" not in content.lead
    assert "what became of the child: mis-bridge incidents list" in content.lead
    assert dict(content.facts)["Earlier"] == "1 alert of other days still open"


def test_a_day_without_an_alert_says_so_and_what_was_watched() -> None:
    """Schools, registers, marks, the oldest data."""
    content = compose_daily([QUIET], NOW)
    facts = dict(content.facts)
    assert "there was nothing to raise" in content.lead
    assert facts["Registers"] == "61 of 61 taken"
    assert facts["Marks"] == "2,431"
    assert facts["Last read"] == "15:44"
    assert facts["Alerts"] == "none"
    assert content.evidence == ()


def test_a_quiet_day_that_was_not_watched_is_not_called_good() -> None:
    """No alert may mean that nobody looked."""
    content = compose_daily([replace(QUIET, gaps=(BLIND,))], NOW)
    assert "do not take that for good news" in content.lead
    (line,) = content.evidence
    assert line.what == "the registers could not be read, 10:05 to 10:40"


def test_many_schools_share_one_message_that_names_those_with_gaps_last() -> None:
    """A card that is cut short keeps the last lines; the oldest data is the oldest of all."""
    days = [
        replace(QUIET, name="Blindwood", gaps=(BLIND,), read_at=NOW - timedelta(hours=5)),
        QUIET,
        replace(QUIET, name="Oakfield", raised=2, ended=1),
    ]
    content = compose_daily(days, NOW)
    assert content.title.startswith("Not all was watched today: Blindwood: the registers")
    assert [line.what for line in content.evidence] == [
        "Oakfield: watched, 2 alerts; 1 alert still open",
        "Samplewood School: watched, no alerts",
        "Blindwood: the registers could not be read, 10:05 to 10:40",
    ]
    assert dict(content.facts)["Schools"] == "3, 2 of them watched without a gap"
    assert dict(content.facts)["Last read"] == "all at 10:45 or later"


def test_of_many_schools_those_with_nothing_to_say_of_them_are_counted() -> None:
    """Nobody scrolls past forty good lines to the one that matters."""
    good = [replace(QUIET, name=f"School {number}", raised=1, ended=1) for number in range(40)]
    days = [
        replace(QUIET, name="Blindwood", gaps=(BLIND,)),
        *good,
        replace(QUIET, name="Oakfield", raised=2, ended=1),
        replace(QUIET, name="Dimwood", gaps=(Gap("2 registers were not taken"),)),
    ]
    content = compose_daily(days, NOW)
    assert content.title == "Not all was watched today in 2 of 43 schools"
    assert [line.what for line in content.evidence] == [
        "40 schools: watched, 40 alerts, all of them over",
        "Oakfield: watched, 2 alerts; 1 alert still open",
        "Blindwood: the registers could not be read, 10:05 to 10:40",
        "Dimwood: 2 registers were not taken",
    ]


def test_a_school_that_was_never_read_is_older_than_all_others() -> None:
    """There is no data of it at all."""
    day = replace(QUIET, read_at=None, gaps=(Gap("the registers were never read"),))
    assert dict(compose_daily([day], NOW).facts)["Last read"] == "never"
    assert dict(compose_daily([day, QUIET], NOW).facts)["Last read"] == (
        "1 never, all others at 15:44 or later"
    )
    assert dict(compose_daily([day, day], NOW).facts)["Last read"] == "none of them ever"


GAPS = st.lists(
    st.builds(
        Gap,
        st.text(min_size=1, max_size=120),
        st.one_of(st.none(), st.just(NOW - timedelta(hours=1))),
        st.one_of(st.none(), st.just(NOW)),
    ),
    max_size=30,
)
DAYS = st.lists(
    st.builds(
        WatchedDay,
        name=st.text(min_size=1, max_size=60),
        roll=st.integers(0, 3000),
        registers_due=st.integers(0, 500),
        registers_taken=st.integers(0, 500),
        marks=st.integers(0, 20_000),
        read_at=st.one_of(st.none(), st.just(NOW)),
        raised=st.integers(5, 9),
        answered=st.integers(0, 5),
        ended=st.integers(0, 5),
        gaps=GAPS.map(tuple),
    ),
    min_size=1,
    max_size=120,
)


@given(DAYS)
def test_it_is_never_called_well_where_something_was_not_watched(days: list[WatchedDay]) -> None:
    """Whatever else is true; and the card stays within what Teams takes, however many schools."""
    content = compose_daily(days, NOW)
    if any(day.gaps for day in days):
        assert "well" not in content.title.partition(":")[0]
        assert content.tone is Tone.WARNING
    message = build_note("a" * 64, content)
    assert wire_size(message.card) <= SIZE_BUDGET
    assert "\n" not in message.subject
