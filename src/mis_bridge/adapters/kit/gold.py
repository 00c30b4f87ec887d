"""The gold cases: what is not known is told, what is declared is true, the MIS is spared."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from mis_bridge.adapters.kit import gentle, strange
from mis_bridge.adapters.kit.edits import cells, places
from mis_bridge.adapters.kit.faults import FOREIGN
from mis_bridge.adapters.kit.findings import Failed
from mis_bridge.adapters.kit.listing import put_at
from mis_bridge.adapters.kit.model import Case, Tier
from mis_bridge.adapters.kit.overheard import Telltale, overheard, told_of
from mis_bridge.adapters.kit.reading import as_json
from mis_bridge.adapters.kit.rows import kept
from mis_bridge.adapters.records import LessonMark, PupilRecord, SessionMark
from mis_bridge.adapters.vocabulary import FIELDS
from mis_bridge.registers.codes import NOT_TAKEN, PRESENT_BYTES

if TYPE_CHECKING:
    from mis_bridge.adapters.kit.bench import Bench, School
    from mis_bridge.adapters.kit.line import Asked
    from mis_bridge.io.http import HttpResponse

__all__ = ["CASES"]


async def _capabilities(bench: Bench) -> None:
    batches = await bench.school().read()
    records = [record for batch in batches for record in batch.records]
    marks = [record for record in records if isinstance(record, SessionMark | LessonMark)]
    says = bench.adapter.manifest.capabilities
    unsettled = any(isinstance(mark, LessonMark) and not mark.settled for mark in marks)
    not_taken = any(mark.code == NOT_TAKEN for mark in marks)
    found = {
        "session": any(isinstance(mark, SessionMark) for mark in marks),
        "lesson": any(isinstance(mark, LessonMark) for mark in marks),
        "corrections": any(mark.recorded is not None for mark in marks),
    }
    for name, seen in found.items():
        if getattr(says, name) and not seen:
            raise Failed(f"capabilities.{name} is declared, and the fixtures do not show it")
        if seen and not getattr(says, name):
            raise Failed(f"capabilities.{name} is not declared, and the fixtures show it")
    if says.presence and not any(mark.code in PRESENT_BYTES for mark in marks):
        raise Failed("capabilities.presence is declared, and nobody is present in the fixtures")
    if says.register_taken and not (unsettled or not_taken):
        raise Failed("capabilities.register_taken is declared, and every register is taken")
    bare = replace(bench.fixtures, periods={})
    without = as_json(await bench.school(fixtures=bare).read())
    if says.needs_periods is (without == as_json(batches)):
        told = "is declared, and they change nothing" if says.needs_periods else "is not declared"
        raise Failed(f"capabilities.needs_periods {told}: read without the school's periods")


async def _diagnostics(bench: Bench) -> None:
    """Everything that is kept, told or printed, after good and bad readings."""
    telltale = Telltale(bench.fixtures.secrets, await bench.school().read(), ids=False)
    await _silent(bench, bench.school(), telltale, "a good reading")
    if bench.fixtures.is_dropped:
        for name in await bench.files():
            school = bench.school()
            whole = (school.folder / name).read_bytes()
            (school.folder / name).write_bytes(FOREIGN[0] + whole)
            await _silent(bench, school, telltale, f"{name} that is no data")
        return
    for target in await bench.asked_for():
        for spoil in (_cut, _twice):
            school = bench.school()
            school.line.fault = partial(_changed, target, spoil)
            await _silent(bench, school, telltale, f"a broken answer to {target.path}")
    if not bench.adapter.is_code:
        await _slipped(bench, telltale)


def _cut(body: bytes) -> bytes:
    return body[: len(body) // 2]


def _twice(body: bytes) -> bytes:
    return body + body


def _changed(target: Asked, spoil: Any, asked: Asked, good: HttpResponse) -> HttpResponse:
    return replace(good, body=spoil(good.body)) if asked.what == target.what else good


async def _slipped(bench: Bench, telltale: Telltale) -> None:
    """A name stands in a field that is for something else, as where columns were mixed up."""
    for stream in ("pupils", "details"):
        table = bench.adapter.manifest.stream.get(stream)
        if table is None:
            continue
        names = [field for field, kind in FIELDS[stream].items() if kind != "text"]
        for field in (*names, "sex", "form"):
            entry = table.map.get(field)
            if entry is None or not entry.paths:
                continue
            school, standin = await bench.stand_in()
            name = _surname(await school.read())
            for place in places(standin, stream):
                for steps, _ in cells(entry, place.record(standin)):
                    put_at(place.record(standin), steps, name)
            await _silent(bench, school, telltale, f"a name in stream.{stream}.map.{field}")


def _surname(batches: Any) -> str:
    records = (record for batch in batches for record in batch.records)
    names = (record.surname for record in records if isinstance(record, PupilRecord))
    return next((name for name in names if name), "")


async def _silent(bench: Bench, school: School, telltale: Telltale, when: str) -> None:
    """Look through all texts that a reading and a check leave behind."""
    with overheard() as said, bench.shelves() as shelf:
        source = school.source()
        error = await kept(school, shelf, sweep=True, source=source)
        try:
            standing = repr(await source.check())
        except Exception as problem:  # noqa: BLE001 - what it says is looked at
            standing = told_of(problem)
        texts = {
            "what is kept in the store": " ".join(shelf.texts()),
            "an error": told_of(error),
            "the check": standing,
            "an object's own text": f"{source!r} {school.adapter!r} {school.connection!r}",
        }
    texts["a log line"] = " ".join(said)
    for where, text in texts.items():
        if told := telltale.tells(text):
            raise Failed(f"after {when}, {where} has {told} in it")


CASES: Final = tuple(
    Case(name, Tier.GOLD, sentence, check)
    for name, sentence, check in (
        (
            "unknown-code",
            "a code that nobody knows is set aside with its value and counted, never guessed",
            strange.unknown_code,
        ),
        ("capabilities", "what is declared is so, and what is so is declared", _capabilities),
        (
            "budget",
            "requests are as many at once, as far apart and as long as declared, none twice",
            gentle.budget,
        ),
        (
            "second-poll",
            "where nothing has changed a poll decodes nothing and stores nothing",
            gentle.second_poll,
        ),
        (
            "diagnostics",
            "nothing that is kept, told or printed has a secret, a name or a UPN in it",
            _diagnostics,
        ),
    )
)
