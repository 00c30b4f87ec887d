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

from .test_auditor import watch

if TYPE_CHECKING:
    from .conftest import Bench


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
