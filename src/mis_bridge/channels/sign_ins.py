"""Who signs in to Microsoft 365, for every channel that does: one object an identity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mis_bridge.channels.base import written_end
from mis_bridge.errors import ChannelError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mis_bridge.channels.app_identity import AppCertificate, AppSecret, ManagedIdentity
    from mis_bridge.channels.entra_token import SignIn, Tokens
    from mis_bridge.io.secrets import Secrets
    from mis_bridge.settings.entra_app import EntraApp

__all__ = ["SignIns"]

_MICROSOFT: Final = "https://login.microsoftonline.com"
_SECONDS: Final = 30.0
"""For one request to the sign-in service; a channel's own limit ends an attempt sooner."""


class SignIns:
    """Every identity that the configuration names, each with MSAL's one object for it.

    Args:
        secrets: where the configuration's references lead.
        ca_bundle: certificates to trust besides the system's.
    """

    def __init__(self, secrets: Secrets, ca_bundle: Path | str | None) -> None:
        self._secrets = secrets
        self._ca_bundle = ca_bundle
        self._made: dict[AppCertificate | AppSecret | ManagedIdentity, SignIn] = {}

    def tokens(self, settings: EntraApp, scope: str) -> Tokens:
        """Make the source of tokens for one service.

        Args:
            settings: who signs in.
            scope: what the tokens are for, ending in ``/.default``.

        Raises:
            ChannelError, SecretMissing, SettingsError: it can not be made.
        """
        from mis_bridge.channels.entra_token import SignIn, Tokens
        from mis_bridge.channels.trust import client_context

        identity = self._identity(settings)
        if identity not in self._made:
            self._made[identity] = SignIn(identity, client_context(self._ca_bundle), _SECONDS)
        return Tokens(self._made[identity], scope)

    def remarks(self, settings: EntraApp) -> Iterator[str]:
        """Look at what signs in; what looks unusual, one sentence each.

        Raises:
            ChannelError: the credential can not be used; the text says what to do.
        """
        from mis_bridge.channels.app_identity import split_identity

        if settings.certificate:
            split_identity(self._secrets.resolve(settings.certificate))
        elif settings.client_secret and settings.secret_expires is None:
            yield (
                "secret_expires is not written: nobody will be told before the client secret ends. "
                "Its day stands in the app registration"
            )

    def _identity(self, settings: EntraApp) -> AppCertificate | AppSecret | ManagedIdentity:
        from mis_bridge.channels.app_identity import AppCertificate, AppSecret, ManagedIdentity

        if settings.identity == "managed":
            return ManagedIdentity(settings.client_id)
        authority = (settings.authority_url or _MICROSOFT).rstrip("/")
        if not authority.startswith("https://"):
            raise ChannelError("authority_url does not start with https://")
        authority = f"{authority}/{settings.tenant_id}"
        if settings.certificate:
            identity = self._secrets.resolve(settings.certificate)
            return AppCertificate(authority, settings.client_id, identity)
        secret = self._secrets.resolve(settings.client_secret)
        ends = written_end(settings.secret_expires, "app's client secret", secret.reference)
        return AppSecret(authority, settings.client_id, secret, ends)
