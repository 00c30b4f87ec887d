"""The engine and the store together: what is gone from the MIS is gone here after a sweep."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from mis_bridge.errors import MisUnavailable
from mis_bridge.simulator.shelf import shelf

if TYPE_CHECKING:
    from mis_bridge.io.clock import ManualClock
    from mis_bridge.simulator.shelf import SqliteShelf

Opened = Callable[..., Any]

WINDOW = (date(2026, 9, 7), date(2026, 9, 11))


def marks(*names: str) -> list[dict[str, Any]]:
    """Morning marks of Monday."""
    return [{"pupil": p, "day": "2026-09-07", "session": "AM", "code": "c2"} for p in names]


async def keep(
    source: Any,
    store: SqliteShelf,
    clock: ManualClock,
    *,
    sweep: bool,
    window: tuple[date, date] = WINDOW,
) -> None:
    """Read as the daemon does, and store batch by batch."""
    plan = store.plan(window, clock.now(), sweep=sweep)
    async for batch in source.read(plan):
        store.keep(batch, plan, clock.now())
    store.finish(clock.now())


@pytest.mark.parametrize(
    ("sweep", "days"), [(False, 0), (True, 1), (True, 0)], ids=["poll", "other night", "too old"]
)
async def test_a_sweep_that_can_not_go_on_where_another_reading_was_broken_off_begins_anew(
    tiny: Any, opened: Opened, clock: ManualClock, manifest_text: str, *, sweep: bool, days: int
) -> None:
    """It has seen the whole window itself: a mark that is not there any more is gone."""
    # A reading of everything tells everything, not what was saved since a moment.
    source = opened(manifest_text.replace(", lead_days = 14", ""), batch_records=1)
    tiny.answers["sessions"] = (200, {"rows": marks("p1"), "next": "t2"})
    tiny.answers["sessions@t2"] = (200, {"rows": marks("p2", "p3")})
    with shelf() as store:
        await keep(source, store, clock, sweep=True)
        clock.advance(minutes=20)
        tiny.answers["sessions"] = (200, {"rows": marks("p1", "p4"), "next": "t2"})
        tiny.answers["sessions@t2"] = (503, {})
        window = (WINDOW[0], WINDOW[1] - timedelta(days=days))
        with pytest.raises(MisUnavailable):
            await keep(source, store, clock, sweep=sweep, window=window)

        clock.advance(minutes=25 * 60)
        tiny.answers["sessions@t2"] = (200, {"rows": marks("p3")})
        await keep(source, store, clock, sweep=True)

        assert sorted(pupil for pupil, *_ in store.marks()) == ["p1", "p3", "p4"]
