from __future__ import annotations

import re

from mis_bridge.incidents.ids import REFERENCE_PATTERN, incident_id, outbox_id, reference


def test_the_same_episode_has_the_same_id_and_reference() -> None:
    """Deciding twice finds what deciding once has made."""
    one = incident_id("hilltop", "missing_during_day", "p-1", "2026-11-12/P2")
    two = incident_id("hilltop", "missing_during_day", "p-1", "2026-11-12/P2")

    assert one == two
    assert reference(one) == reference(two)


def test_every_part_of_an_episode_tells_it_apart() -> None:
    """Neither school, family, pupil nor key can stand in for another, nor for two joined up."""
    ids = {
        incident_id("a", "b", "c", "d"),
        incident_id("x", "b", "c", "d"),
        incident_id("a", "x", "c", "d"),
        incident_id("a", "b", "x", "d"),
        incident_id("a", "b", "c", "x"),
        incident_id("ab", "", "c", "d"),
        incident_id("a", "b", "cd", ""),
    }

    assert len(ids) == 7


def test_a_reference_can_be_read_out_over_a_telephone() -> None:
    """It has no letter that sounds or looks like a digit: no I, L, O or U."""
    references = [reference(incident_id("hilltop", "x", str(n), "k")) for n in range(500)]

    assert all(re.fullmatch(REFERENCE_PATTERN, each) for each in references)
    assert not set("ILOU") & set("".join(references).replace("MB-", ""))
    assert len(set(references)) == 500


def test_a_message_keeps_its_id_over_attempts_and_changes_it_with_the_revision() -> None:
    """The id depends on what it is about, reason, audience, channel, revision, and nothing else."""
    one = ("i", "opened", "dsl", "teams", 1)
    assert outbox_id(*one) == outbox_id(*one)
    others = {
        outbox_id(*one),
        outbox_id("i", "opened", "dsl", "teams", 2),
        outbox_id("i", "found", "dsl", "teams", 1),
        outbox_id("i", "opened", "dsl", "mail", 1),
        outbox_id("i", "opened", "office", "teams", 1),
        outbox_id("j", "opened", "dsl", "teams", 1),
    }
    assert len(others) == 6
