"""Replaying exported registers: what would have been raised, when, and until when."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mis_bridge.registers.calendar import local_datetime
from mis_bridge.registers.codes import to_byte
from mis_bridge.triggers.replay import end_of_data, replay

DATA = Path(__file__).parents[2] / "data"
DAY = date(2026, 9, 15)
TIMES = {
    "P1": (535, 595),
    "P2": (595, 655),
    "P3": (675, 735),
    "P4": (790, 850),
    "P5": (850, 910),
}


SOON = {
    "persistent_absence": {"minimum_possible": 11},
    "approaching_persistent_absence": {"minimum_possible": 21},
}
"""So that two weeks show a level of absence: by default it is not looked at so soon."""


def moment(clock: str, day: date = DAY) -> datetime:
    """Give the aware time of a minute."""
    hours, minutes = clock.split(":")
    return local_datetime(day, int(hours) * 60 + int(minutes))


@dataclass
class Session:
    """A row of a sessions file."""

    pupil: str
    day: date
    pm: bool
    code: int
    recorded: datetime | None = None


@dataclass
class Lesson:
    """A row of a lessons file."""

    pupil: str
    day: date
    period: str
    starts: int
    ends: int
    code: int
    recorded: datetime | None = None
    register: str = ""


@dataclass
class Event:
    """A row of an events file."""

    pupil: str
    at: datetime
    kind: str
    reason: str = ""


@dataclass
class Pupil:
    """A row of a pupils file."""

    pupil: str
    dob: date | None = None
    year_group: int | None = 8
    form: str = ""
    admission: date | None = None
    leaving: date | None = None
    destination: str = ""
    flags: frozenset[str] = field(default_factory=frozenset)
    care_began: date | None = None


@dataclass
class Rows:
    """What was recorded, as files would have it."""

    sessions: list[Session] = field(default_factory=list)
    lessons: list[Lesson] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    pupils: list[Pupil] = field(default_factory=list)

    def add(self, text: str, pupil: str = "P-1", day: date = DAY) -> None:
        """Add ``"10:02 P2 N"``, ``"P2 N"`` (no time of saving) or ``"10:20 sign_out"``."""
        clock, *rest = text.split()
        saved = None
        if ":" in clock:
            saved = moment(clock, day)
        else:
            rest = [clock, *rest]
        if len(rest) == 1:
            assert saved is not None
            self.events.append(Event(pupil, saved, rest[0]))
        elif rest[0] in ("AM", "PM"):
            self.sessions.append(Session(pupil, day, rest[0] == "PM", to_byte(rest[1]), saved))
        else:
            self.lessons.append(
                Lesson(pupil, day, rest[0], *TIMES[rest[0]], to_byte(rest[1]), saved)
            )

    def replay(self, as_of: datetime | None = None, **settings: dict[str, Any]) -> list[Any]:
        """Replay them: (trigger, pupil, slot, fired, cleared, level) a finding."""
        found = replay(
            self.sessions, self.lessons, self.pupils, self.events, as_of=as_of, settings=settings
        )
        return [
            (
                one.finding.trigger,
                one.finding.pupil,
                one.finding.slot,
                f"{one.fired_at:%H:%M}",
                one.cleared_at and f"{one.cleared_at:%H:%M}",
                one.level,
            )
            for one in found
        ]


def rows(*said: str) -> Rows:
    """Give one pupil's rows."""
    made = Rows()
    for text in said:
        made.add(text)
    return made


def test_a_search_and_its_end() -> None:
    """Missing from the grace's end until seen, then a truant to the end of the data."""
    told = rows("08:50 AM /", "09:00 P1 /", "10:02 P2 N", "11:18 P3 /").replay()

    assert told == [
        ("missing_during_day", "P-1", "P2", "10:12", "11:18", 1),
        ("internal_truancy", "P-1", "P2", "11:18", None, 1),
    ]


def test_the_highest_level_is_the_rows() -> None:
    """One row a finding, at the highest level it reached, from when it was first true."""
    told = rows("08:50 AM /", "10:02 P2 N", "11:20 P3 N").replay()

    assert told == [("missing_during_day", "P-1", "P2", "10:12", None, 2)]


def test_nothing_is_known_before_it_was_saved() -> None:
    """N that becomes U: raised at the close, cleared at the correction, in any order of rows."""
    expected = [("unexplained_absence", "P-1", "AM", "09:15", "10:15", 1)]

    assert rows("09:10 AM N", "10:15 AM U").replay() == expected
    assert rows("10:15 AM U", "09:10 AM N").replay() == expected


def test_two_marks_of_one_minute_count_in_the_order_of_the_file() -> None:
    """The lower row is the correction."""
    assert rows("09:10 AM N", "09:10 AM I").replay() == []
    assert len(rows("09:10 AM I", "09:10 AM N").replay()) == 1


def test_an_afternoon_that_was_closed_afterwards_misses_nobody() -> None:
    """N in P4 at 13:10; at 13:40 two of three are marked Y4, the third has no mark of it.

    Raised once the grace is over, and gone with the closure, which comes before a second lesson.
    """
    made = Rows()
    for pupil in ("A", "B", "C"):
        made.add("08:50 AM /", pupil)
        made.add("09:00 P1 /", pupil)
    for pupil in ("A", "B"):
        made.add("13:40 PM Y4", pupil)
    made.add("13:10 P4 N", "C")
    made.add("14:20 P5 N", "C")

    assert made.replay() == [("missing_during_day", "C", "P4", "13:20", "13:40", 1)]


def test_an_exam_while_the_others_are_at_home_is_watched_in_a_replay_too() -> None:
    """One candidate is seen in the afternoon: the session was not closed for all."""
    made = Rows()
    for pupil in ("A", "B", "C", "D"):
        made.add("08:50 AM /", pupil)
    for pupil in ("A", "B"):
        made.add("13:40 PM #", pupil)
    made.add("13:10 P4 /", "C")
    made.add("13:10 P4 N", "D")

    assert ("missing_during_day", "D", "P4", "13:20", None, 1) in made.replay()


def test_marks_without_a_time_are_known_when_their_register_closes() -> None:
    """Sessions at the close, lessons at their end; no such lesson counts as untaken before."""
    told = rows("AM /", "P1 /", "P2 N", "P3 /", "PM \\").replay()

    assert told == [
        ("missing_during_day", "P-1", "P2", "11:05", "12:15", 1),
        ("internal_truancy", "P-1", "P2", "12:15", None, 1),
    ]


def test_a_lesson_saved_late_was_not_taken_before() -> None:
    """A row with a time of saving was on the timetable, blank, until then."""
    told = rows("08:50 AM /", "10:30 P2 /").replay()

    assert told == [("register_not_taken", "P-1", "P2", "10:10", "10:30", 1)]


def test_a_lesson_saved_in_the_minute_it_is_overdue_was_taken() -> None:
    """What is known at a minute counts before a wait that ends in it."""
    assert rows("08:50 AM /", "10:10 P2 /").replay() == []


def test_blank_rows_were_never_taken() -> None:
    """A lesson and a session without a mark stay overdue to the end."""
    told = rows("AM -", "P2 -").replay()

    assert told == [
        ("register_not_taken", "P-1", "AM", "09:00", None, 1),
        ("register_not_taken", "P-1", "P2", "10:10", None, 1),
    ]


def test_a_mark_planned_ahead_is_known_all_day() -> None:
    """An appointment entered the day before excuses the lesson, and was never a blank."""
    planned = rows("08:50 AM /", "P2 -")
    planned.lessons[0].code = to_byte("M")
    planned.lessons[0].recorded = moment("15:00", date(2026, 9, 14))
    planned.add("10:30 P2 M")

    assert planned.replay() == []


def test_a_correction_on_a_later_day_clears_then() -> None:
    """N of Tuesday that becomes I on Wednesday was unexplained until Wednesday."""
    data = rows("09:00 AM N")
    data.sessions.append(
        Session(
            "P-1", DAY, pm=False, code=to_byte("I"), recorded=moment("09:40", date(2026, 9, 16))
        )
    )

    (one,) = replay(data.sessions)

    assert one.fired_at == moment("09:15")
    assert one.cleared_at == moment("09:40", date(2026, 9, 16))


def test_as_of_looks_no_further() -> None:
    """What was saved later, and waits that end later, are not there."""
    data = rows("08:50 AM /", "10:02 P2 N", "11:18 P3 /")

    assert data.replay(as_of=moment("10:11")) == []
    assert data.replay(as_of=moment("10:12")) == [
        ("missing_during_day", "P-1", "P2", "10:12", None, 1)
    ]
    assert data.replay(as_of=moment("11:17")) == data.replay(as_of=moment("10:12"))


def test_the_data_ends_with_its_last_day() -> None:
    """Without as_of the replay goes on to the last minute of the last day that anything names."""
    data = rows("08:50 AM /")
    assert end_of_data(data.sessions, [], []) == moment("23:59")
    data.add("10:00 sign_in", day=date(2026, 9, 17))
    assert end_of_data(data.sessions, [], data.events) == moment("23:59", date(2026, 9, 17))
    assert end_of_data([], [], []) is None
    assert replay([]) == []


def test_events_are_replayed() -> None:
    """Sign-out and message take part as they happened."""
    assert rows("08:50 AM /", "09:50 sign_out", "10:02 P2 N").replay() == []
    assert rows("09:00 AM N", "09:40 message").replay() == [
        ("unexplained_absence", "P-1", "AM", "09:15", "09:40", 1)
    ]


def test_pupils_bring_flags_years_and_forms() -> None:
    """A looked-after child is acted on at once."""
    data = rows("08:50 AM /", "10:02 P2 N")
    data.pupils.append(Pupil("P-1", flags=frozenset({"lac"})))

    assert data.replay() == [("missing_during_day", "P-1", "P2", "10:02", None, 2)]


def test_marks_outside_the_enrolment_are_left_out() -> None:
    """Before admission and after leaving nobody is missed; two enrolments are both looked at."""
    data = rows("09:00 AM N")
    for spans, told in (
        ([(date(2026, 9, 16), None)], 0),
        ([(None, date(2026, 9, 14))], 0),
        ([(date(2026, 9, 1), None)], 1),
        ([(None, date(2026, 9, 14)), (date(2026, 9, 15), None)], 1),
    ):
        data.pupils = [Pupil("P-1", admission=first, leaving=last) for first, last in spans]
        assert len(data.replay()) == told


def test_a_class_marked_absent_is_one_row() -> None:
    """Thirty pupils of a form, all marked absent from P2: one question about the register."""
    data = Rows(pupils=[Pupil(f"P-{n:02d}", form="8A") for n in range(30)])
    for pupil in data.pupils:
        for text in ("08:50 AM /", "09:00 P1 /", "10:02 P2 N", "11:18 P3 /"):
            data.add(text, pupil.pupil)

    assert data.replay() == [("register_anomaly", "", "P2", "10:12", None, 2)]


def test_an_anomaly_that_is_put_right_clears() -> None:
    """The teacher corrects the register: the anomaly ends and nobody was told of as missing."""
    data = Rows(pupils=[Pupil(f"P-{n:02d}", form="8A") for n in range(30)])
    for pupil in data.pupils:
        for text in ("08:50 AM /", "09:00 P1 /", "10:02 P2 N", "10:20 P2 /"):
            data.add(text, pupil.pupil)

    assert data.replay() == [("register_anomaly", "", "P2", "10:12", "10:20", 1)]


def test_rows_are_ordered_by_time_pupil_and_trigger() -> None:
    """Findings of one minute are ordered by pupil."""
    data = Rows()
    for pupil in ("B", "A", "C"):
        data.add("09:00 AM N", pupil)

    assert [row[1] for row in data.replay()] == ["A", "B", "C"]


def test_a_setting_is_tried() -> None:
    """The same registers with another grace."""
    data = rows("08:50 AM /", "10:02 P2 N")

    assert data.replay(missing_during_day={"grace_minutes": 3})[0][3] == "10:05"
    with pytest.raises(ValueError, match="grace_minutes"):
        data.replay(missing_during_day={"grace": 3})


def _timelines() -> list[dict[str, Any]]:
    data = json.loads((DATA / "missing_in_day.json").read_text(encoding="utf-8"))
    return [
        one
        for one in data["timelines"]
        if "unreadable" not in one and not one.get("blank_sessions")
    ]


@pytest.mark.parametrize("timeline", _timelines(), ids=lambda timeline: timeline["name"])
def test_every_timeline_replays(timeline: dict[str, Any]) -> None:
    """What the rows say was open at a minute is what the timeline expects at it."""
    data = Rows(
        pupils=[
            Pupil(
                "P-1",
                year_group=timeline["year_group"],
                flags=frozenset(timeline.get("flags", ())),
            )
        ]
    )
    for text in timeline["saved"]:
        data.add(text)
    saved = {text.split()[1] for text in timeline["saved"]}
    for lesson in set(timeline["lessons"].split()) - saved:
        data.add(f"{lesson} -")
    for expected in timeline["expect"]:
        now = moment(expected["at"])
        for found in (
            replay(data.sessions, data.lessons, data.pupils, data.events),
            replay(data.sessions, data.lessons, data.pupils, data.events, as_of=now),
        ):
            still = [
                [one.finding.trigger, one.finding.slot]
                for one in found
                if one.fired_at <= now and (one.cleared_at is None or one.cleared_at > now)
            ]
            wanted = [name for name, _ in expected["open"]]
            assert sorted(name for name, _ in still) == sorted(wanted)
        for name, detail in expected["open"]:
            if name == "missing_during_day":
                (one,) = (
                    one for one in found if one.finding.trigger == name and one.cleared_at is None
                )
                assert one.level == detail
            else:
                assert [name, detail] in still


def _strips(asks: str) -> list[dict[str, Any]]:
    data = json.loads((DATA / "attendance_examples.json").read_text(encoding="utf-8"))
    return [one for one in data["examples"] if one["asks"] == asks and "strip" in one["input"]]


def _sessions(strip: list[list[str]]) -> list[Session]:
    return [
        Session("P-1", date.fromisoformat(day), pm, to_byte(code))
        for day, am, pm_code in strip
        for pm, code in ((False, am), (True, pm_code))
    ]


@pytest.mark.parametrize("example", _strips("attendance_return"), ids=lambda one: one["id"])
def test_returns_fire_on_the_tenth_day(example: dict[str, Any]) -> None:
    """Each worked example's return dates are the days on which the trigger fired."""
    found = replay(_sessions(example["input"]["strip"]))

    fired = [one.fired_at for one in found if one.finding.trigger == "ten_day_absence"]
    assert fired == [moment("13:30", date.fromisoformat(day)) for day in example["expected"]]


def test_levels_of_a_year_fire_and_clear_at_the_close_of_a_day() -> None:
    """Persistent on the tenth day, no more on the eleventh; approaching is dated likewise."""
    days = [date(2026, 9, 7 + n) for n in (0, 1, 2, 3, 4, 7, 8, 9, 10, 11, 14)]
    strip = [
        [day.isoformat(), "I" if n == 9 else "/", "I" if n == 9 else "\\"]
        for n, day in enumerate(days)
    ]

    found = replay(_sessions(strip), settings=SOON)

    assert [(one.finding.trigger, one.fired_at, one.cleared_at) for one in found] == [
        ("persistent_absence", moment("13:30", days[9]), moment("13:30", days[10])),
        ("approaching_persistent_absence", moment("13:30", days[10]), None),
    ]


def test_a_correction_counts_from_the_day_on_which_it_was_saved() -> None:
    """A register corrected a week later clears the finding then, not backwards."""
    days = [date(2026, 9, 7 + n) for n in (0, 1, 2, 3, 4, 7, 8, 9, 10, 11)]
    sessions = _sessions([[day.isoformat(), "I" if day == days[0] else "/", "\\"] for day in days])
    sessions[2].code = to_byte("I")
    corrected = Session("P-1", days[1], pm=False, code=to_byte("/"))
    corrected.recorded = moment("10:00", date(2026, 9, 21))

    (one,) = (
        one
        for one in replay([*sessions, corrected], settings=SOON)
        if one.finding.trigger == "persistent_absence"
    )

    assert one.fired_at == moment("13:30", days[5])
    assert one.cleared_at == moment("13:30", date(2026, 9, 21))


def test_a_day_that_is_not_over_is_not_counted() -> None:
    """With as_of before the afternoon close the day's sessions make nobody persistent."""
    days = [date(2026, 9, 7 + n) for n in (0, 1, 2, 3, 4, 7)]
    sessions = _sessions([[day.isoformat(), "I", "I"] for day in days])

    def persistent(as_of: datetime) -> list[str]:
        found = replay(sessions, as_of=as_of, settings=SOON)
        return [one.finding.trigger for one in found if one.finding.trigger == "persistent_absence"]

    assert persistent(moment("13:29", days[5])) == []
    assert persistent(moment("13:30", days[5])) == ["persistent_absence"]


def test_compulsory_school_age_comes_from_the_date_of_birth() -> None:
    """A child of four has no attendance return."""
    days = [date(2026, 9, 7 + n) for n in (0, 1, 2, 3, 4, 7, 8, 9, 10, 11)]
    sessions = _sessions([[day.isoformat(), "O", "O"] for day in days])

    for born, returns in ((date(2022, 3, 1), 0), (date(2016, 3, 1), 1), (None, 1)):
        found = replay(sessions, pupils=[Pupil("P-1", dob=born)])
        assert len([one for one in found if one.finding.trigger == "ten_day_absence"]) == returns


def test_academic_years_stand_alone() -> None:
    """Absences of July are not those of September."""
    days = [date(2026, 7, 1 + n) for n in (0, 1, 5, 6, 7, 8)]
    days += [date(2026, 9, 7 + n) for n in (0, 1, 2, 3, 4, 7)]
    strip = [[day.isoformat(), *(("I", "I") if day.month == 7 else ("/", "\\"))] for day in days]

    triggers = {one.finding.trigger: one for one in replay(_sessions(strip), settings=SOON)}

    assert set(triggers) == {"persistent_absence", "severe_absence"}
    assert all(one.cleared_at is None for one in triggers.values())


def test_a_run_goes_on_over_the_summer() -> None:
    """Six days in July and four in September are ten, complete in September."""
    july = [date(2026, 7, 14 + n) for n in (0, 1, 2, 3, 6, 7)]
    september = [date(2026, 9, 7 + n) for n in range(5)]
    strip = [[day.isoformat(), "O", "O"] for day in (*july, *september)]

    (found,) = (one for one in replay(_sessions(strip)) if one.finding.trigger == "ten_day_absence")

    assert found.finding.episode == "2026-07-14"
    assert found.fired_at == moment("13:30", september[3])


def test_study_leave_of_year_11_is_replayed_as_it_is_counted() -> None:
    """The second half of the summer term makes nobody of Year 11 persistently absent."""
    days = [date(2027, 5, 3) + timedelta(days=n) for n in range(50)]
    strip = [
        [day.isoformat(), *(("/", "\\") if day < date(2027, 5, 31) else ("S", "S"))]
        for day in days
        if day.weekday() < 5
    ]

    def levels(year_group: int) -> set[str]:
        found = replay(_sessions(strip), pupils=[Pupil("P-1", year_group=year_group)])
        return {one.finding.trigger for one in found if one.cleared_at is None}

    assert levels(11) == set()
    assert levels(10) == {"persistent_absence", "twenty_sessions"}


def weeks(*days: date, pupil: str = "P-1", code: str = "/") -> Rows:
    """Give a pupil's mornings."""
    data = Rows()
    for day in days:
        data.add(f"AM {code}", pupil, day)
    return data


SCHOOL_DAYS = [
    day for n in range(60) if (day := date(2026, 9, 7) + timedelta(days=n)).weekday() < 5
]


def told_of(data: Rows, trigger: str) -> list[tuple[str, str | None, int]]:
    """Give (fired, cleared, level) of the findings of one trigger, by their days."""
    found = replay(data.sessions, data.lessons, data.pupils, data.events)
    return [
        (
            one.fired_at.date().isoformat(),
            None if one.cleared_at is None else one.cleared_at.date().isoformat(),
            one.level,
        )
        for one in found
        if one.finding.trigger == trigger
    ]


def test_a_child_seen_outside_the_enrolment_is_looked_for() -> None:
    """Left yesterday by the roll, in school this morning, missing from P2; the year counts none."""
    data = rows("08:50 AM /", "10:02 P2 N")
    data.pupils = [Pupil("P-1", leaving=DAY - timedelta(days=1))]

    assert data.replay() == [("missing_during_day", "P-1", "P2", "10:12", None, 1)]


def test_a_leaver_without_destination_is_replayed() -> None:
    """Left on Friday 11 September: five school days on, Saturday the 19th, it is at level 2."""
    data = weeks(*SCHOOL_DAYS, pupil="P-2")
    data.pupils = [Pupil("P-1", leaving=date(2026, 9, 11)), Pupil("P-2")]

    assert told_of(data, "left_without_destination") == [("2026-09-12", None, 2)]
    data.pupils[0].destination = "Otherwood School"
    assert told_of(data, "left_without_destination") == []


def test_a_leaver_who_comes_back_clears_it() -> None:
    """A second enrolment: over with its first day, and none where it follows at once."""
    data = weeks(*SCHOOL_DAYS, pupil="P-2")
    data.pupils = [
        Pupil("P-1", admission=date(2025, 9, 1), leaving=date(2026, 9, 11)),
        Pupil("P-1", admission=date(2026, 9, 16)),
    ]

    assert told_of(data, "left_without_destination") == [("2026-09-12", "2026-09-16", 1)]
    data.pupils[1].admission = date(2026, 9, 12)
    assert told_of(data, "left_without_destination") == []


def test_who_left_before_the_registers_is_not_replayed() -> None:
    """As at the first reading of a school: nobody hears of last year's leavers."""
    data = weeks(*SCHOOL_DAYS, pupil="P-2")
    data.pupils = [Pupil("P-1", leaving=date(2026, 9, 4))]

    assert told_of(data, "left_without_destination") == []


def test_a_week_in_care_is_replayed() -> None:
    """From the first day to the end of the seventh after it; the first 48 hours at level 2."""
    data = weeks(*SCHOOL_DAYS)
    data.pupils = [Pupil("P-1", care_began=date(2026, 9, 14))]

    assert told_of(data, "newly_in_care") == [("2026-09-14", "2026-09-22", 2)]


def test_the_grace_of_a_child_newly_in_care_is_replayed() -> None:
    """Missing from P2 at the minute of the mark."""
    data = rows("08:50 AM /", "10:02 P2 N")
    data.pupils = [Pupil("P-1", care_began=DAY)]

    assert ("missing_during_day", "P-1", "P2", "10:02", None, 2) in data.replay()


def test_the_third_day_missing_is_replayed() -> None:
    """Two truancies and a day that never ended; one that was corrected is none."""
    data = Rows()
    for day in SCHOOL_DAYS[:2]:
        for text in ("08:50 AM /", "10:02 P2 N", "11:18 P3 /"):
            data.add(text, day=day)
    for text in ("08:50 AM /", "10:02 P2 N", "10:40 P2 /"):
        data.add(text, day=SCHOOL_DAYS[2])
    assert told_of(data, "repeat_missing") == []

    for text in ("08:50 AM /", "10:02 P2 N"):
        data.add(text, day=SCHOOL_DAYS[3])
    assert told_of(data, "repeat_missing") == [(SCHOOL_DAYS[3].isoformat(), None, 1)]


def test_five_days_absent_without_explanation_are_replayed() -> None:
    """The fifth N of the same pupil, whatever lies between; four are too few."""
    data = weeks(*SCHOOL_DAYS[:8:2], code="N")
    assert told_of(data, "repeat_missing") == []

    data.add("AM N", day=SCHOOL_DAYS[8])
    assert told_of(data, "repeat_missing") == [(SCHOOL_DAYS[8].isoformat(), None, 1)]
