"""Days on which something outside is gone: everyone who had to know knows, or somebody is told."""

from __future__ import annotations

import asyncio
import re
import socket
from typing import TYPE_CHECKING, Any

import pytest

from mis_bridge.io.secrets import Secrets
from mis_bridge.service.doctor import ways_out
from mis_bridge.service.doctor.model import Standing
from mis_bridge.simulator.faults import Fault, FaultKind
from mis_bridge.store import outbox

from .test_auditor import watch

if TYPE_CHECKING:
    from .conftest import Bench, Watched


@pytest.fixture
def no_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing resolves a name any more; addresses need nobody, and nobody outside is asked."""
    resolve = socket.getaddrinfo

    def only_addresses(host: str | bytes | None, *args: Any, **rest: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name and name != "localhost" and not re.fullmatch(r"[0-9.:]+", name):
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return resolve(host, *args, **rest)

    monkeypatch.setattr(socket, "getaddrinfo", only_addresses)


@pytest.mark.usefixtures("no_names")
async def test_without_a_name_server_people_are_told_by_what_needs_none(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The MIS, Teams and the outside monitor have names that nothing resolves any more.

    The mail server is at an address: the office and the DSL hear that the registers can not be
    read, IT hears of Teams, no tick is held up, and the doctor says what it is.
    """
    address = "https://monitor.invalid/ping/0123456789abcdef"
    monkeypatch.setenv("TEST_HEARTBEAT", address)
    bench.edit("[service]\n", '[service]\nheartbeat_url = "env:TEST_HEARTBEAT"\n')
    webhook = bench.folder / "credentials" / "dsl-webhook"
    webhook.write_text("https://flow.invalid/workflows/0123456789?sig=abcdefghijklmnop", "utf-8")
    school = next((bench.folder / "conf.d").glob("*.toml"))
    text = school.read_text("utf-8")
    school.write_text(re.sub(r"127\.0\.0\.1:\d+", "mis.invalid", text), "utf-8")

    async with bench.daemon() as watched:
        async with asyncio.timeout(60):
            await watch(watched, 25)

        (blind,) = watched.incidents("feed_blind")
        assert blind.told
        for who in ("office", "it", "dsl"):
            assert any(blind.reference in str(m.message["Subject"]) for m in bench.mails_to(who))
        (failing,) = watched.incidents("channel_failing")
        assert "dsl-teams" in failing.sentence
        assert "Told another way meanwhile: DSL by dsl-mail." in failing.sentence
        assert watched.daemon.auditor.last.clean, "it is told of: the daemon has done its part"

    line = await ways_out.monitor(
        "env:TEST_HEARTBEAT", Secrets(None, {"TEST_HEARTBEAT": address}), offline=False
    )
    assert line.standing is Standing.BROKEN
    assert "name server" in line.then


def _missing_after_p1(bench: Bench) -> None:
    """One pupil is in P1 at nine and absent from P2."""
    pupil = next(
        one.id for one in bench.state.school.pupils if not one.flags and (one.year_group or 0) > 6
    )
    bench.session("AM", "08:50")
    bench.lesson("P1", "09:00")
    bench.lesson("P2", "10:02", **{pupil: "N"})


def _out(watched: Watched) -> bool:
    with watched.store.reading() as tx:
        return not {state for _, state in outbox.counts(tx)} & {"pending", "sending"}


async def test_teams_is_down_for_two_hours_from_nine(bench: Bench) -> None:
    """503 until eleven: the DSL has the alert by mail within 15 minutes, and IT hears of Teams.

    Who was told by mail hears by mail that it is over; when Teams is back nothing waits.
    """
    _missing_after_p1(bench)
    down = bench.webhook.faults.add(Fault(FaultKind.STATUS, status=503))
    async with bench.daemon() as watched:
        await watched.at("10:12")
        await watched.until("10:27", every=1)

        (missing,) = watched.incidents("missing_during_day")
        alerts = [m for m in bench.mails_to("dsl") if missing.reference in m.part("plain")]
        assert alerts, "told by mail before the deadline of Teams has passed"
        (failing,) = watched.incidents("channel_failing")
        assert any(failing.reference in m.part("plain") for m in bench.mails_to("it"))

        bench.lesson("P2", "10:40")
        await watched.until("10:50", every=1)
        over = [m for m in bench.mails_to("dsl") if "Corrected" in str(m.message["Subject"])]
        assert any(missing.reference in m.part("plain") for m in over)

        bench.webhook.faults.remove(down)
        await watched.until("11:40", every=5)
        assert _out(watched)


async def test_a_webhook_that_says_yes_and_posts_nothing_is_not_believed(bench: Bench) -> None:
    """Nobody acknowledges what nobody saw: after a quarter of an hour the DSL has it by mail."""
    _missing_after_p1(bench)
    bench.edit("ack_minutes = 30", "ack_minutes = 15")
    bench.webhook.faults.add(Fault(FaultKind.EMPTY))
    async with bench.daemon() as watched:
        await watched.at("10:12")
        assert bench.mails_to("dsl") == []

        await watched.until("10:29", every=1)
        (missing,) = watched.incidents("missing_during_day")
        assert any(missing.reference in m.part("plain") for m in bench.mails_to("dsl"))
        assert bench.webhook.posted == []


async def test_one_of_three_people_whose_mail_is_refused_is_not_forgotten(bench: Bench) -> None:
    """Two have the mail; what the third did not get goes on by the next channel, and IT hears."""
    _missing_after_p1(bench)
    three = '["dsl@samplewood.example", "deputy@samplewood.example", "gone@samplewood.example"]'
    bench.edit('recipients = ["dsl@samplewood.example"]', f"recipients = {three}")
    bench.edit('dsl = ["dsl-teams", "dsl-mail"]', 'dsl = ["dsl-mail", "dsl-teams"]')
    bench.mails.refused = frozenset({"gone@samplewood.example"})
    async with bench.daemon() as watched:
        await watched.at("10:12")
        await watched.until("10:15", every=1)

        (missing,) = watched.incidents("missing_during_day")
        (mail,) = bench.mails_to("dsl")
        assert set(mail.recipients) == {"dsl@samplewood.example", "deputy@samplewood.example"}
        assert any(missing.reference in " ".join(p.texts) for p in bench.webhook.posted)
        (failing,) = watched.incidents("channel_failing")
        assert "dsl-mail" in failing.sentence
        assert any(failing.reference in m.part("plain") for m in bench.mails_to("it"))
