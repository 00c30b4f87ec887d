"""A school whose MIS changes its data at some moment, and what its marks are before and after."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from mis_bridge.adapters.kit.edits import Appear, Vanish, corrections, places
from mis_bridge.adapters.kit.findings import Failed
from mis_bridge.adapters.kit.fixtures import FixtureServer
from mis_bridge.adapters.records import LessonMark, SessionMark
from mis_bridge.registers.codes import NOT_TAKEN, to_code

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from mis_bridge.adapters.kit.bench import Bench, MarkKey, School
    from mis_bridge.adapters.kit.edits import Edit
    from mis_bridge.adapters.source import Batch

__all__ = ["Scene", "after_a_while", "marks_of", "of_all", "of_corrections", "of_deletions",
           "of_late_marks"]  # fmt: skip

_WHILE: Final = 20 * 60.0
"""Seconds between two readings: less than the overlap of two polls."""

Marks = "dict[MarkKey, str]"


@dataclass(slots=True)
class Scene:
    """A change of the data, and what it does to the marks.

    Args:
        bench: makes the schools.
        edits: of the stand-in; none where the fixtures bring the change themselves.
        before, after: the marks.
    """

    bench: Bench
    edits: Sequence[Edit] = ()
    before: dict[MarkKey, str] = field(default_factory=dict)
    after: dict[MarkKey, str] = field(default_factory=dict)

    @property
    def corrected(self) -> set[MarkKey]:
        """The marks whose code changes."""
        both = self.before.keys() & self.after.keys()
        return {key for key in both if self.before[key] != self.after[key]}

    @property
    def added(self) -> set[MarkKey]:
        """The marks that come."""
        return self.after.keys() - self.before.keys()

    @property
    def removed(self) -> set[MarkKey]:
        """The marks that go."""
        return self.before.keys() - self.after.keys()

    async def begin(self) -> tuple[School, Callable[[], None]]:
        """Make the school as it is at first, and give what changes it."""
        if self.bench.adapter.is_code:
            return self._later()
        school, standin = await self.bench.stand_in()
        for edit in self.edits:
            edit.prepare(standin)

        def change() -> None:
            for edit in self.edits:
                edit.happen(standin, school.clock.now())

        return school, change

    async def end(self) -> School:
        """Make the school as it is afterwards, with nobody changing anything."""
        school, change = await self.begin()
        change()
        return school

    def _later(self) -> tuple[School, Callable[[], None]]:
        fixtures = self.bench.fixtures
        later = fixtures.later
        if later is None:
            raise Failed(
                "the fixtures do not say what the MIS says later: fixtures/later, expect-later.json"
            )
        school = self.bench.school()

        def change() -> None:
            school.line.server = FixtureServer(later.exchanges)
            if fixtures.is_dropped:
                fixtures.drop_later(school.folder)

        return school, change


async def after_a_while() -> None:
    """Let so much time pass as is between two readings."""
    await asyncio.sleep(_WHILE)


def marks_of(batches: Iterable[Batch]) -> dict[MarkKey, str]:
    """Give the marks that were read, blanks left out."""
    found: dict[MarkKey, str] = {}
    for batch in batches:
        for record in batch.records:
            if isinstance(record, SessionMark):
                key = (record.pupil, record.day, "PM" if record.pm else "AM")
            elif isinstance(record, LessonMark):
                key = (record.pupil, record.day, f"lesson {record.period}")
            else:
                continue
            if record.code != NOT_TAKEN:
                found[key] = to_code(record.code)
    return found


async def of_corrections(bench: Bench) -> Scene:
    """Make a scene in which a mark is corrected.

    Raises:
        Failed: the fixtures have no mark that can be.
    """
    return await _found(bench, _corrections, lambda scene: scene.corrected, "corrected")


async def of_late_marks(bench: Bench) -> Scene:
    """Make a scene in which a mark comes that was not there; errors as above."""
    return await _found(bench, _late, lambda scene: scene.added, "added")


async def of_deletions(bench: Bench) -> Scene:
    """Make a scene in which a mark is taken away; errors as above."""
    return await _found(bench, _deletions, lambda scene: scene.removed, "taken away")


async def of_all(bench: Bench) -> Scene:
    """Make a scene in which one mark is corrected, one comes and one goes, as far as there are."""
    if bench.adapter.is_code:
        return await of_corrections(bench)
    edits: list[Edit] = []
    for kind, does in (
        (_corrections, lambda scene: scene.corrected),
        (_late, lambda scene: scene.added),
        (_deletions, lambda scene: scene.removed),
    ):
        taken = {(edit.place.key, edit.place.order) for edit in edits}
        found = await _first(bench, kind, does, taken)
        if found is not None:
            edits += found.edits
    if not edits:
        raise Failed("the fixtures have no mark that can be changed")
    return await _seen(bench, edits)


async def _found(
    bench: Bench,
    kind: Callable[[Bench], Iterator[Edit]],
    does: Callable[[Scene], set[MarkKey]],
    word: str,
) -> Scene:
    if bench.adapter.is_code:
        scene = await _seen(bench, ())
        if not does(scene):
            raise Failed(f"fixtures/later has no mark that is {word}")
        return scene
    found = await _first(bench, kind, does, set())
    if found is None:
        raise Failed(f"the fixtures have no mark that can be {word}")
    return found


async def _first(
    bench: Bench,
    kind: Callable[[Bench], Iterator[Edit]],
    does: Callable[[Scene], set[MarkKey]],
    taken: set[tuple[object, float]],
) -> Scene | None:
    """Find the first edit that does to the marks what is wanted, by trying."""
    await bench.stand_in()
    for edit in kind(bench):
        if (edit.place.key, edit.place.order) not in taken:
            scene = await _seen(bench, (edit,))
            if does(scene):
                return scene
    return None


async def _seen(bench: Bench, edits: Sequence[Edit]) -> Scene:
    """Look at what edits do to the marks."""
    scene = Scene(bench, edits)
    school, change = await scene.begin()
    scene.before = marks_of(await school.read())
    change()
    scene.after = marks_of(await school.read())
    return scene


def _corrections(bench: Bench) -> Iterator[Edit]:
    tables = {str(name): table for name, table in bench.adapter.manifest.stream.items()}
    yield from corrections(bench.template, tables)


def _late(bench: Bench) -> Iterator[Edit]:
    # The last records first: a register that is late is the latest one.
    for place in reversed(list(places(bench.template, "sessions", "lessons"))):
        yield Appear(place)


def _deletions(bench: Bench) -> Iterator[Edit]:
    for place in places(bench.template, "sessions", "lessons"):
        yield Vanish(place)
