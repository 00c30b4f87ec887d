"""Mail to the authority: signed and encrypted, opened by openssl as an authority would open it."""

from __future__ import annotations

import datetime as dt
import email
import email.policy
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from pydantic import TypeAdapter

from mis_bridge.channels.build import review
from mis_bridge.channels.certificates import Unusable
from mis_bridge.channels.mail_message import as_email
from mis_bridge.channels.outcome import Result
from mis_bridge.channels.smime import Smime
from mis_bridge.channels.smtp import SmtpMail
from mis_bridge.channels.trust import client_context
from mis_bridge.io.secrets import Secret, Secrets
from mis_bridge.messages.model import Disclosure
from mis_bridge.settings import ChannelSettings

from .conftest import NOW

if TYPE_CHECKING:
    from collections.abc import Callable
    from email.message import EmailMessage
    from pathlib import Path

    from mis_bridge.io.clock import ManualClock
    from mis_bridge.messages.model import Message

    from .peers import Postfix

AUTHORITY = "cme@la.example"
SCHOOL = "mis-bridge@school.example"
BELIEVED = ("-purpose", "any", "-attime", str(int(NOW.timestamp())))


@dataclass(frozen=True)
class Holder:
    """Somebody with a certificate: files for openssl, and PEM text for us."""

    key: Path
    certificate: Path

    @property
    def identity(self) -> Secret:
        return Secret(
            self.key.read_text() + self.certificate.read_text(), reference="credential:smime"
        )


def make_holder(folder: Path, name: str, address: str, **options: Any) -> Holder:
    """Make a key and a self-signed certificate that names a mail address."""
    key = options.get("key") or rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Invented {name}")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(options.get("first", NOW - dt.timedelta(days=300)))
        .not_valid_after(options.get("last", NOW + dt.timedelta(days=300)))
        .add_extension(x509.SubjectAlternativeName([x509.RFC822Name(address)]), critical=False)
    )
    if options.get("signing_only"):
        builder = builder.add_extension(
            x509.KeyUsage(
                digital_signature=True,
                content_commitment=True,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                key_cert_sign=False,
                crl_sign=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
    holder = Holder(folder / f"{name}.key", folder / f"{name}.pem")
    holder.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    certificate = builder.sign(key, hashes.SHA256())
    holder.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return holder


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Holder:
    """The authority, with a certificate that it publishes."""
    return make_holder(tmp_path_factory.mktemp("la"), "la", AUTHORITY)


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Holder:
    """The school, with a certificate of its own."""
    return make_holder(tmp_path_factory.mktemp("school"), "school", SCHOOL)


@pytest.fixture
def mail(approved: Message) -> EmailMessage:
    """The mail as it would go out in the open."""
    return as_email(approved, sender=SCHOOL, recipients=[AUTHORITY], now=NOW)


def openssl(*arguments: str | Path) -> bytes:
    """Run the authority's mail program."""
    done = subprocess.run(
        ["openssl", "cms", *map(str, arguments)], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def opened(raw: bytes, authority: Holder, school: Holder, folder: Path) -> EmailMessage:
    """Decrypt with the authority's key, verify with the school's certificate, and read."""
    sealed, signed = folder / "sealed.eml", folder / "signed.eml"
    sealed.write_bytes(raw)
    signed.write_bytes(
        openssl("-decrypt", "-in", sealed, "-recip", authority.certificate, "-inkey", authority.key)
    )
    content = openssl("-verify", "-in", signed, "-CAfile", school.certificate, *BELIEVED)
    return email.message_from_bytes(content, policy=email.policy.default)


def decoded(part: Any) -> bytes:
    """The bytes of a part that is not a multipart."""
    content: bytes = part.get_payload(decode=True)
    return content


def files_in(mail: EmailMessage) -> dict[str, bytes]:
    """The attachments as a mail program saves them."""
    return {str(part.get_filename()): decoded(part) for part in mail.iter_attachments()}


def test_openssl_opens_it_and_finds_the_package_byte_for_byte(
    authority: Holder, school: Holder, mail: EmailMessage, approved: Message, tmp_path: Path
) -> None:
    """Decrypted by the authority's key alone, and signed by the school; the headers stay."""
    smime = Smime((authority.certificate,), school.identity)

    raw, how = smime.seal(mail, NOW)

    content = opened(raw, authority, school, tmp_path)
    outside = email.message_from_bytes(raw, policy=email.policy.default)
    assert files_in(content) == {file.name: file.content for file in approved.attachments}
    for header in ("Message-ID", "Subject", "To", "From", "Date", "X-Mis-Bridge-Id"):
        assert outside[header] == mail[header]
    assert outside.get_content_type() == "application/pkcs7-mime"
    assert how.startswith("signed and encrypted for certificate SHA-256 ")


def test_nothing_of_the_package_can_be_read_on_the_way(
    authority: Holder, school: Holder, mail: EmailMessage, approved: Message
) -> None:
    """Neither a name nor the name of a file, as text or in base64."""
    raw, _ = Smime((authority.certificate,), school.identity).seal(mail, NOW)

    outside = email.message_from_bytes(raw, policy=email.policy.default)
    everything = raw + decoded(outside)
    assert b"Testpupil" not in everything
    assert b"A999000000001" not in everything
    for file in approved.attachments:
        assert file.name.encode() not in everything
        assert file.content[:60] not in everything


def test_another_key_does_not_open_it(
    authority: Holder, school: Holder, mail: EmailMessage, tmp_path: Path
) -> None:
    """Not even the school that sent it."""
    raw, _ = Smime((authority.certificate,), school.identity).seal(mail, NOW)
    (tmp_path / "sealed.eml").write_bytes(raw)

    with pytest.raises(AssertionError):
        openssl(
            *("-decrypt", "-in", tmp_path / "sealed.eml"),
            *("-recip", school.certificate, "-inkey", school.key),
        )


def test_a_signature_alone_leaves_the_mail_readable(
    school: Holder, mail: EmailMessage, approved: Message, tmp_path: Path
) -> None:
    """The authority publishes no certificate; the school signs all the same."""
    raw, how = Smime((), school.identity).seal(mail, NOW)

    (tmp_path / "signed.eml").write_bytes(raw)
    content = openssl(
        "-verify", "-in", tmp_path / "signed.eml", "-CAfile", school.certificate, *BELIEVED
    )
    read = email.message_from_bytes(content, policy=email.policy.default)
    assert how == "signed"
    assert files_in(read) == {file.name: file.content for file in approved.attachments}


def test_a_changed_byte_breaks_the_signature(
    school: Holder, mail: EmailMessage, tmp_path: Path
) -> None:
    """What the authority reads is what the school sent."""
    raw, _ = Smime((), school.identity).seal(mail, NOW)
    (tmp_path / "signed.eml").write_bytes(raw.replace(b"Invented High", b"Inverted High", 1))

    with pytest.raises(AssertionError):
        openssl(
            *("-verify", "-in", tmp_path / "signed.eml"),
            *("-CAfile", school.certificate, *BELIEVED),
        )


def test_a_school_with_an_elliptic_key_signs_too(
    authority: Holder, mail: EmailMessage, approved: Message, tmp_path: Path
) -> None:
    """Encrypting asks for RSA; signing does not."""
    elliptic = make_holder(
        tmp_path, "elliptic", SCHOOL, key=ec.generate_private_key(ec.SECP256R1())
    )

    raw, _ = Smime((authority.certificate,), elliptic.identity).seal(mail, NOW)

    content = opened(raw, authority, elliptic, tmp_path)
    assert files_in(content) == {file.name: file.content for file in approved.attachments}


@pytest.fixture
def channel(clock: ManualClock, ca_bundle: Path, free_port: int) -> Callable[..., SmtpMail]:
    """Make the channel; unless a port is given, nobody listens where it leads."""

    def make(seal: Smime, **options: Any) -> SmtpMail:
        return SmtpMail(
            "la-mail",
            **{
                "kind": "secure-mail",
                "disclosure": Disclosure.FULL,
                "host": "localhost",
                "port": free_port,
                "security": "starttls",
                "sender": SCHOOL,
                "recipients": (AUTHORITY,),
                "context": client_context(ca_bundle),
                "clock": clock,
                "seal": seal,
                **options,
            },
        )

    return make


@pytest.mark.parametrize(
    ("validity", "what"),
    [
        ({"last": dt.datetime(2026, 11, 22, tzinfo=dt.UTC)}, "expired on 22 November 2026"),
        ({"first": dt.datetime(2026, 12, 1, tzinfo=dt.UTC)}, "is not valid before 1 December 2026"),
    ],
)
async def test_a_certificate_out_of_its_time_is_refused_by_name(
    channel: Callable[..., SmtpMail],
    approved: Message,
    tmp_path: Path,
    validity: dict[str, dt.datetime],
    what: str,
) -> None:
    """The file is named, with the day and what to do; the server is not even asked."""
    late = make_holder(tmp_path, "cme-2025", AUTHORITY, **validity)

    for outcome in (
        await channel(Smime((late.certificate,))).send(approved),
        await channel(Smime((late.certificate,))).check(),
    ):
        assert (outcome.result, outcome.config_alarm) == (Result.PERMANENT, True)
        assert f"certificate cme-2025.pem of the authority {what}" in outcome.detail
        assert "ask the authority for its new certificate" in outcome.detail
        assert "nothing was sent" in outcome.detail


async def test_the_schools_own_certificate_runs_out_too(
    channel: Callable[..., SmtpMail], authority: Holder, approved: Message, tmp_path: Path
) -> None:
    """A signature by it would be refused by the authority's mail program."""
    late = make_holder(tmp_path, "school", SCHOOL, last=NOW - dt.timedelta(days=1))

    outcome = await channel(Smime((authority.certificate,), late.identity)).send(approved)

    assert (outcome.result, outcome.config_alarm) == (Result.PERMANENT, True)
    assert "the school's certificate in credential:smime expired" in outcome.detail


def test_what_can_not_be_encrypted_for_is_said_with_what_to_do(
    tmp_path: Path, mail: EmailMessage
) -> None:
    """A certificate for signing, one with an elliptic key, a short one, no file, no certificate."""
    signing = make_holder(tmp_path, "signing", AUTHORITY, signing_only=True)
    elliptic = make_holder(tmp_path, "ec", AUTHORITY, key=ec.generate_private_key(ec.SECP256R1()))
    weak = rsa.generate_private_key(65537, 1024)  # noqa: S505 - to be refused
    short = make_holder(tmp_path, "short", AUTHORITY, key=weak)
    (tmp_path / "text.pem").write_text("this is no certificate")

    for file, words in (
        (signing.certificate, "for signing, not for encryption"),
        (elliptic.certificate, "no RSA key"),
        (short.certificate, "no RSA key of 2048 bits"),
        (tmp_path / "missing.pem", "can not be read"),
        (tmp_path / "text.pem", "no certificate in PEM form"),
    ):
        with pytest.raises(Unusable, match=words) as caught:
            Smime((file,)).seal(mail, NOW)
        assert file.name in str(caught.value)


def test_a_certificate_of_somebody_else_is_remarked(school: Holder, authority: Holder) -> None:
    """The mail would go to the authority, who could not read it."""
    (remark,) = Smime((school.certificate,), school.identity).remarks([AUTHORITY])

    assert f"school.pem is a certificate of {SCHOOL}" in remark
    assert Smime((authority.certificate,), school.identity).remarks([AUTHORITY.upper()]) == []


def test_check_says_which_certificate_runs_out_within_thirty_days(
    clock: ManualClock, tmp_path: Path
) -> None:
    """Before anything fails; the other one has time."""
    soon = make_holder(tmp_path, "soon", AUTHORITY, last=NOW + dt.timedelta(days=29))
    later = make_holder(tmp_path, "later", AUTHORITY, last=NOW + dt.timedelta(days=31))
    table = {
        "kind": "secure-mail",
        "host": "mail.school.example",
        "sender": SCHOOL,
        "recipients": [AUTHORITY],
        "certificates": [str(soon.certificate), str(later.certificate)],
        "signing": "env:SIGNING",
    }
    settings = TypeAdapter(dict[str, ChannelSettings]).validate_python({"la": table})
    secrets = Secrets(None, {"SIGNING": later.identity.reveal()})

    (remark,) = review(settings, secrets, clock=clock)

    assert not remark.fatal
    assert remark.text == (
        "certificate soon.pem of the authority expires on 22 December 2026: ask the authority for "
        "its new certificate and put it in the place of soon.pem"
    )


@pytest.mark.peer
@pytest.mark.thorough
async def test_a_package_reaches_the_authoritys_mailbox_sealed(
    postfix: Postfix,
    channel: Callable[..., SmtpMail],
    authority: Holder,
    school: Holder,
    approved: Message,
    tmp_path: Path,
) -> None:
    """Through Debian's postfix over TLS; the proof names the mail and how it was sealed."""
    smime = Smime((authority.certificate,), school.identity)

    outcome = await channel(smime, port=postfix.port).send(approved)

    assert outcome.result is Result.SENT, outcome
    queue_id = outcome.proof.partition("queued as ")[2].partition(" ")[0]
    assert "status=sent" in postfix.fate_of(queue_id)
    wanted = f"<{approved.id}@school.example>".encode()
    (raw,) = [one for one in postfix.raw_mails() if wanted in one and b"pkcs7-mime" in one]
    content = opened(raw, authority, school, tmp_path)
    assert files_in(content) == {file.name: file.content for file in approved.attachments}
    assert "signed and encrypted for certificate" in outcome.proof
