"""Our own certificate, from a secret, for peers that ask who we are (mutual TLS)."""

from __future__ import annotations

import ssl
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from mis_bridge.errors import SettingsError

if TYPE_CHECKING:
    from mis_bridge.io.secrets import Secret

__all__ = ["load_identity"]


def load_identity(context: ssl.SSLContext, identity: Secret) -> None:
    """Let a context show our certificate to peers that ask for one.

    OpenSSL takes it from a file only, so there is one for as long as that takes.

    Args:
        context: of a client.
        identity: PEM text with a private key and its certificate.

    Raises:
        SettingsError: the secret does not hold a key and its certificate.
    """
    # The folder is made for this process's user alone (0700).
    with tempfile.TemporaryDirectory(prefix="mis-bridge-") as folder:
        file = Path(folder) / "identity.pem"
        file.touch(mode=0o600)
        file.write_text(identity.reveal() + "\n", encoding="utf-8")
        try:
            # Asked for a password, OpenSSL would wait for one at the terminal.
            context.load_cert_chain(file, password=lambda: b"")
        except (OSError, ssl.SSLError, ValueError):
            problem = (
                f"{identity.reference} can not be used: it holds a private key without a password "
                "and its certificate, both in PEM form, one after the other"
            )
        else:
            return
    # Raised outside the handler: the library's exception may hold what it was given.
    raise SettingsError(problem, key="client_certificate")
