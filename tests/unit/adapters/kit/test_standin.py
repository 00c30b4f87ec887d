"""The kit's stand-in reads requests by the manifest and answers them as the manifest expects."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from mis_bridge.adapters.kit.bench import Bench, tried
from mis_bridge.adapters.kit.edits import Vanish, places
from mis_bridge.adapters.kit.listing import Row, put_at
from mis_bridge.adapters.kit.reading import as_json
from mis_bridge.adapters.kit.virtual_time import run
from mis_bridge.adapters.records import SessionMark
from mis_bridge.adapters.source import ReadPlan

Benches = Callable[[str], Bench]


def marks(batches: Any) -> list[SessionMark]:
    """The session marks that were read."""
    return [r for batch in batches for r in batch.records if isinstance(r, SessionMark)]


def test_what_is_read_from_the_stand_in_is_what_the_fixtures_hold(
    scheme: str, bench: Benches
) -> None:
    """By every scheme, over several pages; nothing but an empty page is asked for twice."""
    made = bench(scheme)

    async def both() -> tuple[Any, int, int]:
        school, standin = await made.stand_in()
        stood = as_json(await school.read())
        asked = [one.what for one in school.line.asked]
        return stood, len(asked) - len(set(asked)), len(standin.listings)

    stood, twice, lists = run(both())

    assert stood == as_json(run(quietly(made)))
    assert len(stood["records"]["sessions"]) == 12
    assert twice <= lists


async def quietly(made: Bench) -> Any:
    """Read the fixtures as they are."""
    return await made.school().read()


def test_a_row_that_is_taken_away_is_not_served_again(scheme: str, bench: Benches) -> None:
    """Nor counted in what the MIS states of the whole."""

    async def fewer() -> int:
        school, standin = await bench(scheme).stand_in()
        Vanish(next(places(standin, "sessions"))).happen(standin, school.clock.now())
        return len(marks(await school.read()))

    assert run(fewer()) == 11


@pytest.mark.parametrize(("name", "shifts"), [("offset", True), ("cursor", False)])
def test_counted_pages_shift_when_a_row_comes_and_tokens_do_not(
    bench: Benches, name: str, *, shifts: bool
) -> None:
    """A row that comes in front moves the last row of the first page onto the second."""

    async def moved() -> list[str]:
        school, standin = await bench(name).stand_in()
        listing = next(one for one in standin.listings.values() if "sessions" in one.streams)

        def come(asked: Any) -> None:
            if asked.number == 2:
                new = dict(listing.rows[0].value, p="P9")
                listing.rows.append(Row(new, -1.0, school.clock.now()))

        school.line.before = come
        batches, _ = await tried(school, source=school.source(batch_records=1))
        return [f"{mark.pupil} {mark.day}" for mark in marks(batches)]

    seen = run(moved())

    assert (len(seen) > len(set(seen))) is shifts


@pytest.mark.parametrize("name", ["saved since", "changes elsewhere", "version", "newest version"])
def test_a_poll_is_given_what_has_changed_and_nothing_else(bench: Benches, name: str) -> None:
    """Since a moment, or since a version."""

    async def changed() -> tuple[int, list[str]]:
        school, standin = await bench(name).stand_in()
        window = school.fixtures.window
        source = school.source()
        first, _ = await tried(school, ReadPlan(window, sweep=True), source=source)
        kept = {key: text for batch in first for key, text in batch.resume.items()}
        place = list(places(standin, "sessions"))[5]
        await asyncio.sleep(60)
        since = school.clock.now()
        await asyncio.sleep(60)
        row = place.row(standin)
        standin.version += 1
        row.touched, row.version = school.clock.now(), standin.version
        poll = ReadPlan(window, since=since, resume=kept)
        second, error = await tried(school, poll, source=source)
        assert error is None
        return len(marks(first)), [mark.pupil for mark in marks(second)]

    assert run(changed()) == (12, ["P1"])


@pytest.mark.parametrize(
    ("steps", "document", "made"),
    [
        (("a", "b"), {}, {"a": {"b": 7}}),
        (("a", 1, "b"), {"a": [{"c": 1}]}, {"a": [{"c": 1}, {"b": 7}]}),
        (("a", "b"), {"a": []}, {"a": {"b": 7}}),
        (("a", "b"), {"a": {"b": 1, "c": 2}}, {"a": {"b": 7, "c": 2}}),
    ],
)
def test_a_value_is_put_where_its_path_leads(
    steps: tuple[str | int, ...], document: Any, made: Any
) -> None:
    """What is missing on the way is made; what is another thing (PHP's empty list) gives way."""
    put_at(document, steps, 7)

    assert document == made
