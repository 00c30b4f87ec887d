"""The kit's stand-in reads requests by the manifest and answers them as the manifest expects."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from mis_bridge.adapters.kit.bench import Bench
from mis_bridge.adapters.kit.fixtures import read_fixtures
from mis_bridge.adapters.kit.reading import as_json
from mis_bridge.adapters.kit.standin import Row, put_at
from mis_bridge.adapters.kit.virtual_time import run
from mis_bridge.adapters.registry import load_folder
from mis_bridge.adapters.source import ReadPlan
from mis_bridge.errors import MisPagingBroken
from mis_bridge.simulator.shelf import shelf

HEAD = """
[adapter]
id = "tiny"
name = "Tiny MIS"
vendor = "Nobody"
version = "1"
evidence = "invented for tests"

[capabilities]
session = true

[auth]
type = "none"

[http]
base = "https://tiny.example.test/api/"
"""
MAP = """
[stream.sessions.map]
pupil = "p"
day = "d"
session = "s"
code = "c"
"""
ONE = """
[stream.sessions]
get = "marks"
records = "rows"
"""
SCHEMES = {
    "none": ONE + '[stream.sessions.page]\ntype = "none"\nmax_pages = 1\n',
    "page": ONE + '[stream.sessions.page]\ntype = "page"\nsize = 100\nmax_pages = 9\n'
    'query = { page = "{page.number}", size = "{page.size}" }\ntotal = "n"\n',
    "pages": ONE + '[stream.sessions.page]\ntype = "page"\npages = "meta[0].of"\nstart = 0\n'
    'max_pages = 9\nquery = { page = "{page.number}" }\n',
    "offset": ONE + '[stream.sessions.page]\ntype = "offset"\nsize = 100\nmax_pages = 9\n'
    'query = { offset = "{page.offset}" }\ntotal_header = "Total-Count"\n',
    "cursor": ONE + '[stream.sessions.page]\ntype = "cursor"\nnext = "next"\nmax_pages = 9\n'
    'query = { after = "{page.token}" }\n',
    "header": ONE + '[stream.sessions.page]\ntype = "cursor"\nnext_header = "Next-Token"\n'
    'max_pages = 9\nquery = { after = "{page.token}" }\n',
    "next_link": ONE + '[stream.sessions.page]\ntype = "next_link"\nnext = "meta.next"\n'
    'more = "meta.more"\nmax_pages = 9\n',
    "bare": ONE.replace('"rows"', '["rows", "@"]') + '[stream.sessions.page]\ntype = "none"\n'
    "max_pages = 1\n",
    "graphql": ONE.replace('get = "marks"', 'post = "q"') + 'graphql = """{{ Marks(page: '
    '{page.number}, from: "{window.first}") {{ p d s c }} }}"""\n[stream.sessions.page]\n'
    'type = "page"\nsize = 100\nmax_pages = 9\nstart = 0\n',
    "days": ONE + 'query = { on = "{window.first}" }\nparts = { days = 1 }\n'
    '[stream.sessions.page]\ntype = "page"\nsize = 100\nmax_pages = 9\n'
    'query = { page = "{page.number}" }\n',
    "words": ONE.replace('"marks"', '"marks/{part}"') + 'parts = { of = "AM PM" }\n'
    '[stream.sessions.page]\ntype = "none"\nmax_pages = 1\n',
}
ROWS = [{"p": f"P{n % 4}", "d": f"2026-09-0{7 + n // 4}", "s": "AM", "c": "/"} for n in range(8)]

Ran = Callable[[Callable[[Bench], Coroutine[Any, Any, Any]]], Any]


def folder_of(scheme: str, at: Path) -> Path:
    """An adapter's folder whose MIS pages by a scheme; its fixtures are one page a part."""
    folder = at / "tiny"
    (folder / "fixtures").mkdir(parents=True)
    (folder / "adapter.toml").write_text(HEAD + SCHEMES[scheme] + MAP)
    answers = {"{}": ROWS}
    if scheme == "days":
        answers = {f'{{ on = "2026-09-0{d}" }}': ROWS[4 * d - 28 : 4 * d - 24] for d in (7, 8)}
    plan = "now = 2026-09-08T12:00:00Z\nfirst = 2026-09-07\nlast = 2026-09-08\n[connection]\n"
    paths = ["marks/AM", "marks/PM"] if scheme == "words" else ["marks"]
    for number, (path, (query, rows)) in enumerate(
        (path, answer) for path in paths for answer in answers.items()
    ):
        document: Any = {"rows": [dict(row, s=path[-2:]) if "/" in path else row for row in rows]}
        document |= {"n": len(rows), "meta": [{"of": 1}]} if scheme in {"page", "pages"} else {}
        if scheme == "bare":
            document = rows
        (folder / "fixtures" / f"{number}.json").write_text(json.dumps(document))
        method = 'post = "/api/q"' if scheme == "graphql" else f'get = "/api/{path}"'
        plan += f'[[exchange]]\n{method}\nquery = {query}\nbody = "{number}.json"\n'
    (folder / "fixtures" / "plan.toml").write_text(plan)
    (folder / "expect.json").write_text("{}")
    return folder


@pytest.fixture(params=sorted(SCHEMES))
def ran(request: pytest.FixtureRequest, tmp_path: Path) -> Ran:
    """Runs a coroutine with a bench of an adapter of each scheme."""
    return ran_with(request.param, tmp_path)


def ran_with(scheme: str, tmp_path: Path) -> Ran:
    """Runs a coroutine with a bench of an adapter of a scheme."""
    adapter = load_folder(folder_of(scheme, tmp_path))
    bench = Bench(adapter, read_fixtures(adapter), shelf, Path(tempfile.mkdtemp(dir=tmp_path)))
    return lambda use: run(use(bench))


def test_what_is_read_from_the_stand_in_is_what_the_fixtures_hold(ran: Ran) -> None:
    """By every scheme, over several pages, each of them asked for once."""

    async def both(bench: Bench) -> tuple[Any, Any, list[Any], int]:
        school, standin = await bench.stand_in()
        stood = as_json(await school.read())
        pages = sum(listing.pages for listing in standin.listings.values())
        asked = [one.what for one in school.line.asked]
        return stood, as_json(await bench.school().read()), asked, pages

    stood, fixed, asked, pages = ran(both)

    assert stood == fixed
    assert len(fixed["records"]["sessions"]) in {8, 16}
    assert len(asked) == len(set(asked))
    # A list that ends with a full page is asked for one more, which is empty.
    assert pages <= len(asked) <= 2 * pages


def test_a_row_that_is_taken_away_is_not_served_again(ran: Ran) -> None:
    """Nor counted in what the MIS states of the whole."""

    async def fewer(bench: Bench) -> int:
        school, standin = await bench.stand_in()
        for listing in standin.listings.values():
            listing.rows.pop()
        return len(as_json(await school.read())["records"]["sessions"])

    assert ran(fewer) in {7, 6, 14}


@pytest.mark.parametrize(("scheme", "shifts"), [("offset", True), ("cursor", False)])
def test_counted_pages_shift_when_a_row_comes_and_tokens_do_not(
    tmp_path: Path, scheme: str, *, shifts: bool
) -> None:
    """A row that comes in front moves the last row of the first page onto the second."""

    async def moved(bench: Bench) -> list[str]:
        school, standin = await bench.stand_in()
        (listing,) = standin.listings.values()

        def come(asked: Any) -> None:
            if asked.number == 1:
                new = dict(ROWS[0], p="P9")
                listing.rows.append(Row(new, -1.0, standin.now))

        school.line.before = come
        seen = []
        try:
            async for batch in school.source(batch_records=1).read(
                ReadPlan(window=bench.fixtures.window, sweep=True)
            ):
                seen += [f"{mark.pupil} {mark.day}" for mark in batch.records]  # type: ignore[union-attr]
        except MisPagingBroken:
            pass
        return seen

    seen = ran_with(scheme, tmp_path)(moved)

    assert (len(seen) > len(set(seen))) is shifts


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
