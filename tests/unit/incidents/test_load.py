"""What a replay would have meant for the people who are told."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from mis_bridge.incidents.load import differences, loads, people
from mis_bridge.registers.calendar import local_datetime
from mis_bridge.triggers.catalogue import TRIGGERS
from mis_bridge.triggers.model import Finding
from mis_bridge.triggers.replay_model import Replayed

MONDAY = date(2026, 11, 9)
WEEK = [MONDAY + timedelta(days=number) for number in range(5)]
TRIGGER_IDS = ("unexplained_absence", "missing_during_day", "persistent_absence")


def raised(trigger: str, pupil: str, day: date, slot: str = "AM") -> Replayed:
    """Something that was raised at ten."""
    at = local_datetime(day, 600)
    finding = Finding(
        trigger=trigger, pupil=pupil, day=day, slot=slot, level=1, fired_at=at, raised_at=at,
        evidence=(), sentence="",
    )  # fmt: skip
    return Replayed(finding, at, None, 1)


some = st.lists(
    st.builds(
        raised, st.sampled_from(TRIGGER_IDS), st.sampled_from("abc"), st.sampled_from(WEEK),
        st.sampled_from(["AM", "PM"]),
    ),
    max_size=30,
)  # fmt: skip


def test_a_day_s_two_absences_of_one_pupil_are_one_matter() -> None:
    """The office makes one call for them."""
    found = [
        raised("unexplained_absence", "a", MONDAY, "AM"),
        raised("unexplained_absence", "a", MONDAY, "PM"),
        raised("unexplained_absence", "b", MONDAY),
        raised("unexplained_absence", "a", WEEK[2]),
    ]

    (load,) = loads(found, WEEK)

    assert (load.incidents, load.pupils) == (3, 2)
    assert dict(load.by_day) == {MONDAY: 2, WEEK[2]: 1}
    assert (load.busiest, load.most) == (MONDAY, 2)
    # 2, 0, 1, 0, 0: the quiet days count.
    assert load.median == 0


def test_who_is_told_of_two_things_has_both() -> None:
    """And what two are told of is work for both."""
    found = [raised("missing_during_day", "a", MONDAY), raised("unexplained_absence", "b", MONDAY)]

    told = {load.of: load.incidents for load in people(found, WEEK)}

    expected: dict[str, int] = {}
    for one in found:
        for audience in TRIGGERS[one.finding.trigger].INFO.audience:
            expected[audience] = expected.get(audience, 0) + 1
    assert told == expected
    assert told["dsl"] == 2


@given(some)
def test_the_days_add_up_to_the_whole(found: list[Replayed]) -> None:
    """Nothing is lost between the total and the chart."""
    for load in (*loads(found, WEEK), *people(found, WEEK)):
        assert sum(load.by_day.values()) == load.incidents
        assert load.most == max(load.by_day.values())


@given(some, some)
def test_a_comparison_is_the_same_from_either_side(
    first: list[Replayed], second: list[Replayed]
) -> None:
    """What both have is what is left of each without its own; swapped, the sides swap."""
    there = {one.trigger: one for one in differences(second, first)}
    for one in differences(first, second):
        back = there[one.trigger]
        assert (one.first, one.second) == (back.second, back.first)
        assert (one.only_first, one.only_second) == (back.only_second, back.only_first)
        assert one.first - one.only_first == one.second - one.only_second


@given(some)
def test_nothing_differs_from_itself(found: list[Replayed]) -> None:
    """The same rules twice."""
    assert all(one.only_first == one.only_second == 0 for one in differences(found, found))
