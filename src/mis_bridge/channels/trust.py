"""Whose certificates are believed, for the libraries that do not go through ``io.http``."""

from __future__ import annotations

import os
import socket
import ssl
from functools import cache
from typing import TYPE_CHECKING, Final

from mis_bridge.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["certificate_failed", "client_context", "deepest_word"]

_DEPTH: Final = 10  # a chain of causes is short; one that is not is a loop


@cache
def client_context(ca_bundle: Path | str | None) -> ssl.SSLContext:
    """Give the context that verifies names and certificates, TLS 1.2 or newer; one for all.

    Args:
        ca_bundle: PEM file with certificates to trust besides the system's, or nothing.

    Raises:
        SettingsError: the file can not be read or is not PEM.
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_bundle:
        try:
            context.load_verify_locations(str(ca_bundle))
        except (OSError, ssl.SSLError) as error:
            raise SettingsError(
                f"can not be used as a PEM file ({error.strerror or 'wrong content'})",
                file=str(ca_bundle),
                key="service.ca_bundle",
            ) from None
    return context


def certificate_failed(error: BaseException) -> bool:
    """Tell whether a certificate that does not verify is behind an error, however wrapped."""
    return any(
        isinstance(link, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in str(link)
        for link in _chain(error)
    )


def deepest_word(error: BaseException) -> str:
    """Find the system's own words for a failed connection; never a library's text.

    Libraries put addresses, and sometimes what was sent, into their texts.
    """
    for link in _chain(error):
        if isinstance(link, ssl.SSLError):
            return "the TLS handshake failed"
        if isinstance(link, TimeoutError):
            return "no answer in time"
        if isinstance(link, socket.gaierror):
            return "the name of the host is not found"
        if isinstance(link, OSError) and link.errno is not None and link.errno > 0:
            return os.strerror(link.errno).lower()
    return "no connection"


def _chain(error: BaseException) -> list[BaseException]:
    """Give an error and what is behind it, the innermost first."""
    links: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and len(links) < _DEPTH:
        links.append(link)
        # urllib3 and requests keep the cause in an attribute or among their arguments instead.
        held = getattr(link, "reason", None) or next(
            (arg for arg in link.args if isinstance(arg, BaseException)), None
        )
        link = (
            link.__cause__
            or link.__context__
            or (held if isinstance(held, BaseException) else None)
        )
    return links[::-1]
