"""Channels from the configuration: all of them at once, and what a look at them finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mis_bridge.channels.workshop import Workshop
from mis_bridge.errors import ChannelError, SecretMissing, SettingsError
from mis_bridge.io.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from mis_bridge.channels.base import Channel
    from mis_bridge.errors import MisBridgeError
    from mis_bridge.io.clock import Clock
    from mis_bridge.io.http import Transport
    from mis_bridge.io.secrets import Secrets
    from mis_bridge.settings import ChannelSettings

__all__ = ["Remark", "build_channels", "review"]


@dataclass(frozen=True, slots=True)
class Remark:
    """What a look at one channel's settings and secrets found.

    Args:
        channel: its name.
        text: one sentence, without any secret.
        fatal: True where the channel can not be built.
    """

    channel: str
    text: str
    fatal: bool


def build_channels(
    settings: Mapping[str, ChannelSettings],
    transport: Transport,
    secrets: Secrets,
    *,
    disclosure: str = "initials",
    ca_bundle: Path | str | None = None,
    clock: Clock | None = None,
    on_mistake: Callable[[str, MisBridgeError], None] | None = None,
) -> dict[str, Channel]:
    """Build every configured channel; nothing is sent and nobody is asked yet.

    Args:
        settings: channels by name, as configured.
        transport: the way out for Teams and Graph.
        secrets: where the configuration's references lead.
        disclosure: for channels that set none of their own.
        ca_bundle: certificates to trust besides the system's, for SMTP and MSAL.
        clock: the machine's, unless another is given.
        on_mistake: told of each channel that can not be built (its name, the error), which is then
            left out; without it the first such error is raised.

    Raises:
        ChannelError: a channel can not be built; the text names it.
        SecretMissing: a secret is not there; the text names channel and secret.
        SettingsError: the CA bundle can not be read.
    """
    workshop = Workshop(transport, secrets, disclosure, ca_bundle, clock or SystemClock())
    channels = {}
    for name, one in settings.items():
        try:
            channels[name] = workshop.make(name, one)
        except (ChannelError, SecretMissing) as error:
            if on_mistake is None:
                # The same class with the name in front: no text of it holds a secret.
                raise type(error)(f"channels.{name}: {error}") from None
            on_mistake(name, error)
        except SettingsError as error:
            if on_mistake is None:
                raise
            on_mistake(name, error)
    return channels


def review(
    settings: Mapping[str, ChannelSettings],
    secrets: Secrets,
    *,
    ca_bundle: Path | str | None = None,
    clock: Clock | None = None,
) -> Iterator[Remark]:
    """Look at every channel as far as is possible without the network, for ``mis-bridge check``.

    Unlike :func:`build_channels` it goes on after a mistake, and tells what looks unusual.

    Raises:
        SettingsError: the CA bundle can not be read.
    """
    from mis_bridge.io.http import Transport

    workshop = Workshop(Transport(), secrets, "initials", ca_bundle, clock or SystemClock())
    for name, one in settings.items():
        try:
            channel = workshop.make(name, one)
        except (ChannelError, SecretMissing) as error:
            yield Remark(name, str(error), fatal=True)
            continue
        try:
            for text in workshop.remarks(one, channel):
                yield Remark(name, text, fatal=False)
        except ChannelError as error:
            yield Remark(name, str(error), fatal=True)
