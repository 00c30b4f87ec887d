"""Certificates and secrets of channels and of the MIS that run out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mis_bridge.triggers.catalogue import assess_certificates, nearer_ends
from mis_bridge.triggers.certificate_expiring import Ending

END = datetime(2026, 12, 1, 23, 30, tzinfo=UTC)
LA = Ending("la-mail", END, "certificate la.pem of the authority", "ask the authority")


@pytest.mark.parametrize(
    ("before", "told"),
    [
        (timedelta(days=30, seconds=1), False),
        (timedelta(days=30), True),
        (timedelta(days=1), True),
        (timedelta(days=-400), True),
    ],
)
def test_it_is_told_thirty_days_before_and_until_there_is_another(
    before: timedelta, told: bool
) -> None:
    """Inclusive, and long after its end as well: the channel goes on sending nothing."""
    found = assess_certificates([LA], END - before, {}).findings

    assert bool(found) is told


@pytest.mark.parametrize(
    ("before", "level"),
    [
        (timedelta(days=30), 1),
        (timedelta(days=7, seconds=1), 1),
        (timedelta(days=7), 2),
        (timedelta(days=1, seconds=1), 2),
        (timedelta(days=1), 3),
        (timedelta(0), 3),
        (timedelta(days=-400), 3),
    ],
)
def test_it_rises_seven_days_and_one_day_before(before: timedelta, level: int) -> None:
    """A rise is told anew; the episode stays the same."""
    now = END - before

    (found,) = assess_certificates([LA], now, {}).findings

    assert (found.level, found.episode) == (level, "la-mail 2026-12-01")
    left = {1: "", 2: "within 7 days", 3: "within a day"}[level] if before >= timedelta(0) else ""
    assert found.facts.get("left", "") == left
    assert found.fired_at <= found.raised_at <= now


def test_told_late_by_a_setting_it_begins_at_the_level_of_that_day() -> None:
    """Whoever wants to hear only three days before hears it as urgent as it is by then."""
    settings = {"certificate_expiring": {"days": 3}}

    assert assess_certificates([LA], END - timedelta(days=4), settings).findings == ()
    (found,) = assess_certificates([LA], END - timedelta(days=3), settings).findings

    assert found.level == 2
    assert found.fired_at == found.raised_at == END - timedelta(days=3)


def test_what_the_mis_knows_us_by_ends_the_reading() -> None:
    """Before its end and after it."""
    mis = Ending("", END, "the credential for wonde", "get a new one")
    (soon,) = assess_certificates([mis], END - timedelta(days=3), {}).findings
    (late,) = assess_certificates([mis], END + timedelta(days=3), {}).findings

    assert soon.sentence == (
        "No register will be read any more: the credential for wonde expires on 1 December 2026. "
        "To do: get a new one."
    )
    assert late.sentence == (
        "No register can be read: the credential for wonde expired on 1 December 2026. "
        "To do: get a new one."
    )
    assert soon.episode == "MIS 2026-12-01"


@pytest.mark.parametrize(
    ("before", "now", "nearer"),
    [
        (None, 31, False),
        (None, 30, True),
        (30, 29, False),
        (31, 30, True),
        (29, 7, True),
        (7, 2, False),
        (2, 0, True),
        (0, -5, False),
    ],
)
def test_time_alone_makes_it_news_on_the_days_on_which_it_is_told(
    before: int | None, now: int, nearer: bool
) -> None:
    """In days before the end; None where nobody had looked."""
    then = END - timedelta(days=before) if before is not None else None

    assert nearer_ends([END], then, END - timedelta(days=now), {}) is nearer


def test_the_sentence_says_which_when_and_what_to_do() -> None:
    """The day is London's; after its end it is told as a fact."""
    (soon,) = assess_certificates([LA], END - timedelta(days=3), {}).findings
    (late,) = assess_certificates([LA], END + timedelta(days=3), {}).findings

    assert soon.sentence == (
        "The channel la-mail will send nothing: certificate la.pem of the authority expires on "
        "1 December 2026. To do: ask the authority."
    )
    assert late.sentence == (
        "The channel la-mail sends nothing: certificate la.pem of the authority expired on "
        "1 December 2026. To do: ask the authority."
    )
    assert (soon.episode, late.episode) == ("la-mail 2026-12-01",) * 2


def test_another_number_of_days_can_be_set() -> None:
    """And the first to end is named first."""
    later = Ending("la-portal", END + timedelta(days=20), "our certificate", "renew it")
    settings = {"certificate_expiring": {"days": 60}}

    found = assess_certificates([later, LA], END - timedelta(days=40), settings).findings

    assert [one.facts["channel"] for one in found] == ["la-mail", "la-portal"]


def test_switched_off_it_is_held_back() -> None:
    """Nobody is told, and it is kept that there was something to tell."""
    look = assess_certificates([LA], END, {"certificate_expiring": {"enabled": False}})

    assert look.findings == ()
    assert [finding.trigger for finding, _ in look.held] == ["certificate_expiring"]
