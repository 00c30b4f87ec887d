"""What a tick costs when nothing is due does not grow with the schools, the pupils or the years."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sqlalchemy import event

if TYPE_CHECKING:
    from .conftest import Bench

_SMALL = {"feeds", "schools", "channel_state", "meta"}
"""Tables of a row a school or channel: they are looked through once a minute."""


async def test_a_tick_without_work_reads_no_table_that_grows(bench: Bench) -> None:
    """Each statement finds its rows by an index; none is about a pupil."""
    bench.session("AM", "08:20")
    asked: dict[str, Any] = {}

    def note(_c: object, _cursor: object, statement: str, values: Any, *_: object) -> None:
        asked.setdefault(statement, values[0] if isinstance(values, list) else values)

    async with bench.daemon() as watched:
        await watched.daemon.tick()
        await watched.daemon.settle()
        bench.clock.advance(minutes=1)
        event.listen(watched.store.engine, "before_cursor_execute", note)
        await watched.daemon.tick()
        event.remove(watched.store.engine, "before_cursor_execute", note)
        plans = {}
        with watched.store.reading() as tx:
            for statement, values in asked.items():
                if statement.startswith(("SELECT", "UPDATE", "DELETE")):
                    rows = tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
                    plans[statement] = [row.detail for row in rows]

    assert len(plans) > 5
    scanned = {
        table
        for plan in plans.values()
        for detail in plan
        for table in re.findall(r"^SCAN (?!CONSTANT)(\w+)$", detail)
    }
    assert scanned <= _SMALL
    assert len(asked) < 25
    assert not [one for one in asked if re.search(r"\b(pupils|strips|day_sheet|day_plan)\b", one)]
