"""What a person does beside the daemon is seen by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import update

from mis_bridge.service.people import acknowledge
from mis_bridge.store.schema import dirty

if TYPE_CHECKING:
    from .conftest import Bench


async def test_an_acknowledgement_lapses_although_nothing_else_happens(bench: Bench) -> None:
    """Nobody is waited for any more when a person takes it on: the daemon notes until when."""
    pupil = next(p for p in bench.state.school.pupils if not p.flags and (p.year_group or 0) > 6)
    bench.session("AM", "08:50")
    bench.lesson("P1", "09:00")
    bench.lesson("P2", "10:02", **{pupil.id: "N"})
    async with bench.daemon() as watched:
        await watched.at("10:15")
        (incident,) = watched.incidents("missing_during_day")
        with watched.store.transaction() as tx:
            tx.execute(update(dirty).values(due_at=None))
        watched.store.run(
            acknowledge, incident.reference, "A. Testlead", bench.clock.now(), minutes=10
        )

        await watched.until("10:24", every=1)
        (incident,) = watched.incidents("missing_during_day")
        assert (incident.state, incident.owner) == ("acknowledged", "A. Testlead")
        await watched.until("10:26", every=1)
        (incident,) = watched.incidents("missing_during_day")
        assert (incident.state, incident.owner) == ("open", "")
