"""What the doctor says of each thing, from well to broken, and what to do about it."""

from __future__ import annotations

import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest

from mis_bridge.channels.build import build_channels
from mis_bridge.errors import SecretMissing
from mis_bridge.io.http import Transport
from mis_bridge.io.secrets import Secrets
from mis_bridge.service.doctor import machine, ways_out, work
from mis_bridge.service.doctor.model import Line, Standing
from mis_bridge.service.weekly import FlowLife
from mis_bridge.settings.channels import ChannelSettings, SmtpChannel
from mis_bridge.store.channels import ChannelState
from mis_bridge.store.self_check import Run
from mis_bridge.triggers.certificate_expiring import Ending
from mis_bridge.triggers.undelivered import DeadLetter

ROOT = Path(__file__).parents[3]
KINDS = [
    get_args(channel.model_fields["kind"].annotation)[0]
    for channel in get_args(get_args(ChannelSettings)[0])
]
NOW = datetime(2026, 11, 17, 10, 0, tzinfo=UTC)


def _minutes(count: float) -> datetime:
    return NOW - timedelta(minutes=count)


@pytest.mark.parametrize(
    ("last", "is_set", "standing"),
    [
        (None, True, Standing.OK),
        (_minutes(1), True, Standing.OK),
        (_minutes(1), None, Standing.OK),
        (_minutes(1), False, Standing.LOOK),
        (_minutes(-0.5), True, Standing.OK),
        (_minutes(-60), True, Standing.BROKEN),
    ],
)
def test_the_clock_is_compared_with_what_is_stored(
    last: datetime | None, is_set: bool | None, standing: Standing
) -> None:
    """A clock that is behind the database was set back; one that nothing keeps may drift."""
    (line,) = machine.clock(NOW, last, is_set=is_set)
    assert line.standing is standing
    assert bool(line.then) is (standing is not Standing.OK)


def test_this_machine_knows_british_summer_time() -> None:
    """The rules come with mis-bridge, so that they are there on every machine."""
    (line,) = machine.time_zones(NOW)
    assert (line.standing, line.what) == (Standing.OK, "time zones")


def test_rules_that_are_three_years_old_are_looked_at() -> None:
    """Parliament may have changed them since."""
    (line,) = machine.time_zones(NOW.replace(year=NOW.year + 30))
    assert line.standing is Standing.LOOK


def test_before_the_first_start_the_disk_is_that_of_the_folder_above(tmp_path: Path) -> None:
    """The first start makes the data folder; whether there is room for it can be seen before."""
    (line,) = machine.disk(tmp_path / "not" / "there")

    assert line.standing is not Standing.BROKEN
    assert "MB free of" in line.seen


@pytest.mark.parametrize(
    ("said", "standing"),
    [
        ("LoadState=not-found", Standing.LOOK),
        ("LoadState=loaded ActiveState=failed", Standing.BROKEN),
        ("LoadState=loaded ActiveState=active UnitFileState=disabled", Standing.LOOK),
        ("LoadState=loaded ActiveState=active UnitFileState=enabled NRestarts=3", Standing.LOOK),
        ("LoadState=loaded ActiveState=active UnitFileState=enabled NRestarts=0", Standing.OK),
    ],
)
def test_a_service_that_was_started_again_is_looked_at(said: str, standing: Standing) -> None:
    """As systemctl says it."""
    line = machine._unit(dict(part.split("=") for part in said.split()))
    assert line.standing is standing


@pytest.mark.parametrize(
    ("run", "standing", "words"),
    [
        (None, Standing.LOOK, "no daemon has ever looked"),
        (Run(_minutes(1), _minutes(1), {}), Standing.OK, "nothing undone"),
        (Run(_minutes(4), _minutes(4), {}), Standing.BROKEN, "does not run, or stands still"),
        (Run(_minutes(1), _minutes(30), {"message_stuck": 2}), Standing.BROKEN, "message_stuck (2"),
        (Run(_minutes(1), None, {"tick_late": 1}), Standing.BROKEN, "none was clean"),
    ],
)
def test_the_auditors_last_look_says_whether_a_daemon_runs(
    run: Run | None, standing: Standing, words: str
) -> None:
    """It is written down once a minute; when it is older there is nobody who looks."""
    (line,) = work.auditor(run, NOW)
    assert line.standing is standing
    assert words in line.seen


@pytest.mark.parametrize(
    ("waiting", "seconds", "standing"),
    [(0, 0, Standing.OK), (3, 60, Standing.OK), (3, 16 * 60, Standing.BROKEN)],
)
def test_messages_that_wait_too_long_are_broken(
    waiting: int, seconds: float, standing: Standing
) -> None:
    """A quarter of an hour is the deadline of the most severe."""
    (line,) = work.outbox(waiting, seconds)
    assert line.standing is standing


@pytest.mark.parametrize(
    ("days", "standing", "words"),
    [
        (-1, Standing.BROKEN, "the credential for wonde expired on 16 November 2026"),
        (0, Standing.BROKEN, "expired on 17 November 2026"),
        (29, Standing.LOOK, "the credential for wonde expires on 16 December 2026"),
        (30, Standing.OK, "good until 17 December 2026"),
    ],
)
def test_the_end_of_what_the_mis_knows_us_by_is_said_with_what_to_do(
    days: int, standing: Standing, words: str
) -> None:
    """As ``check`` does: thirty days before, and from its day on no register may be read."""
    end = Ending("", NOW + timedelta(days=days), "the credential for wonde", "get a new one")

    (line,) = work.credentials({"samplewood": end}, NOW)

    assert (line.what, line.standing) == ("MIS credential of samplewood", standing)
    assert words in line.seen
    assert (line.then == "get a new one") is (standing is not Standing.OK)


def test_of_many_credentials_those_that_are_good_share_a_line() -> None:
    """The first of their ends is said; one that is not good keeps its own."""
    soon = {"a": Ending("", NOW + timedelta(days=3), "the credential for wonde", "get a new one")}
    good = {
        f"s{days}": Ending("", NOW + timedelta(days=days), "the credential for wonde", "")
        for days in range(100, 111)
    }

    one, rest = work.credentials(soon | good, NOW)

    assert (one.what, one.standing) == ("MIS credential of a", Standing.LOOK)
    assert rest.seen == "those of 11 schools are good until 25 February 2027 or later"


def test_each_dead_letter_names_whom_to_tell_by_telephone() -> None:
    """Ten of them; how many more there are is said."""
    letter = DeadLetter("MB-AAAA-AAAA", "dsl", "dsl-mail", _minutes(5), "refused")
    (nothing,) = work.dead_letters([], NOW)
    one, *others = work.dead_letters([("samplewood", letter)] * 2, NOW)
    many = [("samplewood", replace(letter, reference=f"MB-AAAA-AA{i:02d}")) for i in range(12)]
    *_, more = work.dead_letters(many, NOW)
    assert others == [], "said once a duty and incident"
    assert nothing.standing is Standing.OK
    assert (one.standing, "Tell dsl by telephone" in one.then) == (Standing.BROKEN, True)
    assert more.seen.startswith("2 more")


def test_a_lost_message_about_no_incident_is_called_by_what_it_was() -> None:
    """There is no incident to be shown."""
    letter = DeadLetter("", "DSL", "dsl-mail", _minutes(5), "too big", note="the day's message")

    (line,) = work.dead_letters([("samplewood", letter)], NOW)

    assert (line.what, line.then) == ("the day's message", "Tell DSL by telephone.")


def test_a_channel_that_failed_when_it_was_used_last_is_named() -> None:
    """One that works is said to work where it is asked."""
    states = {
        "a": ChannelState("a", failures=0, last_at=NOW),
        "b": ChannelState("b", failures=2, last_at=NOW, last_detail="timeout"),
        "c": ChannelState("c", failures=1, last_at=NOW, last_detail="404", config_alarm=True),
    }
    lines = list(work.channels(states, NOW))
    assert [(one.what, one.standing) for one in lines] == [
        ("channel b, last used", Standing.LOOK),
        ("channel c, last used", Standing.BROKEN),
    ]


async def test_an_outside_monitor_that_can_not_be_reached_is_broken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No name server, nobody at the door, no address: each is said, none is called."""
    resolve = socket.getaddrinfo

    def only_addresses(host: str, *args: Any, **rest: Any) -> Any:
        if host == "monitor.invalid":
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return resolve(host, *args, **rest)

    monkeypatch.setattr(socket, "getaddrinfo", only_addresses)
    secrets = Secrets(
        None, {"GONE": "http://monitor.invalid/ping/12345678", "SHUT": "http://127.0.0.1:9/12345"}
    )
    none = await ways_out.monitor("", secrets, offline=False)
    gone = await ways_out.monitor("env:GONE", secrets, offline=False)
    shut = await ways_out.monitor("env:SHUT", secrets, offline=False)
    lost = await ways_out.monitor("env:LOST", secrets, offline=False)
    offline = await ways_out.monitor("env:GONE", secrets, offline=True)
    assert [one.standing for one in (none, gone, shut, lost, offline)] == [
        Standing.LOOK,
        Standing.BROKEN,
        Standing.BROKEN,
        Standing.BROKEN,
        Standing.OK,
    ]
    assert "12345" not in "".join(one.seen + one.then for one in (gone, shut, lost, offline))


async def test_a_channel_that_can_not_be_built_says_why() -> None:
    """And an installation without any channel is broken: what is noticed reaches nobody."""
    (broken,) = [
        line
        async for line in ways_out.channels(
            {"dsl-teams": SecretMissing("credential:x: there is no file x")}, NOW, offline=True
        )
    ]
    (none,) = [line async for line in ways_out.channels({}, NOW, offline=True)]
    assert broken == Line(
        Standing.BROKEN,
        "channel dsl-teams",
        "credential:x: there is no file x",
        "mis-bridge check names the place.",
    )
    assert none.standing is Standing.BROKEN


@pytest.mark.parametrize("kind", KINDS)
def test_the_answers_of_every_kind_of_channel_stand_on_a_page_with_what_to_do(kind: str) -> None:
    """The doctor leads there from each channel that does not answer as it should."""
    page = (ROOT / ways_out.page_of(kind)).read_text("utf-8")
    assert f'kind = "{kind}"' in page
    assert "| What is printed | What to do |" in page


async def test_a_channel_that_does_not_answer_says_what_to_do() -> None:
    """Nobody listens at this port: where the answers are explained, and how to try it again."""
    settings = SmtpChannel(
        kind="smtp",
        host="localhost",
        port=9,
        security="none",
        sender="mis-bridge@school.example",
        recipients=["dsl@school.example"],
    )
    built = build_channels({"dsl-mail": settings}, Transport(), Secrets(None, {}))
    lines = [line async for line in ways_out.channels(built, NOW, offline=False)]

    assert {line.standing for line in lines} == {Standing.BROKEN}
    assert all("channels test dsl-mail" in line.then for line in lines)


def test_a_flow_says_how_long_it_lives_without_a_card() -> None:
    """Eighty days are well; thirty, or a webhook that never took a card, are for a person."""
    at = datetime(2026, 11, 23, 8, tzinfo=UTC)
    lives = {"a": FlowLife(at, 80), "b": FlowLife(at, 30), "c": FlowLife(None, None)}

    lines = list(work.flows(lives))

    assert [line.standing for line in lines] == [Standing.OK, Standing.LOOK, Standing.LOOK]
    assert "80 days" in lines[0].seen
    assert "channels test b" in lines[1].then
