"""The ways to the Local Authority, made from their tables in the configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mis_bridge.channels.base import written_end
from mis_bridge.errors import ChannelError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mis_bridge.channels.base import Channel
    from mis_bridge.channels.smime import Smime
    from mis_bridge.io.clock import Clock
    from mis_bridge.io.secrets import Secrets
    from mis_bridge.messages.model import Disclosure
    from mis_bridge.settings import FolderChannel, HttpsChannel, SecureMailChannel, SftpChannel

__all__ = ["AuthorityBench"]


class AuthorityBench:
    """What these channels are made with.

    Args:
        secrets: where the configuration's references lead.
        ca_bundle: certificates to trust besides the system's.
        clock: theirs.
    """

    def __init__(self, secrets: Secrets, ca_bundle: Path | str | None, clock: Clock) -> None:
        self._secrets = secrets
        self._ca_bundle = ca_bundle
        self._clock = clock

    def make(
        self,
        name: str,
        settings: FolderChannel | SftpChannel | HttpsChannel,
        disclosure: Disclosure,
    ) -> Channel:
        """Make one channel; errors as ``Workshop.make``."""
        match settings.kind:
            case "folder":
                channel: Channel = self._folder(name, settings, disclosure)
            case "sftp":
                channel = self._sftp(name, settings, disclosure)
            case "https":
                channel = self._https(name, settings, disclosure)
        return channel

    def seal(self, settings: SecureMailChannel) -> Smime | None:
        """Make what signs and encrypts mails, or None where nothing is to.

        Raises:
            SecretMissing: the school's own key is not there.
        """
        from mis_bridge.channels.smime import Smime

        if not settings.certificates and not settings.signing:
            return None
        signing = self._secrets.resolve(settings.signing) if settings.signing else None
        return Smime(tuple(settings.certificates), signing)

    def about_seal(self, settings: SecureMailChannel) -> Iterator[str]:
        """Look at the certificates; what looks unusual, one sentence each.

        Raises:
            ChannelError: one can not be used; the text says what to do.
        """
        from mis_bridge.channels.certificates import Unusable
        from mis_bridge.channels.smime import Smime

        smime = self.seal(settings) or Smime()
        now = self._clock.now()
        try:
            smime.look(now)
        except Unusable as error:
            raise ChannelError(str(error)) from None
        yield from smime.remarks(settings.recipients)

    def look_at_keys(self, settings: SftpChannel) -> None:
        """See that the keys of the server, and our own, can be read.

        Raises:
            ChannelError: one can not; the text says what to do.
        """
        from mis_bridge.channels.sftp_keys import read_host_key, read_key

        for host_key in settings.host_keys:
            read_host_key(host_key)
        if settings.key:
            read_key(self._secrets.resolve(settings.key))

    def _folder(self, name: str, settings: FolderChannel, disclosure: Disclosure) -> Channel:
        from mis_bridge.channels.assisted import AssistedFolder

        return AssistedFolder(
            name,
            disclosure=disclosure,
            path=settings.path,
            portal=settings.portal,
            timeout_seconds=settings.timeout_seconds,
        )

    def _sftp(self, name: str, settings: SftpChannel, disclosure: Disclosure) -> Channel:
        from mis_bridge.channels.sftp import SftpDrop

        return SftpDrop(
            name,
            disclosure=disclosure,
            host=settings.host,
            port=settings.port,
            username=settings.username,
            host_keys=settings.host_keys,
            key=self._secrets.resolve(settings.key) if settings.key else None,
            password=self._secrets.resolve(settings.password) if settings.password else None,
            folder=settings.folder,
            timeout_seconds=settings.timeout_seconds,
            secret_ends=written_end(
                settings.secret_expires,
                "key" if settings.key else "password",
                settings.key or settings.password,
            ),
        )

    def _https(self, name: str, settings: HttpsChannel, disclosure: Disclosure) -> Channel:
        from mis_bridge.channels.https_post import HttpsPost
        from mis_bridge.channels.oauth_token import ClientCredentials
        from mis_bridge.io.http import Transport

        identity = (
            self._secrets.resolve(settings.client_certificate)
            if settings.client_certificate
            else None
        )
        try:
            # Of its own: no other peer is to be shown our certificate.
            transport = Transport(ca_bundle=self._ca_bundle, identity=identity)
        except SettingsError as error:
            if error.file:
                raise
            raise ChannelError(error.problem) from None
        tokens = None
        if settings.token_url:
            tokens = ClientCredentials(
                settings.token_url,
                settings.client_id,
                self._secrets.resolve(settings.client_secret),
                settings.scope,
                transport,
                self._clock,
            )
        return HttpsPost(
            name,
            disclosure=disclosure,
            url=settings.url,
            transport=transport,
            clock=self._clock,
            tokens=tokens,
            identity=identity,
            reference=settings.reference,
            timeout_seconds=settings.timeout_seconds,
            secret_ends=written_end(
                settings.secret_expires, "client secret", settings.client_secret
            ),
        )
