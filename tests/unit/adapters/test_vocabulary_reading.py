"""What the vocabulary can say of lists: parts, versions, joins, choices, packed marks."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from mis_bridge.adapters.declared import DeclaredSource
from mis_bridge.adapters.driver import Gates
from mis_bridge.adapters.manifest import connection, parse
from mis_bridge.adapters.records import Deletion, LessonMark, PupilRecord, SessionMark
from mis_bridge.adapters.source import ReadPlan
from mis_bridge.errors import (
    MisAccessRevoked,
    MisAnswerInvalid,
    MisAuthFailed,
    MisDataStale,
    MisNotThere,
    MisPermissionMissing,
    MisSchoolOffline,
    MisUnavailable,
)
from mis_bridge.io.clock import ManualClock
from mis_bridge.io.http import HttpResponse
from mis_bridge.io.retry import RetryRules
from mis_bridge.io.secrets import Secret
from mis_bridge.registers.codes import NOT_TAKEN, to_byte

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mis_bridge.adapters.source import Batch

NOW = datetime(2026, 9, 11, 11, 0, tzinfo=UTC)  # a Friday, noon in London
WEEK = (date(2026, 9, 7), date(2026, 9, 11))
SECRET = "s3cret-of-the-odd-mis"

HEAD = """
[adapter]
id = "odd"
name = "Odd MIS"
vendor = "Nobody"
version = "1"
evidence = "invented for tests"
[capabilities]
session = {session}
lesson = {lesson}
needs_periods = true
[connection.secret]
required = true
secret = true
help = "The secret."
[connection.registers]
default = "am, pm am"
help = "Registers to read."
"""
PLAIN = '[auth]\ntype = "bearer"\ntoken = "{connection.secret}"\n'
HTTP = '[http]\nbase = "https://odd.example.test/"\n'
ONE_PAGE = 'page = { type = "none", max_pages = 1 }\n'

Answer = Callable[[str, dict[str, str], bytes], Any]


@dataclass
class OddMis:
    """Answers by a function of path, query and body; keeps what was asked."""

    answer: Answer
    asked: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    sent: list[Mapping[str, str]] = field(default_factory=list)

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the shape of the transport
    ) -> HttpResponse:
        """Answer, and remember what was asked."""
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query))
        path = parts.path.removeprefix("/")
        self.asked.append((path, query, content or b""))
        self.sent.append(dict(headers or {}))
        answer = self.answer(path, query, content or b"")
        status, head, document = answer if isinstance(answer, tuple) else (200, {}, answer)
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        return HttpResponse(status, head, body)


def opened(
    text: str, answer: Answer, *, auth: str = PLAIN, **options: Any
) -> tuple[DeclaredSource, OddMis, ManualClock]:
    """Open a school whose manifest is the head and this text."""
    flags = {"session": "[stream.sessions]" in text, "lesson": "[stream.lessons]" in text}
    head = HEAD.format(**{name: str(value).lower() for name, value in flags.items()})
    http = "" if "[http]" in text else HTTP
    manifest = parse(head + auth + http + text, "adapter.toml")
    mis, clock = OddMis(answer), ManualClock(NOW)
    source = DeclaredSource(
        manifest,
        connection(manifest.connection, {"secret": Secret(SECRET)}),
        mis,
        clock,
        Gates(),
        rules=RetryRules(attempts=1),
        **options,
    )
    return source, mis, clock


async def read(source: DeclaredSource, into: list[Batch] | None = None, **plan: Any) -> list[Batch]:
    """Read a plan to its end; what comes before an error is in ``into``."""
    batches = [] if into is None else into
    async for batch in source.read(ReadPlan(**{"window": WEEK, **plan})):
        batches.append(batch)
    return batches


def records(batches: list[Batch]) -> list[Any]:
    """Everything that was read, in order."""
    return [record for batch in batches for record in batch.records]


SESSIONS = """
[stream.sessions]
get = "marks"
records = "rows"
{more}
[stream.sessions.map]
pupil = "pupil"
day = "day"
session = "session"
code = "code"
"""


def row(pupil: str = "p1", day: str | None = "2026-09-07", code: Any = "/", **more: Any) -> Any:
    """A mark as most odd MIS write it."""
    return {"pupil": pupil, "day": day, "session": "AM", "code": code, **more}


# ---- parts


async def test_days_are_asked_for_one_by_one_the_newest_first_and_no_weekend() -> None:
    """A MIS that only knows single dates: today's marks come before last week's."""
    manifest = SESSIONS.format(more=ONE_PAGE + "parts = { days = 1 }\n").replace(
        'get = "marks"', 'get = "marks/{window.first}"'
    )
    source, mis, _ = opened(manifest, lambda path, *_: {"rows": [row(day=path[-10:])]})

    batches = await read(source, window=(date(2026, 9, 3), date(2026, 9, 8)))

    days = ["2026-09-08", "2026-09-07", "2026-09-04", "2026-09-03"]
    assert [path for path, *_ in mis.asked] == [f"marks/{day}" for day in days]
    assert [mark.day.isoformat() for mark in records(batches)] == days
    assert batches[-1].last_of_stream
    assert batches[-1].complete


async def test_a_part_that_was_read_before_costs_a_hash_whatever_the_others_do() -> None:
    """Only the day that changed is given out again."""
    manifest = SESSIONS.format(more=ONE_PAGE + "parts = { days = 1 }\n")
    manifest = manifest.replace('"marks"', '"marks/{window.first}"')
    codes = {"marks/2026-09-07": "/"}
    source, _, _ = opened(
        manifest, lambda path, *_: {"rows": [row(day=path[-10:], code=codes.get(path, "/"))]}
    )
    known = {key: digest for batch in await read(source) for key, digest in batch.digests.items()}
    codes["marks/2026-09-07"] = "N"

    again = await read(source, known_digests=known)

    (mark,) = records(again)
    assert (mark.day, mark.code) == (date(2026, 9, 7), to_byte("N"))


async def test_an_interrupted_read_goes_on_with_the_day_it_was_broken_off_at() -> None:
    """Newer days were stored with their batches and are not asked for again."""
    manifest = SESSIONS.format(more=ONE_PAGE + "parts = { days = 1 }\n")
    manifest = manifest.replace('"marks"', '"marks/{window.first}"')
    broken = True

    def answer(path: str, *_: Any) -> Any:
        if broken and path.endswith("09-09"):
            return 503, {}, b""
        return {"rows": [row(day=path[-10:])]}

    source, mis, _ = opened(manifest, answer, batch_records=1)
    into: list[Batch] = []
    with pytest.raises(MisUnavailable):
        await read(source, into)
    resume = {stream: place for batch in into for stream, place in batch.resume.items()}
    mis.asked.clear()
    broken = False

    await read(source, resume=resume)

    assert [path[-5:] for path, *_ in mis.asked] == ["09-09", "09-08", "09-07"]


async def test_a_read_that_goes_less_far_back_than_the_window_says_where_it_begins() -> None:
    """Marks of the days that were not asked for are not gone."""
    manifest = SESSIONS.format(more=ONE_PAGE + "parts = { days = 1, back_days = 2 }\n")
    source, mis, _ = opened(manifest, lambda *_: {"rows": []})

    batches = await read(source)

    assert len(mis.asked) == 3
    assert (batches[-1].complete, batches[-1].begins) == (True, date(2026, 9, 9))


DAYS_SKIPPED = SESSIONS.format(more=ONE_PAGE + 'parts = { days = 1, missing = "skip" }\n').replace(
    'get = "marks"', 'get = "marks/{window.first}"'
)
GONE: Any = (404, {}, {"error": "no such day"})


@pytest.mark.parametrize("missing", ["09-10", "09-09", "09-07"])
async def test_a_day_that_the_mis_does_not_have_costs_that_day_alone(missing: str) -> None:
    """The others are read; but the read is not complete, so that nothing of that day is gone."""
    source, mis, _ = opened(
        DAYS_SKIPPED, lambda path, *_: GONE if missing in path else {"rows": [row(day=path[-10:])]}
    )

    batches = await read(source)

    assert [path[-5:] for path, *_ in mis.asked] == ["09-11", "09-10", "09-09", "09-08", "09-07"]
    assert len(records(batches)) == 4
    assert batches[-1].last_of_stream
    assert batches[-1].resume == {"sessions": ""}
    assert not batches[-1].complete


async def test_that_today_is_not_there_is_told_when_the_other_days_are_read() -> None:
    """Yesterday's holiday is nothing to hear of; a day without registers that is today is."""
    source, _, _ = opened(
        DAYS_SKIPPED, lambda path, *_: GONE if "09-11" in path else {"rows": [row(day=path[-10:])]}
    )

    into: list[Batch] = []
    with pytest.raises(MisNotThere, match="no such day"):
        await read(source, into)

    assert [mark.day.day for mark in records(into)] == [10, 9, 8, 7]
    assert into[-1].last_of_stream


async def test_a_list_of_which_no_day_is_there_is_not_there() -> None:
    """None of them is a school without marks; and not a year of days is asked for to find out."""
    source, mis, _ = opened(
        DAYS_SKIPPED, lambda path, *_: (404, {}, {"error": f"no such day: {path[-2:]}"})
    )

    with pytest.raises(MisNotThere, match="no such day: 11"):  # the newest is what matters
        await read(source)
    assert len(mis.asked) == 5

    mis.asked.clear()
    with pytest.raises(MisNotThere):
        await read(source, window=(date(2025, 9, 1), date(2026, 9, 11)))
    assert len(mis.asked) == 40


async def test_an_interrupted_read_whose_last_days_are_not_there_ends_well() -> None:
    """The days that were stored before are days that were there."""
    broken = True

    def answer(path: str, *_: Any) -> Any:
        if path.endswith("09-08"):
            return (503, {}, b"") if broken else GONE
        return GONE if path.endswith("09-07") else {"rows": [row(day=path[-10:])]}

    source, _, _ = opened(DAYS_SKIPPED, answer, batch_records=1)
    into: list[Batch] = []
    with pytest.raises(MisUnavailable):
        await read(source, into)
    resume = {stream: place for batch in into for stream, place in batch.resume.items()}
    broken = False

    batches = await read(source, resume=resume)

    assert records(batches) == []
    assert batches[-1].last_of_stream
    assert not batches[-1].complete


async def test_a_page_that_vanishes_within_a_day_is_not_a_day_that_is_not_there() -> None:
    """Half a day's marks are no day's marks."""
    page = 'page = { type = "page", size = 1, max_pages = 9, query = { n = "{page.number}" } }\n'
    manifest = DAYS_SKIPPED.replace(ONE_PAGE, page)
    source, _, _ = opened(
        manifest, lambda _, query, __: GONE if query["n"] == "2" else {"rows": [row()]}
    )

    with pytest.raises(MisNotThere):
        await read(source)


async def test_a_list_can_be_asked_for_word_by_word() -> None:
    """A school's registers, named in its file, each once."""
    manifest = SESSIONS.format(
        more=ONE_PAGE + 'parts = { of = "{connection.registers}" }\n'
    ).replace('get = "marks"', 'get = "register/{part}"')
    source, mis, _ = opened(manifest, lambda *_: {"rows": []})

    await read(source)

    assert [path for path, *_ in mis.asked] == ["register/am", "register/pm"]


# ---- paging


async def test_an_offset_list_with_its_total_in_a_header() -> None:
    """The rows so far are the next offset; fewer rows than stated are an error."""
    rows = [row(f"p{number}") for number in range(5)]
    page = 'type = "offset", size = 2, max_pages = 9, query = { offset = "{page.offset}" }'
    manifest = SESSIONS.format(more=f'page = {{ {page}, total_header = "Total-Count" }}\n')
    total = 5

    def answer(_: str, query: dict[str, str], __: bytes) -> Any:
        at = int(query["offset"])
        return 200, {"total-count": str(total)}, {"rows": rows[at : at + 2]}

    source, mis, _ = opened(manifest, answer)
    assert [mark.pupil for mark in records(await read(source))] == ["p0", "p1", "p2", "p3", "p4"]
    assert [query["offset"] for _, query, _ in mis.asked] == ["0", "2", "4"]

    total = 6
    with pytest.raises(Exception, match="5 records came, the MIS states 6"):
        await read(source, sweep=True)


async def test_a_list_whose_next_token_is_in_a_header() -> None:
    """It ends where the header is not there."""
    page = 'type = "cursor", max_pages = 9, query = { pageToken = "{page.token}" }'
    manifest = SESSIONS.format(more=f'page = {{ {page}, next_header = "Next-Page-Token" }}\n')

    def answer(_: str, query: dict[str, str], __: bytes) -> Any:
        if "pageToken" in query:
            return {"rows": [row("p2")]}
        return 200, {"next-page-token": "t1"}, {"rows": [row("p1")]}

    source, _, _ = opened(manifest, answer)

    assert [mark.pupil for mark in records(await read(source))] == ["p1", "p2"]


@pytest.mark.parametrize("really", ["p3", ""])
async def test_a_read_of_everything_asks_for_an_empty_page_once_more(really: str) -> None:
    """An empty answer can come by mistake; one that stays empty is the end of the list."""
    page = 'type = "page", max_pages = 9, size = 1, query = { page = "{page.number}" }'
    asked: list[str] = []

    def answer(_: str, query: dict[str, str], __: bytes) -> Any:
        asked.append(query["page"])
        if query["page"] == "3":
            return {"rows": [row(really)] if really and asked.count("3") == 2 else []}
        return {"rows": [row(f"p{query['page']}")] if query["page"] in {"1", "2"} else []}

    source, _, _ = opened(SESSIONS.format(more=f"page = {{ {page} }}\n"), answer)

    read_pupils = [mark.pupil for mark in records(await read(source))]

    assert read_pupils == (["p1", "p2", "p3"] if really else ["p1", "p2"])
    assert asked == ["1", "2", "3", "3", *(["4", "4"] if really else [])]
    asked.clear()
    await read(source, since=NOW)
    assert asked == ["1", "2", "3"]


async def test_the_stated_number_of_pages_ends_a_list() -> None:
    """Whatever the last page says of a next one."""
    page = 'type = "page", max_pages = 9, pages = "paging[0].PageCount"'
    manifest = SESSIONS.format(
        more=f'page = {{ {page}, query = {{ page = "{{page.number}}" }} }}\n'
    )

    def answer(_: str, query: dict[str, str], __: bytes) -> Any:
        paging = [{"PageCount": 2, "NextPage": "?page=3"}]
        return {"rows": [row(f"p{query['page']}")], "paging": paging}

    source, mis, _ = opened(manifest, answer)

    assert [mark.pupil for mark in records(await read(source))] == ["p1", "p2"]
    assert len(mis.asked) == 2


# ---- bodies and shapes


async def test_a_graphql_query_carries_the_page_and_the_window_in_its_text() -> None:
    """The body is JSON with the query; what is put in can not break out of a text."""
    manifest = (
        SESSIONS.format(
            more='page = { type = "page", size = 2, start = 0, max_pages = 9 }\n'
            'graphql = """{{ Marks(page: {page.number}, from: "{window.first}") {{ id }} }}"""\n'
        )
        .replace('get = "marks"', 'post = "graphql"')
        .replace('"rows"', '"data.Marks"')
    )
    source, mis, _ = opened(manifest, lambda *_: {"data": {"Marks": [row()]}})

    await read(source)

    ((path, _, body),) = mis.asked
    assert path == "graphql"
    query = json.loads(body)["query"]
    assert query == '{ Marks(page: 0, from: "2026-09-07") { id } }'
    assert mis.sent[0]["Content-Type"] == "application/json"


@pytest.mark.parametrize("bare", [True, False])
async def test_an_answer_may_be_an_envelope_or_a_bare_array(*, bare: bool) -> None:
    """A vendor whose envelope is not certain: both are read, neither is guessed."""
    manifest = SESSIONS.format(more=ONE_PAGE).replace('"rows"', '["Marks", "rows", "@"]')
    source, _, _ = opened(manifest, lambda *_: [row()] if bare else {"rows": [row()]})

    assert len(records(await read(source))) == 1


@pytest.mark.parametrize(
    "document", [{"data": None}, {"data": {}}, {"data": {"Marks": None}}, {}, {"data": []}]
)
async def test_an_answer_whose_list_is_nowhere_is_no_empty_list(document: Any) -> None:
    """GraphQL gives null for all the data where one part of it failed."""
    manifest = SESSIONS.format(more=ONE_PAGE).replace('"rows"', '["data.Marks", "rows"]')
    source, _, _ = opened(manifest, lambda *_: document)

    with pytest.raises(MisAnswerInvalid, match="no list"):
        await read(source)


async def test_the_first_of_several_paths_that_leads_somewhere_counts() -> None:
    """The documentation spells a field in one way, the wire in another."""
    manifest = SESSIONS.format(more=ONE_PAGE).replace('day = "day"', 'day = ["Day", "day"]')
    source, _, _ = opened(
        manifest, lambda *_: {"rows": [row(), row("p2", Day="2026-09-08", day=None)]}
    )

    days = {mark.pupil: mark.day.day for mark in records(await read(source))}

    assert days == {"p1": 7, "p2": 8}


async def test_records_may_stand_inside_other_records() -> None:
    """A timetable whose periods are inside it is a list of periods."""
    manifest = """
[stream.periods]
get = "timetables"
records = "rows"
within = "periods"
page = { type = "none", max_pages = 1 }
map = { id = "id", name = "name", starts = "start", ends = "end" }
[stream.lessons]
get = "lessons"
records = "rows"
page = { type = "none", max_pages = 1 }
map = { pupil = "pupil", day = "day", period = { path = "period", via = "periods" }, code = "code" }
"""

    def answer(path: str, *_: Any) -> Any:
        if path == "timetables":
            one = {"id": 7, "name": "P1", "start": "09:00", "end": "10:00"}
            return {"rows": [{"periods": [one]}, {"periods": None}, {"periods": []}]}
        return {"rows": [row(period=7)]}

    source, _, _ = opened(manifest, answer)

    (lesson,) = records(await read(source))
    assert (lesson.period, lesson.starts, lesson.ends) == ("P1", 540, 600)


async def test_only_the_records_that_are_meant_are_read() -> None:
    """One list for sessions and lessons, told apart by the period; what is redundant is left."""
    only = '[[stream.{}.only]]\npath = "period"\n{} = ["AM", "PM"]\n'
    manifest = SESSIONS.format(more=ONE_PAGE).replace('"session"\n', '"period"\n') + only.format(
        "sessions", "equals"
    )
    manifest += '[[stream.sessions.only]]\npath = "redundant"\nequals = ["false", ""]\n'
    manifest += """
[stream.lessons]
get = "marks"
records = "rows"
page = { type = "none", max_pages = 1 }
map = { pupil = "pupil", day = "day", period = { path = "period", via = "periods" }, code = "code" }
""" + only.format("lessons", "unlike")
    rows = [
        row(period="AM "),
        row(period="PM", redundant=False),
        row(period="PM", redundant=True, code="N"),
        row(period="P1"),
    ]
    source, _, _ = opened(manifest, lambda *_: {"rows": rows}, periods={"P1": (540, 600)})

    found = records(await read(source))

    assert [type(one) for one in found] == [SessionMark, SessionMark, LessonMark]
    assert found[1].code == to_byte("/")
    assert (found[2].period, found[2].starts) == ("P1", 540)


async def test_those_who_left_long_ago_are_left_out_and_nobody_else() -> None:
    """The window begins on the 7th: ten days before it still counts, eleven do not.

    Whoever leaves in the future is here today, and a date that can not be read says nothing.
    """
    manifest = """
[stream.pupils]
get = "pupils"
records = "rows"
page = { type = "none", max_pages = 1 }
map = { pupil = "id" }
[[stream.pupils.only]]
path = "left"
past_days = 10
"""
    left = {
        "here": None,
        "blank": "",
        "soon": "2027-07-16",
        "lately": "2026-08-28",
        "long ago": "2026-08-27",
        "object": {"date": "2019-07-19 00:00:00", "timezone": "Europe/London"},
        "garbled": "sometime",
    }
    rows = [{"id": name, "left": day} for name, day in left.items()]
    source, _, _ = opened(manifest, lambda *_: {"rows": rows})

    (batch,) = await read(source)

    kept = [pupil.pupil for pupil in records([batch])]
    assert kept == ["here", "blank", "soon", "lately", "garbled"]
    # A check looks from today, the 11th, on: ten days before it is the 1st.
    assert (await source.check()).pupils == 4


async def test_a_period_that_the_schools_file_does_not_name_is_set_aside() -> None:
    """With where to write its times."""
    manifest = """
[stream.lessons]
get = "marks"
records = "rows"
page = { type = "none", max_pages = 1 }
map = { pupil = "pupil", day = "day", period = { path = "period", via = "periods" }, code = "code" }
"""
    source, _, _ = opened(manifest, lambda *_: {"rows": [row(period="Reg")]})

    (batch,) = await read(source)

    assert batch.records == []
    assert "[calendar.periods]" in batch.quarantined[0].problem
    assert batch.quarantined[0].value == "Reg"


WEEKLY = """
[stream.periods]
get = "periods"
records = "rows"
page = { type = "none", max_pages = 1 }
map = { id = "id", name = "name", starts = "from", ends = "to", weekday = "on" }
[stream.timetable]
get = "classes"
records = "rows"
page = { type = "none", max_pages = 1 }
map = { id = "class", period = { path = "period", via = "periods" } }
[stream.lessons]
get = "marks"
records = "rows"
page = { type = "none", max_pages = 1 }
[stream.lessons.map]
pupil = "pupil"
day = "day"
lesson = { path = "class", via = "timetable" }
code = "code"
"""
MONDAY = {"id": 1, "name": "P1", "from": "09:00", "to": "10:00", "on": "Mon"}
WEDNESDAY = {"id": 2, "name": "P4", "from": "13:00", "to": "14:00", "on": "wednesday"}
OTHER_WEEK = {"id": 3, "name": "P1", "from": "09:00", "to": "10:00", "on": "MONDAY"}
MONDAY_TOO = {"id": 4, "name": "P5", "from": "14:00", "to": "15:00", "on": "Monday"}
NUMBERED = {"id": 5, "name": "P4", "from": "13:00", "to": "14:00", "on": 3}


def _weekly(periods: list[Any], day: str) -> Answer:
    """A class that meets in all of some periods, and one mark of it on a day."""
    lists = {
        "periods": periods,
        "classes": [{"class": 9, "period": period["id"]} for period in periods],
        "marks": [row(day=day) | {"class": 9}],
    }
    return lambda path, *_: {"rows": lists[path]}


@pytest.mark.parametrize(
    ("periods", "day", "expected"),
    [
        ([MONDAY], "2026-09-07", ("P1", 540)),
        ([MONDAY], "2026-09-08", ("P1", 540)),  # a Tuesday that runs as a Monday
        ([MONDAY, WEDNESDAY], "2026-09-07", ("P1", 540)),
        ([MONDAY, WEDNESDAY], "2026-09-09", ("P4", 780)),
        ([MONDAY, OTHER_WEEK, WEDNESDAY], "2026-09-07", ("P1", 540)),
    ],
)
async def test_a_class_that_meets_more_than_once_a_week_has_the_times_of_the_marks_weekday(
    periods: list[Any], day: str, expected: tuple[str, int]
) -> None:
    """One id, several periods: the last one read is not the one that is meant."""
    source, _, _ = opened(WEEKLY, _weekly(periods, day))

    (lesson,) = records(await read(source))

    assert (lesson.period, lesson.starts) == expected


@pytest.mark.parametrize(
    ("periods", "day", "told"),
    [
        ([MONDAY, MONDAY_TOO], "2026-09-07", "has 2 periods"),
        ([MONDAY, WEDNESDAY], "2026-09-08", "has no periods"),
        ([NUMBERED, MONDAY_TOO], "2026-09-09", "has no periods"),
    ],
)
async def test_a_lesson_whose_period_can_not_be_known_is_set_aside(
    periods: list[Any], day: str, told: str
) -> None:
    """A mark at the wrong hour would make a child vanish who is in class."""
    source, _, _ = opened(WEEKLY, _weekly(periods, day))

    (batch,) = await read(source)

    assert batch.records == []
    assert [(told in one.problem, one.value) for one in batch.quarantined] == [(True, "9")]


# ---- codes and presence


async def test_what_the_mis_says_a_mark_means_counts_where_no_table_knows_it() -> None:
    """A word of the vendor's table, then its flags; what says nothing is set aside, not guessed."""
    manifest = (
        SESSIONS.format(more=ONE_PAGE)
        + """meaning = { flags = { "mark.present" = "present", "mark.absent" = "absent" } }
[codes]
LATE = "L"
[meanings]
present = "/"
Absent = "C"
"""
    )
    rows = [
        row("p1", code="LATE", mark={"absent": True}),
        row("p2", code="ODDWORD", mark={"present": False, "absent": True}),
        row("p3", code="ODDWORD", mark={"present": True}),
        row("p4", code="ODDWORD", mark=None),
    ]
    source, _, _ = opened(manifest, lambda *_: {"rows": rows})

    (batch,) = await read(source)

    assert {mark.pupil: mark.code for mark in records([batch])} == {
        "p1": to_byte("L"),
        "p2": to_byte("C"),
        "p3": to_byte("/"),
    }
    assert [one.value for one in batch.quarantined] == ["ODDWORD"]


async def test_the_code_lists_own_words_count_where_marks_carry_its_ids() -> None:
    """A letter of the school's own that the MIS calls an authorised absence."""
    manifest = (
        SESSIONS.format(more=ONE_PAGE).replace(
            'code = "code"', 'code = { path = "code", via = "codes" }'
        )
        + """
[stream.codes]
get = "codes"
records = "rows"
page = { type = "none", max_pages = 1 }
map = { id = "id", code = "letter", meaning = "says" }
[meanings]
"Authorised Absence" = "C"
"""
    )
    table = [
        {"id": 1, "letter": "~", "says": "authorised absence"},
        {"id": 2, "letter": "$", "says": "Who knows"},
    ]

    def answer(path: str, *_: Any) -> Any:
        return {"rows": table if path == "codes" else [row(code=1), row("p2", code=2)]}

    source, _, _ = opened(manifest, answer)

    (batch,) = await read(source)

    assert [mark.code for mark in records([batch])] == [to_byte("C")]
    assert [one.value for one in batch.quarantined] == ["$"]
    standing = await source.check()
    assert standing.unknown_codes == ("$",)


CODE_LIST = (
    SESSIONS.format(more=ONE_PAGE).replace(
        'code = "code"', 'code = { path = "code", via = "codes" }'
    )
    + """
[stream.codes]
get = "codes"
records = "rows"
page = { type = "none", max_pages = 1 }
map = { id = "id", code = "letter" }
"""
)


@pytest.mark.parametrize(
    ("school_codes", "expected"), [({}, [NOT_TAKEN]), ({"7": "X"}, [to_byte("X"), NOT_TAKEN])]
)
async def test_a_mark_whose_code_has_no_letter_is_not_a_register_that_was_not_taken(
    school_codes: dict[str, str], expected: list[int]
) -> None:
    """Somebody made the mark: its id can be mapped, until then it is set aside."""

    def answer(path: str, *_: Any) -> Any:
        if path == "codes":
            return {"rows": [{"id": 7, "letter": ""}]}
        return {"rows": [row(code=7), row("p2", code=None)]}

    source, _, _ = opened(CODE_LIST, answer, school_codes=school_codes)

    (batch,) = await read(source)

    assert [mark.code for mark in records([batch])] == expected
    unknown = [] if school_codes else ["7"]
    assert [one.value for one in batch.quarantined] == unknown
    assert list((await source.check()).unknown_codes) == unknown


async def test_a_list_of_codes_by_their_marks_explains_them_and_need_not_have_them_all() -> None:
    """A code of the register is one although the list is of last year; by ids it would not be."""
    manifest = (
        SESSIONS.format(more=ONE_PAGE).replace(
            'code = "code"', 'code = { path = "code", via = "codes" }'
        )
        + """
[stream.codes]
get = "codes"
records = "rows"
page = { type = "none", max_pages = 1 }
map = { id = "mark", code = "mark", meaning = "says" }
[meanings]
"Authorised Absence" = "C"
"""
    )
    listed = [
        {"mark": "/", "letter": "/"},
        {"mark": "~", "letter": "~", "says": "Authorised Absence"},
    ]
    marks = [row(code=mark) for mark in ("/", "-", "~", "Y3", "?")]
    source, _, _ = opened(manifest, lambda path, *_: {"rows": listed if path == "codes" else marks})
    by_id, _, _ = opened(
        manifest.replace('code = "mark"', 'code = "letter"'),
        lambda path, *_: {"rows": listed if path == "codes" else marks},
    )

    (batch,) = await read(source)
    (other,) = await read(by_id)

    assert [mark.code for mark in records([batch])] == [
        to_byte("/"), NOT_TAKEN, to_byte("C"), to_byte("Y3"),
    ]  # fmt: skip
    assert [one.value for one in batch.quarantined] == ["?"]
    assert [mark.code for mark in records([other])] == [to_byte("/"), to_byte("C")]
    assert [one.value for one in other.quarantined] == ["-", "Y3", "?"]


async def test_a_lesson_register_that_is_not_completed_has_marks_that_have_not_settled() -> None:
    """Filled in when it was opened, they prove nothing yet."""
    manifest = """
[stream.lessons]
get = "marks"
records = "rows"
page = { type = "none", max_pages = 1 }
[stream.lessons.map]
pupil = "pupil"
day = "day"
period = { path = "period", via = "periods" }
code = "code"
completed = "register.completed"
"""
    rows = [
        row("p1", period="P1", register={"completed": "2026-09-07T09:12:00"}),
        row("p2", period="P1", register={"completed": None}),
    ]
    source, _, _ = opened(manifest, lambda *_: {"rows": rows}, periods={"P1": (540, 600)})

    settled = {mark.pupil: mark.settled for mark in records(await read(source))}

    assert settled == {"p1": True, "p2": False}


async def test_a_mark_of_a_whole_day_is_a_mark_of_both_its_sessions() -> None:
    """A MIS that keeps one event a day."""
    manifest = SESSIONS.format(more=ONE_PAGE).replace(
        'session = "session"', 'session = { fixed = "DAY" }'
    )
    source, _, _ = opened(manifest, lambda *_: {"rows": [row(code="O")]})

    assert [mark.pm for mark in records(await read(source))] == [False, True]


async def test_a_session_can_be_told_by_the_time_at_which_it_begins() -> None:
    """UTC on the wire: 11:30 in a British summer is half past twelve, the afternoon."""
    manifest = SESSIONS.format(more=ONE_PAGE).replace(
        'session = "session"', 'session = { path = "starts", type = "utc_datetime" }'
    )
    rows = [row("p1", starts="2026-09-07T07:45:00Z"), row("p2", starts="2026-09-07T11:30:00Z")]
    source, _, _ = opened(manifest, lambda *_: {"rows": rows})

    assert [mark.pm for mark in records(await read(source))] == [False, True]


async def test_a_session_can_be_found_through_its_event() -> None:
    """Marks that name an event only: day and half of the day are the event's."""
    manifest = (
        SESSIONS.format(more=ONE_PAGE).replace(
            'day = "day"\nsession = "session"', 'event = { path = "event", via = "timetable" }'
        )
        + """
[stream.timetable]
get = "events"
records = "rows"
page = { type = "none", max_pages = 1 }
map = { id = "id", day = "starts", starts = "starts" }
"""
    )

    def answer(path: str, *_: Any) -> Any:
        if path == "events":
            return {"rows": [{"id": "e1", "starts": "2026-09-08T13:00"}]}
        return {"rows": [row(event="e1"), row("p2", event="e9")]}

    source, _, _ = opened(manifest, answer)

    (batch,) = await read(source)

    assert [(mark.day.day, mark.pm) for mark in records([batch])] == [(8, True)]
    assert [one.value for one in batch.quarantined] == ["e9"]


# ---- details, packed marks, versions


async def test_a_pupils_details_may_come_from_a_list_of_their_own() -> None:
    """The pupil's own record wins; a pupil without details is a pupil all the same."""
    manifest = """
[stream.pupils]
get = "pupils"
records = "rows"
page = { type = "none", max_pages = 1 }
map = { pupil = "id", surname = "surname" }
[stream.details]
get = "details"
records = "rows"
page = { type = "none", max_pages = 1 }
map = { id = "pupil", form = "form", lac = "care", surname = "old_surname" }
"""

    def answer(path: str, *_: Any) -> Any:
        if path == "details":
            return {"rows": [{"pupil": 1, "form": "9A", "care": "Yes", "old_surname": "Oldname"}]}
        return {"rows": [{"id": 1, "surname": "Testpupil"}, {"id": 2, "surname": "Standin"}]}

    source, _, _ = opened(manifest, answer)

    assert records(await read(source)) == [
        PupilRecord("1", surname="Testpupil", form="9A", flags=frozenset({"lac"})),
        PupilRecord("2", surname="Standin"),
    ]


async def test_details_with_a_date_that_is_none_still_have_the_rest() -> None:
    """A vendor that writes dates its own way costs the dates, and says so, not the UPN."""
    manifest = """
[stream.pupils]
get = "pupils"
records = "rows"
page = { type = "none", max_pages = 1 }
map = { pupil = "id" }
[stream.details]
get = "details"
records = "rows"
page = { type = "none", max_pages = 1 }
map = { id = "pupil", upn = "upn", admission = "from" }
"""

    def answer(path: str, *_: Any) -> Any:
        if path == "details":
            return {"rows": [{"pupil": 1, "upn": "Z999900000101", "from": "4th of September"}]}
        return {"rows": [{"id": 1}]}

    source, _, _ = opened(manifest, answer)

    (batch,) = await read(source)

    assert records([batch]) == [PupilRecord("1", upn="Z999900000101")]
    (strange,) = batch.quarantined
    assert strange.problem.startswith("admission: a date was expected")
    assert strange.value == ""


PACKED = """
[stream.history]
get = "pupils"
records = "rows"
page = { type = "none", max_pages = 1 }
map = { pupil = "id", first_day = "from", marks = "marks" }
"""


BACK = 'parts = { days = 1, back_days = 2 }\nquery = { on = "{window.first}" }\n'


async def test_a_year_of_packed_marks_is_read_at_the_first_load_only() -> None:
    """Two characters a calendar day, weekends and gaps left out; polls never ask for it."""
    packed = "/\\" + "NN" + "##" + "##" + "--" + "L\\"  # Thursday 3 to Tuesday 8 September
    source, mis, _ = opened(
        PACKED + SESSIONS.format(more=ONE_PAGE + BACK),
        lambda path, *_: {
            "rows": [{"id": 1, "from": "2026-09-03", "marks": packed}] if path == "pupils" else []
        },
    )

    marks = records(await read(source, window=(date(2026, 8, 1), date(2026, 9, 11))))

    assert [(mark.day.day, mark.pm, chr(mark.code)) for mark in marks] == [
        (3, False, "/"),
        (3, True, "\\"),
        (4, False, "N"),
        (4, True, "N"),
        (8, False, "L"),
        (8, True, "\\"),
    ]
    mis.asked.clear()
    await read(source, window=(date(2026, 8, 1), date(2026, 9, 11)), since=NOW)
    assert {path for path, *_ in mis.asked} == {"marks"}
    await read(source, window=(date(2026, 9, 9), date(2026, 9, 11)))
    assert {path for path, *_ in mis.asked} == {"marks"}


async def test_a_day_that_is_told_for_itself_is_not_told_by_the_packed_year() -> None:
    """Whatever it says there: a load that broke off and began again must not undo the day."""
    packed = "/\\" * 5  # Monday 7 to Friday 11 September

    def answer(path: str, query: dict[str, str], _: bytes) -> Any:
        if path == "pupils":
            return {"rows": [{"id": "p1", "from": "2026-09-07", "marks": packed}]}
        return {"rows": [row(day="2026-09-10", code="N")] if query["on"] == "2026-09-10" else []}

    source, _, _ = opened(PACKED + SESSIONS.format(more=ONE_PAGE + BACK), answer)

    marks = records(await read(source, window=(date(2026, 9, 1), date(2026, 9, 11))))

    assert [(mark.day.day, mark.pm, chr(mark.code)) for mark in marks] == [
        (7, False, "/"),
        (7, True, "\\"),
        (8, False, "/"),
        (8, True, "\\"),
        (10, False, "N"),
    ]


async def test_a_packed_text_of_odd_length_is_set_aside() -> None:
    """Every mark after the missing character would be on the wrong half of a day."""
    source, _, _ = opened(
        PACKED, lambda *_: {"rows": [{"id": 1, "from": "2026-09-03", "marks": "/\\N"}]}
    )

    (batch,) = await read(source, window=(date(2026, 8, 1), date(2026, 9, 11)))

    assert batch.records == []
    assert "two characters a day" in batch.quarantined[0].problem


async def test_packed_marks_mean_what_the_list_says_and_one_unknown_costs_only_itself() -> None:
    """A letter of the school's own counts as in the marks of single days; a year is not lost."""
    manifest = (
        PACKED.replace('marks = "marks"', 'marks = { path = "marks", via = "codes" }')
        + """
[stream.codes]
get = "codes"
records = "rows"
page = { type = "none", max_pages = 1 }
map = { id = "mark", code = "mark", meaning = "says" }
[meanings]
"Authorised Absence" = "C"
"""
    )
    table = [{"mark": "/"}, {"mark": "~", "says": "Authorised Absence"}, {"mark": "$"}]
    source, _, _ = opened(
        manifest,
        lambda path, *_: {
            "rows": table
            if path == "codes"
            else [{"id": 1, "from": "2026-09-07", "marks": "/~$/$/%/"}]
        },
    )

    (batch,) = await read(source, window=(date(2026, 8, 1), date(2026, 9, 11)))

    assert [(mark.day.day, mark.pm, chr(mark.code)) for mark in records([batch])] == [
        (7, False, "/"),
        (7, True, "C"),
        (8, True, "/"),
        (9, True, "/"),
        (10, True, "/"),
    ]
    assert [one.value for one in batch.quarantined] == ["$", "%"]


@pytest.mark.parametrize(
    ("packed", "fits"),
    [
        ("/\\" * 6, True),  # Thursday 3 to Tuesday 8 September, the weekend among them
        ("/\\" * 4, False),  # the weekend left out
        ("/\\J1J1" + "/\\" * 4 + "##", False),  # a code of two characters is one too long
    ],
)
async def test_packed_marks_that_do_not_end_on_their_last_day_are_set_aside(
    packed: str, *, fits: bool
) -> None:
    """Each mark after the slip would be another day's."""
    record = {"id": 1, "from": "2026-09-03", "to": "2026-09-08", "marks": packed}
    manifest = PACKED.replace("marks =", 'last_day = "to", marks =')
    source, _, _ = opened(manifest, lambda *_: {"rows": [record]})

    (batch,) = await read(source, window=(date(2026, 8, 1), date(2026, 9, 11)))

    assert [mark.day.day for mark in records([batch])] == ([3, 3, 4, 4, 7, 7, 8, 8] if fits else [])
    assert ["2026-09-08" in one.problem for one in batch.quarantined] == ([] if fits else [True])


VERSIONED = (
    SESSIONS.format(more=ONE_PAGE)
    + """
[stream.sessions.version]
query = { changed = "{version}" }
first = "*"
next = "changes.next"
deleted = "gone"
deleted_key = "id"
"""
)


async def test_changes_are_asked_for_since_the_version_that_was_kept() -> None:
    """The first read asks with a star; each next one with what the last was told."""
    answers = iter(["v1", "v2"])
    source, mis, _ = opened(
        VERSIONED, lambda *_: {"rows": [row()], "changes": {"next": next(answers)}, "gone": []}
    )

    first = await read(source)
    second = await read(source, since=NOW, resume=first[-1].resume)

    assert [query["changed"] for _, query, _ in mis.asked] == ["*", "v1"]
    assert first[-1].complete
    assert not second[-1].complete
    assert second[-1].resume == {"sessions": "", "sessions@": "v2"}


async def test_a_sweep_asks_for_everything_whatever_version_is_kept() -> None:
    """What a version misses is found each night."""
    source, mis, _ = opened(VERSIONED, lambda *_: {"rows": [], "changes": {"next": "v3"}})

    await read(source, since=None, sweep=True, resume={"sessions@": "v2"})

    assert [query["changed"] for _, query, _ in mis.asked] == ["*"]


async def test_a_version_that_the_mis_has_forgotten_is_asked_without() -> None:
    """The read starts anew with everything, and keeps the new version."""

    def answer(_: str, query: dict[str, str], __: bytes) -> Any:
        if query["changed"] != "*":
            return 400, {}, {"error": "unknown change set"}
        return {"rows": [row()], "changes": {"next": "v9"}}

    source, mis, _ = opened(VERSIONED, answer)

    batches = await read(source, since=NOW, resume={"sessions@": "lapsed"})

    assert [query["changed"] for _, query, _ in mis.asked] == ["lapsed", "*"]
    assert batches[-1].resume["sessions@"] == "v9"
    assert batches[-1].complete


async def test_what_a_change_set_calls_deleted_is_told() -> None:
    """By the id of the record, beside what changed."""
    source, _, _ = opened(
        VERSIONED, lambda *_: {"rows": [], "changes": {"next": "v2"}, "gone": [{"id": 5}]}
    )

    assert records(await read(source, since=NOW, resume={"sessions@": "v1"})) == [
        Deletion("sessions", "5")
    ]


NEWEST = """
[stream.sessions.version]
query = { minChangeVersion = "{version}" }
get = "versions"
next = "newest"
"""


async def test_a_newest_version_may_have_an_address_of_its_own() -> None:
    """It is asked before the list, so that nothing falls between the two."""
    source, mis, _ = opened(
        SESSIONS.format(more=ONE_PAGE) + NEWEST,
        lambda path, *_: {"newest": 77} if path == "versions" else {"rows": []},
    )

    (batch,) = await read(source)
    await read(source, since=NOW, resume=batch.resume)

    assert [(path, query) for path, query, _ in mis.asked] == [
        ("versions", {}),
        ("marks", {}),
        ("versions", {}),
        ("marks", {"minChangeVersion": "77"}),
    ]


ELSEWHERE = (
    SESSIONS.format(more=ONE_PAGE + "parts = { days = 2 }\n")
    + """
[stream.sessions.query]
from = "{window.first}"
[stream.sessions.cursor]
order = "none"
get = "marks/changed(since={cursor})"
"""
)


async def test_changes_may_be_told_at_an_address_of_their_own() -> None:
    """One list for the whole window, without the query of the list that they are changes of."""
    source, mis, _ = opened(ELSEWHERE, lambda *_: {"rows": [row()]})

    whole = await read(source)
    asked = [(path, query) for path, query, _ in mis.asked]
    mis.asked.clear()
    changes = await read(source, since=datetime(2026, 9, 11, 10, 0, tzinfo=UTC))

    days = ["2026-09-10", "2026-09-08", "2026-09-07"]
    assert asked == [("marks", {"from": day}) for day in days]
    assert whole[-1].complete
    assert mis.asked == [("marks/changed(since=2026-09-11T10%3A00%3A00Z)", {}, b"")]
    assert len(records(changes)) == 1
    assert not changes[-1].complete


@pytest.mark.parametrize("refusal", [(404, {}, b""), (400, {}, b""), {"changes": []}])
async def test_where_changes_can_not_be_asked_for_the_list_itself_is_read(refusal: Any) -> None:
    """A school whose vendor has no such address is not left without marks."""
    source, mis, _ = opened(
        ELSEWHERE, lambda path, *_: refusal if "changed" in path else {"rows": [row()]}
    )

    batches = await read(source, since=NOW)

    assert [path for path, *_ in mis.asked][1:] == ["marks", "marks", "marks"]
    assert len(records(batches)) == 3


async def test_the_newest_version_is_asked_for_once_in_a_reading() -> None:
    """All streams that it is told of begin at it; the next reading asks anew."""
    pupils = """
[stream.pupils]
get = "pupils"
records = "rows"
map = { pupil = "pupil" }
"""
    manifest = pupils + ONE_PAGE + NEWEST.replace("sessions", "pupils")
    source, mis, _ = opened(
        manifest + SESSIONS.format(more=ONE_PAGE) + NEWEST,
        lambda path, *_: {"newest": len(mis.asked)} if path == "versions" else {"rows": []},
    )

    first = await read(source)
    second = await read(source, since=NOW)

    assert [path for path, *_ in mis.asked] == ["versions", "pupils", "marks"] * 2
    assert [batch.resume for batch in first] == [
        {"pupils": "", "pupils@": "1"},
        {"sessions": "", "sessions@": "1"},
    ]
    assert second[-1].resume["sessions@"] == "4"


async def test_an_interrupted_read_keeps_the_version_at_which_it_began() -> None:
    """What changed on its first pages while it was interrupted is asked for the next time."""
    page = """
[stream.sessions.page]
type = "page"
query = { page = "{page.number}" }
size = 1
max_pages = 9
"""
    newest, broken = 77, True

    def answer(path: str, query: dict[str, str], _: bytes) -> Any:
        if path == "versions":
            return {"newest": newest}
        if broken and query["page"] == "2":
            return 503, {}, b""
        return {"rows": [row(f"p{query['page']}")] if int(query["page"]) <= 2 else []}

    manifest = SESSIONS.format(more="") + page + NEWEST
    source, mis, _ = opened(manifest, answer, batch_records=1)
    into: list[Batch] = []
    with pytest.raises(MisUnavailable):
        await read(source, into)
    newest, broken = 90, False
    mis.asked.clear()

    batches = await read(source, resume=into[-1].resume)

    assert next(query["page"] for path, query, _ in mis.asked if path == "marks") == "2"
    assert batches[-1].resume["sessions@"] == "77"


@pytest.mark.parametrize("interrupted", [False, True])
async def test_of_the_versions_that_its_pages_tell_a_list_keeps_the_first(
    *, interrupted: bool
) -> None:
    """A row of the first page may change while the second is asked for, or in a longer break."""
    page = """
[stream.sessions.page]
type = "cursor"
next = "more"
max_pages = 9
query = { at = "{page.token}" }
[stream.sessions.version]
query = { changed = "{version}" }
next = "newest"
"""
    broken = interrupted

    def answer(_: str, query: dict[str, str], __: bytes) -> Any:
        if "at" not in query:
            return {"rows": [row("p1")], "newest": 77, "more": "t2"}
        return (503, {}, b"") if broken else {"rows": [row("p2")], "newest": 79}

    source, _, _ = opened(SESSIONS.format(more=page), answer, batch_records=1)
    batches: list[Batch] = []
    if interrupted:
        with pytest.raises(MisUnavailable):
            await read(source, batches)
        broken = False

    await read(source, batches, resume=batches[-1].resume if interrupted else {})

    assert [mark.pupil for mark in records(batches)] == ["p1", "p2"]
    assert batches[-1].resume == {"sessions": "", "sessions@": "77"}


# ---- errors that look like answers


ERRORS = """
[http]
base = "https://odd.example.test/"
[[http.errors]]
path = "Message"
having = ["paused"]
state = "revoked"
[[http.errors]]
path = "Message"
state = "answer_invalid"
[[http.errors]]
path = "success"
equals = ["false"]
state = "permission_missing"
text = "why"
"""


@pytest.mark.parametrize(
    ("document", "kind", "told"),
    [
        ({"Message": "Access PAUSED by school", "rows": []}, MisAccessRevoked, "PAUSED by school"),
        ({"Message": f"no {SECRET} here", "rows": []}, MisAnswerInvalid, "no *"),
        ({"success": False, "why": "Attendance", "rows": []}, Exception, "Attendance"),
    ],
)
async def test_an_answer_of_200_may_be_an_error(
    document: Any, kind: type[Exception], told: str
) -> None:
    """The first rule that fits decides; the words are redacted, the list in it is not believed."""
    source, _, _ = opened(ERRORS + SESSIONS.format(more=ONE_PAGE), lambda *_: document)

    with pytest.raises(kind) as caught:
        await read(source)

    assert told in str(caught.value)
    assert SECRET not in str(caught.value)


async def test_what_is_sent_for_a_password_is_repeated_no_more_than_the_password() -> None:
    """A vendor that echoes the header tells the password to whoever reads the log."""
    auth = '[auth]\ntype = "basic"\nuser = "reader"\npassword = "{connection.secret}"\n'
    pair = b64encode(f"reader:{SECRET}".encode()).decode()
    source, mis, _ = opened(
        SESSIONS.format(more=ONE_PAGE), lambda *_: (403, {}, {"error": f"no: {pair}"}), auth=auth
    )

    with pytest.raises(MisPermissionMissing) as caught:
        await read(source)

    assert mis.sent[0]["Authorization"] == f"Basic {pair}"
    assert "no: *" in str(caught.value)
    assert pair not in str(caught.value)


async def test_an_answer_that_no_rule_fits_is_good() -> None:
    """A null message and a true success are no errors."""
    source, _, _ = opened(
        ERRORS + SESSIONS.format(more=ONE_PAGE),
        lambda *_: {"Message": None, "success": True, "rows": [row()]},
    )

    assert len(records(await read(source))) == 1


CHECK = """
[check]
get = "standing"
keep_seconds = 300
[[check.errors]]
path = "approved"
equals = ["false"]
state = "revoked"
[[check.errors]]
path = "online"
equals = ["false"]
state = "offline"
"""


async def test_a_school_that_is_offline_is_told_although_its_lists_answer() -> None:
    """What was read is given out, then the reading fails; the look serves for a while."""
    online = False
    source, mis, clock = opened(
        CHECK + SESSIONS.format(more=ONE_PAGE),
        lambda path, *_: (
            {"approved": True, "online": online} if path == "standing" else {"rows": [row()]}
        ),
    )

    batches: list[Batch] = []
    with pytest.raises(MisSchoolOffline):
        await read(source, batches)
    assert len(records(batches)) == 1

    online = True
    await read(source)
    await read(source)
    clock.advance(seconds=301)
    await read(source)
    assert [path for path, *_ in mis.asked].count("standing") == 3


async def test_what_is_stale_is_told_although_its_lists_are_read() -> None:
    """What a vendor copied yesterday is more than nothing, and less than today's registers."""
    source, _, _ = opened(
        CHECK.replace('"offline"', '"stale"') + SESSIONS.format(more=ONE_PAGE),
        lambda path, *_: {"online": False} if path == "standing" else {"rows": [row()]},
    )

    batches: list[Batch] = []
    with pytest.raises(MisDataStale):
        await read(source, batches)

    assert len(records(batches)) == 1


@pytest.mark.parametrize("answer", [b"<html>Sign in</html>", b'{"approved": fal', b""])
async def test_a_standing_that_can_not_be_read_is_told_and_not_taken_for_a_good_one(
    answer: bytes,
) -> None:
    """What no rule could look into is no news that all is well; the lists are read."""
    source, _, _ = opened(
        CHECK + SESSIONS.format(more=ONE_PAGE),
        lambda path, *_: answer if path == "standing" else {"rows": [row()]},
    )

    batches: list[Batch] = []
    with pytest.raises(MisAnswerInvalid, match="check: the answer is"):
        await read(source, batches)
    assert len(records(batches)) == 1


# ---- tokens that have to be got


TOKEN = """
[auth]
type = "token"
headers = { Authorization = "Idaas {token}", Key = "k" }
[auth.request]
post = "https://login.example.test/token"
form = { grant_type = "client_credentials", client_secret = "{connection.secret}", scope = "" }
token = "access_token"
expires_in = "expires_in"
"""


def _token_mis(serve: Callable[[str], Any]) -> tuple[Answer, list[str]]:
    given: list[str] = []

    def answer(path: str, _: dict[str, str], body: bytes) -> Any:
        if path == "token":
            given.append(f"token-{len(given) + 1}")
            assert dict(parse_qsl(body.decode()))["client_secret"] == SECRET
            return {"access_token": given[-1], "expires_in": 600}
        return serve(given[-1])

    return answer, given


async def test_a_token_is_got_once_and_again_before_it_lapses() -> None:
    """Ten minutes less one: no request is sent with a token that lapses under way."""
    answer, given = _token_mis(lambda _: {"rows": []})
    source, mis, clock = opened(SESSIONS.format(more=ONE_PAGE), answer, auth=TOKEN)

    await read(source)
    await read(source)
    assert given == ["token-1"]
    assert mis.sent[-1]["Authorization"] == "Idaas token-1"
    assert mis.sent[-1]["Key"] == "k"
    assert "Authorization" not in mis.sent[0]
    clock.advance(seconds=541)
    await read(source)
    assert given == ["token-1", "token-2"]
    assert mis.sent[-1]["Authorization"] == "Idaas token-2"


async def test_a_token_that_is_refused_is_got_anew_once() -> None:
    """Withdrawn before its time: one new one; refused again, it is a failure of access."""
    answer, given = _token_mis(
        lambda token: {"rows": [row()]} if token == "token-2" else (401, {}, {"error": token})
    )
    source, _, _ = opened(SESSIONS.format(more=ONE_PAGE), answer, auth=TOKEN)

    assert len(records(await read(source))) == 1
    assert given == ["token-1", "token-2"]

    answer, given = _token_mis(lambda token: (401, {}, {"error": f"bad {token}"}))
    source, _, _ = opened(SESSIONS.format(more=ONE_PAGE), answer, auth=TOKEN)
    with pytest.raises(MisAuthFailed) as caught:
        await read(source)
    assert len(given) == 2
    assert "token-" not in str(caught.value)


async def test_a_byte_order_mark_before_a_token_does_not_matter() -> None:
    """As before any other answer."""
    body = b'\xef\xbb\xbf{"access_token": "token-1", "expires_in": 600}'
    source, mis, _ = opened(
        SESSIONS.format(more=ONE_PAGE),
        lambda path, *_: body if path == "token" else {"rows": [row()]},
        auth=TOKEN,
    )

    assert len(records(await read(source))) == 1
    assert mis.sent[-1]["Authorization"] == "Idaas token-1"


@pytest.mark.parametrize(
    "refusal",
    [
        (400, {}, {"error": "invalid_client"}),
        (401, {}, b""),
        (200, {}, {"access_token": None}),
        (200, {}, {"error": "wrong"}),
        (404, {}, b""),
    ],
)
@pytest.mark.parametrize("missing", ["refuse", "skip"])
async def test_no_token_is_a_failure_of_access(refusal: Any, missing: str) -> None:
    """Whatever a vendor's way of saying so, and also where a school may lack the list itself."""
    more = f'{ONE_PAGE}missing = "{missing}"\n'
    source, mis, _ = opened(SESSIONS.format(more=more), lambda *_: refusal, auth=TOKEN)

    with pytest.raises(MisAuthFailed):
        await read(source)

    assert {path for path, *_ in mis.asked} == {"token"}


async def test_a_code_that_no_register_knows_is_still_not_guessed() -> None:
    """An empty mark is a register not taken; an unknown one is set aside."""
    source, _, _ = opened(
        SESSIONS.format(more=ONE_PAGE), lambda *_: {"rows": [row(code=None), row("p2", code="ZZ")]}
    )

    (batch,) = await read(source)

    assert [mark.code for mark in records([batch])] == [NOT_TAKEN]
    assert [one.value for one in batch.quarantined] == ["ZZ"]
