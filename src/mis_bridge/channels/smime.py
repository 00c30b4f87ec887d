"""S/MIME: a mail that only the Local Authority can read, and that only the school can have sent.

Signed first, then encrypted (RFC 8551): AES-256 for the content, the authority's RSA keys for its
key. A certificate counts from its first day to its last, by our clock; before and after, nothing is
sent. The authority's certificates are trusted because a person put them there: whom they belong to
is for that person to check.

Files are read at each use, so that a new certificate needs no restart.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mis_bridge.channels.base import Expiry
from mis_bridge.channels.certificates import (
    Unusable,
    addresses_of,
    certificates_in,
    check_reader,
    check_time,
    fingerprint,
    identity_in,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from email.message import EmailMessage
    from pathlib import Path

    from cryptography.x509 import Certificate

    from mis_bridge.channels.certificates import Identity
    from mis_bridge.io.secrets import Secret

__all__ = ["Smime"]

_LINE: Final = 76
_NOT_BEYOND: Final = (
    "certificates is empty: packages are encrypted on the way to the mail server and not beyond "
    "it; ask the authority whether it publishes an S/MIME certificate"
)


@dataclass(frozen=True, slots=True)
class Smime:
    """Seals mails.

    Args:
        certificates: PEM files with the authority's certificates, or none: not encrypted.
        signing: PEM text with the school's key, its certificate and those between it and its
            authority; None: not signed.
    """

    certificates: Sequence[Path] = ()
    signing: Secret | None = None

    def seal(self, mail: EmailMessage, now: datetime) -> tuple[bytes, str]:
        """Sign and encrypt a mail, as far as is configured.

        Args:
            mail: whole, with a body of seven bits.
            now: aware; certificates have to be valid then.

        Returns:
            The mail as it goes out, with the same headers but those of the content, and what was
            done, with the fingerprints of the certificates.

        Raises:
            Unusable: a certificate or key can not be used; the text says which and what to do.
        """
        readers, signer = self._read(now)
        headers, entity = _split(mail)
        if signer:
            entity = _signed(entity, signer)
        if readers:
            entity = _encrypted(entity, readers)
        return headers + entity, _done(readers, signer)

    def look(self, now: datetime) -> str:
        """Say what would be done with a mail.

        Raises:
            Unusable: as ``seal``.
        """
        return _done(*self._read(now))

    def expiries(self) -> list[Expiry]:
        """When each certificate runs out, the first first; unreadable ones are left out."""
        found = []
        for file in self.certificates:
            try:
                held = certificates_in(file)
            except Unusable:
                continue
            found += [Expiry(one.not_valid_after_utc, _theirs(file), _renew(file)) for one in held]
        if self.signing:
            try:
                own = identity_in(self.signing)
            except Unusable:
                return found
            end = own.certificate.not_valid_after_utc
            found.append(Expiry(end, _ours(self.signing), _renew_own(self.signing)))
        return sorted(found, key=lambda expiry: expiry.at)

    def remarks(self, recipients: Sequence[str]) -> list[str]:
        """What looks unusual, one sentence each; nothing of a certificate that is not readable."""
        if not self.certificates:
            return [_NOT_BEYOND]
        remarks = []
        if not self.signing:
            remarks.append("signing is empty: packages are encrypted, and not signed")
        for file in self.certificates:
            try:
                held = certificates_in(file)
            except Unusable:
                continue
            for one in held:
                named = addresses_of(one)
                if named and not named & {recipient.lower() for recipient in recipients}:
                    remarks.append(
                        f"{file.name} is a certificate of {', '.join(sorted(named))}, and none of "
                        "the recipients: whoever gets the mail may not be able to read it"
                    )
        return remarks

    def _read(self, now: datetime) -> tuple[list[Certificate], Identity | None]:
        """Read everything, and see that all of it can be used at this moment."""
        readers = []
        for file in self.certificates:
            for one in certificates_in(file):
                check_reader(one, file)
                check_time(one, now, _theirs(file), _renew(file))
                readers.append(one)
        signer = identity_in(self.signing) if self.signing else None
        if signer and self.signing:
            then = _renew_own(self.signing)
            check_time(signer.certificate, now, _ours(self.signing), then)
        return readers, signer


def _theirs(file: Path) -> str:
    return f"certificate {file.name} of the authority"


def _ours(signing: Secret) -> str:
    return f"the school's certificate in {signing.reference}"


def _renew(file: Path) -> str:
    return f"ask the authority for its new certificate and put it in the place of {file.name}"


def _renew_own(signing: Secret) -> str:
    return f"renew the school's S/MIME certificate and store it as {signing.reference}"


def _split(mail: EmailMessage) -> tuple[bytes, bytes]:
    """Take a mail apart: the headers that are not of its content, and the content as an entity.

    The blank line after the headers belongs to neither.
    """
    headers, _, body = mail.as_bytes().partition(b"\r\n\r\n")
    # A header that is folded over several lines stays in one piece.
    fields = re.split(rb"\r\n(?![ \t])", headers)
    own = [one for one in fields if one.lower().startswith(b"content-")]
    others = [one for one in fields if not one.lower().startswith((b"content-", b"mime-version:"))]
    entity = b"".join(one + b"\r\n" for one in own) + b"\r\n" + body
    return b"".join(one + b"\r\n" for one in others), entity


def _signed(entity: bytes, signer: Identity) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.hazmat.primitives.serialization.pkcs7 import (
        PKCS7Options,
        PKCS7SignatureBuilder,
    )

    builder = PKCS7SignatureBuilder().set_data(entity)
    builder = builder.add_signer(signer.certificate, signer.key, SHA256())
    for one in signer.chain:
        builder = builder.add_certificate(one)
    # Detached: a reader without S/MIME sees the mail beside a signature that it can not check.
    return builder.sign(Encoding.SMIME, [PKCS7Options.DetachedSignature])


def _encrypted(entity: bytes, readers: Sequence[Certificate]) -> bytes:
    from cryptography.hazmat.primitives.ciphers.algorithms import AES256
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.hazmat.primitives.serialization.pkcs7 import (
        PKCS7EnvelopeBuilder,
        PKCS7Options,
    )

    builder = PKCS7EnvelopeBuilder().set_data(entity).set_content_encryption_algorithm(AES256)
    for one in readers:
        builder = builder.add_recipient(one)
    text = base64.b64encode(builder.encrypt(Encoding.DER, [PKCS7Options.Binary]))
    lines = [text[at : at + _LINE] for at in range(0, len(text), _LINE)]
    return (
        b"MIME-Version: 1.0\r\n"
        b'Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name="smime.p7m"\r\n'
        b"Content-Transfer-Encoding: base64\r\n"
        b'Content-Disposition: attachment; filename="smime.p7m"\r\n\r\n'
        + b"\r\n".join(lines)
        + b"\r\n"
    )


def _done(readers: Sequence[Certificate], signer: Identity | None) -> str:
    parts = ["signed"] if signer else []
    if readers:
        prints = ", ".join(fingerprint(one) for one in readers)
        parts.append(f"encrypted for certificate {prints}")
    return " and ".join(parts) or "neither signed nor encrypted"
