"""Who mis-bridge is to Microsoft: an app registration, or an Azure machine's managed identity.

Each knows how MSAL makes the object that gets its tokens, what may be wrong where none are given,
and when it ends. A certificate is better than a client secret: the secret itself crosses the
network at every sign-in, and nobody but Entra knows the day on which it expires. This is the only
module that imports ``msal``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from mis_bridge.channels.base import Expiry
from mis_bridge.channels.certificates import Unusable, identity_in
from mis_bridge.errors import ChannelError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mis_bridge.io.secrets import Secret

__all__ = ["AppCertificate", "AppSecret", "ManagedIdentity", "split_identity"]

_PEM: Final = re.compile(
    r"-----BEGIN (?P<what>[A-Z0-9 ]+)-----\r?\n.+?\r?\n-----END (?P=what)-----", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class _App:
    """An app registration.

    Args:
        authority: ``https://login.microsoftonline.com/<tenant>``.
        client_id: application id.
    """

    authority: str
    client_id: str

    @property
    def host(self) -> str:
        """Where the tokens come from."""
        return urlsplit(self.authority).hostname or "(no host)"

    @property
    def by_proxy(self) -> bool:
        """Whether the machine's proxy may stand in between."""
        return True

    def _client(self, credential: Any, session: Any, http_cache: dict[str, Any]) -> Any:
        from msal import ConfidentialClientApplication

        return ConfidentialClientApplication(
            self.client_id,
            authority=self.authority,
            client_credential=credential,
            instance_discovery=False,  # the authority is the operator's word, and one request less
            http_client=session,
            http_cache=http_cache,
        )

    def ask(self, client: Any, scope: str) -> dict[str, Any]:
        """Get a token by the client that ``client`` made, from its memory while it is valid."""
        answer: dict[str, Any] = client.acquire_token_for_client(scopes=[scope])
        return answer


@dataclass(frozen=True, slots=True)
class AppCertificate(_App):
    """An app registration that shows itself by a certificate.

    Args:
        identity: PEM text with the app's RSA key and the certificate uploaded for it.
    """

    identity: Secret

    advice = (
        "check tenant_id, client_id, and that the certificate is the one uploaded to the app "
        "registration and has not expired"
    )

    def client(self, session: Any, http_cache: dict[str, Any]) -> Any:
        """Make MSAL's object; it asks the network already.

        Raises:
            ChannelError: the credential can not be used; the text says what to do.
        """
        private_key, certificate = split_identity(self.identity)
        # Both without a thumbprint: PS256 with the certificate's SHA-256, not SHA-1.
        pair = {"private_key": private_key, "public_certificate": certificate}
        return self._client(pair, session, http_cache)

    def expiries(self) -> Sequence[Expiry]:
        """When the certificate runs out; empty where it can not be read."""
        try:
            end = identity_in(self.identity).certificate.not_valid_after_utc
        except Unusable:
            return ()
        where = self.identity.reference
        return (
            Expiry(
                end,
                f"the app's certificate in {where}",
                "make a new one, upload it to the app registration beside the old one, and store "
                f"it as {where}",
            ),
        )


@dataclass(frozen=True, slots=True)
class AppSecret(_App):
    """An app registration that shows itself by a client secret.

    Args:
        secret: its value.
        ends: when, as somebody wrote it down, or None.
    """

    secret: Secret
    ends: Expiry | None = None

    advice = (
        "check tenant_id, client_id, and that the client secret is its value (not its ID) and has "
        "not expired"
    )

    def client(self, session: Any, http_cache: dict[str, Any]) -> Any:
        """Make MSAL's object; it asks the network already."""
        return self._client(self.secret.reveal(), session, http_cache)

    def expiries(self) -> Sequence[Expiry]:
        """When the secret runs out, where somebody wrote it down."""
        return (self.ends,) if self.ends else ()


@dataclass(frozen=True, slots=True)
class ManagedIdentity:
    """The identity that Azure gives to a machine, without anything to keep secret.

    Args:
        client_id: that of a user-assigned identity; empty for the machine's own.
    """

    client_id: str = ""

    advice = (
        "check that this machine has a managed identity in Azure, and client_id if the identity "
        "is a user-assigned one"
    )
    host = "managed identity"
    by_proxy = False
    """The service is the machine itself or its host: a proxy must not see the request."""

    def client(self, session: Any, http_cache: dict[str, Any]) -> Any:
        """Make MSAL's object."""
        from msal import (
            ManagedIdentityClient,
            SystemAssignedManagedIdentity,
            UserAssignedManagedIdentity,
        )

        who = (
            UserAssignedManagedIdentity(client_id=self.client_id)
            if self.client_id
            else SystemAssignedManagedIdentity()
        )
        return ManagedIdentityClient(who, http_client=session, http_cache=http_cache)

    def ask(self, client: Any, scope: str) -> dict[str, Any]:
        """Get a token by the client that ``client`` made, from its memory while it is valid."""
        resource = scope.removesuffix("/.default")
        answer: dict[str, Any] = client.acquire_token_for_client(resource=resource)
        return answer

    def expiries(self) -> Sequence[Expiry]:
        """Nothing: Azure renews it by itself."""
        return ()


def split_identity(identity: Secret) -> tuple[str, str]:
    """Take the private key and the certificate out of a credential that holds both.

    Returns:
        The key and the certificate that belongs to it, each in PEM form. Certificates of
        authorities may stand there as well, in any order; they are left out.

    Raises:
        ChannelError: there is no RSA key without a password, or no certificate of that key; the
            text names the credential and says what to do.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from cryptography.x509 import load_pem_x509_certificate

    blocks = [(match["what"], match[0]) for match in _PEM.finditer(identity.reveal())]
    keys = [text for what, text in blocks if what.endswith("PRIVATE KEY")]
    certificates = [text for what, text in blocks if what == "CERTIFICATE"]
    if len(keys) != 1 or not certificates:
        raise ChannelError(
            f"{identity.reference} holds {len(keys)} private keys and {len(certificates)} "
            "certificates in PEM form; it needs one key and its certificate, one after the other"
        )
    try:
        key = load_pem_private_key(keys[0].encode(), password=None)
        held = [(load_pem_x509_certificate(c.encode()).public_key(), c) for c in certificates]
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ChannelError(
            f"{identity.reference}: a PEM block can not be read; the key has to be without a "
            "password"
        ) from None
    if not isinstance(key, RSAPrivateKey):
        raise ChannelError(f"{identity.reference}: the key is not an RSA key, as Entra asks for")
    for public_key, certificate in held:
        if public_key == key.public_key():
            return keys[0], certificate
    raise ChannelError(f"{identity.reference}: the certificate is not that of the private key")
