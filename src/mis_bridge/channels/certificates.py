"""Certificates and the keys that go with them: read, looked at, and believed in their time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mis_bridge.channels.base import date_of

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.x509 import Certificate

    from mis_bridge.io.secrets import Secret

__all__ = [
    "Identity",
    "Unusable",
    "addresses_of",
    "certificates_in",
    "check_reader",
    "check_time",
    "fingerprint",
    "identity_in",
]

_SMALLEST_KEY: Final = 2048  # bits
_PRIVATE_KEY: Final = re.compile(
    r"-----BEGIN (?P<what>[A-Z ]*PRIVATE KEY)-----\r?\n.+?\r?\n-----END (?P=what)-----", re.DOTALL
)


class Unusable(Exception):
    """A certificate or key can not be used; the text says which, and what to do."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who we are: a private key, its certificate, and those between it and its authority."""

    key: RSAPrivateKey | EllipticCurvePrivateKey
    certificate: Certificate
    chain: tuple[Certificate, ...]


def certificates_in(file: Path) -> list[Certificate]:
    """Read the certificates of a PEM file; at least one.

    Those of authorities that stand beside another one are left out: they sign it and read nothing.

    Raises:
        Unusable: it is not there, or holds none.
    """
    from cryptography.x509 import load_pem_x509_certificates

    try:
        held = load_pem_x509_certificates(file.read_bytes())
    except OSError as error:
        word = (error.strerror or type(error).__name__).lower()
        raise Unusable(
            f"certificate {file.name} of the authority can not be read ({word}): put the file there"
        ) from None
    except ValueError:
        raise Unusable(
            f"{file.name} holds no certificate in PEM form: convert what the authority sent with "
            "openssl x509 -inform der -in FILE -out FILE.pem"
        ) from None
    return [one for one in held if not _is_authority(one)] or held


def _is_authority(certificate: Certificate) -> bool:
    from cryptography.x509 import BasicConstraints, ExtensionNotFound

    try:
        return certificate.extensions.get_extension_for_class(BasicConstraints).value.ca
    except ExtensionNotFound:
        return False


def check_reader(certificate: Certificate, file: Path) -> None:
    """See that content can be encrypted for a certificate.

    Raises:
        Unusable: it has no RSA key, a short one, or one that is for signing.
    """
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.x509 import ExtensionNotFound, KeyUsage

    key = certificate.public_key()
    if not isinstance(key, RSAPublicKey) or key.key_size < _SMALLEST_KEY:
        raise Unusable(
            f"certificate {file.name} has no RSA key of {_SMALLEST_KEY} bits or more: ask the "
            "authority for one that S/MIME mail can be encrypted for"
        )
    try:
        usage = certificate.extensions.get_extension_for_class(KeyUsage).value
    except ExtensionNotFound:
        return
    if not usage.key_encipherment:
        raise Unusable(
            f"certificate {file.name} is for signing, not for encryption: ask the authority for "
            "the other one"
        )


def check_time(certificate: Certificate, now: datetime, what: str, then: str) -> None:
    """See that a certificate is valid now.

    Args:
        certificate: which.
        now: aware.
        what: how people call it.
        then: what to do about one that has run out.

    Raises:
        Unusable: it is not valid yet, or not any more.
    """
    if now < certificate.not_valid_before_utc:
        raise Unusable(
            f"{what} is not valid before {date_of(certificate.not_valid_before_utc)}, nothing was "
            f"sent: see that this machine's clock is right; if it is, {then}"
        )
    if now > certificate.not_valid_after_utc:
        end = date_of(certificate.not_valid_after_utc)
        raise Unusable(f"{what} expired on {end}, nothing was sent: {then}")


def identity_in(secret: Secret) -> Identity:
    """Read a private key and its certificate.

    Raises:
        Unusable: there is no key without a password, or no certificate of that key; the text names
            the credential.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from cryptography.x509 import load_pem_x509_certificates

    text = secret.reveal()
    block = _PRIVATE_KEY.search(text)
    try:
        key = load_pem_private_key(block[0].encode(), password=None) if block else None
        held = load_pem_x509_certificates(text.encode())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # `from None`: the error that is dropped here may hold a part of the key.
        raise Unusable(
            f"{secret.reference}: it needs a private key without a password and its certificate, "
            "both in PEM form, one after the other"
        ) from None
    if not isinstance(key, RSAPrivateKey | EllipticCurvePrivateKey):
        raise Unusable(f"{secret.reference}: there is no RSA or EC private key in it")
    own = [one for one in held if one.public_key() == key.public_key()]
    if not own:
        raise Unusable(f"{secret.reference}: the certificate is not that of the private key")
    return Identity(key, own[0], tuple(one for one in held if one != own[0]))


def addresses_of(certificate: Certificate) -> set[str]:
    """Give the mail addresses that a certificate names, in small letters."""
    from cryptography.x509 import ExtensionNotFound, RFC822Name, SubjectAlternativeName
    from cryptography.x509.oid import NameOID

    named = {
        str(one.value).lower()
        for one in certificate.subject.get_attributes_for_oid(NameOID.EMAIL_ADDRESS)
    }
    try:
        names = certificate.extensions.get_extension_for_class(SubjectAlternativeName).value
    except ExtensionNotFound:
        return named
    return named | {name.lower() for name in names.get_values_for_type(RFC822Name)}


def fingerprint(certificate: Certificate) -> str:
    """Give the beginning of a certificate's fingerprint, enough to tell it from others."""
    from cryptography.hazmat.primitives.hashes import SHA256

    return f"SHA-256 {certificate.fingerprint(SHA256()).hex()[:16]}…"
