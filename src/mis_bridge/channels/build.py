"""Channels from the configuration. Libraries are imported only for the kinds that are configured.

``msal`` alone weighs as much as the rest of the daemon, so that a school without Graph must not
pay for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mis_bridge.errors import ChannelError, SecretMissing, SettingsError
from mis_bridge.io.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from mis_bridge.channels.allowance import Allowance
    from mis_bridge.channels.base import Channel
    from mis_bridge.errors import MisBridgeError
    from mis_bridge.io.clock import Clock
    from mis_bridge.io.http import Transport
    from mis_bridge.io.secrets import Secrets
    from mis_bridge.messages.model import Disclosure
    from mis_bridge.settings import (
        ChannelSettings,
        FolderChannel,
        GraphChannel,
        SmtpChannel,
        TeamsChannel,
    )

__all__ = ["Remark", "build_channels", "review"]

_MICROSOFT = "https://login.microsoftonline.com"


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
    workshop = _Workshop(transport, secrets, disclosure, ca_bundle, clock or SystemClock())
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
) -> Iterator[Remark]:
    """Look at every channel as far as is possible without the network, for ``mis-bridge check``.

    Unlike :func:`build_channels` it goes on after a mistake, and tells what looks unusual.

    Raises:
        SettingsError: the CA bundle can not be read.
    """
    from mis_bridge.io.http import Transport

    workshop = _Workshop(Transport(), secrets, "initials", ca_bundle, SystemClock())
    for name, one in settings.items():
        try:
            channel = workshop.make(name, one)
        except (ChannelError, SecretMissing) as error:
            yield Remark(name, str(error), fatal=True)
            continue
        if one.kind == "teams":
            from mis_bridge.channels.teams import TeamsWebhook

            if isinstance(channel, TeamsWebhook):
                for warning in channel.webhook.warnings:
                    yield Remark(name, warning, fatal=False)
        elif one.kind == "graph":
            from mis_bridge.channels.graph_token import split_identity

            try:
                split_identity(secrets.resolve(one.certificate))
            except ChannelError as error:
                yield Remark(name, str(error), fatal=True)


class _Workshop:
    """What all channels are made with."""

    def __init__(
        self,
        transport: Transport,
        secrets: Secrets,
        disclosure: str,
        ca_bundle: Path | str | None,
        clock: Clock,
    ) -> None:
        self._transport = transport
        self._secrets = secrets
        self._default_disclosure = disclosure
        self._ca_bundle = ca_bundle
        self._clock = clock
        self._allowances: dict[str, Allowance] = {}

    def make(self, name: str, settings: ChannelSettings) -> Channel:
        match settings.kind:
            case "teams":
                return self._teams(name, settings)
            case "smtp":
                return self._smtp(name, settings)
            case "graph":
                return self._graph(name, settings)
            case "folder":
                return self._folder(name, settings)

    def _teams(self, name: str, settings: TeamsChannel) -> Channel:
        from mis_bridge.channels.allowance import Allowance
        from mis_bridge.channels.teams import TeamsWebhook
        from mis_bridge.channels.webhook import examine

        url = self._secrets.resolve(settings.url)
        if bool(settings.header_name) != bool(settings.header_secret):
            raise ChannelError("header_name and header_secret go together: set both or neither")
        # A slash can not stand in a channel's name, so an owner and a channel are never confused.
        owner = f"owner/{settings.owner}" if settings.owner else name
        return TeamsWebhook(
            name,
            disclosure=self._disclosure(settings),
            url=url,
            webhook=examine(url.reveal(), allow_insecure_loopback=settings.allow_insecure_loopback),
            transport=self._transport,
            allowance=self._allowances.setdefault(owner, Allowance()),
            clock=self._clock,
            header=(settings.header_name, self._secrets.resolve(settings.header_secret))
            if settings.header_name
            else None,
            timeout_seconds=settings.timeout_seconds,
        )

    def _smtp(self, name: str, settings: SmtpChannel) -> Channel:
        from mis_bridge.channels.smtp import SmtpMail
        from mis_bridge.channels.trust import client_context

        if bool(settings.username) != bool(settings.password):
            raise ChannelError("username and password go together: set both or neither")
        return SmtpMail(
            name,
            disclosure=self._disclosure(settings),
            host=settings.host,
            port=settings.port,
            security=settings.security,
            sender=settings.sender,
            recipients=settings.recipients,
            context=client_context(self._ca_bundle),
            clock=self._clock,
            login=(settings.username, self._secrets.resolve(settings.password))
            if settings.username
            else None,
            timeout_seconds=settings.timeout_seconds,
        )

    def _graph(self, name: str, settings: GraphChannel) -> Channel:
        from urllib.parse import urlsplit

        from mis_bridge.channels.graph import GraphMail
        from mis_bridge.channels.graph_token import Tokens
        from mis_bridge.channels.trust import client_context

        authority = (settings.authority_url or _MICROSOFT).rstrip("/")
        for key, address in (("authority_url", authority), ("graph_url", settings.graph_url)):
            if not address.startswith("https://"):
                raise ChannelError(f"{key} does not start with https://")
        graph = urlsplit(settings.graph_url)
        return GraphMail(
            name,
            disclosure=self._disclosure(settings),
            base_url=settings.graph_url,
            sender=settings.sender,
            recipients=settings.recipients,
            tokens=Tokens(
                authority=f"{authority}/{settings.tenant_id}",
                client_id=settings.client_id,
                identity=self._secrets.resolve(settings.certificate),
                scope=f"{graph.scheme}://{graph.netloc}/.default",
                context=client_context(self._ca_bundle),
                timeout_seconds=settings.timeout_seconds,
            ),
            transport=self._transport,
            clock=self._clock,
            timeout_seconds=settings.timeout_seconds,
        )

    def _folder(self, name: str, settings: FolderChannel) -> Channel:
        from mis_bridge.channels.assisted import AssistedFolder

        return AssistedFolder(
            name,
            disclosure=self._disclosure(settings),
            path=settings.path,
            portal=settings.portal,
            timeout_seconds=settings.timeout_seconds,
        )

    def _disclosure(self, settings: ChannelSettings) -> Disclosure:
        from mis_bridge.messages.model import Disclosure

        return Disclosure(settings.disclosure or self._default_disclosure)
