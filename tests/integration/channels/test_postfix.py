"""The SMTP channel against Debian's postfix, a private instance that relays nothing."""

from __future__ import annotations

import dataclasses
import email
import email.policy
import os
import re
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mis_bridge.channels.outcome import Result
from mis_bridge.channels.smtp import SmtpMail
from mis_bridge.channels.trust import client_context
from mis_bridge.messages.model import Attachment, Disclosure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import trustme

    from mis_bridge.io.clock import ManualClock
    from mis_bridge.messages.model import Message

pytestmark = pytest.mark.peer

AUTHORITY = "cme@la.example"
UNKNOWN_USER = "nobody-here@la.example"
OUTSIDE = "someone@elsewhere.example"
LIMIT = 1_000_000

MAIN = """\
compatibility_level = 3.6
queue_directory = {at}/spool
data_directory = {at}/data
myhostname = mx.la.example
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
default_transport = error:outside mail is off in this test server
virtual_mailbox_domains = la.example
virtual_mailbox_base = {at}/mail
virtual_mailbox_maps = inline:{{ cme@la.example=cme/ }}
virtual_mailbox_limit = 0
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
smtpd_relay_restrictions = reject_unauth_destination
smtpd_recipient_restrictions =
smtpd_tls_cert_file = {at}/server.pem
smtpd_tls_key_file = {at}/server.key
smtpd_tls_security_level = encrypt
message_size_limit = {limit}
maillog_file = /dev/stdout
"""


@dataclasses.dataclass(frozen=True)
class Postfix:
    """A running instance: its port, where its mail lies, and what it wrote last."""

    port: int
    inbox: Path
    log: Iterator[str]

    def fate_of(self, queue_id: str) -> str:
        """Read its log until it says what became of a mail; the log ends when it stops."""
        return next(line for line in self.log if f"{queue_id}: " in line and " status=" in line)

    def mails(self) -> list[Any]:
        """What was delivered, read as a mail program would."""
        files = (self.inbox / "new").glob("*")
        return [
            email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            for path in files
        ]


def why_not() -> str:
    """Say what is missing for a private instance, or nothing."""
    if shutil.which("postfix") is None:
        return "postfix is not installed"
    if not Path("/usr/share/postfix/master.cf.dist").is_file():
        return "this postfix is not laid out as Debian's"
    return ""


@pytest.fixture(scope="module")
def postfix(ca: trustme.CA) -> Iterator[Postfix]:
    """Start it, with a configuration of its own, in a folder that its users may enter."""
    if os.geteuid() != 0:
        pytest.skip("postfix starts only as root")
    if reason := why_not():
        if os.environ.get("MIS_BRIDGE_STRICT") == "1":
            pytest.fail(f"a real peer is missing and MIS_BRIDGE_STRICT=1: {reason}")
        pytest.skip(reason)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # Not pytest's own folder: nobody but its owner may enter that, and postfix has other users.
    with tempfile.TemporaryDirectory(prefix="mis-bridge-postfix-") as name:
        at = Path(name)
        lay_out(at, port, ca)
        command = ["postfix", "-c", str(at / "etc")]
        with subprocess.Popen(
            [*command, "start-fg"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            assert process.stdout is not None
            log = iter(process.stdout)
            try:
                started = next((line for line in log if "daemon started" in line), "")
                assert started, "postfix did not start"
                yield Postfix(port, at / "mail" / "cme", log)
            finally:
                subprocess.run([*command, "stop"], check=False, capture_output=True)
                process.wait(timeout=30)


def lay_out(at: Path, port: int, ca: trustme.CA) -> None:
    """Write the configuration and the folders, each with the owner that postfix asks for."""
    at.chmod(0o755)
    for folder in ("etc", "spool", "data", "mail"):
        (at / folder).mkdir(mode=0o755)
    shutil.chown(at / "data", "postfix")
    shutil.chown(at / "mail", "nobody", "nogroup")
    shutil.copy("/etc/postfix/postfix-files", at / "etc")
    master = Path("/usr/share/postfix/master.cf.dist").read_text()
    master = re.sub(
        r"^smtp +inet .*smtpd$",
        f"127.0.0.1:{port} inet n - n - - smtpd",
        master,
        flags=re.MULTILINE,
    )
    # No service in a chroot: that would need a copy of the system's files.
    master = re.sub(
        r"^([a-z]+ +(?:unix|unix-dgram) +\S+ +\S+ +)y", r"\1n", master, flags=re.MULTILINE
    )
    (at / "etc" / "master.cf").write_text(master)
    (at / "etc" / "main.cf").write_text(MAIN.format(at=at, limit=LIMIT))
    certificate = ca.issue_cert("localhost")
    certificate.private_key_pem.write_to_path(str(at / "server.key"))
    (at / "server.key").chmod(0o600)
    for blob in certificate.cert_chain_pems:
        blob.write_to_path(str(at / "server.pem"), append=True)


@pytest.fixture
def make(postfix: Postfix, clock: ManualClock, ca_bundle: Path) -> Callable[..., SmtpMail]:
    """Make the channel that sends to it."""

    def make(*recipients: str, **options: Any) -> SmtpMail:
        return SmtpMail(
            "la-mail",
            **{
                "disclosure": Disclosure.FULL,
                "host": "localhost",
                "port": postfix.port,
                "security": "starttls",
                "sender": "mis-bridge@school.example",
                "recipients": recipients,
                "context": client_context(ca_bundle),
                "clock": clock,
                "timeout_seconds": 60.0,
                **options,
            },
        )

    return make


async def test_a_mail_reaches_the_mailbox(
    postfix: Postfix, make: Callable[..., SmtpMail], message: Message
) -> None:
    """What a grown-up mail server delivers is what was sent, under the id that we gave it."""
    outcome = await make(AUTHORITY).send(message)

    assert outcome.result is Result.SENT
    queue_id = outcome.proof.rpartition("queued as ")[2]
    assert "status=sent" in postfix.fate_of(queue_id)
    found = {mail["Message-ID"]: mail for mail in postfix.mails()}
    mail = found[f"<{message.id}@school.example>"]
    assert mail["X-Mis-Bridge-Id"] == message.reference
    assert mail.get_body(("plain",)).get_content().splitlines() == message.text.splitlines()
    assert [a.get_filename() for a in mail.iter_attachments()] == ["return.csv"]
    assert "with ESMTPS" in mail["Received"]


async def test_a_refused_recipient_beside_an_accepted_one_is_named(
    make: Callable[..., SmtpMail], message: Message
) -> None:
    """A user that is not there and a domain that is not relayed are refused, the third gets it."""
    outcome = await make(UNKNOWN_USER, AUTHORITY, OUTSIDE).send(message)

    assert outcome.result is Result.SENT
    assert outcome.refused == (UNKNOWN_USER, OUTSIDE)


async def test_all_refused_is_permanent(make: Callable[..., SmtpMail], message: Message) -> None:
    """Nobody gets it, and IT is told."""
    outcome = await make(UNKNOWN_USER, OUTSIDE).send(message)

    assert (outcome.result, outcome.config_alarm) == (Result.PERMANENT, True)
    assert "5.1.1" in outcome.detail


async def test_a_mail_over_its_limit_is_permanent(
    make: Callable[..., SmtpMail], message: Message
) -> None:
    """552 before a byte of the content was sent."""
    big = Attachment("big.pdf", "application/pdf", bytes(LIMIT))

    outcome = await make(AUTHORITY).send(dataclasses.replace(message, attachments=(big,)))

    assert (outcome.result, outcome.config_alarm) == (Result.PERMANENT, False)
    assert "too big" in outcome.detail


async def test_without_tls_it_refuses(make: Callable[..., SmtpMail], message: Message) -> None:
    """530: a server that insists on TLS is a mistake in the configuration."""
    outcome = await make(AUTHORITY, security="none").send(message)

    assert (outcome.result, outcome.config_alarm) == (Result.PERMANENT, True)
