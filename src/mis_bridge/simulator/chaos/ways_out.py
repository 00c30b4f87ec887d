"""How people are reached in the week: every kind of channel that brings an alert to a person.

The DSL by a bot, a webhook and mail in turn; the deputy and the attendance officer from one mailbox
by Graph; the head of year and a colleague by the activity feed; the others by a mail server.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mis_bridge.simulator.demo_setup import mail_channels, write_configuration
from mis_bridge.simulator.microsoft import App

if TYPE_CHECKING:
    from pathlib import Path

    from mis_bridge.registers.calendar import SchoolCalendar
    from mis_bridge.simulator.demo_setup import Peers

__all__ = ["APP", "CARRIES", "GRAPH_TO", "configure"]

APP: Final = App(
    tenant="contoso",
    client_id="11111111-2222-3333-4444-555555555555",
    secret="invented-client-secret",  # noqa: S106 (it opens nothing but the stand-in)
    mailbox="safeguarding-bot@samplewood.example",
    team="7155e3c8-175e-4311-97ef-572edc3aa3db",
    conversation="19:0ea5de04de4743bcb4cd20cb99235d99@thread.tacv2",
)
"""The app registration that the daemon signs in as."""

GRAPH_TO: Final = {
    "deputy@samplewood.example": "deputy-graph",
    "attendance@samplewood.example": "attendance-graph",
}
"""Who is written to from the app's mailbox, and by which channel."""

_FEED_OF: Final = ("569363e2-4e49-4661-87f2-16f245c5d66a", "ab88234e-0874-477c-9638-d144296ed04f")
_BY_SMTP: Final = ("dsl", "office", "it", "authority")

CARRIES: Final = frozenset(
    {"dsl-bot", "dsl-teams", "dsl-mail", "year-feed", *GRAPH_TO.values(), "office-mail", "it-mail"}
)
"""Channels that have messages to carry in every week."""


@dataclass(frozen=True, slots=True)
class _Files:
    """Where the daemon keeps its data, and whom it trusts."""

    data: Path
    trusted: Path


def configure(
    folder: Path,
    school_name: str,
    calendar: SchoolCalendar,
    peers: Peers,
    microsoft_url: str,
    trusted: Path,
) -> Path:
    """Write the demonstration's school with the ways out of the week.

    Args:
        folder: an empty one.
        school_name: as messages print it.
        calendar: of the school.
        peers: where the MIS, the webhook and the mail server are.
        microsoft_url: where Microsoft's services are.
        trusted: the certificate that they show.

    Returns:
        The configuration file.
    """
    config = write_configuration(folder, school_name, calendar, peers)
    secret = folder / "credentials" / "app-secret"
    secret.touch(mode=0o600)
    secret.write_text(APP.secret, encoding="utf-8")
    files = _Files(folder / "data", trusted)
    config.write_text(_settings(files, peers, microsoft_url), encoding="utf-8")
    return config


def _settings(files: _Files, peers: Peers, microsoft: str) -> str:
    app = f"""tenant_id = "{APP.tenant}"
client_id = "{APP.client_id}"
client_secret = "credential:app-secret"
authority_url = "{microsoft}"
timeout_seconds = 5"""
    mails = mail_channels(peers, _BY_SMTP)
    graphs = "\n".join(
        f"""
[channels.{channel}]
kind = "graph"
{app}
graph_url = "{microsoft}/v1.0"
sender = "{APP.mailbox}"
recipients = ["{address}"]
"""
        for address, channel in GRAPH_TO.items()
    )
    return f"""# Written by the chaos run. Everything in it is invented.
disclosure = "initials"

[service]
data_dir = {json.dumps(str(files.data))}
conf_dir = "conf.d"
credentials_dir = "credentials"
ca_bundle = {json.dumps(str(files.trusted))}
tick_seconds = 0.1
console_url = "https://mis-bridge.samplewood.example"

[polling]
interval_seconds = 120
timeout_seconds = 5

[channels.dsl-bot]
kind = "teams-bot"
{app}
service_url = "{microsoft}/emea"
conversation = "{APP.conversation}"

[channels.dsl-teams]
kind = "teams"
url = "credential:dsl-webhook"
allow_insecure_loopback = true

[channels.year-feed]
kind = "teams-activity"
{app}
graph_url = "{microsoft}/v1.0"
team_id = "{APP.team}"
recipients = {json.dumps(_FEED_OF)}
link = "https://teams.microsoft.com/l/channel/19%3a0ea5@thread.tacv2/Alerts"
{mails}{graphs}
[people.dana]
name = "Dana Testleader"
channels = [
  "dsl-bot",
  {{ channel = "dsl-teams", after_minutes = 6 }},
  {{ channel = "dsl-mail", after_minutes = 12 }},
]

[routes]
dsl = ["dana"]
deputy = ["deputy-graph"]
head_of_year = ["year-feed"]
office = ["office-mail"]
attendance = ["attendance-graph"]
it = ["it-mail"]
authority = ["authority-mail"]

[[escalation]]
name = "a child is not where they should be"
triggers = ["missing_during_day", "unexplained_absence"]
steps = [
  {{ tell = ["dsl", "deputy"] }},
  {{ tell = ["head_of_year"], after_minutes = 8 }},
]

[incidents]
ack_minutes = 30

[daily]
to = []

[authority]
name = "Invented County Council"
"""
