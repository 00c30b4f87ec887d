"""What a person does beside the daemon is seen by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import update

from mis_bridge.service.people import acknowledge, step_done
from mis_bridge.store.schema import dirty

if TYPE_CHECKING:
    from .conftest import Bench, Watched

REMINDERS = ("Not written down as done", "Still being seen to?")


async def _missing(bench: Bench, watched: Watched) -> str:
    """Let a pupil go missing at 10:12, all else told; returns the reference."""
    pupil = next(p for p in bench.state.school.pupils if not p.flags and (p.year_group or 0) > 6)
    bench.session("AM", "08:50")
    bench.lesson("P1", "09:00")
    bench.lesson("P2", "10:02", **{pupil.id: "N"})
    await watched.at("10:15")
    (incident,) = watched.incidents("missing_during_day")
    return incident.reference


def _titles(bench: Bench) -> list[str]:
    return [posted.card["body"][0]["items"][0]["text"] for posted in bench.webhook.posted]


async def test_what_is_left_to_do_is_said_until_it_is_written_down(bench: Bench) -> None:
    """The DSL took it on for an hour: the last step is asked for, then the word itself."""
    async with bench.daemon() as watched:
        name = await _missing(bench, watched)
        now = bench.clock.now
        watched.store.run(acknowledge, name, "A. Testlead", now(), minutes=60)
        for step in ("check_register", "search_site", "contact_parent", "police_by_parent"):
            watched.store.run(step_done, name, "A. Testlead", now(), step)

        await watched.until("11:01", every=1)

        asked = [title for title in _titles(bench) if title.startswith(REMINDERS)]
        assert asked == [
            "Not written down as done: missing during the day",
            "Still being seen to? Missing during the day",
        ]


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
