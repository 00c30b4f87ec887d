"""A MIS that keeps one event a day: what it says of the morning, and what of the afternoon."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Opened = Callable[..., Any]
Read = Callable[..., Any]

EVENTS = """
[adapter]
id = "tiny"
name = "Tiny MIS"
vendor = "Nobody"
version = "1"
evidence = "invented for tests"
[capabilities]
session = true
presence = {presence}
[connection.token]
required = true
secret = true
help = "The token."
[auth]
type = "bearer"
token = "{{connection.token}}"
[http]
base = "https://tiny.example.test/api/"
[stream.sessions]
get = "sessions"
records = "rows"
page = {{ type = "none", max_pages = 1 }}
[stream.sessions.map]
pupil = "pupil"
day = "day"
code = "code"
session = {{ path = "days", values = {{ 1 = "DAY", "" = "DAY" }} }}
"""


def event(code: str, **more: Any) -> dict[str, Any]:
    """One event of one day."""
    return {"pupil": "p1", "day": "2026-09-07", "code": code, **more}


@pytest.mark.parametrize(
    ("presence", "code", "halves"),
    [
        ("false", "O", "am pm"),
        ("false", "C", "am pm"),
        # Elsewhere on the school's own business: nobody expects the pupil in the afternoon either.
        ("false", "B", "am pm"),
        # U is an absence of the pupil who is in school by now.
        *(("false", code, "am") for code in ("/", "L", "U")),
        *(("true", code, "am pm") for code in ("/", "L", "O")),
    ],
)
async def test_that_a_pupil_came_in_is_no_word_about_the_afternoon(
    opened: Opened, tiny: Any, read: Read, presence: str, code: str, halves: str
) -> None:
    """Where absences alone are sent: a mark of the afternoon would say that somebody saw it."""
    tiny.answers["sessions"] = (200, {"rows": [event(code)]})

    (batch,) = await read(opened(EVENTS.format(presence=presence)))

    assert [("am", "pm")[mark.pm] for mark in batch.records] == halves.split()


async def test_a_whole_day_is_both_sessions_in_whatever_order_the_fields_are_mapped(
    opened: Opened, tiny: Any, read: Read
) -> None:
    """The usual order is read on a way of its own."""
    manifest = EVENTS.format(presence="true")
    before, _, _ = manifest.partition("[stream.sessions.map]")
    usual = (
        'map = { pupil = "pupil", day = "day", session = { path = "days", values = '
        '{ 1 = "DAY" } }, code = "code", recorded = "saved" }\n'
    )
    tiny.answers["sessions"] = (200, {"rows": [event("O", days=1, saved="2026-09-07T09:00:00Z")]})

    (batch,) = await read(opened(before + usual))

    assert [mark.pm for mark in batch.records] == [False, True]


async def test_a_part_of_a_day_is_set_aside(opened: Opened, tiny: Any, read: Read) -> None:
    """Nothing says which half it was; a whole day in numbers is one."""
    tiny.answers["sessions"] = (
        200,
        {"rows": [event("O", days=0.5), event("O", days=1.0), event("O", days=None)]},
    )

    (batch,) = await read(opened(EVENTS.format(presence="false")))

    assert len(batch.records) == 4
    assert [one.value for one in batch.quarantined] == ["0.5"]
