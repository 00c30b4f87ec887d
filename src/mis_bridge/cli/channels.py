"""``mis-bridge channels``: which ways out there are, and whether each of them works."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from mis_bridge.cli.output import config_option, emit, emit_json, format_option

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from mis_bridge.channels.base import Point
    from mis_bridge.channels.outcome import Outcome
    from mis_bridge.io.secrets import Secrets
    from mis_bridge.messages.model import Message
    from mis_bridge.service.weekly import FlowLife
    from mis_bridge.settings import ChannelSettings, Configuration

__all__ = ["command", "test_message"]


@click.group(
    name="channels", epilog="Example: mis-bridge channels test dsl-teams", no_args_is_help=True
)
def command() -> None:
    """Test the ways out: Teams, email, the authority."""


@command.command("list", epilog="Example: mis-bridge channels list --format json")
@config_option
@format_option
def list_(config_path: Path | None, output_format: str) -> None:
    """List the configured channels, whom each tells, and what is wrong with it."""
    from mis_bridge.channels.build import review
    from mis_bridge.settings.people import channels_of

    configuration, secrets = _load(config_path)
    settings = configuration.settings
    remarks: dict[str, list[str]] = {}
    broken = False
    for remark in review(settings.channels, secrets, ca_bundle=settings.service.ca_bundle or None):
        remarks.setdefault(remark.channel, []).append(remark.text)
        broken |= remark.fatal
    rows = [
        {
            "name": name,
            "kind": channel.kind,
            "disclosure": channel.disclosure or settings.disclosure,
            "tells": ", ".join(
                duty
                for duty, names in settings.routes.items()
                if name in channels_of(names, settings.people)
            ),
            "remark": "; ".join(remarks.get(name, ())),
        }
        for name, channel in settings.channels.items()
    ]
    emit(
        rows,
        ["name", "kind", "disclosure", "tells", "remark"],
        output_format,
        empty="No channel is configured: nobody would be told. See mis-bridge init.",
    )
    if broken:
        sys.exit(1)


@command.command("test", epilog="Example: mis-bridge channels test dsl-teams")
@click.argument("name")
@click.option("--no-send", is_flag=True, help="Go as far as is possible without sending.")
@config_option
@format_option
def test(name: str, no_send: bool, config_path: Path | None, output_format: str) -> None:
    """Send a message that says it is a test, and print what became of it.

    Accepted is not delivered: look in the Teams channel, the mailbox or the folder as well. Of a
    Teams webhook it also says when its flow last took a card of the service, and how long the flow
    lives on without one.

    A Graph mailbox is seen to send as itself and as no other: it writes to itself, and tries to
    write to itself as `must_not_send_as`, which has to be refused.

    An SFTP server or a portal of the authority is sent nothing: host key, login, folder and right
    to write are tried there, or certificate and token.
    """
    import asyncio
    from dataclasses import asdict

    from mis_bridge.channels.base import Standing
    from mis_bridge.channels.outcome import Result
    from mis_bridge.errors import OperatorError

    configuration, secrets = _load(config_path)
    channels = configuration.settings.channels
    if name not in channels:
        raise OperatorError(_no_such(name, list(channels)))
    outcome, points = asyncio.run(_try_out(name, channels[name], configuration, secrets, no_send))
    life = _flow_life(name, configuration, secrets) if channels[name].kind == "teams" else None
    if output_format == "json":
        emit_json(
            {
                "channel": name,
                "result": outcome.result,
                "detail": outcome.detail,
                "retry_after": outcome.retry_after,
                "refused": outcome.refused,
                "proof": outcome.proof,
                "config_alarm": outcome.config_alarm,
                "examined": [asdict(point) for point in points],
            }
            | ({"last_card": life.last, "flow_days_left": life.days_left} if life else {})
        )
    else:
        click.echo(f"{name}: {outcome.result}: {outcome.detail}")
        for address in outcome.refused:
            click.echo(f"  refused: {address}")
        if outcome.proof:
            click.echo(f"  proof: {outcome.proof}")
        if life:
            click.echo(f"  before this test: {life}")
        for point in points:
            click.echo(f"  {point.standing}: {point.what}: {point.detail}")
            if point.then:
                click.echo(f"    to do: {point.then}")
    broken = any(point.standing is Standing.PROBLEM for point in points)
    if broken or outcome.refused or outcome.result not in {Result.SENT, Result.ACCEPTED}:
        sys.exit(1)


def _load(config_path: Path | None) -> tuple[Configuration, Secrets]:
    from mis_bridge.io.secrets import Secrets
    from mis_bridge.settings import find_config, load

    configuration = load(find_config(config_path))
    return configuration, Secrets(configuration.settings.service.credentials_dir, os.environ)


def _flow_life(name: str, configuration: Configuration, secrets: Secrets) -> FlowLife | None:
    """What the database knows of a webhook's flow; None where there is none that can be read."""
    from mis_bridge.errors import SecretMissing, StoreError
    from mis_bridge.io.clock import clock_from
    from mis_bridge.service.weekly import flow_life
    from mis_bridge.store.opening import embedded_file, open_configured

    if not configuration.settings.store.url and not embedded_file(configuration).exists():
        return None
    try:
        store = open_configured(configuration, secrets)
    except (SecretMissing, StoreError):
        return None  # mis-bridge check says why; the channel can be tested all the same
    try:
        with store.reading() as tx:
            return flow_life(tx, name, clock_from(os.environ).now())
    except StoreError:
        return None
    finally:
        store.close()


async def _try_out(
    name: str,
    settings: ChannelSettings,
    configuration: Configuration,
    secrets: Secrets,
    no_send: bool,
) -> tuple[Outcome, Sequence[Point]]:
    from mis_bridge.channels.base import Examining
    from mis_bridge.channels.build import build_channels
    from mis_bridge.channels.examination import examine
    from mis_bridge.io.clock import clock_from
    from mis_bridge.io.http import Transport
    from mis_bridge.io.logs import set_up_logs

    service = configuration.settings.service
    set_up_logs(service.log_format, known_values=secrets.known_values, stream=sys.stderr)
    clock = clock_from(os.environ)
    async with Transport(ca_bundle=service.ca_bundle or None) as transport:
        # This one channel only: another one's missing secret is no reason not to test it.
        channel = build_channels(
            {name: settings},
            transport,
            secrets,
            disclosure=configuration.settings.disclosure,
            ca_bundle=service.ca_bundle or None,
            clock=clock,
        )[name]
        try:
            if no_send:
                outcome = await channel.check()
            else:
                outcome = await channel.send(test_message(name, clock.now()))
            points: Sequence[Point] = ()
            if isinstance(channel, Examining):
                points = await examine(channel, clock.now(), probe=not no_send)
            return outcome, points
        finally:
            await channel.close()


def test_message(channel: str, now: datetime) -> Message:
    """Make a message that nobody can take for an alert."""
    import uuid
    from zoneinfo import ZoneInfo

    from mis_bridge.channels.teams import notice_card
    from mis_bridge.incidents.reasons import Reason
    from mis_bridge.messages.model import Attachment, Message
    from mis_bridge.triggers.model import Severity

    at = now.astimezone(ZoneInfo("Europe/London")).strftime("%d %B %Y, %H:%M")
    text = (
        f"TEST. No child is missing. This message was sent by hand on {at} to see whether the "
        f"channel {channel} of mis-bridge works. Nothing has to be done."
    )
    return Message(
        id=uuid.uuid4().hex,
        reference="MB-TEST-0000",
        reason=Reason.CHANNEL_TEST,
        severity=Severity.LOW,
        subject="TEST message from mis-bridge: nothing has to be done",
        text=text + "\n",
        html=f"<p>{text}</p>",
        card=notice_card(text),
        attachments=(Attachment("test.txt", "text/plain", text.encode() + b"\n"),),
    )


def _no_such(name: str, names: list[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, names, n=1)
    if close:
        return f"there is no channel {name!r}: did you mean {close[0]!r}?"
    known = ", ".join(names) or "none"
    return f"there is no channel {name!r}: configured are {known}"
