"""What is said of the service itself: broken channels, lost messages, work that is not done."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from mis_bridge.triggers.catalogue import assess_service
from mis_bridge.triggers.channel_failing import BrokenChannel, assess_channels
from mis_bridge.triggers.self_check_failed import HISTORY, Behind
from mis_bridge.triggers.undelivered import DeadLetter

NOW = datetime(2026, 11, 17, 10, 2, tzinfo=UTC)
DAY = date(2026, 11, 17)
LETTER = DeadLetter("MB-AAAA-AAAA", "DSL", "dsl-mail", NOW, "refused")


def test_a_broken_channel_names_who_is_not_reached_and_who_is_told_another_way() -> None:
    """IT knows at once whether somebody has to be told by telephone."""
    (found,) = assess_channels(
        [BrokenChannel("dsl-teams", NOW, "404", 2, ("virtual school",), (("DSL", "dsl-mail"),))],
        DAY,
    ).findings
    assert found.sentence == (
        "The channel dsl-teams did not deliver at 10:02: 404; 2 messages wait for it. No other "
        "channel reaches: virtual school. Told another way meanwhile: DSL by dsl-mail."
    )


def test_each_lost_message_is_a_matter_of_its_own() -> None:
    """Another child's alert that is lost an hour later is told too; the same one is told once."""
    later = NOW + timedelta(hours=1)
    again = DeadLetter("MB-AAAA-AAAA", "DSL", "dsl-teams", later, "refused")
    other = DeadLetter("MB-BBBB-BBBB", "DSL", "dsl-mail", later, "refused", still_tried=True)
    first, second = assess_service([other, again, LETTER], [], DAY, {}).findings
    assert first.sentence == (
        "A message for DSL about MB-AAAA-AAAA has reached nobody. No channel is tried any more. "
        "Tell DSL by telephone or in person."
    )
    assert "The channel dsl-mail is still being tried." in second.sentence
    assert first.episode != second.episode


def test_all_that_a_school_is_behind_with_is_one_matter_from_the_oldest_on() -> None:
    """It grows and shrinks from look to look; people are told once."""
    look = assess_service(
        [], [Behind(NOW, "b is late"), Behind(NOW - timedelta(minutes=9), "a is late")], DAY, {}
    )
    (found,) = look.findings
    assert "a is late; b is late" in found.sentence
    assert found.fired_at == NOW - timedelta(minutes=9)
    assert assess_service([], [], DAY, {}).findings == ()


def test_a_history_that_was_changed_is_a_matter_beside_work_that_is_not_done() -> None:
    """It says school, line and what to do; that the registers are watched is said as well."""
    changed = Behind(NOW, "samplewood line 2: it was changed after it was written", HISTORY)
    work, history = assess_service([], [Behind(NOW, "a is late"), changed], DAY, {}).findings
    assert "a is late" in work.sentence
    assert "line 2" not in work.sentence
    assert "samplewood line 2: it was changed after it was written" in history.sentence
    for said in ("watched", "mis-bridge audit verify", "ask everybody", "restore the last backup"):
        assert said in history.sentence
    assert work.episode != history.episode

    later = Behind(NOW + timedelta(days=1), "samplewood line 9: line 9 is missing", HISTORY)
    first, second = assess_service([], [later, changed], DAY, {}).findings
    assert first == history
    assert "line 9 is missing" in second.sentence
    assert "line 2" not in second.sentence
    assert first.episode != second.episode


def test_of_a_history_that_is_broken_in_many_places_some_are_named() -> None:
    """The sentence can be read; all of them are in the evidence."""
    broken = [Behind(NOW, f"line {number} is missing", HISTORY) for number in range(1, 10)]
    (found,) = assess_service([], broken, DAY, {}).findings
    assert "line 5 is missing; and 4 more." in found.sentence
    assert len(found.evidence) == len(broken)


def test_what_is_switched_off_is_held_and_not_told() -> None:
    """And shown as held."""
    off = {"undelivered": {"enabled": False}, "self_check_failed": {"enabled": False}}
    look = assess_service([LETTER], [Behind(NOW, "late")], DAY, off)
    assert look.findings == ()
    assert [finding.trigger for finding, _ in look.held] == ["undelivered", "self_check_failed"]
