"""The keys of SFTP: our own, which logs in, and the server's, which is pinned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mis_bridge.errors import ChannelError

if TYPE_CHECKING:
    from asyncssh import SSHKey

    from mis_bridge.io.secrets import Secret

__all__ = ["read_host_key", "read_key"]


def read_key(secret: Secret) -> SSHKey:
    """Read a private key.

    Raises:
        ChannelError: it is none, or it has a passphrase; the text names the credential.
    """
    import asyncssh

    try:
        return asyncssh.import_private_key(secret.reveal() + "\n")
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError, ValueError):
        # `from None`: the error that is dropped here may hold a part of the key.
        raise ChannelError(
            f"{secret.reference}: there is no private key without a passphrase in it; make one "
            "with ssh-keygen -t ed25519 -N '' and give the authority its .pub file"
        ) from None


def read_host_key(text: str) -> SSHKey:
    """Read a public key, ``ssh-ed25519 AAAA...``.

    Raises:
        ChannelError: it is none.
    """
    import asyncssh

    try:
        return asyncssh.import_public_key(text)
    except (asyncssh.KeyImportError, ValueError):
        raise ChannelError(
            "one of host_keys is not a public key: copy it as it was published"
        ) from None
