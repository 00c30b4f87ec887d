"""Missing again and again.

Source: "Keeping children safe in education" (repeat occasions are a warning sign). Three days
missing, or five absent without explanation, within 90 days are our choice.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from mis_bridge.triggers.catalogue import assess_history
from mis_bridge.triggers.roll_model import Episode, EpisodeKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mis_bridge.triggers.model import Finding

TODAY = date(2026, 12, 1)
MISSING, ABSENT = EpisodeKind.MISSING, EpisodeKind.ABSENT


def ago(*days: int, kind: EpisodeKind = MISSING, pupil: str = "P-1") -> list[Episode]:
    """Episodes of so many days ago."""
    return [Episode(pupil, TODAY - timedelta(days=number), kind) for number in days]


def look(
    happened: Iterable[Episode], today: date = TODAY, **settings: object
) -> tuple[Finding, ...]:
    """Give what is found."""
    return assess_history(happened, today, {"repeat_missing": settings}).findings


def test_three_days_missing_within_90_days() -> None:
    """The third of them completes it, and its day names the matter."""
    (finding,) = look(ago(60, 20, 1))

    assert (finding.pupil, finding.level) == ("P-1", 1)
    assert finding.day == TODAY - timedelta(days=1)
    assert "Missing during the day on 3 days since" in finding.sentence


@pytest.mark.parametrize(("first", "found"), [(89, 1), (90, 0)])
def test_the_window_holds_90_days(first: int, found: int) -> None:
    """Its first and its last day included: the 90th day before today is outside."""
    assert len(look(ago(first, 10, 0))) == found


def test_two_are_too_few() -> None:
    """Once is an incident, twice is not yet a pattern."""
    assert look(ago(2, 1)) == ()


def test_several_lessons_of_one_day_are_one() -> None:
    """A morning of three missed lessons is one day missing."""
    assert look(ago(1, 1, 1)) == ()


def test_days_of_two_pupils_are_not_added_up() -> None:
    """Twins who are missing together are each missing once."""
    assert look([*ago(5, 1), *ago(3, pupil="P-2")]) == ()


def test_absences_without_explanation_have_a_number_of_their_own() -> None:
    """Five of them; four, and two days missing beside them, are neither."""
    (finding,) = look(ago(40, 30, 20, 10, 2, kind=ABSENT))
    assert "Absent all day without explanation on 5 days" in finding.sentence
    assert look([*ago(40, 30, 20, 10, kind=ABSENT), *ago(2, 1)]) == ()


def test_one_more_is_the_same_matter_and_twice_as_many_are_level_2() -> None:
    """The fourth and fifth change the sentence; the sixth raises the level."""
    (third,) = look(ago(50, 40, 30))
    (fifth,) = look(ago(50, 40, 30, 20, 10))
    (sixth,) = look(ago(50, 40, 30, 20, 10, 1))

    assert third.identity == fifth.identity == sixth.identity
    assert [third.level, fifth.level, sixth.level] == [1, 1, 2]


def test_it_ends_when_the_days_have_moved_out_and_begins_anew() -> None:
    """Three in spring, long quiet, three in winter: two matters, told apart by their day."""
    spring = ago(170, 165, 160)

    (first,) = look(spring, today=TODAY - timedelta(days=150))
    assert look(spring, today=TODAY - timedelta(days=79)) == ()
    (second,) = look([*spring, *ago(20, 10, 0)])
    assert first.identity != second.identity
    assert second.facts["days"] == 3


def test_what_happens_later_is_not_known_yet() -> None:
    """A replay looks at a day as it was."""
    assert look(ago(20, 10, 0), today=TODAY - timedelta(days=1)) == ()


def test_the_numbers_are_settings() -> None:
    """Two within a fortnight, for a school that wants to know early."""
    assert len(look(ago(9, 1), episodes=2, window_days=14)) == 1
    assert look(ago(15, 1), episodes=2, window_days=14) == ()


def test_never_for_what_was_no_episode() -> None:
    """Without episodes there is nothing: what was explained or corrected is not handed in."""
    assert look([]) == ()
