"""What every channel offers, and what each kind of channel is told by the configuration.

The configuration classes are plain dataclasses, so that the settings can hold them as they are.
They check what can be seen from one table alone and raise :class:`ValueError` with a text that
says what to write instead. Fields that name a secret hold a reference (``credential:NAME``).
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, Literal, Protocol
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mis_bridge.channels.outcome import Outcome
    from mis_bridge.messages.model import Disclosure, Message

__all__ = [
    "Channel",
    "ChannelConfig",
    "DisclosureName",
    "FolderConfig",
    "GraphConfig",
    "SmtpConfig",
    "TeamsConfig",
    "is_loopback",
]

DisclosureName = Literal["", "reference", "initials", "full"]
"""How much of a pupil a channel may show; empty: the setting ``disclosure`` of the service."""

STRICT: Final = {"extra": "forbid"}
"""Read by pydantic where the settings hold these classes: an unknown key is a mistake."""

_PORTS: Final = range(1, 65536)


class Channel(Protocol):
    """One way to reach people.

    ``send`` and ``check`` never raise: whatever happens becomes an
    :class:`~mis_bridge.channels.outcome.Outcome`.
    """

    @property
    def name(self) -> str:
        """Name of the channel in the configuration."""

    @property
    def kind(self) -> str:
        """``teams``, ``smtp``, ``graph`` or ``folder``."""

    @property
    def disclosure(self) -> Disclosure:
        """How much of a pupil may be shown to those who read this channel."""

    async def send(self, message: Message) -> Outcome:
        """Send one message to the message's own recipients, else to the channel's."""

    async def check(self) -> Outcome:
        """Go as far as is possible without sending; ``SENT`` means that all is well."""

    async def close(self) -> None:
        """Let go of connections."""


def is_loopback(host: str) -> bool:
    """Tell whether the host is this machine, by its spelling alone (nothing is looked up)."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamsConfig:
    """A Teams channel or chat, through a Workflows webhook.

    Args:
        kind: always ``teams``.
        url: reference to the webhook address, which is itself the secret.
        owner: whose flow it is. Flows of one owner share that person's limits, so channels with
            one owner share one allowance here; empty: the channel has an allowance of its own.
        header: name of an extra header that the flow's trigger condition asks for, or empty.
        header_value: reference to its value; needed with ``header``.
        allow_insecure_loopback: allow ``http://`` to this machine; for the demo and for tests.
        timeout_seconds: for one request.
        disclosure: how much of a pupil may be shown; empty: as the service.
    """

    __pydantic_config__: ClassVar[Mapping[str, str]] = STRICT

    kind: Literal["teams"] = "teams"
    url: str
    owner: str = ""
    header: str = ""
    header_value: str = ""
    allow_insecure_loopback: bool = False
    timeout_seconds: float = 30.0
    disclosure: DisclosureName = ""

    def __post_init__(self) -> None:
        if bool(self.header) != bool(self.header_value):
            raise ValueError("header and header_value go together: set both or neither")
        if not self.header.isascii() or any(c in self.header for c in " :\r\n\t"):
            raise ValueError("header is the bare name of a header, for example X-Alert-Secret")
        _check_timeout(self.timeout_seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpConfig:
    """Email through a mail server.

    Args:
        kind: always ``smtp``.
        host: name of the server, as in its certificate.
        sender: address that the mail comes from.
        recipients: addresses that it goes to, unless the message names its own.
        port: 0 means the usual one: 587, with ``tls = "implicit"`` 465, with ``"none"`` 25.
        tls: ``starttls`` (the server must offer it), ``implicit``, or ``none``, which is refused
            for every host but this machine.
        user: name to log in with; empty: no login.
        password: reference to its password; needed with ``user``.
        timeout_seconds: for each step of the conversation.
        disclosure: how much of a pupil may be shown; empty: as the service.
    """

    __pydantic_config__: ClassVar[Mapping[str, str]] = STRICT

    kind: Literal["smtp"] = "smtp"
    host: str
    sender: str
    recipients: tuple[str, ...] = ()
    port: int = 0
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    user: str = ""
    password: str = ""
    timeout_seconds: float = 30.0
    disclosure: DisclosureName = ""

    def __post_init__(self) -> None:
        if self.tls == "none" and not is_loopback(self.host):
            raise ValueError(
                'tls = "none" is only for a mail server on this machine (localhost): pupil data '
                'does not cross a network in the open; use tls = "starttls" or "implicit"'
            )
        if bool(self.user) != bool(self.password):
            raise ValueError("user and password go together: set both or neither")
        if self.port and self.port not in _PORTS:
            raise ValueError("port is a number from 1 to 65535")
        _check_addresses(self.sender, *self.recipients)
        _check_timeout(self.timeout_seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphConfig:
    """Email from a Microsoft 365 mailbox, by Microsoft Graph with a certificate.

    Args:
        kind: always ``graph``.
        tenant: the tenant's id or domain name.
        client_id: application id of the app registration.
        private_key: reference to the app's private key (PEM, RSA).
        certificate: reference to the certificate that was uploaded for it (PEM).
        mailbox: address of the mailbox that sends.
        recipients: addresses that it goes to, unless the message names its own.
        authority: where tokens are given out; another one for national clouds.
        base_url: where Graph is.
        scope: what the token is for; empty: ``<origin of base_url>/.default``.
        timeout_seconds: for one request.
        disclosure: how much of a pupil may be shown; empty: as the service.
    """

    __pydantic_config__: ClassVar[Mapping[str, str]] = STRICT

    kind: Literal["graph"] = "graph"
    tenant: str
    client_id: str
    private_key: str
    certificate: str
    mailbox: str
    recipients: tuple[str, ...] = ()
    authority: str = "https://login.microsoftonline.com"
    base_url: str = "https://graph.microsoft.com/v1.0"
    scope: str = ""
    timeout_seconds: float = 30.0
    disclosure: DisclosureName = ""

    def __post_init__(self) -> None:
        for key, address in (("authority", self.authority), ("base_url", self.base_url)):
            if urlsplit(address).scheme != "https" or not urlsplit(address).hostname:
                raise ValueError(f"{key} is an https:// address")
        _check_addresses(self.mailbox, *self.recipients)
        _check_timeout(self.timeout_seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderConfig:
    """A folder on this machine, from which a person uploads to the authority's portal.

    Args:
        kind: always ``folder``.
        path: the folder; one folder a message is made in it.
        portal: address of the portal, for the README that lies beside the files; or empty.
        disclosure: how much of a pupil may be shown; empty: as the service.
    """

    __pydantic_config__: ClassVar[Mapping[str, str]] = STRICT

    kind: Literal["folder"] = "folder"
    path: str
    portal: str = ""
    disclosure: DisclosureName = ""

    def __post_init__(self) -> None:
        if not self.path.startswith("/"):
            raise ValueError("path is an absolute path, for example /var/lib/mis-bridge/portal")
        if self.portal and urlsplit(self.portal).scheme != "https":
            raise ValueError("portal is an https:// address")


ChannelConfig = TeamsConfig | SmtpConfig | GraphConfig | FolderConfig
"""What the configuration says about one channel; ``kind`` tells which."""


def _check_addresses(*addresses: str) -> None:
    for address in addresses:
        local, at, domain = address.rpartition("@")
        if not (local and at and domain) or not address.isprintable() or set(address) & set(" ,<>"):
            raise ValueError(f"{address!r} is not a bare email address (name@example.org)")


def _check_timeout(seconds: float) -> None:
    if not 1 <= seconds <= 300:  # noqa: PLR2004 (the two numbers stand in the message)
        raise ValueError("timeout_seconds is between 1 and 300")
