"""Whole school days: what is open at which minute, walked minute by minute."""

from __future__ import annotations

import json
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from mis_bridge.registers.calendar import local_datetime
from mis_bridge.registers.codes import NOT_TAKEN, to_byte
from mis_bridge.registers.day_sheet import DayEvent, DaySheet, Entry, Slot, SlotKind
from mis_bridge.triggers.catalogue import assess_day, assess_feed
from mis_bridge.triggers.day_walk import walk
from mis_bridge.triggers.model import Finding, PupilDay, SchoolDay

DATA = json.loads(
    (Path(__file__).parents[2] / "data" / "missing_in_day.json").read_text(encoding="utf-8")
)
DAY = date(2026, 9, 15)


def minute_of(clock: str) -> int:
    """Give minutes after midnight."""
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


def slot_of(name: str) -> Slot:
    """Give a slot of the data's day."""
    times = [minute_of(clock) for clock in DATA["day"][name]]
    if len(times) == 3:
        return Slot(name, SlotKind.SESSION, times[0], times[2], times[1])
    return Slot(name, SlotKind.LESSON, times[0], times[1])


def day_at(timeline: dict[str, Any], minute: int) -> PupilDay:
    """Give the pupil's day as it is known at a minute."""
    known = sum(minute_of(text.split()[0]) <= minute for text in timeline["saved"])
    return _day_of(timeline["name"], known)


@lru_cache(maxsize=64)
def _day_of(name: str, known: int) -> PupilDay:
    timeline = next(one for one in DATA["timelines"] if one["name"] == name)
    sheet = DaySheet(DAY)
    for slot in (*timeline["lessons"].split(), *timeline.get("blank_sessions", ())):
        sheet = sheet.with_entry(slot_of(slot), Entry(NOT_TAKEN))
    events = []
    for saved_as in timeline["saved"][:known]:
        clock, what, *code = saved_as.split()
        saved = minute_of(clock)
        if code:
            sheet = sheet.with_entry(slot_of(what), Entry(to_byte(code[0]), saved))
        else:
            events.append(DayEvent(saved, what))
    return PupilDay(
        "P-1",
        sheet,
        tuple(events),
        frozenset(timeline.get("flags", ())),
        timeline["year_group"],
    )


def read_at(timeline: dict[str, Any], minute: int) -> int:
    """Give the last minute at which a reading succeeded; there is one every two minutes."""
    if "unreadable" in timeline:
        first, until = (minute_of(clock) for clock in timeline["unreadable"])
        if first <= minute < until:
            return first - 2
    return minute


def look(timeline: dict[str, Any], minute: int) -> list[Finding]:
    """Give everything that is found at a minute, by what has been read by then."""
    read = read_at(timeline, minute)
    school_day = SchoolDay(
        DAY,
        [day_at(timeline, read)],
        last_good_read=local_datetime(DAY, read),
        expected_reading_from=local_datetime(DAY, minute_of("07:30")),
    )
    now: datetime = local_datetime(DAY, minute)
    assessments = (assess_day(school_day, now, {}), assess_feed(school_day, now, {}))
    return [finding for assessment in assessments for finding in assessment.findings]


def detail(finding: Finding) -> list[str | int | None]:
    """Give a finding as the data writes it."""
    if finding.trigger == "missing_during_day":
        return [finding.trigger, finding.level]
    return [finding.trigger, finding.slot or None]


@pytest.mark.parametrize("timeline", DATA["timelines"], ids=lambda timeline: timeline["name"])
def test_timeline(timeline: dict[str, Any]) -> None:
    """At every stated minute exactly the stated findings are open; what closed was open before."""
    seen: set[str] = set()
    minute = minute_of("07:30")
    for expected in timeline["expect"]:
        until = minute_of(expected["at"])
        while minute < until:
            seen |= {finding.trigger for finding in look(timeline, minute)}
            minute += 1

        findings = look(timeline, minute)

        assert sorted(map(str, map(detail, findings))) == sorted(map(str, expected["open"])), (
            timeline["because"]
        )
        still = {finding.trigger for finding in findings}
        for trigger in expected.get("closed", ()):
            assert trigger in seen
            assert trigger not in still
        if expected.get("found"):
            sightings = walk(day_at(timeline, minute), minute).sightings
            assert minute in {sight.known for sight in sightings}
        seen |= still


@pytest.mark.parametrize(
    "timeline",
    [timeline for timeline in DATA["timelines"] if "unreadable" not in timeline],
    ids=lambda timeline: timeline["name"],
)
def test_fired_at_is_the_first_minute_at_which_it_is_open(timeline: dict[str, Any]) -> None:
    """A finding says of itself the minute at which it first appears, when readings are prompt."""
    known: dict[tuple[str, ...], int] = {}
    for minute in range(minute_of("07:30"), minute_of("15:30")):
        findings = look(timeline, minute)
        for finding in findings:
            first = known.setdefault(finding.identity, minute)
            assert finding.fired_at == local_datetime(DAY, first)
            assert finding.raised_at <= local_datetime(DAY, minute)
        known = {finding.identity: known[finding.identity] for finding in findings}


def test_the_shared_rules_are_all_there() -> None:
    """Every timeline says why, and no two have one name."""
    names = [timeline["name"] for timeline in DATA["timelines"]]

    assert len(names) == len(set(names))
    assert all(timeline["because"] for timeline in DATA["timelines"])
