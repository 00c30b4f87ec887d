"""What counts as a copy in the chaos run: the same news, to one reader, by one channel."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from mis_bridge.simulator.chaos.arrivals import Arrival
from mis_bridge.simulator.chaos.copies import Sending, find_copies

NINE = datetime(2026, 11, 16, 9, tzinfo=UTC)
ADA, BEN = "MB-AAAA-0001", "MB-BBBB-0002"


def rang(minute: int, *references: str, reader: str = "", title: str = "Missing") -> Arrival:
    """One message that arrived so many minutes after nine."""
    at = NINE + timedelta(minutes=minute, seconds=1)
    return Arrival(at, "dsl-bot", reader, frozenset(references), title)


def sent(
    minute: int,
    reference: str,
    *,
    news: str = "opened/1",
    message: str = "m",
    lost: bool = False,
    put_off: bool = False,
) -> Sending:
    """One attempt that began so many minutes after nine."""
    began = NINE + timedelta(minutes=minute)
    return Sending(message, "dsl-bot", began, f"{reference}/{news}", reference, news, lost, put_off)


def test_the_same_message_twice_after_a_lost_answer_is_one_copy() -> None:
    """The daemon was killed before it wrote down that the card stands; it comes once more."""
    copies = find_copies(
        [rang(0, ADA), rang(2, ADA)], [sent(0, ADA, lost=True), sent(2, ADA)], [NINE]
    )

    assert (len(copies.found), copies.problems) == (1, [])


def test_what_comes_again_among_others_is_a_copy_too() -> None:
    """Alone before the kill, in a group after it: its reader has read of the child twice."""
    copies = find_copies(
        [rang(0, ADA), rang(2, ADA, BEN, title="Missing: 2 pupils")],
        [sent(0, ADA, lost=True), sent(2, ADA, message="both"), sent(2, BEN, message="both")],
        [NINE],
    )

    assert (len(copies.found), copies.problems) == (1, [])


def test_other_news_of_one_incident_is_no_copy() -> None:
    """Missing, nobody has answered, found: three messages, and none of them said before."""
    news = ("opened/1", "unacknowledged/2", "found/3")
    copies = find_copies(
        [rang(minute, ADA) for minute in range(3)],
        [sent(minute, ADA, news=one, message=one) for minute, one in enumerate(news)],
        [],
    )

    assert (copies.found, copies.problems) == ([], [])


def test_one_message_for_two_readers_is_no_copy() -> None:
    """Each of the two is rung once; the second time one of them is, that is a copy."""
    first = [rang(0, ADA, reader="one"), rang(0, ADA, reader="other")]
    copies = find_copies(first, [sent(0, ADA, lost=True)], [])
    again = find_copies(
        [*first, rang(2, ADA, reader="one")], [sent(0, ADA, lost=True), sent(2, ADA)], [NINE]
    )

    assert (copies.found, copies.problems) == ([], [])
    assert (len(again.found), again.problems) == (1, [])


def test_a_copy_that_no_kill_and_no_lost_answer_explains_is_a_problem() -> None:
    """The first was written down as sent: nothing should have sent it again."""
    copies = find_copies([rang(0, ADA), rang(2, ADA)], [sent(0, ADA), sent(2, ADA)], [])

    assert len(copies.found) == 1
    assert "its answer was not lost" in copies.problems[0]


def test_a_reader_who_had_it_before_it_was_put_off_for_another_may_be_rung_again() -> None:
    """One of two had it, the other was to be tried later, and a kill forgot who was who."""
    arrived = [rang(0, ADA, reader="one"), rang(4, ADA, reader="one")]
    sendings = [sent(0, ADA, put_off=True), sent(4, ADA)]

    killed = find_copies(arrived, sendings, [NINE + timedelta(minutes=2)])
    not_killed = find_copies(arrived, sendings, [])

    assert (len(killed.found), killed.problems) == (1, [])
    assert len(not_killed.problems) == 1


def test_a_line_that_counts_incidents_tells_of_all_of_them() -> None:
    """An activity feed has room for one reference "and 1 more": its reader has heard of both."""
    line = Arrival(NINE, "dsl-bot", "one", frozenset({ADA}), f"2 pupils {ADA} and 1 more", True)
    copies = find_copies([line], [sent(0, ADA), sent(0, BEN)], [])

    assert copies.told == [(line, frozenset({ADA, BEN}))]
    assert copies.problems == []


def test_what_came_from_no_attempt_is_a_problem() -> None:
    """Every attempt is written down before anything is sent."""
    early = find_copies([rang(0, ADA)], [sent(1, ADA)], [])
    other = find_copies([rang(2, BEN)], [sent(1, ADA)], [])

    assert "came from no attempt" in early.problems[0]
    assert "came from no attempt" in other.problems[0]
