"""The shipped Wonde adapter over real HTTP, against the stand-in and its faults."""

from __future__ import annotations

import logging
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from mis_bridge import errors
from mis_bridge.adapters.source import ReadPlan
from mis_bridge.registers.calendar import LONDON
from mis_bridge.registers.codes import to_byte
from mis_bridge.simulator.faults import Fault, FaultKind
from mis_bridge.simulator.school import build_school
from mis_bridge.simulator.standin_wonde import TOKEN, WondeStandin
from mis_bridge.simulator.wonde_api import ALL_SCOPES

if TYPE_CHECKING:
    from collections.abc import Callable

    from mis_bridge.adapters.records import LessonMark, SessionMark
    from mis_bridge.adapters.source import Batch, Source
    from mis_bridge.io.clock import ManualClock

    Open = Callable[..., Source]

SCHOOL = build_school(11, 60)
DAYS = SCHOOL.days[:3]
WINDOW = (DAYS[0], DAYS[2])


async def taken(source: Source, **plan: Any) -> tuple[list[Batch], errors.MisError | None]:
    """Read until the end or an error."""
    batches: list[Batch] = []
    try:
        async for batch in source.read(ReadPlan(**{"window": WINDOW, **plan})):
            batches.append(batch)  # noqa: PERF401 - what came before an error counts
    except errors.MisError as error:
        return batches, error
    return batches, None


def records(batches: list[Batch], stream: str) -> list[Any]:
    """Give the records of a stream."""
    return [record for batch in batches if batch.stream == stream for record in batch.records]


def truth(wonde: WondeStandin, now: datetime) -> dict[tuple[str, date, bool], int]:
    """What the school's own registers say, as of now."""
    latest: dict[int, tuple[int, int]] = {}
    limit = int(now.timestamp() * 1_000_000)
    for saved, key, code in wonde.state.history.versions(DAYS):
        if saved <= limit and saved >= latest.get(key, (0, 0))[0]:
            latest[key] = (saved, code)
    found = {}
    for key, (_, code) in latest.items():
        pupil, day, pm = wonde.state.history.place(key)
        found[SCHOOL.pupils[pupil].id, day, pm] = code
    return found


@pytest.mark.parametrize("per_page", [19, 5000])
async def test_what_is_read_is_what_the_registers_say(
    wonde: WondeStandin, open_wonde: Open, wonde_clock: ManualClock, per_page: int
) -> None:
    """Every mark once, with its code, whatever the size of a page."""
    batches, error = await taken(open_wonde(per_page=per_page), sweep=True)

    assert error is None
    marks: list[SessionMark] = records(batches, "sessions")
    assert {(m.pupil, m.day, m.pm): m.code for m in marks} == truth(wonde, wonde_clock.now())
    assert len(marks) == len(truth(wonde, wonde_clock.now()))
    assert {pupil.pupil for pupil in records(batches, "pupils")} == {
        pupil.id for pupil in SCHOOL.pupils if pupil.on_roll(DAYS[2])
    }
    assert not [row for batch in batches for row in batch.quarantined]


async def test_lesson_marks_have_their_period_and_local_times(open_wonde: Open) -> None:
    """Joined to the timetable and its periods."""
    batches, error = await taken(open_wonde(), sweep=True)

    assert error is None
    lessons: list[LessonMark] = records(batches, "lessons")
    assert lessons
    days = {lesson.id: lesson for day in DAYS for lesson in SCHOOL.lessons(day)}
    for mark in lessons:
        lesson = days[mark.register]
        assert (mark.day, mark.period) == (lesson.day, lesson.period.name)
        assert (mark.starts, mark.ends) == (lesson.period.starts, lesson.period.ends)
        assert mark.recorded is not None
        assert mark.recorded.astimezone(LONDON).date() == mark.day


async def test_a_correction_comes_with_the_changes_alone(
    wonde: WondeStandin, open_wonde: Open, wonde_clock: ManualClock
) -> None:
    """``updated_after`` is understood as the readme writes it."""
    source = open_wonde()
    since = wonde_clock.now()
    pupil = SCHOOL.pupils[5].id
    wonde_clock.advance(minutes=10)
    wonde.state.save_session(pupil, DAYS[0], pm=False, code="I", at=wonde_clock.now())
    wonde_clock.advance(minutes=1)

    batches, error = await taken(source, since=since)

    assert error is None
    marks = records(batches, "sessions")
    assert len(marks) < len(DAYS) * len(SCHOOL.pupils)
    (mark,) = [mark for mark in marks if (mark.pupil, mark.day) == (pupil, DAYS[0])]
    assert (mark.pm, mark.code) == (False, to_byte("I"))
    assert mark.recorded == since + timedelta(minutes=10)


async def test_a_second_equal_poll_decodes_nothing(open_wonde: Open) -> None:
    """Unchanged pages cost a hash, although their cursors differ."""
    source = open_wonde(per_page=7)
    known = {key: d for batch in (await taken(source))[0] for key, d in batch.digests.items()}

    again, error = await taken(source, known_digests=known)

    assert error is None
    assert all(batch.unchanged for batch in again if batch.digests)
    assert records(again, "sessions") == []


async def test_a_pupil_who_left_is_told_by_the_deletions(
    wonde: WondeStandin, open_wonde: Open, wonde_clock: ManualClock
) -> None:
    """A leaver's entry names the roll."""
    wonde.state.remove_pupil(SCHOOL.pupils[7].id, wonde_clock.now() - timedelta(minutes=5))

    batches, _ = await taken(open_wonde(), since=wonde_clock.now() - timedelta(hours=1))

    assert [(d.stream, d.key) for d in records(batches, "deletions")] == [
        ("pupils", SCHOOL.pupils[7].id)
    ]


async def test_a_token_that_was_revoked_is_named(open_wonde: Open) -> None:
    """And is not in the text."""
    batches, error = await taken(open_wonde(token="revoked-token-of-old"))

    assert batches == []
    assert isinstance(error, errors.MisAuthFailed)
    assert "revoked-token-of-old" not in str(error)


@pytest.mark.parametrize(
    ("scope", "lost"),
    [
        ("students.read", {"pupils"}),
        ("education_details.read", {"pupils"}),
        ("attendance.read", {"sessions"}),
        ("lesson_attendance.read", {"lessons"}),
        ("periods.read", {"lessons"}),
        ("deletions.read", {"deletions"}),
    ],
)
async def test_a_scope_that_was_withdrawn_costs_its_own_stream_and_is_named(
    wonde: WondeStandin, open_wonde: Open, scope: str, lost: set[str]
) -> None:
    """The other streams are read, and the school hears what to grant."""
    wonde.api.scopes = ALL_SCOPES - {scope}

    batches, error = await taken(open_wonde())

    assert isinstance(error, errors.MisPermissionMissing)
    assert scope.removesuffix(".read") in str(error)
    streams = {batch.stream for batch in batches}
    if scope == "attendance.read":
        # The list of codes is attendance as well: without it no mark can be read.
        assert "sessions" not in streams
    else:
        assert {"pupils", "sessions", "lessons", "deletions"} - streams == lost


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault(FaultKind.HTML), errors.MisAnswerInvalid),
        (Fault(FaultKind.TRUNCATED), errors.MisAnswerInvalid),
        (Fault(FaultKind.EMPTY), errors.MisAnswerInvalid),
        (Fault(FaultKind.CUT), errors.MisUnreachable),
        (Fault(FaultKind.RESET), errors.MisUnreachable),
        (Fault(FaultKind.STATUS, status=503), errors.MisUnavailable),
        (Fault(FaultKind.STATUS, status=429, retry_after=700), errors.MisThrottled),
    ],
)
async def test_every_fault_has_its_name(
    wonde: WondeStandin, open_wonde: Open, fault: Fault, kind: type[errors.MisError]
) -> None:
    """And none of them reads as a school without absences."""
    wonde.faults.add(fault)

    batches, error = await taken(open_wonde())

    assert type(error) is kind
    assert not records(batches, "sessions")
    if kind is errors.MisThrottled:
        assert error is not None
        assert error.retry_after == 700


async def test_a_mis_that_hangs_is_unreachable_after_the_timeout(
    wonde: WondeStandin, open_wonde: Open
) -> None:
    """The reader does not wait for ever."""
    wonde.faults.add(Fault(FaultKind.HANG, seconds=5))

    _, error = await taken(open_wonde(timeout=0.2))

    assert isinstance(error, errors.MisUnreachable)
    assert "0.2 s" in str(error)


async def test_a_mis_that_does_not_listen_is_unreachable(
    wonde: WondeStandin, open_wonde: Open
) -> None:
    """A refused connection."""
    wonde.refuse()

    _, error = await taken(open_wonde())

    assert isinstance(error, errors.MisUnreachable)


async def test_a_fault_in_the_middle_keeps_what_was_read_and_the_place(
    wonde: WondeStandin, open_wonde: Open, wonde_clock: ManualClock
) -> None:
    """The next read goes on there, and together they are everything."""
    source = open_wonde(per_page=7)
    source._batch_records = 20  # type: ignore[attr-defined]
    resume: dict[str, str] = {}
    before: list[Any] = []
    async for batch in source.read(ReadPlan(window=WINDOW)):
        resume |= batch.resume
        before += [record for record in batch.records if batch.stream == "sessions"]
        if before:
            wonde.faults.add(Fault(FaultKind.RESET))
            break
    wonde.faults.clear()

    batches, error = await taken(source, resume=resume)

    assert error is None
    after = records(batches, "sessions")
    assert len(before) + len(after) == len(truth(wonde, wonde_clock.now()))
    assert not {id(mark) for mark in before} & {id(mark) for mark in after}
    assert not [batch for batch in batches if batch.stream == "sessions" and batch.complete]


async def test_a_check_is_one_line_about_the_school(open_wonde: Open) -> None:
    """Reachable, permitted, how many pupils, which codes nobody knows."""
    standing = await open_wonde(per_page=500).check()

    assert standing.pupils == sum(pupil.on_roll(DAYS[2]) for pupil in SCHOOL.pupils)
    assert standing.unknown_codes == ()


@pytest.mark.parametrize("kind", list(FaultKind))
async def test_no_name_upn_or_token_is_in_any_error_or_log_line(
    wonde: WondeStandin, open_wonde: Open, kind: FaultKind, caplog: pytest.LogCaptureFixture
) -> None:
    """By value: every name and UPN of the school, and the token."""
    wonde.faults.add(Fault(kind, seconds=1))
    with caplog.at_level(logging.DEBUG):
        _, error = await taken(open_wonde(timeout=0.3))

    told = f"{error!r} {error} {getattr(error, 'advice', '')} {caplog.text}"
    values = {TOKEN}
    for pupil in SCHOOL.pupils:
        values |= {pupil.upn, f"{pupil.forename} {pupil.surname}", pupil.surname}
    assert not [value for value in values if value and value in told]
    context = error
    while context is not None:
        assert TOKEN not in str(context)
        context = context.__cause__ or context.__context__  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("flag", "kind", "told"),
    [
        ("approved", errors.MisAccessRevoked, "Ask the school to approve"),
        ("online", errors.MisSchoolOffline, "its MIS server"),
    ],
)
async def test_lists_that_still_answer_do_not_hide_a_school_that_is_gone(
    wonde: WondeStandin, open_wonde: Open, flag: str, kind: type[errors.MisError], told: str
) -> None:
    """Approval withdrawn, or the school's server offline: what is read is kept, and it is said."""
    setattr(wonde.state, flag, False)
    batches, error = await taken(open_wonde())

    assert isinstance(error, kind)
    assert told in error.advice
    assert records(batches, "pupils")


async def test_a_standing_that_is_not_granted_tells_nothing(
    wonde: WondeStandin, open_wonde: Open
) -> None:
    """An older access without that address is read as before."""
    wonde.faults.add(Fault(FaultKind.STATUS, path="meta/schools", status=403))

    _, error = await taken(open_wonde())

    assert error is None
