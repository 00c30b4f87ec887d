"""Every Monday a card shows that the Teams channel works; a missing one shows that it does not."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from mis_bridge.registers.calendar import local_datetime
from mis_bridge.service.people import acknowledge
from mis_bridge.service.weekly import due_since, flow_life
from mis_bridge.simulator.faults import Fault, FaultKind

if TYPE_CHECKING:
    from .conftest import Bench, Watched

MONDAY = date(2026, 11, 23)


async def _go_to(watched: Watched, day: date, minute: int) -> None:
    """Let it be this minute of that day, and the daemon do what is due."""
    ahead = local_datetime(day, minute) - watched.clock.now()
    watched.clock.advance(seconds=ahead.total_seconds())
    await watched.daemon.settle()


def _weekly(bench: Bench) -> list[str]:
    """The weekly cards that were posted, each as one text."""
    cards = [str(posted.content) for posted in bench.webhook.posted]
    return [card for card in cards if "Weekly check" in card]


def _gone(bench: Bench) -> None:
    """One pupil is in P1 and absent from P2."""
    pupil = next(
        one.id for one in bench.state.school.pupils if not one.flags and (one.year_group or 0) > 6
    )
    bench.session("AM", "08:50")
    bench.lesson("P1", "09:00")
    bench.lesson("P2", "10:02", **{pupil: "N"})


async def test_each_monday_has_one_card_whatever_is_restarted(bench: Bench) -> None:
    """None in the week of the first reading; then one at eight, and one only, over two restarts."""
    async with bench.daemon() as watched:
        await watched.at("08:40")
        await _go_to(watched, MONDAY, 7 * 60 + 59)
        assert _weekly(bench) == []
        await _go_to(watched, MONDAY, 8 * 60)
    for minute in (8 * 60 + 1, 15 * 60):
        async with bench.daemon() as watched:
            await _go_to(watched, MONDAY, minute)

    assert len(_weekly(bench)) == 1


async def test_a_monday_on_which_it_was_off_is_made_up_for(bench: Bench) -> None:
    """Started again on the Wednesday: the week's card comes then, and the next on its Monday."""
    async with bench.daemon() as watched:
        await watched.at("08:40")
    async with bench.daemon() as watched:
        await _go_to(watched, MONDAY + timedelta(days=2), 9 * 60)
        assert len(_weekly(bench)) == 1
        await _go_to(watched, MONDAY + timedelta(days=7), 8 * 60)
        assert len(_weekly(bench)) == 2


async def test_holidays_have_their_card_too(bench: Bench) -> None:
    """A flow is turned off for want of use in the summer of all times."""
    async with bench.daemon() as watched:
        await watched.at("08:40")
        await _go_to(watched, date(2026, 12, 28), 8 * 60)

    assert len(_weekly(bench)) == 1


async def test_it_counts_and_names_nobody(bench: Bench) -> None:
    """One alert, nobody has answered; then somebody has: the next card says so. No pupil in it."""
    _gone(bench)
    names = [name for one in bench.state.school.pupils for name in (one.surname, one.forename)]
    async with bench.daemon() as watched:
        await watched.at("10:12")
        (incident,) = watched.incidents("missing_during_day")
        watched.store.run(acknowledge, incident.reference, "A. Lead", watched.clock.now(), 1440)
        await _go_to(watched, MONDAY, 8 * 60)

    (card,) = _weekly(bench)
    assert "1 alert since" in card
    assert bench.state.school.name in card
    assert not [name for name in names if name in card]


async def test_a_flow_that_refuses_it_is_told_of_by_another_channel(bench: Bench) -> None:
    """404 on a Monday: IT has a mail; when the flow is mended the week's card comes after all."""
    async with bench.daemon() as watched:
        await watched.at("08:40")
        fault = bench.webhook.faults.add(Fault(FaultKind.STATUS, status=404))
        await _go_to(watched, MONDAY, 8 * 60)
        await _go_to(watched, MONDAY, 8 * 60 + 5)

        (broken,) = watched.incidents("channel_failing")
        assert "dsl-teams" in broken.sentence
        assert [broken.reference in mail.message["Subject"] for mail in bench.mails_to("it")] == [
            True
        ]
        bench.webhook.faults.remove(fault)
        await _go_to(watched, MONDAY, 9 * 60)
        assert len(_weekly(bench)) == 1


async def test_a_card_that_a_working_channel_refuses_is_told_of_with_its_readers(
    bench: Bench,
) -> None:
    """413 on a Monday: nothing else brings this card, so IT and the office hear whom it was for."""
    async with bench.daemon() as watched:
        await watched.at("08:40")
        bench.webhook.faults.add(Fault(FaultKind.STATUS, status=413, times=2))
        await _go_to(watched, MONDAY, 8 * 60)
        await _go_to(watched, MONDAY, 8 * 60 + 5)

        (lost,) = watched.incidents("undelivered")
        assert lost.sentence.startswith(
            "The weekly check of the channel dsl-teams for DSL has reached nobody."
        )
        assert watched.incidents("channel_failing") == []
        for who in ("it", "office"):
            assert any(lost.reference in m.message["Subject"] for m in bench.mails_to(who)), who


async def test_how_long_the_flow_lives_is_counted_from_its_last_card(bench: Bench) -> None:
    """Ninety days from the last card that it took; nothing is promised of one that took none."""
    async with bench.daemon() as watched:
        await watched.at("08:40")
        with watched.store.reading() as tx:
            assert "not taken a card yet" in str(flow_life(tx, "dsl-teams", watched.clock.now()))
        await _go_to(watched, MONDAY, 8 * 60)
        watched.clock.advance(minutes=10 * 24 * 60)
        with watched.store.reading() as tx:
            life = flow_life(tx, "dsl-teams", watched.clock.now())
            later = flow_life(tx, "dsl-teams", watched.clock.now() + timedelta(days=50))

    assert (life.days_left, life.is_short) == (80, False)
    assert "Mon 23 Nov 2026" in str(life)
    assert "80 days" in str(life)
    assert (later.days_left, later.is_short) == (30, True)


def test_the_check_is_due_from_monday_at_eight_local_time() -> None:
    """Sunday and early Monday belong to the week before; the clocks' change does not move it."""
    assert due_since(local_datetime(MONDAY, 8 * 60)) == local_datetime(MONDAY, 8 * 60)
    before = local_datetime(date(2026, 11, 16), 8 * 60)
    assert due_since(local_datetime(MONDAY, 8 * 60 - 1)) == before
    assert due_since(local_datetime(date(2026, 11, 22), 23 * 60)) == before
    summer = local_datetime(date(2026, 10, 25), 12 * 60)  # the day on which the clocks go back
    assert due_since(summer) == local_datetime(date(2026, 10, 19), 8 * 60)
