"""Two channels whose flows have one owner: what Teams takes of him is kept to across restarts."""

from __future__ import annotations

import json
import re
import ssl
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, cast

import pytest
import trustme
from pydantic import TypeAdapter
from pytest_httpserver import HTTPServer
from tests.integration.channels.workflow import Flow, Owner

from mis_bridge.channels.build import build_channels
from mis_bridge.incidents.families import family_of
from mis_bridge.incidents.ids import incident_id, outbox_id, reference
from mis_bridge.incidents.model import Incident, State
from mis_bridge.incidents.reasons import Reason
from mis_bridge.incidents.rules import IncidentRules
from mis_bridge.incidents.timing import Timing
from mis_bridge.io.clock import ManualClock
from mis_bridge.io.http import Transport
from mis_bridge.io.secrets import Secrets
from mis_bridge.service.deliver import claim
from mis_bridge.service.schools import School
from mis_bridge.service.sending import Deliverer
from mis_bridge.service.writing import Sender
from mis_bridge.settings import ChannelSettings
from mis_bridge.store import channels as channel_rows
from mis_bridge.store import incidents, leases, outbox
from mis_bridge.store.opening import open_store
from mis_bridge.store.outbox import OutboxRow
from mis_bridge.triggers.catalogue import TRIGGERS
from mis_bridge.triggers.model import Audience, Severity

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from mis_bridge.store.engine import Store

NOW = datetime(2026, 11, 12, 10, 30, tzinfo=UTC)
DAY = date(2026, 11, 12)
CHANNELS: Final = {Audience.DSL: "dsl-teams", Audience.OFFICE: "office-teams"}
DEADLINES = dict.fromkeys(Severity, timedelta(hours=2))
NOTHING = cast("Any", None)
SCHOOL = School(
    id="hilltop",
    name="Hilltop Invented School",
    adapter="csv",
    calendar=NOTHING,
    polling=NOTHING,
    routes={audience: (channel,) for audience, channel in CHANNELS.items()},
    triggers={},
    rules=IncidentRules(),
    timing=Timing(),
)
STEP = 2.0
"""Seconds between two looks of the daemon."""


@dataclass
class World:
    """Two flows of one owner, and a database to come back to; time is moved by hand."""

    folder: Path
    clock: ManualClock
    server: HTTPServer
    ca: Path
    owner: Owner = field(default_factory=Owner)
    flows: list[Flow] = field(default_factory=list)
    raised: list[Incident] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.flows = [Flow(self.clock, number=n, owner=self.owner) for n in (1, 2)]
        for flow in self.flows:
            flow.serve(self.server)

    @property
    def shown(self) -> list[str]:
        """Which alert each card is about that people see in either channel."""
        cards = [json.dumps(card) for flow in self.flows for card in flow.shown]
        return [
            found[0] for found in (re.findall(r"MB-\w{4}-\w{4}", one) for one in cards) if found
        ]

    def open(self) -> Store:
        """Open the database as a process does that starts: what an earlier one leased is free."""
        store = open_store(f"sqlite:///{self.folder / 'mis-bridge.db'}", "0f" * 32, create=True)
        store.run(leases.free_all, self.clock.now())
        return store

    @asynccontextmanager
    async def sending(self, store: Store) -> AsyncIterator[Deliverer]:
        """What sends, made anew as at a start and at every reload."""
        urls = {f"FLOW_{flow.number}": flow.url(self.server) for flow in self.flows}
        tables = {
            name: {"kind": "teams", "url": f"env:{url}", "owner": "it"}
            for name, url in zip(CHANNELS.values(), urls, strict=True)
        }
        settings: TypeAdapter[dict[str, ChannelSettings]] = TypeAdapter(dict[str, ChannelSettings])
        async with Transport(ca_bundle=self.ca) as transport:
            channels = build_channels(
                settings.validate_python(tables), transport, Secrets(None, urls), clock=self.clock
            )
            sends = Deliverer(
                store, self.clock, {SCHOOL.id: SCHOOL}, channels, Sender(), DEADLINES, holder="x"
            )
            yield sends
            await sends.stop(10)

    async def until(self, sends: Deliverer, *, shown: int = 1000, seconds: float = 3600.0) -> None:
        """Let time pass until so many cards are shown, or for so many seconds."""
        end = self.clock.monotonic() + seconds
        while len(self.shown) < shown and self.clock.monotonic() < end:
            await sends.start_due()
            await sends.wait()
            self.clock.advance(seconds=STEP)

    def alert(self, store: Store, count: int, *audiences: Audience) -> None:
        """Let so many children be missing, and each of these audiences have to hear of each."""
        with store.transaction() as tx:
            for _ in range(count):
                one = _missing(len(self.raised), self.clock.now())
                self.raised.append(one)
                incidents.save(tx, [one])
                outbox.insert(tx, [_row(one, audience) for audience in audiences])


def _missing(number: int, now: datetime) -> Incident:
    info = TRIGGERS["missing_during_day"].INFO
    identity = incident_id(SCHOOL.id, "missing_during_day", f"p-{number}", f"{DAY}/P3")
    return Incident(
        id=identity,
        reference=reference(identity),
        school=SCHOOL.id,
        pupil=f"p-{number}",
        family=family_of("missing_during_day").id,
        key=f"{DAY}/P3",
        state=State.OPEN,
        level=1,
        trigger="missing_during_day",
        severity=info.severity,
        audience=tuple(CHANNELS),
        told=tuple(CHANNELS),
        opened_at=now,
        updated_at=now,
        revision=1,
        day=DAY,
        slot="P3",
        sentence="In school at P1, marked absent in P3 (saved 10:28). Not signed out.",
    )


def _row(one: Incident, audience: Audience) -> OutboxRow:
    channel = CHANNELS[audience]
    return OutboxRow(
        school=one.school,
        id=outbox_id(one.id, Reason.OPENED, audience, channel, 1),
        incident=one.id,
        reason=Reason.OPENED,
        channel=channel,
        audience=audience,
        severity=one.severity,
        revision=1,
        due_at=one.opened_at,
        created_at=one.opened_at,
    )


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[HTTPServer, Path]]:
    """A web server with TLS and the certificate to trust it by."""
    ca = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("localhost").configure_cert(context)
    bundle = tmp_path_factory.mktemp("pki") / "ca.pem"
    ca.cert_pem.write_to_path(str(bundle))
    with HTTPServer(host="localhost", port=0, ssl_context=context) as server:
        yield server, bundle


@pytest.fixture
def world(tmp_path: Path, gate: tuple[HTTPServer, Path]) -> World:
    """Nothing has been sent for a long time."""
    server, bundle = gate
    server.clear()
    return World(tmp_path, ManualClock(NOW), server, bundle)


async def test_a_restart_sends_no_more_than_teams_takes_and_loses_nothing(world: World) -> None:
    """40 cards, a restart after 16: none is swallowed behind its 202, each is shown once."""
    store = world.open()
    world.alert(store, 20, *CHANNELS)
    async with world.sending(store) as sends:
        await world.until(sends, shown=16)
    store.close()

    store = world.open()
    async with world.sending(store) as sends:
        await world.until(sends, shown=40)
    store.close()

    assert [flow.failed for flow in world.flows] == [[], []]
    assert sorted(world.shown) == sorted(2 * [one.reference for one in world.raised])
    assert world.clock.monotonic() < 2 * 300, "no longer than the limit makes necessary"


@pytest.mark.thorough
async def test_a_reload_counts_what_the_one_before_it_still_sends(world: World) -> None:
    """The daemon of the new settings is put up beside the old one, which sends on meanwhile."""
    store = world.open()
    world.alert(store, 20, *CHANNELS)
    async with world.sending(store) as before:
        await world.until(before, shown=2)
        reloaded = world.sending(store)
        after = await reloaded.__aenter__()
        await world.until(before, shown=16)
    await world.until(after, shown=40)
    await reloaded.__aexit__(None, None, None)
    store.close()

    assert [flow.failed for flow in world.flows] == [[], []]
    assert sorted(world.shown) == sorted(2 * [one.reference for one in world.raised])


@pytest.mark.thorough
async def test_what_a_killed_daemon_may_have_sent_counts_as_sent(world: World) -> None:
    """20 were leased and nobody knows how many of them went: all of them count for 300 seconds."""
    store = world.open()
    world.alert(store, 10, *CHANNELS)
    assert len(store.run(claim, world.clock.now(), "killed")) == 20
    store.close()

    store = world.open()
    async with world.sending(store) as sends:
        await world.until(sends, seconds=298)
        assert world.shown == []
        await world.until(sends, shown=20)
    store.close()

    assert sorted(world.shown) == sorted(2 * [one.reference for one in world.raised])


async def test_a_pause_that_one_flow_asked_for_is_kept_by_the_other_after_a_restart(
    world: World,
) -> None:
    """429 for ten minutes: the next daemon asks for the other channel no sooner."""
    store = world.open()
    world.owner.throttled_until = 600.0
    world.alert(store, 1, Audience.DSL)
    async with world.sending(store) as sends:
        await world.until(sends, seconds=60)
    store.close()

    store = world.open()
    world.alert(store, 1, Audience.OFFICE)
    async with world.sending(store) as sends:
        await world.until(sends, seconds=530)
        assert world.shown == []
        await world.until(sends, shown=2)
    store.close()

    assert world.owner.asked_too_soon == 0
    assert sorted(world.shown) == sorted(one.reference for one in world.raised)
    assert world.clock.monotonic() < 600 + 60, "and no longer than was asked"


async def test_a_flow_that_is_out_of_order_holds_up_no_other_of_its_owner(world: World) -> None:
    """503 with ten minutes to wait is said of that flow, and not of who owns it."""
    store = world.open()
    world.flows[0].out_of_order_until = 600.0
    world.alert(store, 1, *CHANNELS)
    async with world.sending(store) as sends:
        await world.until(sends, seconds=30)
        assert [len(flow.shown) for flow in world.flows] == [0, 1]
        with store.reading() as tx:
            resting = channel_rows.paused(tx, world.clock.now())
    store.close()

    assert resting == {CHANNELS[Audience.DSL]}
