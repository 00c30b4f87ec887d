"""A silence has an author, a reason and an end; it mutes the telling, and never hides a child."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from mis_bridge.cli.silences import command
from mis_bridge.errors import IncidentError
from mis_bridge.incidents.model import MessagePlan
from mis_bridge.incidents.reasons import Reason
from mis_bridge.messages.model import Disclosure
from mis_bridge.service import deliver, routing
from mis_bridge.service.bundles import compose_together
from mis_bridge.service.writing import Sender
from mis_bridge.store import audit, incidents, outbox, owed

from .conftest import DEADLINES, NOW, SCHOOL, json_lines

if TYPE_CHECKING:
    from click.testing import Result

    from mis_bridge.incidents.model import Incident
    from mis_bridge.store.outbox import OutboxRow

    from .conftest import Desk

BY = ("--by", "A. Lead", "--why", "Cover registers come on paper today")
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def _add(desk: Desk, *arguments: str) -> Result:
    return desk.run(command, "add", *arguments, *BY)


def _tell(desk: Desk, incident: Incident, reason: Reason = Reason.UNACKNOWLEDGED) -> OutboxRow:
    """Let the daemon have something to say of an incident; returns the row of the DSL."""
    with desk.store.transaction() as tx:
        plan = MessagePlan(incident, reason, incident.audience[0], incident.severity, 9)
        rows = routing.expand(tx, plan, desk.school, NOW + MINUTE, DEADLINES)
        outbox.insert(tx, rows)
    return rows[0]


def test_nobody_is_told_while_it_lasts_and_all_are_when_it_ends(desk: Desk) -> None:
    """The message waits for the end; the history says who silenced it, until when and why."""
    _add(desk, "--trigger", "ten_day_absence", "--until", "2026-11-13T12:00")

    row = _tell(desk, desk.ten_days)

    until = NOW.replace(day=13, hour=12, minute=0)
    assert (row.held, row.due_at, row.held_until) == (Reason.SILENCED, until, until)
    shown = desk.incidents("show", desk.ten_days.reference).output
    assert "waits until Fri 13 Nov 12:00: silenced" in shown
    with desk.store.reading() as tx:
        (line,) = [
            one
            for one in audit.history(tx, SCHOOL, desk.ten_days.id)
            if one.reason == Reason.SILENCED
        ]
    assert line.act == "silenced"
    assert "A. Lead" in line.body
    assert "Cover registers come on paper today" in line.body
    assert row.id in {one.id for one in desk.store.run(deliver.claim, until, "test")}


def test_what_waits_already_is_held_with_the_rest(desk: Desk) -> None:
    """The message that is about to go out is part of what is silenced; what has gone out is not."""
    said = json_lines(
        _add(desk, "--incident", desk.ten_days.reference, "--until", "15:30", "--format", "json")
    )[0]

    held = [row for row in desk.rows(desk.ten_days) if row.held == Reason.SILENCED]
    assert said["held"] == len(held) > 0
    assert said["trigger"] == "ten_day_absence"
    end = NOW.replace(hour=15, minute=30)
    assert {row.due_at for row in held} == {end}
    climbs = desk.stored(desk.ten_days).escalate_at
    assert climbs is not None
    assert climbs > end
    assert not [row for row in desk.rows(desk.missing) if row.held == Reason.SILENCED]


def test_what_is_over_when_the_silence_ends_is_not_told(desk: Desk) -> None:
    """It was noticed, and is in the history; nobody is troubled for it."""
    _add(desk, "--incident", desk.ten_days.reference, "--until", "15:30")
    desk.incidents(
        "close", desk.ten_days.reference, "Ill", "--outcome", "explained", "--by", "B. Office"
    )

    rows = [
        row
        for row in desk.store.run(deliver.claim, NOW + 6 * HOUR, "test")
        if row.incident == desk.ten_days.id and row.reason == Reason.OPENED
    ]
    for row in rows:
        written = desk.store.run(
            compose_together, [row], desk.school, Disclosure.INITIALS, Sender(), NOW + 6 * HOUR
        )
        assert written.unsaid == {row.id: Reason.CLEARED_BEFORE_SENDING}
    assert rows


def test_how_it_ends_is_never_silenced(desk: Desk) -> None:
    """Whoever was told of the beginning hears of the end."""
    desk.store.run(deliver.claim, NOW, "test")
    _add(desk, "--incident", desk.missing.reference, "--until", "15:30")

    assert _tell(desk, desk.missing, Reason.FOUND).held == ""


def test_ending_a_silence_lets_go_what_it_held(desk: Desk) -> None:
    """It goes out now; the time to answer is counted from now as well."""
    name = json_lines(
        _add(desk, "--incident", desk.ten_days.reference, "--until", "15:30", "--format", "json")
    )[0]["id"]

    said = desk.run(command, "end", name, "--by", "B. Head").output

    freed = [row for row in desk.rows(desk.ten_days) if row.held == Reason.SILENCED]
    assert said == f"{name}: ended, and what it held goes out now ({len(freed)}).\n"
    assert freed
    assert all(row.due_at < NOW + timedelta(seconds=1) for row in freed)
    climbs = desk.stored(desk.ten_days).escalate_at
    assert climbs is not None
    assert climbs < NOW + timedelta(minutes=16)
    assert name not in desk.run(command, "list").output
    assert name in desk.run(command, "list", "--all").output
    with pytest.raises(IncidentError, match="ended already"):
        desk.run(command, "end", name, "--by", "B. Head")


def test_what_was_held_already_climbs_as_long_after_the_silence_as_after_that(desk: Desk) -> None:
    """Held until 11:15, climbing at 11:30; silenced until 12:00 it climbs at 12:15, not later."""
    rows, until = desk.rows(desk.ten_days), NOW + HOUR
    with desk.store.transaction() as tx:
        for row in rows:
            owed.retime(tx, replace(row, due_at=until, held="quiet_hours", held_until=until))
        stored = desk.stored(desk.ten_days)
        incidents.save(tx, [replace(stored, escalate_at=until + 15 * MINUTE)])

    _add(desk, "--incident", desk.ten_days.reference, "--until", "12:00")

    ends = datetime(2026, 11, 12, 12, 0, tzinfo=UTC)
    waiting = [one for one in desk.rows(desk.ten_days) if one.held == Reason.SILENCED]
    assert len(waiting) == len(rows) > 0
    climbs = desk.stored(desk.ten_days).escalate_at
    assert climbs is not None
    assert abs(climbs - (ends + 15 * MINUTE)) < timedelta(seconds=1)


def test_however_much_a_silence_held_people_have_their_time_to_answer(desk: Desk) -> None:
    """Three messages of one child are let go five minutes early: it climbs five minutes earlier."""
    added = _add(desk, "--incident", desk.missing.reference, "--until", "10:20", "--format", "json")
    for reason in (Reason.LEVEL_RAISED, Reason.STEP_OVERDUE, Reason.UNACKNOWLEDGED):
        assert _tell(desk, desk.missing, reason).held == Reason.SILENCED
    with desk.store.transaction() as tx:
        stored = desk.stored(desk.missing)
        incidents.save(tx, [replace(stored, escalate_at=NOW + 20 * MINUTE)])

    desk.run(command, "end", json_lines(added)[0]["id"], "--by", "B. Head")

    climbs = desk.stored(desk.missing).escalate_at
    assert climbs is not None
    assert abs(climbs - (NOW + 15 * MINUTE)) < timedelta(seconds=1)


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        (["--trigger", "missing_during_day", "--until", "15:30"], "has to name one"),
        (
            ["--trigger", "missing_during_day", "--pupil", "p-1", "--until", "2026-11-13T09:00"],
            "until the end of the day",
        ),
        (["--trigger", "feed_blind", "--until", "2026-11-13T09:00"], "until the end of the day"),
        (["--trigger", "ten_day_absence", "--until", "2026-12-18T09:00"], "5 school days"),
        (["--trigger", "ten_day_absence", "--until", "08:00"], "in the past"),
        (["--trigger", "ten_day_absense", "--until", "15:30"], 'did you mean "ten_day_absence"'),
        (["--trigger", "ten_day_absence", "--pupil", "p-9", "--until", "15:30"], "no pupil"),
        (["--until", "15:30"], "say of what nobody is to be told: --trigger"),
        (["--pupil", "p-1", "--until", "15:30"], "--trigger, also beside --pupil"),
    ],
)
def test_a_silence_that_would_hide_something_is_refused(
    desk: Desk, arguments: list[str], advice: str
) -> None:
    """It says what may be asked for, and nothing is stored."""
    with pytest.raises(IncidentError, match=advice):
        _add(desk, *arguments)
    assert "Nothing is silenced." in desk.run(command, "list").output


def test_a_missing_child_can_be_silenced_by_name_until_the_end_of_the_day(desk: Desk) -> None:
    """The DSL has the child beside them; another child is told of all the same."""
    _add(desk, "--trigger", "missing_during_day", "--pupil", "p-1", "--until", "15:30")

    assert _tell(desk, desk.missing).held == Reason.SILENCED
    other = incidents_of_another(desk)
    assert _tell(desk, other).held == ""


def incidents_of_another(desk: Desk) -> Incident:
    """The same, of another child."""
    other = replace(desk.missing, id="cd" * 32, reference="MB-0000-0002", pupil="p-2")
    with desk.store.transaction() as tx:
        incidents.save(tx, [other])
    return other


@pytest.mark.parametrize("blank", [("--by", " ", "--why", "x"), ("--by", "A", "--why", "  ")])
def test_it_needs_an_author_and_a_reason(desk: Desk, blank: tuple[str, ...]) -> None:
    """Without them nobody can answer for it later."""
    with pytest.raises(IncidentError, match=r"say (who|why)"):
        desk.run(command, "add", "--trigger", "ten_day_absence", "--until", "15:30", *blank)


def test_a_time_that_is_none_is_wrong_usage(desk: Desk) -> None:
    """The command says how a time is written."""
    result = _add(desk, "--trigger", "ten_day_absence", "--until", "tomorrow")
    assert result.exit_code == 2
    assert "2026-11-13T12:00" in result.output
