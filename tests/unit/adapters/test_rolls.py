"""Rolls that say things more than once, leave blanks, or have words for "none"."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from mis_bridge.adapters.enrolments import who_counts
from mis_bridge.adapters.manifest import parse
from mis_bridge.adapters.records import PupilRecord
from mis_bridge.adapters.source import ReadPlan
from mis_bridge.errors import AdapterInvalid, MisUnavailable

Opened = Callable[..., Any]
Read = Callable[..., Any]

DAY = date(2026, 9, 11)
WINDOW = (DAY, DAY)
ROLL = """
[adapter]
id = "tiny"
name = "Tiny MIS"
vendor = "Nobody"
version = "1"
evidence = "invented for tests"
[capabilities]
[connection.token]
required = true
secret = true
help = "The token."
[auth]
type = "bearer"
token = "{connection.token}"
[http]
base = "https://tiny.example.test/api/"
[stream.pupils]
get = "pupils"
records = "rows"
repeats = "on_roll"
page = { type = "cursor", next = "next", query = { cursor = "{page.token}" }, max_pages = 5 }
[stream.pupils.map]
pupil = "id"
forename = ["preferred", "first"]
form = { path = "group", values = { NoGroup = "" }, others = "keep" }
admission = "from"
leaving = "until"
"""


def enrolled(pupil: str, start: int, end: int | None = None, **more: Any) -> PupilRecord:
    """An enrolment from one September to a July."""
    leaving = date(end, 7, 20) if end else None
    return PupilRecord(pupil, admission=date(start, 9, 1), leaving=leaving, **more)


def row(pupil: str, start: int, end: int | None = None, **more: Any) -> dict[str, Any]:
    """The same as the tiny MIS writes it."""
    until = f"{end}-07-20" if end else None
    return {"id": pupil, "from": f"{start}-09-01", "until": until, **more}


@pytest.mark.parametrize(
    "others",
    [
        # A pupil who left and came back.
        [enrolled("p1", 2023, 2025)],
        # Next year's enrolment stands in the MIS already; it has no end either.
        [enrolled("p1", 2027)],
        # A copy of it, with other contacts that nobody asked for.
        [enrolled("p1", 2026)],
        [enrolled("p1", 2020, 2022), enrolled("p1", 2023, 2025), enrolled("p1", 2027)],
    ],
)
def test_the_enrolment_of_today_counts_in_whatever_order_it_stands(
    others: list[PupilRecord],
) -> None:
    """An old or a coming one beside it would take a child off the roll unnoticed."""
    today = enrolled("p1", 2026)
    for place in range(len(others) + 1):
        records = [*others[:place], today, *others[place:]]

        assert who_counts(records, DAY) == [today]


def test_of_enrolments_that_are_over_the_last_one_counts() -> None:
    """So that a leaver leaves on the right day."""
    late = enrolled("p1", 2023, 2025)

    assert who_counts([enrolled("p1", 2020, 2022), late], DAY) == [late]
    assert who_counts([late, enrolled("p1", 2020, 2022)], DAY) == [late]


def test_of_copies_the_first_counts() -> None:
    """As the public client of such a MIS takes them."""
    first, second = enrolled("p1", 2024, form="8X"), enrolled("p1", 2024, form="8Y")

    assert who_counts([first, second], DAY) == [first]


async def test_a_roll_on_several_pages_has_each_pupil_once(
    opened: Opened, tiny: Any, read: Read
) -> None:
    """The page that a pupil's enrolment of today stands on does not matter."""
    tiny.answers = {
        "pupils": (200, {"rows": [row("p1", 2026), row("p2", 2023, 2025)], "next": "2"}),
        "pupils@2": (200, {"rows": [row("p1", 2023, 2025), row("p2", 2026)], "next": None}),
    }

    (batch,) = await read(opened(ROLL))

    assert {(one.pupil, one.leaving) for one in batch.records} == {("p1", None), ("p2", None)}
    assert len(batch.records) == 2


async def test_an_unchanged_page_before_a_changed_one_is_still_looked_at(
    opened: Opened, tiny: Any, read: Read
) -> None:
    """Otherwise the old enrolment on the changed page would look like news."""
    tiny.answers = {
        "pupils": (200, {"rows": [row("p1", 2026)], "next": "2"}),
        "pupils@2": (200, {"rows": [row("p1", 2023, 2025)], "next": None}),
    }
    source = opened(ROLL)
    known = {key: digest for batch in await read(source) for key, digest in batch.digests.items()}
    tiny.answers["pupils@2"] = (200, {"rows": [row("p1", 2022, 2025)], "next": None})

    (batch,) = await read(source, known_digests=known)

    assert [one.leaving for one in batch.records] == [None]


async def test_the_roll_is_of_today_whatever_days_are_read_again(
    opened: Opened, tiny: Any, read: Read
) -> None:
    """Somebody reads last year's marks anew: nobody leaves the roll for it."""
    tiny.answers["pupils"] = (200, {"rows": [row("p1", 2026), row("p1", 2023, 2025)]})

    (batch,) = await read(opened(ROLL), window=(date(2025, 3, 3), date(2025, 3, 7)))

    assert [one.leaving for one in batch.records] == [None]


async def test_a_roll_is_one_batch_however_many_pages_it_has(
    opened: Opened, tiny: Any, read: Read
) -> None:
    """A second batch would be stored over the first, whichever of them counts."""
    tiny.answers = {
        "pupils": (200, {"rows": [row("p1", 2026)], "next": "2"}),
        "pupils@2": (200, {"rows": [row("p1", 2023, 2025), row("p2", 2026)], "next": None}),
    }

    (batch,) = await read(opened(ROLL, batch_records=1))

    assert [(one.pupil, one.leaving) for one in batch.records] == [("p1", None), ("p2", None)]


async def test_a_roll_that_is_the_same_gives_no_record(
    opened: Opened, tiny: Any, read: Read
) -> None:
    """In a sweep, and where one page is another, it gives them all."""
    tiny.answers = {
        "pupils": (200, {"rows": [row("p1", 2026)], "next": "2"}),
        "pupils@2": (200, {"rows": [row("p1", 2023, 2025)], "next": None}),
    }
    source = opened(ROLL)
    (first,) = await read(source)
    known = first.digests

    (same,) = await read(source, known_digests=known)
    (swept,) = await read(source, known_digests=known, sweep=True)

    assert (len(first.records), first.unchanged) == (1, False)
    assert (same.records, same.unchanged, same.complete) == ([], True, True)
    assert (len(swept.records), swept.unchanged) == (1, False)


async def test_on_another_day_the_same_roll_is_looked_at_again(
    opened: Opened, tiny: Any, read: Read
) -> None:
    """The next year's enrolment begins to count on its first day, and no page says so."""
    tiny.answers["pupils"] = (200, {"rows": [row("p1", 2025, 2027), row("p1", 2027)]})
    source = opened(ROLL)
    before, after = date(2027, 8, 31), date(2027, 9, 1)
    (first,) = await read(source, window=(before, before))

    (second,) = await read(source, window=(after, after), known_digests=first.digests)

    assert not second.unchanged
    assert [one.admission for one in second.records] == [date(2027, 9, 1)]


async def test_a_blank_is_no_name_and_a_word_for_none_no_form(
    opened: Opened, tiny: Any, read: Read
) -> None:
    """What is no such word is kept as it is."""
    tiny.answers["pupils"] = (
        200,
        {
            "rows": [
                row("p1", 2026, preferred="  ", first="Ada ", group="NoGroup  "),
                row("p2", 2026, preferred="Ben", first="Benjamin", group=" 9Y"),
                row("p3", 2026, preferred=None, first=None, group=None),
            ]
        },
    )

    (batch,) = await read(opened(ROLL))

    assert [(one.forename, one.form) for one in batch.records] == [
        ("Ada", ""),
        ("Ben", "9Y"),
        ("", ""),
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            ROLL.replace(
                'repeats = "on_roll"\n',
                'repeats = "on_roll"\n'
                'cursor = { order = "position", query = { since = "{cursor}" } }\n',
            ),
            "read the whole list",
        ),
        (
            ROLL.replace("[capabilities]", "[capabilities]\nsession = true")
            .replace("[stream.pupils", "[stream.sessions")
            .replace(
                'form = { path = "group", values = { NoGroup = "" }, others = "keep" }\n'
                'admission = "from"\nleaving = "until"\n',
                'day = "day"\nsession = "session"\ncode = "code"\n',
            )
            .replace('pupil = "id"\nforename = ["preferred", "first"]', 'pupil = "id"'),
            "this goes with [stream.pupils]",
        ),
    ],
)
def test_repeats_are_for_a_whole_roll(text: str, told: str) -> None:
    """Of changes alone nobody can say which enrolment counts; marks have their own rule."""
    with pytest.raises(AdapterInvalid) as caught:
        parse(text, "adapter.toml")

    assert told in str(caught.value)


async def test_a_roll_that_was_broken_off_is_read_from_its_beginning(
    opened: Opened, tiny: Any
) -> None:
    """A reading of its rest alone would see the old enrolment, and take a child off the roll."""
    tiny.answers = {
        "pupils": (200, {"rows": [row("p1", 2026)], "next": "2"}),
        "pupils@2": (503, {}),
    }
    source = opened(ROLL, batch_records=1)
    before: list[Any] = []

    async def read_on() -> None:
        async for batch in source.read(ReadPlan(WINDOW)):
            before.append(batch)  # noqa: PERF401 - what came before the failure counts

    with pytest.raises(MisUnavailable):
        await read_on()
    tiny.answers["pupils@2"] = (200, {"rows": [row("p1", 2023, 2025)], "next": None})
    (batch,) = [batch async for batch in source.read(ReadPlan(WINDOW))]

    assert before == []
    assert [one.leaving for one in batch.records] == [None]
