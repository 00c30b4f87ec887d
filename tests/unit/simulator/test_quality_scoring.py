"""What the simulator calls due, right and wrong, on days that are written by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mis_bridge.registers.codes import to_byte
from mis_bridge.simulator.quality.day_truth import DayTruth
from mis_bridge.simulator.quality.due import due_of, unseen
from mis_bridge.simulator.quality.lived import END, Known, LivedDay, OfficeEntry, Place
from mis_bridge.simulator.quality.rates import Life, Noise
from mis_bridge.simulator.quality.run import simulate
from mis_bridge.simulator.quality.schools import AM, LESSONS, build_schools
from mis_bridge.simulator.quality.scoring import Score
from mis_bridge.simulator.quality.watch import Alert, watch
from mis_bridge.simulator.quality.written import Mark, WrittenDay, write
from mis_bridge.simulator.truth import clock_time

if TYPE_CHECKING:
    from mis_bridge.registers.day_sheet import Slot
    from mis_bridge.simulator.quality.schools import School

QUIET = Life(
    **dict.fromkeys(
        (
            "skips_lessons", "leaves_site", "late_to_lesson", "signs_out", "goes_home_ill",
            "with_another_teacher", "medical_room", "fire_drill", "covered_lesson",
        ),
        0.0,
    )
)  # fmt: skip
NO_NOISE = Noise().scaled(0)
P2, P3, P4 = LESSONS[1], LESSONS[2], LESSONS[3]


@pytest.fixture(scope="module")
def school() -> School:
    """A small secondary school."""
    (first,) = build_schools(1, 3, size=0.1)
    return first


@pytest.fixture
def day(school: School) -> LivedDay:
    """A Tuesday on which everybody is where the timetable says."""
    number = next(n for n, day in enumerate(school.days) if n > 40 and day.weekday() == 1)
    return LivedDay(number, school.days[number])


class Seed:
    """Draws the middle of every range, so that a day can be written down by hand."""

    def random(self) -> float:
        return 0.5

    def randrange(self, first: int, stop: int | None = None) -> int:
        return first // 2 if stop is None else (first + stop) // 2

    def randint(self, first: int, last: int) -> int:
        return first


def written_down(school: School, day: LivedDay, noise: Noise = NO_NOISE) -> WrittenDay:
    """The day's registers by people who do not err."""
    return write(school, day, QUIET, noise, Seed())  # type: ignore[arg-type]


def plain_pupil(school: School) -> int:
    """A pupil of Year 8 or above whom nothing calls for more care."""
    return next(one.number for one in school.pupils if one.year_group == 8 and not one.flags)


def due(school: School, day: LivedDay, written: WrittenDay) -> dict[tuple[str, int], int]:
    """What had to be noticed of pupils: (trigger, level) -> since."""
    truth = DayTruth(school, day, written, None)
    return {(one.trigger, one.level): one.since for one in due_of(truth) if one.pupil is not None}


def saved(written: WrittenDay, pupil: int, slot: Slot) -> int:
    """When a pupil's first mark of a slot was saved."""
    return next(m.minute for m in written.marks if (m.pupil, m.slot) == (pupil, slot))


def test_a_child_who_walks_out_is_due_from_the_first_register_and_again_from_the_second(
    school: School, day: LivedDay
) -> None:
    """Gone from P3 on: level 1 since P3's register was saved, level 2 since the PM register."""
    pupil = plain_pupil(school)
    day.of(pupil).spans.append((P3.starts, END, Place.LOST))

    written = written_down(school, day)

    wanted = due(school, day, written)
    afternoon = min(m.minute for m in written.marks if m.pupil == pupil and m.slot.starts > P3.ends)
    assert wanted["missing_during_day", 1] == saved(written, pupil, P3)
    assert wanted["missing_during_day", 2] == afternoon
    alerts = watch(school, day, written, None, {})
    assert [(one.trigger, one.pupil) for one in alerts] == [("missing_during_day", pupil)]
    score = Score()
    score.add_day(DayTruth(school, day, written, None), alerts)
    assert score.missed == []
    assert score.tallies["missing_during_day", 1].minutes == [10]


def test_nothing_is_due_of_a_child_who_is_known_to_be_elsewhere(
    school: School, day: LivedDay
) -> None:
    """In the medical room, written down in time: no alert, and none was due."""
    pupil = plain_pupil(school)
    day.of(pupil).spans.append((P3.starts, P3.ends, Place.ELSEWHERE))
    day.enter(pupil, OfficeEntry(Known.STAFF, P3.starts, P3.starts, P3.starts + 1, "&"))

    written = written_down(school, day)

    assert due(school, day, written) == {}
    assert watch(school, day, written, None, {}) == []


def test_an_alert_about_a_child_whose_whereabouts_nobody_wrote_down_is_wrong(
    school: School, day: LivedDay
) -> None:
    """In the medical room, and the nurse wrote nothing: the alert comes, and counts as wrong."""
    pupil = plain_pupil(school)
    day.of(pupil).spans.append((P3.starts, P3.ends, Place.ELSEWHERE))

    written = written_down(school, day)

    score = Score()
    score.add_day(DayTruth(school, day, written, None), watch(school, day, written, None, {}))
    assert score.tallies["missing_during_day", 1].wrong == 1
    assert set(score.wrong) >= {
        ("missing_during_day", 1, "whereabouts known, not in the MIS"),
    }


def test_a_trigger_that_is_switched_off_misses_everything(school: School, day: LivedDay) -> None:
    """The score can fail: without the trigger what was due is listed as missed."""
    pupil = plain_pupil(school)
    day.of(pupil).spans.append((P3.starts, END, Place.LOST))
    written = written_down(school, day)
    settings = {"missing_during_day": {"enabled": False}}

    score = Score()
    score.add_day(DayTruth(school, day, written, None), watch(school, day, written, None, settings))

    tally = score.tallies["missing_during_day", 1]
    assert (tally.due, tally.met) == (1, 0)
    assert len(score.missed) == 2
    since = clock_time(saved(written, pupil, P3))
    assert score.missed[0].endswith(f"missing_during_day of pupil {pupil}, due since {since}")


def test_a_child_whom_every_register_calls_present_is_counted_apart(
    school: School, day: LivedDay
) -> None:
    """Gone from P3 on, and nobody noticed: nothing is due, one child was shown by no register."""
    pupil = plain_pupil(school)
    day.of(pupil).spans.append((P3.starts, END, Place.LOST))

    written = written_down(school, day, Noise(**{**vars_of(NO_NOISE), "wrong_present": 1.0}))

    truth = DayTruth(school, day, written, None)
    found = [one for one in due_of(truth) if one.pupil is not None]
    assert found == []
    assert unseen(truth, found) == 1


def vars_of(noise: Noise) -> dict[str, float]:
    """All rates of a noise."""
    return {name: getattr(noise, name) for name in Noise.__slots__}


def test_an_absence_is_due_from_the_close_of_the_register_until_a_message_comes(
    school: School, day: LivedDay
) -> None:
    """Not in at the close and nobody rang: due from 09:15. Told at 09:10: never due."""
    one, other = [p.number for p in school.pupils if p.year_group == 8][:2]
    for pupil in (one, other):
        day.of(pupil).spans.append((0, END, Place.HOME))
    day.of(other).told = 9 * 60 + 10
    day.enter(other, OfficeEntry(Known.MESSAGE, 9 * 60 + 10, 0, END, "I"))

    written = written_down(school, day)

    truth = DayTruth(school, day, written, None)
    found = {(d.trigger, d.pupil): d.since for d in due_of(truth) if d.pupil is not None}
    assert found == {("unexplained_absence", one): AM.closes}
    alerts = {
        (alert.trigger, alert.pupil): alert.at for alert in watch(school, day, written, None, {})
    }
    assert alerts == {("unexplained_absence", one): {1: AM.closes}}


@pytest.mark.parametrize(
    ("minute", "right"),
    [(P3.starts - 1, False), (P3.starts, True), (P3.ends + 4, True), (P3.ends + 5, False)],
)
def test_an_alert_is_right_while_nobody_knows_where_the_child_is(
    school: School, day: LivedDay, minute: int, right: bool
) -> None:
    """And for the five minutes after, which is as old as a reading can be."""
    pupil = plain_pupil(school)
    day.of(pupil).spans.append((P3.starts, P3.ends, Place.LOST))
    truth = DayTruth(school, day, WrittenDay(), None)

    assert (
        truth.is_right(Alert("missing_during_day", pupil, "P3", "", {1: minute}), minute) is right
    )


def test_a_register_that_is_saved_late_is_due_and_an_early_alert_about_it_is_wrong(
    school: School, day: LivedDay
) -> None:
    """P2 of one class is saved half an hour into it: due since a quarter past, and no sooner."""
    late = Noise(**{**vars_of(NO_NOISE), "lesson_late": 1.0})

    written = written_down(school, day, late)

    truth = DayTruth(school, day, written, None)
    found = {d.slot: d.since for d in due_of(truth) if d.trigger == "register_not_taken"}
    assert found["P2"] == P2.starts + 15
    one = next(r for r in written.registers if r.group.slot is P2)
    alert = Alert("register_not_taken", None, "P2", one.name, {1: one.saved - 1})
    assert truth.is_right(alert, one.saved - 1)
    assert not truth.is_right(alert, one.saved + 10)


def test_a_mark_that_is_saved_again_settles_from_the_first_time(day: LivedDay) -> None:
    """As in the store: the MIS filled it in at 11:14, the teacher saved the same at 11:18."""
    school = build_schools(6, 3, size=0.1)[5]
    assert school.fills_in
    pupil = plain_pupil(school)
    said = (
        (8 * 60 + 50, AM, "/", True),
        (10 * 60, P2, "N", True),
        (11 * 60 + 14, P3, "/", False),
        (11 * 60 + 18, P3, "/", False),
    )
    marks = [
        Mark(minute, turn, pupil, slot, to_byte(code), "R", settled)
        for turn, (minute, slot, code, settled) in enumerate(said)
    ]

    alerts = watch(school, day, WrittenDay(marks), None, {})

    found = [(one.at, one.over) for one in alerts if one.trigger == "missing_during_day"]
    assert found == [({1: 10 * 60 + 10}, 11 * 60 + 20)]


def test_marks_are_written_in_the_order_of_their_minutes(school: School, day: LivedDay) -> None:
    """So that a reading at a minute shows what was saved by then and nothing later."""
    minutes = [mark.minute for mark in written_down(school, day).marks]

    assert minutes == sorted(minutes)
    assert all(isinstance(mark, Mark) for mark in written_down(school, day).marks)
    assert to_byte("N") not in {mark.code for mark in written_down(school, day).marks}


def test_two_days_of_a_small_school_score_themselves() -> None:
    """The whole way round on a few pupils: something is due, and all of it is noticed."""
    rows = {(row.trigger, row.level): row for row in simulate(2, 2, 5, size=0.1).rows()}

    assert rows["unexplained_absence", 1].due > 0
    assert rows["unexplained_absence", 1].recall == 1.0
