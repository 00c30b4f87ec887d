"""Days on which something outside is gone: everyone who had to know knows, or somebody is told."""

from __future__ import annotations

import asyncio
import re
import socket
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from mis_bridge.io.secrets import Secrets
from mis_bridge.registers.calendar import local_datetime
from mis_bridge.service.doctor import ways_out
from mis_bridge.service.doctor.model import Standing
from mis_bridge.simulator.faults import Fault, FaultKind
from mis_bridge.store import owed

from .conftest import DAY, minutes
from .test_auditor import watch

if TYPE_CHECKING:
    from datetime import datetime

    from mis_bridge.incidents.model import Incident
    from mis_bridge.simulator.sinks import Mail

    from .conftest import Bench, Watched

QUARTER = timedelta(minutes=15)
"""What the first channel has for something urgent; then the next one brings it."""


def moment(time: str) -> datetime:
    """A time of the day."""
    return local_datetime(DAY, minutes(time))


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


def _unflagged(bench: Bench, count: int) -> list[str]:
    """The first so many pupils who are acted on after the grace and not at once."""
    return [one.id for one in bench.state.school.pupils if not one.flags][:count]


def _mails(bench: Bench, who: str, incident: Incident) -> list[Mail]:
    """All mails to somebody that speak of an incident, in order."""
    return [mail for mail in bench.mails_to(who) if incident.reference in mail.part("plain")]


def _first_mail(bench: Bench, who: str, incident: Incident) -> datetime:
    """When somebody first had a mail about an incident."""
    return min(mail.at for mail in _mails(bench, who, incident))


def _subjects(bench: Bench, who: str, incident: Incident) -> list[str]:
    return [str(mail.message["Subject"]).strip() for mail in _mails(bench, who, incident)]


def _missing_after_p1(bench: Bench) -> None:
    """One pupil is in P1 at nine and absent from P2."""
    (pupil,) = _unflagged(bench, 1)
    bench.session("AM", "08:50")
    bench.lesson("P1", "09:00")
    bench.lesson("P2", "10:02", **{pupil: "N"})


def _out(watched: Watched) -> bool:
    with watched.store.reading() as tx:
        return not {state for _, state in owed.counts(tx)} & {"pending", "sending"}


@pytest.mark.thorough
async def test_teams_is_down_for_two_hours_from_nine(bench: Bench) -> None:
    """From nine to eleven Teams answers 503; a child never came, another is gone from P2.

    Expected: the DSL has each by mail within 15 minutes of when it had to be noticed, and IT hears
    of Teams within 15 minutes of the first message that it did not take. What is over meanwhile is
    told by mail too. After eleven IT hears that Teams delivers again, a child who is gone from P3
    is told there and by no mail, and nothing waits any more.
    """
    never_came, gone, later = _unflagged(bench, 3)
    bench.session("AM", "08:52", **{never_came: "N"})
    bench.lesson("P1", "09:00", **{never_came: "N"})
    bench.lesson("P2", "10:02", **{never_came: "N", gone: "N"})
    bench.session("AM", "10:41", **{never_came: "I"})
    bench.lesson("P3", "11:18", **{never_came: "I", later: "N"})
    bench.webhook.faults.add(
        Fault(FaultKind.STATUS, status=503, first=moment("09:00"), last=moment("11:00"))
    )
    async with bench.daemon() as watched:
        await watched.at("08:50")
        await watched.until("09:14", every=8)
        await watched.until("09:32", every=2)
        (absent,) = watched.incidents("unexplained_absence")
        (failing,) = watched.incidents("channel_failing")
        assert _first_mail(bench, "dsl", absent) - moment("09:15") <= QUARTER
        assert _first_mail(bench, "it", failing) - moment("09:15") <= QUARTER

        await watched.until("10:02", every=6)
        await watched.until("10:28", every=2)
        (missing,) = watched.incidents("missing_during_day")
        assert _first_mail(bench, "dsl", missing) - moment("10:12") <= QUARTER

        await watched.until("10:58", every=6)
        assert _subjects(bench, "dsl", absent)[-1].startswith("[mis-bridge] Explained: ")
        assert bench.webhook.posted == []

        await watched.until("11:50", every=4)
        (third,) = (one for one in watched.incidents("missing_during_day") if one.id != missing.id)
        assert third.pupil == later
        first = next(p for p in bench.webhook.posted if third.reference in " ".join(p.texts))
        assert first.at - moment("11:28") <= QUARTER
        assert _subjects(bench, "dsl", third) == []
        assert _subjects(bench, "dsl", missing)[-1].startswith("[mis-bridge] Found: ")
        assert _subjects(bench, "it", failing)[-1].startswith(
            "[mis-bridge] The channel delivers again"
        )
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
