"""The history says that other settings are in force, and which part of them; never twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mis_bridge.service.daemon import begin
from mis_bridge.service.schools import schools_of
from mis_bridge.settings import load
from mis_bridge.store import audit

from .conftest import SCHOOL

if TYPE_CHECKING:
    from .conftest import Bench, Watched


def _begin_anew(bench: Bench, watched: Watched) -> list[str]:
    """Begin as after a start or a reload; returns what the history says of settings."""
    schools = schools_of(load(bench.config)).values()
    watched.store.run(begin, list(schools), bench.clock.now())
    with watched.store.reading() as tx:
        return [line.body for line in audit.history(tx, SCHOOL, "") if line.act == "configured"]


async def test_a_change_of_settings_is_a_line_that_names_the_part(bench: Bench) -> None:
    """The first start and the same settings once more are none."""
    async with bench.daemon() as watched:
        assert _begin_anew(bench, watched) == []
        assert _begin_anew(bench, watched) == []

        bench.edit('dsl = ["dsl-teams", "dsl-mail"]', 'dsl = ["dsl-mail"]')
        told = _begin_anew(bench, watched)
        again = _begin_anew(bench, watched)

        assert len(told) == 1
        assert told[0].startswith("Other settings are in force: ")
        assert "who is told" in told[0]
        assert "triggers" not in told[0]
        assert again == told
