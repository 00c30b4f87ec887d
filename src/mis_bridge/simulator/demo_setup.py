"""The configuration that the demonstration writes: real files, read by the real loader."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from mis_bridge.registers.calendar import SchoolCalendar, SessionTimes

__all__ = ["ADDRESSES", "SCHOOL", "Peers", "mail_channels", "write_configuration"]

SCHOOL = "samplewood"
"""The school's id in the demonstration."""

ADDRESSES = {
    "dsl": "dsl@samplewood.example",
    "office": "office@samplewood.example",
    "attendance": "attendance@samplewood.example",
    "it": "it@samplewood.example",
    "authority": "welfare@la.example",
}
"""Mail address of each audience."""


@dataclass(frozen=True, slots=True)
class Peers:
    """Where the demonstration's peers are.

    Args:
        mis_host: host and port of the stand-in.
        mis_school: the school's id there.
        token: the one that the stand-in lets in.
        webhook_url: address of the webhook.
        mail_port: of the SMTP server on loopback.
    """

    mis_host: str
    mis_school: str
    token: str
    webhook_url: str
    mail_port: int


def write_configuration(
    folder: Path, school_name: str, calendar: SchoolCalendar, peers: Peers
) -> Path:
    """Write ``config.toml``, ``conf.d/samplewood.toml`` and the credentials.

    Args:
        folder: an empty one.
        school_name: as messages print it.
        calendar: of the school.
        peers: where everything is.

    Returns:
        The configuration file.
    """
    credentials = folder / "credentials"
    credentials.mkdir(mode=0o700)
    for name, value in (("dsl-webhook", peers.webhook_url), ("wonde-token", peers.token)):
        path = credentials / name
        path.touch(mode=0o600)
        path.write_text(value, encoding="utf-8")
    (folder / "conf.d").mkdir()
    (folder / "conf.d" / f"{SCHOOL}.toml").write_text(
        _school(school_name, calendar, peers), encoding="utf-8"
    )
    config = folder / "config.toml"
    config.write_text(_settings(folder, peers), encoding="utf-8")
    return config


def mail_channels(peers: Peers, audiences: Iterable[str]) -> str:
    """Write the channel ``<audience>-mail`` of each of some audiences of ``ADDRESSES``."""
    return "\n".join(
        f"""
[channels.{audience}-mail]
kind = "smtp"
host = "127.0.0.1"
port = {peers.mail_port}
security = "none"
sender = "mis-bridge@samplewood.example"
recipients = ["{ADDRESSES[audience]}"]
timeout_seconds = 5
"""
        for audience in audiences
    )


def _settings(folder: Path, peers: Peers) -> str:
    mails = mail_channels(peers, ADDRESSES)
    return f"""# Written by the demonstration. Everything in it is invented.
disclosure = "initials"

[service]
data_dir = {json.dumps(str(folder / "data"))}
conf_dir = "conf.d"
credentials_dir = "credentials"
tick_seconds = 0.1
console_url = "https://mis-bridge.samplewood.example"

[polling]
interval_seconds = 120
timeout_seconds = 5

[channels.dsl-teams]
kind = "teams"
url = "credential:dsl-webhook"
allow_insecure_loopback = true
{mails}
[routes]
dsl = ["dsl-teams", "dsl-mail"]
office = ["office-mail"]
attendance = ["attendance-mail"]
it = ["it-mail"]
authority = ["authority-mail"]

[incidents]
ack_minutes = 30

[daily]
to = []

[authority]
name = "Invented County Council"
"""


def _school(name: str, calendar: SchoolCalendar, peers: Peers) -> str:
    closures = "\n".join(
        f"""
[[calendar.closures]]
first = {closure.first}
last = {closure.last}
why = {json.dumps(closure.why)}
"""
        for closure in calendar.closures
    )
    return f"""# An invented school.
[school]
id = "{SCHOOL}"
name = {json.dumps(name)}
urn = "999001"
phase = "secondary"

[mis]
adapter = "wonde"

[mis.connection]
school = "{peers.mis_school}"
token = "credential:wonde-token"
domain = "{peers.mis_host}"
scheme = "http"

[calendar]
first_day = {calendar.first_day}
last_day = {calendar.last_day}
am = {_times(calendar.am)}
pm = {_times(calendar.pm)}
{closures}"""


def _times(times: SessionTimes) -> str:
    parts = {"opens": times.opens, "closes": times.closes, "ends": times.ends}
    inner = ", ".join(f'{key} = "{at // 60:02}:{at % 60:02}"' for key, at in parts.items())
    return f"{{ {inner} }}"
