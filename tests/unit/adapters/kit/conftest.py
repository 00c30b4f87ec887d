"""Adapters for made-up MIS, one for each way in which a list can be asked for."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from mis_bridge.adapters.kit.bench import Bench
from mis_bridge.adapters.kit.fixtures import read_fixtures
from mis_bridge.adapters.registry import load_folder
from mis_bridge.simulator.shelf import shelf

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HEAD = """
[adapter]
id = "tiny"
name = "Tiny MIS"
vendor = "Nobody"
version = "1"
evidence = "invented for tests"
grade = "gold"

[capabilities]
session = true
corrections = true

[connection.token]
required = true
secret = true
help = "The token."

{auth}
[http]
base = "https://tiny.example.test/api/"
concurrency = 2
rate = 10
page_budget = 60

[stream.pupils]
get = "pupils"
records = "rows"
empty = "refuse"
page = {{ type = "none", max_pages = 1 }}
map = {{ pupil = "id", upn = "upn", surname = "surname", forename = "forename", leaving = "left" }}

[stream.sessions]
"""
BEARER = '[auth]\ntype = "bearer"\ntoken = "{connection.token}"\n'
TOKEN = """[auth]
type = "token"
headers = { Authorization = "Bearer {token}" }
[auth.request]
post = "https://login.example.test/login"
form = { secret = "{connection.token}" }
token = "access_token"
expires_in = "expires_in"
"""
"""Got from another host, and renewed between two readings."""

MAP = """
[stream.sessions.map]
pupil = "p"
day = "d"
session = "s"
code = "c"
recorded = "at"
"""
GET = 'get = "marks"\nrecords = "rows"\n'
PAGED = 'max_pages = 50\nquery = { page = "{page.number}", size = "{page.size}" }\n'


@dataclass(frozen=True)
class Scheme:
    """How one made-up MIS is asked, and what its answers look like.

    Args:
        text: of ``[stream.sessions]`` and its tables.
        answer: envelope of some rows.
        auth: how requests show who asks.
        map: fields of the marks.
        parts: path of the address -> query -> which of the rows.
        exempt: cases that this MIS can not meet.
    """

    text: str
    answer: Callable[[list[Any]], Any] = lambda rows: {"rows": rows}
    auth: str = BEARER
    map: str = MAP
    parts: dict[tuple[str, str], slice] = field(
        default_factory=lambda: {("marks", "{}"): slice(None)}
    )
    exempt: tuple[str, ...] = ()


ONE_PAGE = '[stream.sessions.page]\ntype = "none"\nmax_pages = 1\n'
SINCE = '[stream.sessions.cursor]\norder = "position"\nquery = { since = "{cursor}" }\n'
DAYS = {
    ("marks", f'{{ on = "2026-09-{day:02}" }}'): slice(4 * n, 4 * n + 4)
    for n, day in enumerate((7, 8, 9))
}
SCHEMES: dict[str, Scheme] = {
    "none": Scheme(GET + ONE_PAGE),
    "bare": Scheme(GET.replace('"rows"', '["rows", "@"]') + ONE_PAGE, answer=lambda rows: rows),
    "page": Scheme(
        GET + '[stream.sessions.page]\ntype = "page"\nsize = 100\ntotal = "n"\n' + PAGED,
        answer=lambda rows: {"rows": rows, "n": len(rows)},
    ),
    "page without a total": Scheme(
        GET + '[stream.sessions.page]\ntype = "page"\nsize = 100\n' + PAGED
    ),
    "pages": Scheme(
        GET + '[stream.sessions.page]\ntype = "page"\npages = "meta[0].of"\nstart = 0\n'
        'max_pages = 50\nquery = { page = "{page.number}" }\n',
        answer=lambda rows: {"rows": rows, "meta": [{"of": 1}]},
    ),
    "offset": Scheme(
        GET + '[stream.sessions.page]\ntype = "offset"\nsize = 100\nmax_pages = 50\n'
        'query = { offset = "{page.offset}" }\ntotal_header = "Total-Count"\n' + SINCE
    ),
    "cursor": Scheme(
        GET + '[stream.sessions.page]\ntype = "cursor"\nnext = "next"\nmax_pages = 50\n'
        'query = { after = "{page.token}" }\n' + SINCE,
        answer=lambda rows: {"rows": rows, "next": None},
    ),
    "cursor in a header": Scheme(
        GET + '[stream.sessions.page]\ntype = "cursor"\nnext_header = "Next-Token"\n'
        'max_pages = 50\nquery = { after = "{page.token}" }\n'
    ),
    "link": Scheme(
        GET + '[stream.sessions.page]\ntype = "next_link"\nnext = "meta.next"\n'
        'more = "meta.more"\nmax_pages = 50\n' + SINCE
    ),
    "saved since": Scheme(GET + ONE_PAGE + SINCE + "lead_days = 14\n", exempt=("deleted-rows",)),
    "version": Scheme(
        GET + ONE_PAGE + '[stream.sessions.version]\nquery = { after = "{version}" }\n'
        'next = "version"\ndeleted = "gone"\ndeleted_key = "id"\n',
        answer=lambda rows: {"rows": rows, "version": 77, "gone": []},
    ),
    "newest version": Scheme(
        GET + ONE_PAGE + '[stream.sessions.version]\nquery = { after = "{version}" }\n'
        'next = "newest"\nget = "versions"\n'
    ),
    "graphql": Scheme(
        'post = "q"\nrecords = "data.Marks"\ngraphql = """{{ Marks(page: {page.number}, size: '
        '{page.size}, from: "{window.first}") {{ p d s c at }} }}"""\n[stream.sessions.page]\n'
        'type = "page"\nsize = 100\nmax_pages = 50\nstart = 0\n',
        answer=lambda rows: {"data": {"Marks": rows}},
        parts={("q", "{}"): slice(None)},
    ),
    "posted": Scheme(
        'post = "q"\nrecords = "rows"\n'
        'body = \'{{"from": "{window.first}", "page": {page.number}, "size": {page.size}}}\'\n'
        '[stream.sessions.page]\ntype = "page"\nsize = 100\nmax_pages = 50\n',
        parts={("q", "{}"): slice(None)},
    ),
    "days": Scheme(
        GET + 'query = { on = "{window.first}" }\nparts = { days = 1 }\n'
        '[stream.sessions.page]\ntype = "page"\nsize = 100\n' + PAGED,
        parts=DAYS,
    ),
    "changes elsewhere": Scheme(
        GET + 'query = { on = "{window.first}" }\nparts = { days = 1 }\n'
        '[stream.sessions.page]\ntype = "next_link"\nnext = "next"\nmax_pages = 50\n'
        '[stream.sessions.cursor]\norder = "none"\nget = "marks/changed(since={cursor})"\n',
        answer=lambda rows: {"rows": rows, "next": None},
        parts=DAYS,
    ),
    "words": Scheme(
        'get = "marks/{part}"\nrecords = "rows"\nparts = { of = "AM, PM" }\n' + ONE_PAGE,
        map=MAP.replace('session = "s"', 'session = { fixed = "{part}" }'),
        parts={("marks/AM", "{}"): slice(0, 12, 2), ("marks/PM", "{}"): slice(1, 12, 2)},
    ),
    "within": Scheme(
        GET + 'within = "marks"\n' + ONE_PAGE,
        answer=lambda rows: {"rows": [{"marks": rows[:5]}, {"marks": rows[5:]}]},
    ),
    "token": Scheme(GET + ONE_PAGE, auth=TOKEN),
    "one list for two": Scheme(
        GET + ONE_PAGE,
        map=MAP
        + """
[stream.details]
get = "pupils"
records = "rows"
page = { type = "none", max_pages = 1 }
map = { id = "id", surname = "surname" }
""",
        exempt=("budget",),
    ),
}
"""By name."""

CODES = "/NI/LN/N//IN"
ROWS = [
    {
        "id": f"M{n}",
        "p": f"P{n % 4}",
        "d": f"2026-09-{7 + n // 4:02}",
        "s": "AM",
        "c": code,
        "at": f"2026-09-{7 + n // 4:02} 09:{n:02}:00",
    }
    for n, code in enumerate(CODES)
]
PUPILS = [
    {"id": f"P{n}", "upn": f"Z99990000030{n}", "surname": f"Testpupil-{name}", "forename": name,
     "left": "2027-07-16" if n == 2 else None}
    for n, name in enumerate(("Ada", "Ben", "Cleo", "Dai"))
]  # fmt: skip


def write(scheme: Scheme, folder: Path) -> Path:
    """Write the folder of a made-up MIS's adapter; its fixtures are one page a part."""
    (folder / "fixtures").mkdir(parents=True)
    exempt = "".join(f'{name} = "this MIS does not tell"\n' for name in scheme.exempt)
    manifest = HEAD.format(auth=scheme.auth) + scheme.text + scheme.map + f"[exempt]\n{exempt}"
    (folder / "adapter.toml").write_text(manifest)
    plan = """now = 2026-09-09T12:00:00Z
first = 2026-09-07
last = 2026-09-09
[connection]
token = "invented-token-of-no-school"
"""
    sessions = []
    answers: dict[str, tuple[str, str, Any]] = {
        "pupils": ('get = "/api/pupils"', "{}", {"rows": PUPILS})
    }
    if scheme.auth == TOKEN:
        body = {"access_token": "invented-token-for-a-while", "expires_in": 1800}
        answers["login"] = ('post = "/login"', "{}", body)
    if 'get = "versions"' in scheme.text:
        answers["versions"] = ('get = "/api/versions"', "{}", {"newest": "77"})
    method = "post" if scheme.text.startswith("post") else "get"
    for number, ((path, query), which) in enumerate(scheme.parts.items()):
        answer = scheme.answer(ROWS[which])
        answers[f"marks-{number}"] = (f'{method} = "/api/{path}"', query, answer)
        sessions += [dict(row, s=path[-2:]) if "/" in path else row for row in ROWS[which]]
    for name, (asked, query, answer) in answers.items():
        (folder / "fixtures" / f"{name}.json").write_text(json.dumps(answer))
        plan += f'[[exchange]]\n{asked}\nquery = {query}\nbody = "{name}.json"\n'
    (folder / "fixtures" / "plan.toml").write_text(plan)
    (folder / "expect.json").write_text(json.dumps(expected(sessions)))
    return folder


def expected(sessions: list[Any]) -> Any:
    """What must come out, by the meaning of the fields."""
    pupils = [
        {
            "pupil": row["id"],
            "upn": row["upn"],
            "surname": row["surname"],
            "forename": row["forename"],
            **({"leaving": row["left"]} if row["left"] else {}),
        }
        for row in PUPILS
    ]
    marks = [
        {
            "pupil": row["p"],
            "day": row["d"],
            "pm": row["s"] == "PM",
            "code": row["c"],
            # Nine o'clock in London's summer is eight o'clock in Greenwich.
            "recorded": row["at"].replace(" 09:", "T08:") + "+00:00",
        }
        for row in sessions
    ]
    return {"records": {"pupils": pupils, "sessions": marks}, "quarantined": []}


@pytest.fixture
def made(tmp_path: Path) -> Callable[[str], Path]:
    """Write the folder of the adapter of a scheme."""
    return lambda name: write(SCHEMES[name], tmp_path / "tiny")


@pytest.fixture
def bench(made: Callable[[str], Path], tmp_path: Path) -> Callable[[str], Bench]:
    """Make a bench with the adapter of a scheme."""

    def make(name: str) -> Bench:
        adapter = load_folder(made(name))
        scratch = tmp_path / "scratch"
        scratch.mkdir()
        return Bench(adapter, read_fixtures(adapter), shelf, scratch)

    return make


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for ``scheme`` once for each."""
    if "scheme" in metafunc.fixturenames:
        metafunc.parametrize("scheme", list(SCHEMES))
