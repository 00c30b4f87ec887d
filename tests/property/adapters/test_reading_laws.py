"""Laws of what comes out of pages and files."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from mis_bridge.adapters.csv_format import COLUMNS, read_events, read_pupils, read_sessions
from mis_bridge.adapters.lookups import Codebook, Lookups
from mis_bridge.adapters.normalise import Normaliser
from mis_bridge.adapters.records import SessionMark
from mis_bridge.adapters.vocabulary import StreamTable
from mis_bridge.errors import BadRow
from mis_bridge.registers.codes import CODES, to_code

if TYPE_CHECKING:
    import random

TABLE = StreamTable.model_validate(
    {
        "get": "x",
        "records": "rows",
        "page": {"type": "none", "max_pages": 1},
        "map": {
            "pupil": "student",
            "day": "date",
            "session": "session",
            "code": "code",
            "recorded": "saved",
        },
    }
)
WINDOW = (date(2026, 9, 1), date(2027, 7, 31))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=4,
)
ODD_ROWS = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("student", "date", "session", "code", "saved"), JSON)
)
MARKS = st.builds(
    SessionMark,
    pupil=st.sampled_from(["P1", "P2", "Ünique-3"]),
    day=st.dates(*WINDOW),
    pm=st.booleans(),
    code=st.sampled_from([code.byte for code in CODES]),
    recorded=st.none()
    | st.datetimes(datetime(2026, 8, 1), datetime(2027, 8, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)


def normaliser() -> Normaliser:
    """A normaliser of session marks."""
    return Normaliser("sessions", TABLE, Codebook({}, {}), Lookups(), window=WINDOW)


def row(mark: SessionMark, *, as_object: bool) -> dict[str, Any]:
    """Write a mark as a MIS might."""
    midnight = datetime(mark.day.year, mark.day.month, mark.day.day)  # noqa: DTZ001
    return {
        "student": mark.pupil,
        "date": {"date": f"{midnight} 00:00:00"[:19], "timezone": "Europe/London"}
        if as_object
        else mark.day.isoformat(),
        "session": "PM" if mark.pm else "AM",
        "code": to_code(mark.code),
        "saved": None if mark.recorded is None else mark.recorded.isoformat(),
    }


@given(
    st.lists(
        st.tuples(MARKS, st.booleans()).map(lambda one: row(one[0], as_object=one[1])) | ODD_ROWS,
        max_size=6,
    )
)
def test_a_page_gives_what_its_records_give_by_themselves(rows: list[dict[str, Any]]) -> None:
    """Read by the column or one by one; a record that can not be used costs no other one."""
    page = normaliser().decode(json.dumps(rows).encode(), 1)

    alone = [normaliser().decode(json.dumps([one]).encode(), 1) for one in rows]

    assert page.records == [record for one in alone for record in one.records]
    assert [found.problem for found in page.quarantined] == [
        found.problem for one in alone for found in one.quarantined
    ]


@given(st.lists(st.tuples(MARKS, st.booleans()), max_size=8))
def test_marks_survive_the_way_through_json(written: list[tuple[SessionMark, bool]]) -> None:
    """With date objects and with ISO texts, mixed."""
    raw = json.dumps([row(mark, as_object=form) for mark, form in written]).encode()

    decoded = normaliser().decode(raw, 1)

    assert decoded.records == [mark for mark, _ in written]
    assert not decoded.quarantined


@given(st.lists(MARKS, max_size=8), st.lists(ODD_ROWS | JSON, max_size=4), st.randoms())
def test_every_row_is_a_record_or_in_quarantine(
    marks: list[SessionMark], odd: list[Any], order: random.Random
) -> None:
    """None is lost, none stops the others, whatever it holds."""
    rows = [row(mark, as_object=False) for mark in marks] + odd
    order.shuffle(rows)

    decoded = normaliser().decode(json.dumps(rows).encode(), 1)

    assert len(decoded.records) + len(decoded.quarantined) == len(rows)
    assert all(mark in decoded.records for mark in marks)


@given(st.lists(st.lists(MARKS, max_size=3), max_size=4), st.randoms())
def test_pages_in_another_order_hold_the_same_records(
    pages: list[list[SessionMark]], order: random.Random
) -> None:
    """A decoder keeps nothing from page to page but caches."""

    def everything(one: Normaliser, those: list[list[SessionMark]]) -> list[str]:
        found = []
        for number, page in enumerate(those, 1):
            raw = json.dumps([row(mark, as_object=True) for mark in page]).encode()
            found += [repr(record) for record in one.decode(raw, number).records]
        return sorted(found)

    shuffled = list(pages)
    order.shuffle(shuffled)

    assert everything(normaliser(), pages) == everything(normaliser(), shuffled)


@given(st.lists(MARKS, max_size=8))
def test_marks_survive_the_way_through_a_file(marks: list[SessionMark]) -> None:
    """Times to the second, in UTC."""
    lines = [",".join((*COLUMNS["sessions"][0], "recorded_at"))]
    for mark in marks:
        if mark.recorded is not None:
            mark.recorded -= timedelta(microseconds=mark.recorded.microsecond)
        saved = "" if mark.recorded is None else mark.recorded.isoformat()
        half = "PM" if mark.pm else "AM"
        lines.append(f"{mark.pupil},{mark.day},{half},{to_code(mark.code)},{saved}")

    parsed = read_sessions("\n".join(lines))

    assert parsed.records == marks
    assert not parsed.problems


@given(st.sampled_from(["sessions", "pupils", "events"]), st.lists(st.text(max_size=30)))
def test_any_lines_under_a_header_are_records_or_problems(kind: str, lines: list[str]) -> None:
    """Never another error than a named one."""
    read: Any = {"sessions": read_sessions, "pupils": read_pupils, "events": read_events}[kind]
    try:
        parsed = read("\n".join((",".join(COLUMNS[kind][0]), *lines)))
    except BadRow:
        return
    assert all(problem.line >= 2 for problem in parsed.problems)
