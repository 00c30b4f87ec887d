"""The credential of an app registration: one key and its certificate."""

from __future__ import annotations

import datetime as dt

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from mis_bridge.channels.app_identity import split_identity
from mis_bridge.errors import ChannelError
from mis_bridge.io.secrets import Secret

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def key_pem(key: PrivateKey, password: bytes = b"") -> str:
    """Write a key as people have it."""
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password:
        encryption = serialization.BestAvailableEncryption(password)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    ).decode()


def certificate_pem(key: PrivateKey) -> str:
    """Make a certificate for a key."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "invented app")])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
        .not_valid_after(dt.datetime(2120, 1, 1, tzinfo=dt.UTC))
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
        .decode()
    )


OURS = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER = ec.generate_private_key(ec.SECP256R1())
KEY, CERTIFICATE, FOREIGN = key_pem(OURS), certificate_pem(OURS), certificate_pem(OTHER)


@pytest.mark.parametrize(
    "text",
    [
        KEY + CERTIFICATE,
        CERTIFICATE + KEY,
        "a note\n" + KEY + "\n\n" + FOREIGN + CERTIFICATE,
        (KEY + CERTIFICATE).replace("\n", "\r\n"),
        (KEY + CERTIFICATE).strip(),
    ],
)
def test_key_and_certificate_are_found_in_any_order(text: str) -> None:
    """Certificates of authorities and notes may stand beside them."""
    key, certificate = split_identity(Secret(text, reference="credential:graph"))

    assert key.split() == KEY.split()
    assert certificate.split() == CERTIFICATE.split()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nothing", "0 private keys and 0 certificates"),
        (KEY, "1 private keys and 0 certificates"),
        (CERTIFICATE, "0 private keys and 1 certificates"),
        (KEY + KEY + CERTIFICATE, "2 private keys"),
        (KEY + FOREIGN, "not that of the private key"),
        (key_pem(OTHER) + FOREIGN, "not an RSA key"),
        (key_pem(OURS, b"a password") + CERTIFICATE, "without a password"),
        (KEY.replace("M", "N") + CERTIFICATE, "can not be read"),
    ],
)
def test_anything_else_is_named_without_being_shown(text: str, words: str) -> None:
    """The text names the credential and what it needs, and holds no line of it."""
    with pytest.raises(ChannelError) as caught:
        split_identity(Secret(text, reference="credential:graph"))

    assert words in str(caught.value)
    assert "credential:graph" in str(caught.value)
    assert not any(line in str(caught.value) for line in text.splitlines() if len(line) > 20)
