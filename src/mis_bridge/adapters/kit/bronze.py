"""The bronze cases: what an adapter must do before it may read a school."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING, Any, Final

from mis_bridge.adapters.kit.bench import tried
from mis_bridge.adapters.kit.faults import FOREIGN, always, failures, to_lists
from mis_bridge.adapters.kit.findings import DoesNotApply, Failed
from mis_bridge.adapters.kit.fixtures import FixtureServer
from mis_bridge.adapters.kit.line import broken
from mis_bridge.adapters.kit.model import Case, Tier
from mis_bridge.adapters.kit.overheard import Telltale, overheard, told_of
from mis_bridge.adapters.kit.pages import shuffle
from mis_bridge.adapters.kit.reading import as_json, difference
from mis_bridge.adapters.kit.scenes import Scene
from mis_bridge.adapters.manifest import parse
from mis_bridge.adapters.mapping import path as parse_path
from mis_bridge.adapters.records import values_of
from mis_bridge.errors import (
    AdapterInvalid,
    MisAuthFailed,
    MisError,
    MisNotThere,
    MisPermissionMissing,
    MisUnreachable,
)
from mis_bridge.io.http import HttpFailure, HttpResponse

if TYPE_CHECKING:
    from mis_bridge.adapters.kit.bench import Bench, School
    from mis_bridge.adapters.kit.line import Asked
    from mis_bridge.adapters.vocabulary import StreamTable

__all__ = ["CASES"]

_OK: Final = 200
_CHECKED: Final[tuple[tuple[int, type[MisError]], ...]] = (
    (401, MisAuthFailed),
    (403, MisPermissionMissing),
    (410, MisNotThere),
)


async def _manifest(bench: Bench) -> None:
    """Spell a key of the manifest wrongly; the rest was checked when it was read."""
    file = bench.adapter.folder / "adapter.toml"
    text = file.read_text(encoding="utf-8")
    wrong = re.sub(r"(?m)^evidence(?=\s*=)", "evidense", text, count=1)
    try:
        parse(wrong, "adapter.toml")
    except AdapterInvalid as error:
        told = str(error)
        if re.search(r"adapter\.toml:\d+", told) and '"evidence"' in told:
            return
    raise Failed('"evidense" for "evidence" is not refused with its line and the right spelling')


async def _check_states(bench: Bench) -> None:
    school = bench.school()
    await school.source().check()
    if bench.fixtures.is_dropped:
        shutil.rmtree(school.folder)
        if await _checked(school) is None:
            raise Failed("a folder that is not there is not noticed")
        return
    for status, kind in _CHECKED:
        school = bench.school()
        school.line.fault = to_lists(school, HttpResponse(status, {}, b""))
        found = await _checked(school)
        if type(found) is not kind:
            raise Failed(f"a {status} is taken for {_named(found)}, not for {kind.state}")
    school = bench.school()

    def nothing_there(asked: Asked, _: HttpResponse) -> HttpResponse | None:
        raise broken(asked.url, HttpFailure.NOT_SENT)

    school.line.fault = nothing_there
    found = await _checked(school)
    if type(found) is not MisUnreachable:
        raise Failed(f"a host that is not there is taken for {_named(found)}, not for unreachable")


async def _checked(school: School) -> MisError | None:
    try:
        await school.source().check()
    except MisError as error:
        return error
    return None


def _named(error: MisError | None) -> str:
    return "a good answer" if error is None else error.state


async def _expected(bench: Bench) -> None:
    found = as_json(await bench.school().read())
    if told := difference(found, bench.fixtures.expect):
        raise Failed(told)
    later = bench.fixtures.later
    if later is not None:
        found = as_json(await (await Scene(bench).end()).read())
        if told := difference(found, later.expect, "expect-later.json"):
            raise Failed(told)


async def _keyed(bench: Bench) -> None:
    seen = set()
    for batch in await bench.school().read():
        for record in batch.records:
            row = values_of(record)
            names = [name for name in ("pupil", "day", "pm", "starts", "at", "key") if name in row]
            key = (type(record).__name__, *(row[name] for name in names))
            if any(part is None or part == "" for part in key):
                raise Failed(f"{batch.stream}: a record without {', '.join(names)}")
            if key in seen and batch.stream == "pupils":
                raise Failed(f"{batch.stream}: one key twice")
            seen.add(key)


async def _all_used(bench: Bench) -> None:
    _needs_requests(bench)
    server = FixtureServer(bench.fixtures.exchanges)
    await bench.school(server).read()
    if server.unanswered:
        raise Failed(f"nothing answers {server.unanswered[0]}")
    unused = sorted({exchange.name for exchange in bench.fixtures.exchanges} - server.used)
    if unused:
        raise Failed(f"never asked for: {', '.join(unused)}")


async def _same_shuffled(bench: Bench) -> None:
    for seed in range(5):
        school, standin = await bench.stand_in()
        shuffle(standin, seed)
        if told := difference(as_json(await school.read()), bench.fixtures.expect):
            raise Failed(f"in another order: {told}")


async def _fields_seen(bench: Bench) -> None:
    if bench.adapter.is_code:
        raise DoesNotApply("its own code maps the fields")
    bodies = [_document(e.body) for e in bench.fixtures.exchanges if e.status == _OK]
    for name, table in bench.adapter.manifest.stream.items():
        lists = [_records_steps(text, table) for text in table.records_paths]
        for column, entry in table.map.items():
            fields = [parse_path(text).steps for text in entry.paths]
            seen = any(
                _seen(body, (*place, 0, *steps))
                for body in bodies
                for place in lists
                for steps in fields
            )
            if fields and not seen:
                raise Failed(f"stream.{name}.map.{column}: no fixture has {entry.paths[0]}")


def _document(body: bytes) -> Any:
    try:
        return json.loads(body.decode("utf-8-sig"))
    except ValueError:
        return None


def _records_steps(text: str, table: StreamTable) -> tuple[str | int, ...]:
    """Where the elements of a list are, those inside its records where the manifest says so."""
    steps = parse_path(text).steps
    return steps if table.within is None else (*steps, 0, *parse_path(table.within).steps)


def _seen(document: Any, steps: tuple[str | int, ...]) -> bool:
    """Whether a path leads somewhere in any element of the lists on its way."""
    if not steps:
        return document is not None
    if isinstance(document, list):
        return any(_seen(item, steps[1:]) for item in document)
    if isinstance(document, dict) and steps[0] in document:
        return _seen(document[steps[0]], steps[1:])
    return False


async def _quiet_faults(bench: Bench) -> None:
    telltale = Telltale(bench.fixtures.secrets, await bench.school().read())
    if bench.fixtures.is_dropped:
        for name in await bench.files():
            for content in FOREIGN:
                school = bench.school()
                whole = (school.folder / name).read_bytes()
                (school.folder / name).write_bytes(content + whole)
                await _quiet(school, telltale, f"{name} that is no data")
        return
    http = bench.adapter.manifest.http
    if http is None:
        raise DoesNotApply("nothing is asked for over HTTP")
    for answer in failures(http, bench.fixtures.secrets):
        school = bench.school()
        school.line.fault = always(answer)
        if await _quiet(school, telltale, f"a {answer.status}") is None:
            raise Failed(f"a {answer.status} to everything is not noticed")


async def _quiet(school: School, telltale: Telltale, what: str) -> MisError | None:
    with overheard() as said:
        _, problem = await tried(school)
    for kind, text in (("error", told_of(problem)), ("log line", " ".join(said))):
        if told := telltale.tells(text):
            raise Failed(f"an {kind} about {what} repeats {told}")
    return problem


def _needs_requests(bench: Bench) -> None:
    if bench.fixtures.is_dropped:
        raise DoesNotApply("files are dropped into a folder; nothing is asked for")


CASES: Final = tuple(
    Case(name, Tier.BRONZE, sentence, check)
    for name, sentence, check in (
        (
            "manifest",
            "the manifest is valid, and a misspelt key is refused with its line",
            _manifest,
        ),
        (
            "check-states",
            "a check names a refused token, a missing permission, a lost school and a lost host",
            _check_states,
        ),
        ("expected", "the fixtures give exactly expect.json", _expected),
        ("keys", "keys are unique and filled", _keyed),
        ("fixtures-used", "every fixture is used, every request answered", _all_used),
        ("page-order", "records in another order, on other pages, are the same", _same_shuffled),
        ("fields-seen", "each mapped field is seen once", _fields_seen),
        (
            "quiet-faults",
            "every fault has a name, and no error and no log line tells a secret, a name or a UPN",
            _quiet_faults,
        ),
    )
)
