"""Rolls that say things more than once, leave blanks, or have words for "none"."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from mis_bridge.adapters.enrolments import Enrolments
from mis_bridge.adapters.manifest import parse
from mis_bridge.adapters.records import PupilRecord
from mis_bridge.errors import AdapterInvalid

Opened = Callable[..., Any]
Read = Callable[..., Any]

DAY = date(2026, 9, 11)
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

        assert Enrolments(DAY).of(records) == [today]


def test_of_enrolments_that_are_over_the_last_one_counts() -> None:
    """So that a leaver leaves on the right day."""
    late = enrolled("p1", 2023, 2025)

    assert Enrolments(DAY).of([enrolled("p1", 2020, 2022), late]) == [late]
    assert Enrolments(DAY).of([late, enrolled("p1", 2020, 2022)]) == [late]


def test_of_copies_the_first_counts() -> None:
    """As the public client of such a MIS takes them."""
    first, second = enrolled("p1", 2024, form="8X"), enrolled("p1", 2024, form="8Y")

    assert Enrolments(DAY).of([first, second]) == [first]


def test_what_a_later_batch_knows_better_is_given_out_and_what_it_knows_worse_is_not() -> None:
    """The roll may come in several batches; a later record about a pupil is stored over it."""
    roll = Enrolments(DAY)
    old, now = enrolled("p1", 2023, 2025), enrolled("p1", 2026)

    assert roll.of([old]) == [old]
    assert roll.of([now]) == [now]
    assert roll.of([old]) == []


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
    opened: Opened, tiny: Any, read: Read
) -> None:
    """A reading of its rest alone would see the old enrolment, and take a child off the roll."""
    tiny.answers = {
        "pupils": (200, {"rows": [row("p1", 2026)], "next": "2"}),
        "pupils@2": (200, {"rows": [row("p1", 2023, 2025)], "next": None}),
    }
    source = opened(ROLL, batch_records=1)
    first = (await read(source))[0]
    assert first.resume["pupils"]

    batches = await read(source, resume=first.resume)

    assert [one.leaving for batch in batches for one in batch.records] == [None]
