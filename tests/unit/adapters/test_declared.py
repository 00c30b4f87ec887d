"""A source whose adapter is a manifest."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from mis_bridge.adapters.records import LessonMark, PupilRecord, SessionMark
from mis_bridge.adapters.source import ReadPlan
from mis_bridge.errors import (
    MisAnswerInvalid,
    MisAuthFailed,
    MisError,
    MisNotThere,
    MisPagingBroken,
    MisPermissionMissing,
    MisThrottled,
    MisUnavailable,
)
from mis_bridge.io.retry import RetryRules
from mis_bridge.registers.codes import NOT_TAKEN, to_byte

if TYPE_CHECKING:
    from mis_bridge.adapters.source import Batch
    from mis_bridge.io.clock import ManualClock

WINDOW = (date(2026, 9, 7), date(2026, 9, 11))
Read = Callable[..., Any]
Opened = Callable[..., Any]


async def _taken(source: Any, **plan: Any) -> tuple[list[Batch], MisError | None]:
    """Read until the end or an error; give what came before it as well."""
    batches: list[Batch] = []
    try:
        async for batch in source.read(ReadPlan(**{"window": WINDOW, **plan})):
            batches.append(batch)  # noqa: PERF401 - what came before an error counts
    except MisError as error:
        return batches, error
    return batches, None


def _marks(*names: str, code: str | None = "c1", **other: Any) -> list[dict[str, Any]]:
    return [
        {"pupil": name, "day": "2026-09-07", "session": "AM", "code": code, "saved": None} | other
        for name in names
    ]


async def _broken_off(source: Any, **plan: Any) -> dict[str, str]:
    """Read until the MIS fails; give the places to go on from."""
    batches, error = await _taken(source, **plan)
    assert isinstance(error, MisUnavailable)
    return {stream: place for batch in batches for stream, place in batch.resume.items()}


async def test_streams_come_in_order_and_codes_are_joined(
    tiny: Any, opened: Opened, read: Read
) -> None:
    """The roll first, then sessions and lessons; a code id means what the school's list says."""
    tiny.answers["lessons"] = (
        200,
        {"rows": [{"pupil": "p1", "lesson": "l1", "code": "c2", "day": None}]},
    )

    batches = await read(opened())

    assert [batch.stream for batch in batches] == ["pupils", "sessions", "lessons"]
    assert batches[0].records == [PupilRecord("p1", surname="Testpupil")]
    assert batches[1].records == [SessionMark("p1", date(2026, 9, 7), False, to_byte("/"))]
    assert batches[2].records == [
        LessonMark("p1", date(2026, 9, 7), "P1", 540, 600, to_byte("N"), None, "l1")
    ]
    assert all(batch.last_of_stream for batch in batches)


async def test_the_token_goes_into_the_header_and_nowhere_else(
    tiny: Any, opened: Opened, read: Read
) -> None:
    """Neither path nor query has it."""
    await read(opened())

    assert {headers["Authorization"] for headers in tiny.sent} == {"Bearer s3cret-of-the-tiny-mis"}
    assert "s3cret" not in repr(tiny.asked)


async def test_changes_are_asked_for_since_a_moment_and_a_whole_read_from_before_the_window(
    tiny: Any, opened: Opened, read: Read
) -> None:
    """In UTC. A mark may have been made two weeks before its day; pupils are asked for whole."""
    source = opened()

    await read(source, since=datetime(2026, 9, 7, 11, 0, tzinfo=UTC))
    asked = dict(tiny.asked)
    assert asked["sessions"]["since"] == asked["pupils"]["since"] == "2026-09-07T11:00:00Z"

    tiny.asked.clear()
    await read(source, sweep=True, since=datetime(2026, 9, 7, 11, 0, tzinfo=UTC))
    asked = dict(tiny.asked)
    assert asked["sessions"]["since"] == "2026-08-23T23:00:00Z"  # 24 August, midnight in London
    assert "since" not in asked["pupils"]


async def test_only_a_list_without_any_limit_says_that_it_is_complete(
    opened: Opened, read: Read
) -> None:
    """What a read of changes did not see is not gone."""
    source = opened()

    whole = {batch.stream: batch.complete for batch in await read(source, sweep=True)}
    changes = {
        batch.stream: batch.complete
        for batch in await read(source, since=datetime(2026, 9, 7, tzinfo=UTC))
    }

    assert whole == {"pupils": True, "sessions": False, "lessons": True}
    assert changes["pupils"] is changes["sessions"] is False


async def test_a_code_that_nobody_knows_is_quarantined_and_the_rest_goes_in(
    tiny: Any, opened: Opened, read: Read
) -> None:
    """The school's own table maps what the register's does not have."""
    tiny.answers["codes"] = (
        200,
        {"rows": [{"id": "c1", "code": "/"}, {"id": "c8", "code": "!"}, {"id": "c9", "code": "?"}]},
    )
    tiny.answers["sessions"] = (
        200,
        {"rows": [*_marks("p1", code="c9"), *_marks("p2", code="c8"), *_marks("p3", code=None)]},
    )

    batch = (await read(opened(school_codes={"!": "X"})))[1]

    assert [mark.code for mark in batch.records] == [to_byte("X"), NOT_TAKEN]
    (odd,) = batch.quarantined
    assert (odd.stream, odd.place, odd.value) == ("sessions", "page 1 record 1", "?")


async def test_rows_of_the_wrong_shape_are_quarantined_one_by_one(
    tiny: Any, opened: Opened, read: Read
) -> None:
    """A list where a text belongs, no pupil, no date, a third session."""
    tiny.answers["sessions"] = (
        200,
        {
            "rows": [
                *_marks("p1"),
                *_marks("p2", session=["AM"]),
                *_marks(""),
                *_marks("p4", day=None),
                *_marks("p5", session="EVE"),
                7,
                *_marks("p6"),
            ]
        },
    )

    batch = (await read(opened()))[1]

    assert [mark.pupil for mark in batch.records] == ["p1", "p6"]
    assert [row.place for row in batch.quarantined] == [
        f"page 1 record {number}" for number in (2, 3, 4, 5, 6)
    ]


async def test_a_pupil_with_a_broken_date_of_birth_stays_on_the_roll(
    tiny: Any, opened: Opened, read: Read
) -> None:
    """The field is left out and said, without its value: it may be anything of a person."""
    tiny.answers["pupils"] = (200, {"rows": [{"id": "p1", "surname": "x", "dob": "Testpupil"}]})

    batch = (await read(opened()))[0]

    assert batch.records == [PupilRecord("p1", surname="x")]
    assert batch.quarantined[0].problem.startswith("dob:")
    assert "Testpupil" not in repr(batch.quarantined)


async def test_an_empty_roll_is_a_failure_of_access_and_other_streams_are_still_read(
    tiny: Any, opened: Opened
) -> None:
    """A wrong domain answers with empty lists; that is never 'no pupils'."""
    tiny.answers["pupils"] = (200, {"rows": []})

    batches, error = await _taken(opened())

    assert isinstance(error, MisAnswerInvalid)
    assert "empty list" in str(error)
    assert [batch.stream for batch in batches] == ["sessions", "lessons"]


async def test_a_missing_scope_of_one_stream_leaves_the_others_and_is_raised_at_the_end(
    tiny: Any, opened: Opened
) -> None:
    """The vendor's own words say which permission the school has to grant."""
    tiny.answers["timetable"] = (
        403,
        {"error": "invalid_permissions", "error_description": "Scope lessons.read not enabled"},
    )

    batches, error = await _taken(opened())

    assert isinstance(error, MisPermissionMissing)
    assert "Scope lessons.read not enabled" in str(error)
    assert [batch.stream for batch in batches] == ["pupils", "sessions"]


async def test_a_list_that_this_school_does_not_have_is_skipped_where_the_manifest_says_so(
    tiny: Any, opened: Opened, read: Read
) -> None:
    """A primary school has no lessons; a missing roll is an error."""
    del tiny.answers["lessons"]
    assert [batch.stream for batch in await read(opened())] == ["pupils", "sessions", "lessons"]

    del tiny.answers["pupils"]
    with pytest.raises(MisNotThere):
        await read(opened())


async def test_a_list_of_codes_is_read_once_in_a_reading(
    tiny: Any, opened: Opened, read: Read
) -> None:
    """Sessions and lessons share it; the next reading looks again."""
    source = opened()
    await read(source)
    assert tiny.paths().count("codes") == 1
    await read(source)
    assert tiny.paths().count("codes") == 2


async def test_a_refused_token_stops_at_once(tiny: Any, opened: Opened, read: Read) -> None:
    """No stream of this school can be read."""
    tiny.answers["pupils"] = (401, {"error": "unauthorized"})

    with pytest.raises(MisAuthFailed):
        await read(opened())
    assert tiny.paths() == ["pupils"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<!DOCTYPE html><html>Sign in</html>", "web page"),
        (b'{"rows":[{"pupil":"p1"', "cut off after 22 bytes"),
        (b"", "empty"),
        (b'{"rows":null}', "no list at 'rows'"),
        (b'{"success":false,"message":"no"}', "no list at 'rows'"),
        (b"not json", "not valid JSON"),
        (b'{"rows":[{"pupil":"\xff"}]}', "not valid JSON"),
    ],
)
async def test_a_200_that_is_not_the_documented_answer_is_named(
    tiny: Any, opened: Opened, read: Read, body: bytes, words: str
) -> None:
    """HTTP 200 is not success."""
    tiny.answers["sessions"] = (200, body)

    with pytest.raises(MisAnswerInvalid, match=words):
        await read(opened())


async def test_a_byte_order_mark_before_json_does_not_matter(
    tiny: Any, opened: Opened, read: Read
) -> None:
    """Some gateways put one there."""
    tiny.answers["sessions"] = (200, b'\xef\xbb\xbf{"rows": [ ]}')

    assert (await read(opened()))[1].records == []


async def test_a_known_page_costs_a_hash_and_gives_nothing_to_store(
    tiny: Any, opened: Opened, read: Read
) -> None:
    """The second equal poll is unchanged; a sweep decodes all the same."""
    source = opened()
    first = {batch.stream: batch for batch in await read(source)}
    known = {key: digest for batch in first.values() for key, digest in batch.digests.items()}

    again = {batch.stream: batch for batch in await read(source, known_digests=known)}
    swept = {batch.stream: batch for batch in await read(source, known_digests=known, sweep=True)}

    assert again["sessions"].unchanged
    assert again["sessions"].records == []
    assert again["sessions"].digests == first["sessions"].digests
    assert not swept["sessions"].unchanged
    assert swept["sessions"].records == first["sessions"].records


async def test_a_known_page_is_read_again_when_what_its_codes_mean_has_changed(
    tiny: Any, opened: Opened, read: Read
) -> None:
    """The digest covers the school's table and the MIS's list of codes."""
    known = {key: digest for batch in await read(opened()) for key, digest in batch.digests.items()}

    mapped = (await read(opened(school_codes={"/": "L"}), known_digests=known))[1]
    assert [mark.code for mark in mapped.records] == [to_byte("L")]

    tiny.answers["codes"] = (200, {"rows": [{"id": "c1", "code": "N"}]})
    moved = (await read(opened(), known_digests=known))[1]
    assert [mark.code for mark in moved.records] == [to_byte("N")]


async def test_a_page_left_over_from_a_longer_list_is_not_trusted(
    tiny: Any, opened: Opened, read: Read
) -> None:
    """Known pages count from the first one on without a gap, and never past a list's old end."""
    source = opened()
    first = {"rows": _marks("p1"), "next": "t2"}
    tiny.answers["sessions"], tiny.answers["sessions@t2"] = (
        (200, first),
        (200, {"rows": _marks("p2", code="c2")}),
    )
    known = dict((await read(source))[1].digests)
    tiny.answers["sessions"] = (200, {"rows": _marks("p1")})
    known |= (await read(source, known_digests=known))[1].digests

    tiny.answers["sessions"] = (200, first)
    (batch,) = [b for b in await read(source, known_digests=known) if b.stream == "sessions"]

    assert [mark.pupil for mark in batch.records] == ["p2"]


async def test_an_interrupted_read_goes_on_where_it_was(
    tiny: Any, opened: Opened, read: Read, clock: ManualClock
) -> None:
    """The place is given with each batch and taken up by the next read of the same kind."""
    tiny.answers["sessions"] = (200, {"rows": _marks("p1"), "next": "t2"})
    tiny.answers["sessions@t2"] = (503, {})
    source = opened(batch_records=1)
    resume = await _broken_off(source)
    assert resume["sessions"]

    clock.advance(minutes=20)
    tiny.answers["sessions@t2"] = (200, {"rows": _marks("p2")})
    tiny.asked.clear()
    (batch,) = [b for b in await read(source, resume=resume) if b.stream == "sessions"]
    assert [mark.pupil for mark in batch.records] == ["p2"]
    assert batch.resume == {"sessions": ""}
    assert [query.get("cursor") for path, query in tiny.asked if path == "sessions"] == ["t2"]


async def test_a_page_keeps_its_name_when_a_list_is_taken_up(
    tiny: Any, opened: Opened, read: Read
) -> None:
    """What is set aside has one place however it was read, and is counted once."""
    tiny.answers["sessions"] = (200, {"rows": _marks("p1"), "next": "t2"})
    tiny.answers["sessions@t2"] = (200, {"rows": _marks("p2", code="c9")})
    source = opened(batch_records=1)
    whole = [batch for batch in await read(source) if batch.stream == "sessions"]

    (rest,) = [b for b in await read(source, resume=whole[0].resume) if b.stream == "sessions"]

    assert [one.place for one in rest.quarantined] == ["page 2 record 1"]
    assert rest.quarantined == whole[1].quarantined
    assert rest.digests == whole[1].digests


async def test_no_digest_is_trusted_behind_pages_that_were_not_looked_at(
    tiny: Any, opened: Opened, read: Read
) -> None:
    """What the pages before it stored in the meantime may be about the same thing."""
    tiny.answers["sessions"] = (200, {"rows": _marks("p1"), "next": "t2"})
    tiny.answers["sessions@t2"] = (200, {"rows": _marks("p2")})
    source = opened(batch_records=1)
    whole = [batch for batch in await read(source) if batch.stream == "sessions"]
    known = {key: digest for batch in whole for key, digest in batch.digests.items()}

    batches = await read(source, resume=whole[0].resume, known_digests=known)

    (rest,) = [batch for batch in batches if batch.stream == "sessions"]
    assert [mark.pupil for mark in rest.records] == ["p2"]


@pytest.mark.parametrize("change", ["late", "other question", "other day", "lapsed", "garbled"])
async def test_a_place_that_can_not_be_trusted_any_more_is_begun_anew(
    tiny: Any, opened: Opened, read: Read, clock: ManualClock, change: str
) -> None:
    """Too old, of another question, refused by the MIS, or unreadable."""
    since = datetime(2026, 9, 7, 11, 0, tzinfo=UTC)
    tiny.answers["sessions"] = (200, {"rows": _marks("p1"), "next": "t2"})
    tiny.answers["sessions@t2"] = (503, {})
    source = opened(batch_records=1)
    resume = await _broken_off(source, since=since)
    plan: dict[str, Any] = {"since": since, "resume": resume}
    tiny.answers["sessions@t2"] = (200, {"rows": _marks("p2")})
    match change:
        case "late":
            clock.advance(minutes=45)
        case "other question":
            plan["since"] = None
        case "other day":
            plan["window"] = (WINDOW[0], WINDOW[1] + timedelta(days=1))
        case "lapsed":
            answers = iter([(400, {"error": "invalid_cursor"}), (200, {"rows": _marks("p2")})])
            tiny.answers["sessions@t2"] = (200, lambda: next(answers))
        case _:
            plan["resume"] = {"sessions": "{"}

    batches = [batch for batch in await read(source, **plan) if batch.stream == "sessions"]

    assert [mark.pupil for batch in batches for mark in batch.records] == ["p1", "p2"]


async def test_a_list_that_others_refer_to_is_missed_where_the_marks_themselves_may_be_missing(
    tiny: Any, opened: Opened
) -> None:
    """A school may have no lessons. That its timetable is not there is another thing."""
    del tiny.answers["timetable"]

    batches, error = await _taken(opened())

    assert isinstance(error, MisNotThere)
    assert [batch.stream for batch in batches] == ["pupils", "sessions"]


async def test_a_roll_is_one_batch_however_slow_the_mis_is(
    tiny: Any, opened: Opened, clock: ManualClock, read: Read, manifest_text: str
) -> None:
    """Whether these are this school's pupils is seen from all of them; waiting is heard of."""
    none = 'empty = "refuse"\npage = { type = "none", max_pages = 1 }'
    paged = none.replace('"none", max_pages = 1', '"cursor", next = "next", max_pages = 9')
    paged = paged.replace(" }", ', query = { cursor = "{page.token}" } }')

    def slowly(page: dict[str, Any]) -> Callable[[], tuple[int, Any]]:
        def answer() -> tuple[int, Any]:
            clock.advance(seconds=31)
            return 200, page

        return answer

    tiny.answers["pupils"] = (200, slowly({"rows": [{"id": "p1"}], "next": "2"}))
    tiny.answers["pupils@2"] = (200, slowly({"rows": [{"id": "p2"}], "next": "3"}))
    tiny.answers["pupils@3"] = (200, slowly({"rows": [{"id": "p3"}]}))
    assert none in manifest_text

    batches = await read(opened(manifest_text.replace(none, paged), batch_records=1))

    given = [[one.pupil for one in b.records] for b in batches if b.stream == "pupils"]
    assert given[-1] == ["p1", "p2", "p3"]
    assert given[:-1]
    assert not any(given[:-1])


async def test_a_lookup_that_lacks_an_id_is_read_again_before_a_mark_is_set_aside(
    tiny: Any, opened: Opened, read: Read
) -> None:
    """A lesson that was put into the timetable since the timetable was last read."""
    source = opened()
    await read(source)
    lesson = tiny.answers["timetable"][1]["rows"][0]
    tiny.answers["timetable"] = (200, {"rows": [lesson, {**lesson, "id": "l2", "period": "P2"}]})
    rows = [
        {"pupil": "p1", "lesson": "l2", "code": "c1", "day": None},
        {"pupil": "p1", "lesson": "l9", "code": "c1", "day": None},
        {"pupil": "p1", "lesson": "l9", "code": "c1", "day": "2026-06-01"},
    ]
    tiny.answers["lessons"] = (200, {"rows": rows})

    (batch,) = [batch for batch in await read(source) if batch.stream == "lessons"]

    assert [mark.period for mark in batch.records] == ["P2"]
    # Of the two lessons that nobody knows, only the one of the window matters.
    assert [row.value for row in batch.quarantined] == ["l9"]
    assert tiny.paths().count("timetable") == 2


async def test_a_429_is_waited_for_within_the_budget_and_given_back_beyond_it(
    tiny: Any, opened: Opened, read: Read
) -> None:
    """The wait becomes a due time in the store, not a sleeping worker."""
    answers = iter([(429, {}), (200, {"rows": [{"id": "p1"}]})])
    tiny.answers["pupils"] = (200, lambda: next(answers))
    tiny.headers = {"retry-after": "3"}
    source = opened(rules=RetryRules(attempts=3, budget=10))
    assert len(await read(source)) == 3
    assert any(3 <= wait <= 3.2 for wait in source.waits)

    tiny.answers["pupils"] = (429, {})
    tiny.headers = {"retry-after": "900"}
    source = opened(rules=RetryRules(attempts=3, budget=10))
    with pytest.raises(MisThrottled) as caught:
        await read(source)
    assert caught.value.retry_after == 900
    assert source.waits == []


async def test_more_pages_than_the_budget_of_a_read_are_an_error(
    tiny: Any, opened: Opened, read: Read
) -> None:
    """Whatever each list allows by itself."""
    source = opened()
    source._http = source._http.model_copy(update={"page_budget": 1})
    source._driver._http = source._http

    with pytest.raises(MisPagingBroken, match="page_budget"):
        await read(source)


async def test_a_check_asks_for_one_page_and_the_codes(tiny: Any, opened: Opened) -> None:
    """It tells how many pupils there are and which codes nobody knows."""
    tiny.answers["codes"] = (200, {"rows": [{"id": "c1", "code": "/"}, {"id": "c9", "code": "?"}]})

    standing = await opened().check()

    assert (standing.pupils, standing.unknown_codes) == (1, ("?",))
    assert tiny.paths() == ["pupils", "codes"]
