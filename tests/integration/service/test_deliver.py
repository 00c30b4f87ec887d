"""What is decided reaches people, by another way where one is broken; and goes quiet again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from mis_bridge.errors import LeaseLost
from mis_bridge.messages.model import Disclosure
from mis_bridge.service import deliver
from mis_bridge.service.decide import decide
from mis_bridge.service.deliver import claim
from mis_bridge.service.people import acknowledge
from mis_bridge.service.schools import schools_of
from mis_bridge.service.writing import Sender, compose
from mis_bridge.settings import load
from mis_bridge.simulator.faults import Fault, FaultKind
from mis_bridge.store import channels, leases, outbox, owed, suppressed
from mis_bridge.store.dirty import Dirty, Scope
from mis_bridge.store.schema import outbox as messages
from mis_bridge.triggers.model import Severity

from .conftest import DAY, SCHOOL

if TYPE_CHECKING:
    from mis_bridge.incidents.model import Incident

    from .conftest import Bench, Watched


def _gone_after_p1(bench: Bench, *, back: bool = False) -> str:
    """One pupil (no flags, a secondary year) is in P1, absent from P2 and, perhaps, back in P3."""
    pupil = next(
        one.id for one in bench.state.school.pupils if not one.flags and (one.year_group or 0) > 6
    )
    bench.session("AM", "08:50")
    bench.lesson("P1", "09:00")
    bench.lesson("P2", "10:02", **{pupil: "N"})
    if back:
        bench.lesson("P3", "11:18")
    return pupil


def _rows(watched: Watched, incident: Incident) -> dict[str, tuple[str, str]]:
    with watched.store.reading() as tx:
        rows = outbox.of_incident(tx, incident.school, incident.id)
    return {f"{row.reason} {row.channel}": (row.state, row.detail) for row in rows}


async def test_a_missing_child_is_told_once_and_found_is_told_to_the_same_people(
    bench: Bench,
) -> None:
    """In P1, absent in P2 at 10:02: told at 10:12; present in P3 at 11:18: found, once each."""
    _gone_after_p1(bench, back=True)
    async with bench.daemon() as watched:
        await watched.at("10:11")
        assert watched.incidents("missing_during_day") == []
        await watched.at("10:12")
        await watched.until("10:20")

        (incident,) = watched.incidents("missing_during_day")
        assert (incident.level, len(bench.webhook.posted)) == (1, 1)
        assert incident.reference in str(bench.webhook.posted[0].content)

        await watched.at("11:20")
        (incident,) = watched.incidents("internal_truancy")
        assert incident.state == "found"
        assert len(bench.webhook.posted) == 2
        assert "Found" in str(bench.webhook.posted[1].content)


async def test_a_refused_webhook_falls_over_to_mail_and_it_is_told(bench: Bench) -> None:
    """404 from Teams is for good: the DSL gets a mail at once, IT an incident with what to do."""
    _gone_after_p1(bench)
    bench.webhook.faults.add(Fault(FaultKind.STATUS, status=404))
    async with bench.daemon() as watched:
        await watched.at("10:12")
        await watched.at("10:13")

        (incident,) = watched.incidents("missing_during_day")
        (broken,) = watched.incidents("channel_failing")
        assert [
            incident.reference in mail.message["Subject"] for mail in bench.mails_to("dsl")
        ] == [True]
        assert "dsl-teams" in broken.sentence
        assert [broken.reference in mail.message["Subject"] for mail in bench.mails_to("it")] == [
            True
        ]


async def test_a_mended_channel_is_used_again_and_it_hears_of_it(bench: Bench) -> None:
    """A broken channel is tried again after an hour; once it works its incident is closed."""
    pupil = _gone_after_p1(bench)
    fault = bench.webhook.faults.add(Fault(FaultKind.STATUS, status=404))
    async with bench.daemon() as watched:
        await watched.at("10:12")
        bench.webhook.faults.remove(fault)
        bench.lesson("P3", "11:20", **{pupil: "N"})
        await watched.until("11:35")

        (broken,) = watched.incidents("channel_failing")
        assert bench.webhook.posted
        assert broken.state == "closed"


async def test_a_channel_that_is_down_is_overtaken_after_three_failures(bench: Bench) -> None:
    """503 for long: after two minutes the next channel tells it; Teams is tried all the same.

    Meanwhile it is left alone for longer and longer, and new alerts do not wait for it.
    """
    _gone_after_p1(bench)
    fault = bench.webhook.faults.add(Fault(FaultKind.STATUS, status=503))
    async with bench.daemon() as watched:
        await watched.at("10:12")
        await watched.until("10:13", every=1)
        assert bench.mails_to("dsl") == []
        await watched.until("10:16", every=1)
        assert len(bench.mails_to("dsl")) == 1
        with watched.store.reading() as tx:
            state = channels.load(tx)["dsl-teams"]
        assert state.is_failing
        assert state.last_at is not None
        assert state.is_resting(state.last_at + timedelta(seconds=59))

        bench.webhook.faults.remove(fault)
        await watched.until("10:50", every=5)
        (incident,) = watched.incidents("missing_during_day")
        assert _rows(watched, incident)["opened dsl-teams"][0] == "accepted"


@pytest.mark.thorough
async def test_what_is_over_before_it_could_be_sent_is_not_sent(bench: Bench) -> None:
    """Found while the channel was down: nobody is alarmed afterwards, and the reason is kept."""
    _gone_after_p1(bench, back=True)
    bench.edit('dsl = ["dsl-teams", "dsl-mail"]', 'dsl = ["dsl-teams"]')
    fault = bench.webhook.faults.add(Fault(FaultKind.STATUS, status=503))
    async with bench.daemon() as watched:
        await watched.at("10:12")
        await watched.until("11:25", every=5)
        bench.webhook.faults.remove(fault)
        await watched.until("11:50", every=5)

        (incident,) = watched.incidents("internal_truancy")
        assert bench.webhook.posted == []
        assert _rows(watched, incident)["opened dsl-teams"] == (
            "cancelled",
            "cleared_before_sending",
        )


async def test_nobody_else_is_rung_once_somebody_sees_to_it(bench: Bench) -> None:
    """Acknowledged before the reminder could go out: it is not sent, and the reason is kept."""
    _gone_after_p1(bench)
    bench.edit('dsl = ["dsl-teams", "dsl-mail"]', 'dsl = ["dsl-teams"]')
    async with bench.daemon() as watched:
        await watched.at("10:12")
        await watched.at("10:13")
        fault = bench.webhook.faults.add(Fault(FaultKind.STATUS, status=503))
        await watched.until("10:44")
        (incident,) = watched.incidents("missing_during_day")
        watched.store.run(
            acknowledge, incident.reference, "A. Testlead", bench.clock.now(), minutes=120
        )
        bench.webhook.faults.remove(fault)
        await watched.until("11:00")

        titles = [posted.card["body"][0]["items"][0]["text"] for posted in bench.webhook.posted]
        assert not [title for title in titles if title.startswith("Nobody has answered")]
        assert _rows(watched, incident)["unacknowledged dsl-teams"] == ("cancelled", "acknowledged")


async def test_an_audience_without_a_route_is_a_reason_that_is_kept(bench: Bench) -> None:
    """Nobody to tell is never silent: the incident says that it had no route."""
    _gone_after_p1(bench)
    async with bench.daemon() as watched:
        await watched.at("10:11")
        bench.clock.advance(minutes=3)  # nothing more can be read
        school = replace(schools_of(load(bench.config))[SCHOOL], routes={}, ways={})
        now, minute = bench.clock.now(), timedelta(minutes=1)
        item = Dirty(SCHOOL, Scope.DAY, DAY, 0)
        watched.store.run(decide, item, school, now, dict.fromkeys(Severity, minute))

        (incident,) = watched.incidents("missing_during_day")
        with watched.store.reading() as tx:
            reasons = [one.reason for one in suppressed.of_incident(tx, SCHOOL, incident.id)]
        assert reasons == ["no_route"]


async def test_whoever_may_have_been_told_hears_the_end(bench: Bench) -> None:
    """Nobody knows yet whether the alarm has arrived: the end is not held back for it."""
    _gone_after_p1(bench, back=True)
    async with bench.daemon() as watched:
        await watched.at("10:11")
        bench.clock.advance(minutes=3)  # nothing more can be read
        await watched.daemon._decider.decide_due()
        now = bench.clock.now()
        sending = watched.store.run(leases.claim, now, 20, 9999.0, "another that still sends")
        assert {row.reason for row in sending} >= {"opened"}
        await watched.at("11:20")

        (incident,) = watched.incidents("internal_truancy")
        states = {name: state for name, (state, _) in _rows(watched, incident).items()}
        assert states["found dsl-teams"] == "accepted"


async def test_what_was_not_begun_when_the_daemon_stops_counts_as_not_sent(bench: Bench) -> None:
    """One card is on its way, nobody knows to whom; the other was never sent, and is known so."""
    first, second = [
        one.id for one in bench.state.school.pupils if not one.flags and (one.year_group or 0) > 6
    ][:2]
    bench.session("AM", "08:50")
    bench.lesson("P1", "09:00")
    bench.lesson("P2", "10:02", **{first: "N", second: "N"})
    bench.webhook.faults.add(Fault(FaultKind.HANG, seconds=1))
    async with bench.daemon() as watched:
        await watched.at("10:11")
        bench.clock.advance(minutes=3)  # nothing more can be read
        await watched.daemon._decider.decide_due()
        with watched.store.transaction() as tx:
            # Two messages, as if they had not the same cause.
            tx.execute(update(messages).values(bundle=""))
        await watched.daemon._deliverer.start_due()
        await watched.daemon.stop()

        missing = watched.incidents("missing_during_day")
        with watched.store.reading() as tx:
            rows = [row for one in missing for row in outbox.of_incident(tx, SCHOOL, one.id)]
            cards = [row for row in rows if row.channel == "dsl-teams"]
            tried = {len(leases.attempts_of(tx, row)): row.state for row in cards}
        assert tried == {0: "pending", 1: "pending"}


async def test_a_school_full_of_messages_waits_for_no_tick(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Leased a few at a time, all of them go out from one tick."""
    monkeypatch.setattr(deliver, "AT_ONCE", 2)
    bench.session("AM", "08:50")
    absent = dict.fromkeys(bench.pupils[:9], "N")
    bench.session("AM", "08:51", **absent)
    async with bench.daemon() as watched:
        await watched.at("09:14")
        bench.clock.advance(minutes=3)  # nothing more can be read
        await watched.daemon._decider.decide_due()
        with watched.store.reading() as tx:
            assert owed.waiting_for(tx, "attendance-mail") > 5
        await watched.daemon._deliverer.start_due()
        await watched.daemon._deliverer.wait()
        with watched.store.reading() as tx:
            assert owed.waiting_for(tx, "attendance-mail") == 0


async def test_a_message_that_another_sender_has_taken_over_is_not_sent_here_too(
    bench: Bench,
) -> None:
    """It waited its turn for longer than its lease: the other one sends it, once."""
    _gone_after_p1(bench)
    async with bench.daemon() as watched:
        await watched.at("10:11")
        bench.clock.advance(minutes=3)  # nothing more can be read
        await watched.daemon._decider.decide_due()
        now = bench.clock.now()
        (stale, *_) = watched.store.run(claim, now, "one")
        watched.store.run(claim, now + timedelta(minutes=3), "another")
        school = schools_of(load(bench.config))[SCHOOL]
        with pytest.raises(LeaseLost):
            watched.store.run(compose, stale, school, Disclosure.INITIALS, Sender(), now)


async def test_a_mail_server_that_can_not_be_reached_loses_nothing(bench: Bench) -> None:
    """The office's mail waits while its server is down, and goes out when it is back."""
    pupil = bench.pupils[0]
    bench.session("AM", "08:50", **{pupil: "N"})
    port = bench.mails.port
    bench.edit(f"port = {port}", "port = 9")
    async with bench.daemon() as watched:
        await watched.at("09:15")
        (incident,) = watched.incidents("unexplained_absence")
        assert _rows(watched, incident)["opened attendance-mail"][0] == "pending"
    bench.edit("port = 9", f"port = {port}")
    async with bench.daemon() as watched:
        await watched.until("09:30")
        assert len(bench.mails_to("attendance")) == 1
