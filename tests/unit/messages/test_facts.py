"""The rows of a message: since when, how old the registers are, who sees to it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from mis_bridge.incidents.model import State
from mis_bridge.incidents.reasons import Reason
from mis_bridge.messages.compose import compose


@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        (0, "read at 10:13, just now"),
        (1, "read at 10:12, 1 minute ago"),
        (15, "read at 09:58, 15 minutes ago"),
        (16, "read at 09:57, 16 minutes ago: anything newer is not known"),
        (180, "read at 07:13, 3 hours ago: anything newer is not known"),
        (24 * 60, "read at Wed 11 Nov 10:13, 24 hours ago: anything newer is not known"),
    ],
)
def test_the_age_of_the_registers_is_said(
    missing: Any, context: Any, minutes: int, said: str
) -> None:
    """Older than 15 minutes, it is said in so many words what that means."""
    read = context.now - timedelta(minutes=minutes)
    content = compose(missing, Reason.OPENED, replace(context, data_as_of=read))

    assert dict(content.facts)["Registers"] == said


@pytest.mark.parametrize(
    ("delay", "minutes", "since", "behind"),
    [
        (10, 12, "10:01", "10 minutes behind"),
        (30, 33, "09:40", "30 minutes behind; anything newer is not known"),
        (24 * 60, 1445, "Wed 11 Nov 10:08", "24 hours behind; anything newer is not known"),
    ],
)
def test_what_the_mis_may_be_behind_is_part_of_the_age(
    missing: Any, context: Any, delay: int, minutes: int, since: str, behind: str
) -> None:
    """Nobody takes the moment of the reading for the moment of the data."""
    known = context.now - timedelta(minutes=minutes)
    told = replace(context, data_as_of=known, delay=timedelta(minutes=delay))

    said = dict(compose(missing, Reason.OPENED, told).facts)["Registers"]
    assert said == f"as of {since} or later: the MIS may have been {behind}"


def test_registers_that_were_never_read_are_not_called_fresh(missing: Any, context: Any) -> None:
    """No reading is not a recent reading."""
    content = compose(missing, Reason.OPENED, replace(context, data_as_of=None))

    assert "not read yet" in dict(content.facts)["Registers"]


def test_summer_times_are_london_times(missing: Any, context: Any) -> None:
    """09:12 UTC on a day in June is 10:12 in school."""
    from datetime import UTC, datetime

    june = datetime(2026, 6, 11, 9, 12, tzinfo=UTC)
    content = compose(
        replace(missing, opened_at=june), Reason.OPENED, replace(context, now=june, data_as_of=june)
    )

    assert dict(content.facts)["Raised"] == "10:12 today, Thu 11 Jun"


def test_when_the_child_was_last_seen_is_not_when_the_alert_was_raised(
    missing: Any, context: Any
) -> None:
    """Seen at 09:00, raised at 10:12 after the grace: whoever searches needs the first."""
    seen = replace(missing, facts={"last_seen": "P1"})
    facts = dict(compose(seen, Reason.OPENED, context).facts)

    assert facts["Last seen"] == "09:00 in P1"
    assert facts["Raised"] == "10:12 today, Thu 12 Nov"
    assert "Since" not in facts
    assert "Last seen" not in dict(compose(seen, Reason.FOUND, context).facts)


@pytest.mark.parametrize("last_seen", ["", "P9"])
def test_a_sighting_without_a_mark_of_its_own_is_left_to_the_sentence(
    missing: Any, context: Any, last_seen: str
) -> None:
    """A pupil who signed in at the desk has no register to name; nothing is made up."""
    seen = replace(missing, facts={"last_seen": last_seen})

    assert "Last seen" not in dict(compose(seen, Reason.OPENED, context).facts)


def test_a_run_of_days_counts_from_its_first_day(missing: Any, context: Any) -> None:
    """Ten school days since 22 October are not "since" the day on which they were complete."""
    run = replace(
        missing,
        family="ten_day_absence",
        trigger="ten_day_absence",
        facts={"first_day": "2026-10-22", "days": 10},
    )
    facts = dict(compose(run, Reason.OPENED, context).facts)

    assert facts["Since"] == "Thu 22 Oct 2026"
    assert facts["Raised"] == "Thu 12 Nov 2026"


def test_how_old_the_registers_are_is_not_said_of_a_channel(missing: Any, context: Any) -> None:
    """IT mends a channel; the registers have nothing to do with it."""
    broken = replace(missing, pupil="", trigger="channel_failing", family="channel_failing")

    assert "Registers" not in dict(compose(broken, Reason.OPENED, context).facts)


def test_whoever_sees_to_it_is_named(missing: Any, context: Any) -> None:
    """So that nobody calls the parents twice."""
    taken = replace(missing, state=State.ACKNOWLEDGED, owner="A. Lead")

    assert dict(compose(taken, Reason.LEVEL_RAISED, context).facts)["Seen to by"] == "A. Lead"
