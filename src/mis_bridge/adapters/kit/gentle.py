"""The gold cases of gentleness: the declared budget is kept, and what is known costs nothing."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from mis_bridge.adapters.kit.bench import tried
from mis_bridge.adapters.kit.findings import DoesNotApply, Failed
from mis_bridge.adapters.kit.listing import COUNTED
from mis_bridge.adapters.kit.rows import read_well
from mis_bridge.adapters.kit.scenes import after_a_while
from mis_bridge.adapters.source import ReadPlan
from mis_bridge.errors import MisPagingBroken

if TYPE_CHECKING:
    from mis_bridge.adapters.kit.bench import Bench, School
    from mis_bridge.adapters.vocabulary import HttpTable

__all__ = ["budget", "second_poll"]

_SCHOOLS: Final = 5
"""Schools of one adapter that are read at once."""

_SLACK: Final = 1e-6


async def budget(bench: Bench) -> None:
    """Requests are as many, as close together and as long as the manifest says."""
    http = bench.adapter.manifest.http
    if http is None:
        raise DoesNotApply("nothing is asked for over HTTP")
    school = bench.school()
    since = bench.fixtures.now - timedelta(days=1)
    await school.read(ReadPlan(window=bench.fixtures.window, since=since))
    _nothing_twice(school)
    if any(asked.timeout != http.timeout for asked in school.line.asked):
        raise Failed(f"a request may take longer or shorter than http.timeout, {http.timeout:g} s")
    school = bench.school()
    sources = [school.source() for _ in range(_SCHOOLS)]
    await asyncio.gather(*(tried(school, source=source) for source in sources))
    _keeps_to(school, http)
    if not bench.adapter.is_code:
        await _page_budget(bench)


def _nothing_twice(school: School) -> None:
    asked = school.line.asked
    tables = school.adapter.manifest.stream.values()
    if any(table.page.type in COUNTED for table in tables):
        # An empty page of a list that is read whole is asked for again at once.
        asked = asked[:1] + [two for one, two in pairwise(asked) if one.what != two.what]
    for what, times in Counter(one.what for one in asked).items():
        if times > 1:
            path = next(one.path for one in asked if one.what == what)
            raise Failed(f"{path} is asked for {times} times in one reading")


def _keeps_to(school: School, http: HttpTable) -> None:
    apart = max(http.minimum_interval, 1 / http.rate if http.rate else 0)
    for host, most in school.line.most_at_once.items():
        if most > http.concurrency:
            raise Failed(
                f"{_SCHOOLS} schools at once: {most} requests to one host are under way, "
                f"http.concurrency is {http.concurrency}"
            )
        starts = sorted(asked.at for asked in school.line.asked if asked.host == host)
        if any(later - sooner < apart - _SLACK for sooner, later in pairwise(starts)):
            raise Failed(f"two requests to one host begin sooner after each other than {apart:g} s")


async def _page_budget(bench: Bench) -> None:
    """More pages than ``http.page_budget`` are an error."""
    school, _ = await bench.stand_in()
    manifest = school.adapter.manifest
    if manifest.http is not None:
        http = manifest.http.model_copy(update={"page_budget": 1})
        school.use(manifest.model_copy(update={"http": http}))
    error = (await tried(school))[1]
    if not isinstance(error, MisPagingBroken):
        raise Failed("more pages than http.page_budget are read")


async def second_poll(bench: Bench) -> None:
    """Where nothing has changed, a poll decodes nothing, stores nothing and asks for no more."""
    school = bench.school() if bench.adapter.is_code else (await bench.stand_in())[0]
    source = school.source()
    with bench.shelves() as shelf:
        await read_well(school, shelf, sweep=True, source=source)
        asked = []
        for _ in range(2):
            await after_a_while()
            before = len(school.line.asked)
            plan = shelf.plan(bench.fixtures.window, school.clock.now(), sweep=False)
            batches, error = await tried(school, plan, source=source)
            if error is not None:
                raise Failed(f"the MIS is good, and a poll ends with {error.state}: {error}")
            changed = sum(shelf.keep(batch, plan, school.clock.now()) for batch in batches)
            shelf.finish(school.clock.now())
            # A token is renewed when it is old, whatever has changed.
            asked.append(sum(not school.is_token(one) for one in school.line.asked[before:]))
        decoded = sum(len(batch.records) for batch in batches)
    if decoded or changed:
        raise Failed(
            f"a second equal poll gives {decoded} records, of which {changed} make a difference"
        )
    if asked[1] > asked[0]:
        raise Failed(f"a second equal poll asks {asked[1]} times, the first asked {asked[0]} times")
