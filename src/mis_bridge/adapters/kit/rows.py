"""The silver cases of rows: what is stored is what the MIS has, whatever happens on the way."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from mis_bridge.adapters.kit import scenes
from mis_bridge.adapters.kit.findings import Failed
from mis_bridge.adapters.kit.scenes import after_a_while
from mis_bridge.errors import MisError

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Set as AbstractSet

    from mis_bridge.adapters.kit.bench import Bench, MarkKey, School, Shelf
    from mis_bridge.adapters.kit.line import Asked
    from mis_bridge.adapters.kit.scenes import Scene
    from mis_bridge.adapters.source import Source

__all__ = ["corrections", "crash", "deleted_rows", "kept", "late_register", "moving_rows",
           "read_well"]  # fmt: skip


async def kept(
    school: School,
    shelf: Shelf,
    *,
    sweep: bool,
    source: Source | None = None,
    until: int | None = None,
    batch_records: int | None = None,
) -> MisError | None:
    """Read as the daemon does, and store batch by batch.

    Args:
        school: is read.
        shelf: where its batches are stored.
        sweep: everything, or what has changed.
        source: as it was opened before; None opens it anew.
        until: the process dies before it stores the batch of this number.
        batch_records: records after which a batch is given out.

    Returns:
        What ended the reading too soon.
    """
    source = source or school.source(batch_records=batch_records)
    plan = shelf.plan(school.fixtures.window, school.clock.now(), sweep=sweep)
    number = 0
    try:
        async with aclosing(source.read(plan)) as batches:  # type: ignore[type-var]
            async for batch in batches:
                if number == until:
                    return None
                shelf.keep(batch, plan, school.clock.now())
                number += 1
    except MisError as error:
        return error
    shelf.finish(school.clock.now())
    return None


async def read_well(
    school: School, shelf: Shelf, *, sweep: bool, source: Source | None = None
) -> None:
    """Read as ``kept`` does, from a MIS that is good.

    Raises:
        Failed: the reading ends too soon.
    """
    error = await kept(school, shelf, sweep=sweep, source=source)
    if error is not None:
        raise Failed(f"the MIS is good, and the reading ends with {error.state}: {error}")


async def corrections(bench: Bench) -> None:
    """A mark that is corrected is stored by the next poll, and by the next sweep."""
    scene = await scenes.of_corrections(bench)
    await _noticed(bench, scene, scene.corrected, "a mark that was corrected")


async def late_register(bench: Bench) -> None:
    """A register that comes late is stored by the next poll, and by the next sweep."""
    scene = await scenes.of_late_marks(bench)
    await _noticed(bench, scene, scene.added, "a mark that came late")


async def _noticed(bench: Bench, scene: Scene, keys: AbstractSet[MarkKey], what: str) -> None:
    """The next poll stores a change, and so does the night's sweep."""
    for sweep in (False, True):
        school, change = await scene.begin()
        source = school.source()
        with bench.shelves() as shelf:
            await read_well(school, shelf, sweep=True, source=source)
            await after_a_while()
            change()
            await after_a_while()
            await read_well(school, shelf, sweep=sweep, source=source)
            stored = shelf.marks()
            late = [key for key in keys if stored.get(key) != scene.after[key]]
        if late:
            raise Failed(f"{what} is not stored by the next {'sweep' if sweep else 'poll'}")


async def deleted_rows(bench: Bench) -> None:
    """A mark that is taken away in the MIS is gone after the next sweep."""
    scene = await scenes.of_deletions(bench)
    school, change = await scene.begin()
    with bench.shelves() as shelf:
        await read_well(school, shelf, sweep=True)
        change()
        await after_a_while()
        await read_well(school, shelf, sweep=True)
        if scene.removed & shelf.marks().keys():
            raise Failed("a mark that was taken away in the MIS is still stored after the sweep")


async def moving_rows(bench: Bench) -> None:
    """Whatever changes between two pages, the store has what the MIS has after the next sweep."""
    scene = await scenes.of_all(bench)
    with bench.shelves() as quiet:
        await read_well(await scene.end(), quiet, sweep=True)
        wanted = {key: code for key, code in quiet.marks().items() if key not in scene.removed}
    for number in await _requests(bench, scene):
        school, change = await scene.begin()
        school.line.before = _at(number, change)
        with bench.shelves() as shelf:
            # Such a reading may be told from a good one; what counts is the night after it.
            await kept(school, shelf, sweep=True)
            await after_a_while()
            await read_well(school, shelf, sweep=True)
            stored = shelf.marks()
        found = {key: code for key, code in stored.items() if key not in scene.removed}
        if found != wanted:
            missing, more = len(wanted.keys() - found.keys()), len(found.keys() - wanted.keys())
            raise Failed(
                f"rows that changed before request {number + 1}: after the sweep {missing} marks "
                f"are missing, {more} too many, "
                f"{sum(found.get(key, code) != code for key, code in wanted.items())} others"
            )


def _at(number: int, change: Callable[[], None]) -> Callable[[Asked], None]:
    return lambda asked: change() if asked.number == number else None


async def _requests(bench: Bench, scene: Scene) -> list[int]:
    """Give the numbers of the requests of a quiet reading, or of some of them spread over it."""
    school = (await scene.begin())[0]
    await school.read()
    return _spread(len(school.line.asked), bench.places)


def _spread(count: int, most: int) -> list[int]:
    step = max(1, -(-count // most))
    return list(range(0, count, step))


async def crash(bench: Bench) -> None:
    """Killed before any batch, a reading that begins again ends with everything, once."""
    scene = await scenes.of_all(bench)
    with bench.shelves() as quiet:
        school, change = await scene.begin()
        await read_well(school, quiet, sweep=True)
        first = _held(quiet)
        await after_a_while()
        change()
        await read_well(school, quiet, sweep=False)
        then = _held(quiet)
    for number in _spread(await _batches(bench, scene), bench.places):
        school, change = await scene.begin()
        with bench.shelves() as shelf:
            await kept(school, shelf, sweep=True, until=number, batch_records=1)
            await read_well(school, shelf, sweep=True)
            if _held(shelf) != first:
                raise Failed(f"killed before batch {number + 1} of a first load: rows are lost")
            await after_a_while()
            change()
            await kept(school, shelf, sweep=False, until=number, batch_records=1)
            await read_well(school, shelf, sweep=False)
            if _held(shelf) != then:
                raise Failed(f"killed before batch {number + 1} of a poll: rows are lost")


def _held(shelf: Shelf) -> tuple[object, ...]:
    """Give all that a shelf holds."""
    aside = sorted((one.stream, one.place, one.problem, one.value) for one in shelf.quarantined())
    return shelf.marks(), shelf.roll(), aside


async def _batches(bench: Bench, scene: Scene) -> int:
    school = (await scene.begin())[0]
    source = school.source(batch_records=1)
    with bench.shelves() as shelf:
        plan = shelf.plan(bench.fixtures.window, school.clock.now(), sweep=True)
        return len([batch async for batch in source.read(plan)])
