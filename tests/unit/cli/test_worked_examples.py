"""The worked examples as a school would export them: CSV files in, JSON lines out."""

from __future__ import annotations

import csv
import json
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from mis_bridge.cli import absence, backtest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import click

DATA = Path(__file__).parents[2] / "data"
EXAMPLES = json.loads((DATA / "attendance_examples.json").read_text("utf-8"))["examples"]
TIMELINES = json.loads((DATA / "missing_in_day.json").read_text("utf-8"))["timelines"]
COUNTS = ("possible", "attended", "authorised", "unauthorised", "absent", "missing_marks")

DAY = "2026-11-17"
LESSONS = {
    "P1": ("08:55", "09:55"),
    "P2": ("09:55", "10:55"),
    "P3": ("11:15", "12:15"),
    "P4": ("13:10", "14:10"),
    "P5": ("14:10", "15:10"),
}
EVENTS = frozenset({"sign_in", "sign_out", "message"})
FILES = {
    "sessions": "pupil_id,date,session,code,recorded_at",
    "lessons": "pupil_id,date,period,starts_at,ends_at,code,recorded_at",
    "pupils": "pupil_id,upn,surname,forename,dob,year_group,form,flags",
    "events": "pupil_id,at,kind,reason",
}


def ran(command: click.Command, *arguments: object) -> list[dict[str, Any]]:
    """Run a command for JSON lines; nothing else may come out."""
    result = CliRunner().invoke(command, [*map(str, arguments), "--format", "json"])
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def written(folder: Path, kind: str, rows: Iterable[Sequence[object]]) -> list[object]:
    """Write one of the files; give the option that names it."""
    path = folder / f"{kind}.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(FILES[kind].split(","))
        writer.writerows(rows)
    return [f"--{kind}", path]


def sessions(example: dict[str, Any]) -> Iterator[tuple[str, str, str, str, str]]:
    """An example's strip; where it only gives numbers, the absences first, from a Monday on."""
    given = example["input"]
    if "strip" in given:
        strip = given["strip"]
    else:
        codes = ["I"] * given["absent"] + ["/"] * (given["possible"] - given["absent"]) + ["#"]
        weekdays = (
            date(2025, 9, 1) + timedelta(days=7 * week + day)
            for week in range(40)
            for day in range(5)
        )
        strip = [
            (day.isoformat(), *codes[at : at + 2])
            for day, at in zip(weekdays, range(0, given["possible"], 2), strict=False)
        ]
    for day, am, pm in strip:
        yield example["id"], day, "AM", am, ""
        yield example["id"], day, "PM", pm, ""


def measured(asks: str) -> list[dict[str, Any]]:
    """The examples that ``absence`` answers."""
    return [one for one in EXAMPLES if one["asks"] == asks]


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """All examples that are about one pupil's counts in one file, each a pupil of its own."""
    asked = ("session_counts", "persistent_absence", "severe_absence")
    examples = [one for asks in asked for one in measured(asks)]
    file = written(
        tmp_path_factory.mktemp("absence"),
        "sessions",
        [row for one in examples for row in sessions(one)],
    )
    # They are of several school years, which is said on standard error.
    found = {row["pupil_id"]: row for row in ran(absence.command, *file)}
    assert set(found) == {one["id"] for one in examples}
    return found


@pytest.mark.parametrize("example", measured("session_counts"), ids=lambda one: one["id"])
def test_counts(example: dict[str, Any], rows: dict[str, dict[str, Any]]) -> None:
    """``absence`` counts every class of code as the worked example does."""
    assert {name: rows[example["id"]][name] for name in COUNTS} == example["expected"]


@pytest.mark.parametrize("asks", ["persistent_absence", "severe_absence"])
def test_levels(asks: str, rows: dict[str, dict[str, Any]]) -> None:
    """``absence`` says persistent and severe, and null where there is no possible session."""
    column = asks.partition("_")[0]
    for example in measured(asks):
        row = rows[example["id"]]
        assert row[column] is example["expected"], example["id"]
        assert (row["rate"] is None) == (row["possible"] == 0)


@pytest.mark.parametrize("example", measured("attendance_return"), ids=lambda one: one["id"])
def test_returns(example: dict[str, Any], tmp_path: Path) -> None:
    """``backtest`` raises the return on the day that completes the run, at its last close."""
    found = ran(backtest.command, *written(tmp_path, "sessions", sessions(example)))

    fired = [row["fired_at"][:16] for row in found if row["trigger"] == "ten_day_absence"]
    assert fired == [f"{day}T13:30" for day in example["expected"]]


FIRED_ONCE = {
    "sickness_threshold": "fifteen_day_sickness",
    "ten_in_ten_weeks": "penalty_threshold",
    "twenty_days": "twenty_day_absence",
}


@pytest.mark.parametrize(
    "example", [one for one in EXAMPLES if one["asks"] in FIRED_ONCE], ids=lambda one: one["id"]
)
def test_thresholds(example: dict[str, Any], tmp_path: Path) -> None:
    """``backtest`` raises each threshold on its day, once, and not where the example says never."""
    found = ran(backtest.command, *written(tmp_path, "sessions", sessions(example)))

    trigger = FIRED_ONCE[example["asks"]]
    fired = [row["fired_at"][:16] for row in found if row["trigger"] == trigger]
    expected = example["expected"]
    assert fired == ([] if expected is None else [f"{expected}T13:30"])


@pytest.mark.parametrize("example", measured("n_deadline"), ids=lambda one: one["id"])
def test_reasons(example: dict[str, Any], tmp_path: Path) -> None:
    """``backtest`` finds an N overdue on the school day after the last on which it may stand."""
    *rows, last = sessions(example)
    following = date.fromisoformat(last[1])
    assert following > date.fromisoformat(example["expected"])
    found = ran(backtest.command, *written(tmp_path, "sessions", [*rows, last]))

    fired = [row["fired_at"][:16] for row in found if row["trigger"] == "reason_overdue"]
    assert fired == [f"{following.isoformat()}T13:30"]


def exported(timeline: dict[str, Any], folder: Path) -> list[object]:
    """A timeline as the four files of one day; a lesson that nobody saved has a dash."""
    marks: list[Sequence[object]] = []
    lessons: list[Sequence[object]] = []
    events: list[Sequence[object]] = []
    for text in timeline["saved"]:
        at, what, *code = text.split()
        if what in EVENTS:
            events.append(("p", f"{DAY}T{at}", what, ""))
        elif what in LESSONS:
            lessons.append(("p", DAY, what, *LESSONS[what], *code, at))
        else:
            marks.append(("p", DAY, what, *code, at))
    saved = {row[2] for row in lessons}
    lessons += [
        ("p", DAY, lesson, *LESSONS[lesson], "-", "")
        for lesson in timeline["lessons"].split()
        if lesson not in saved
    ]
    flags = ";".join(timeline.get("flags", ()))
    pupil = ("p", "", "Testpupil", "Ada", "", timeline["year_group"], "8A", flags)
    return [
        *written(folder, "sessions", marks),
        *written(folder, "lessons", lessons),
        *written(folder, "pupils", [pupil]),
        *written(folder, "events", events),
    ]


@pytest.mark.parametrize(
    "timeline",
    # The first are the rules' own; test_replay has all of them as records. What could not be read
    # is in no export.
    [one for one in TIMELINES[:10] if "unreadable" not in one],
    ids=lambda one: one["name"],
)
def test_timelines(timeline: dict[str, Any], tmp_path: Path) -> None:
    """``backtest`` up to a minute finds open what the timeline expects at it, closed the rest."""
    files = exported(timeline, tmp_path)
    for expected in timeline["expect"]:
        found = ran(backtest.command, *files, "--as-of", f"{DAY}T{expected['at']}")
        still_open = [
            [row["trigger"], row["level" if row["trigger"] == "missing_during_day" else "slot"]]
            for row in found
            if row["cleared_at"] is None
        ]
        assert sorted(still_open) == sorted(expected["open"]), expected["at"]
        over = {row["trigger"] for row in found if row["cleared_at"] is not None}
        assert over >= set(expected.get("closed", ()))
        order = [(row["fired_at"], row["pupil_id"] or "", row["trigger"]) for row in found]
        assert order == sorted(order)


def test_the_teacher_corrects_in_time(tmp_path: Path) -> None:
    """Absent saved at 10:02, present at 10:08: when the grace would have ended nothing is open."""
    (timeline,) = (one for one in TIMELINES if "within the grace" in one["name"])

    files = exported(timeline, tmp_path)

    assert ran(backtest.command, *files, "--as-of", f"{DAY}T10:12") == []
