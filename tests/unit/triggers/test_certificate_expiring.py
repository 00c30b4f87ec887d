"""Certificates of channels to the Local Authority that run out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mis_bridge.triggers.catalogue import assess_certificates
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
