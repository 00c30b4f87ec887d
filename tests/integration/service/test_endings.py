"""Secrets and certificates about to end are told 30, 7 and 1 days before, in the holidays too."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from mis_bridge.registers.calendar import local_datetime

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Bench, Watched

END = date(2027, 1, 3)
"""A Sunday at the end of the Christmas holidays; 30 days before is a Friday in term."""
LEFT = {30: "runs out MB-", 7: "runs out within 7 days MB-", 1: "runs out within a day MB-"}
SUBJECT = "A certificate or secret runs out"


def of_the_mis(bench: Bench) -> str:
    """Write the day into the school's file."""
    (file,) = (bench.folder / "conf.d").glob("*.toml")
    text = file.read_text("utf-8")
    assert "[mis]\n" in text
    file.write_text(text.replace("[mis]\n", f"[mis]\nsecret_expires = {END}\n"), "utf-8")
    return "No register will be read any more: the credential for wonde expires on 3 January 2027"


def of_a_channel(bench: Bench) -> str:
    """Write the day beside a login."""
    bench.edit(
        "[routes]",
        '[channels.relay]\nkind = "smtp"\nhost = "127.0.0.1"\nport = 9\nusername = "school"\n'
        f'password = "env:RELAY_PASSWORD"\nsecret_expires = {END}\n'
        'sender = "mis-bridge@samplewood.example"\nrecipients = ["head@samplewood.example"]\n'
        "[routes]",
    )
    bench.edit('authority = ["authority-mail"]', 'authority = ["authority-mail", "relay"]')
    return (
        "The channel relay will send nothing: the password in env:RELAY_PASSWORD expires on "
        "3 January 2027"
    )


async def on(watched: Watched, day: date) -> None:
    """Let it be the morning of a day."""
    moment = local_datetime(day, 9 * 60)
    watched.clock.advance(seconds=(moment - watched.clock.now()).total_seconds())
    await watched.daemon.settle()


@pytest.mark.parametrize("write", [of_the_mis, of_a_channel])
async def test_it_is_told_30_7_and_1_days_before(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, write: Callable[[Bench], str]
) -> None:
    """One incident that rises, each time with the day and with what to do."""
    monkeypatch.setenv("RELAY_PASSWORD", "invented-smtp-password")
    expected = write(bench)
    told: list[int] = []
    async with bench.daemon() as watched:
        for days in (31, 30, 8, 7, 2, 1):
            await on(watched, END - timedelta(days=days))
            mails = [mail for mail in bench.mails_to("it") if SUBJECT in mail.message["Subject"]]
            if len(mails) > len(told):
                assert len(mails) == len(told) + 1
                assert expected in " ".join(mails[-1].part("plain").split())
                assert LEFT[days] in mails[-1].message["Subject"]
                told.append(days)
        (incident,) = watched.incidents("certificate_expiring")

        assert told == [30, 7, 1]
        assert (incident.level, incident.active) == (3, True)
