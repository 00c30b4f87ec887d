"""Real peers for the channels: web servers and mail servers on the loopback, with TLS."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime as dt
import json
import logging
import os
import shutil
import socket
import ssl
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from pytest_httpserver import HTTPServer

from mis_bridge.channels.outcome import Outcome
from mis_bridge.channels.smtp import SmtpMail
from mis_bridge.channels.trust import client_context
from mis_bridge.documents.render import render
from mis_bridge.incidents.reasons import Reason
from mis_bridge.io.clock import ManualClock
from mis_bridge.io.http import Transport
from mis_bridge.messages.absence_period import AbsencePeriod
from mis_bridge.messages.model import Attachment, Carried, Disclosure, Message
from mis_bridge.messages.package import Case, cme_notification
from mis_bridge.messages.package_model import PackagePupil, PackageSchool
from mis_bridge.triggers.model import Severity

from .graph_standin import APP_SECRET, BROAD, BY_SECRET
from .listening import listening
from .microsoft import CLIENT_ID
from .peers import running_postfix, running_sshd, why_no_postfix, why_no_sshd

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from .peers import Postfix, Sshd

    Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

PUPIL = "Ada Testpupil"
SIG = "INVENTED-sig-0123456789abcdefghij"
NEVER_TOLD = (
    "Testpupil",
    SIG,
    "invented-smtp-password",
    "another-password",
    "invented-header-value",
    "invented-token",
    "eyJ",  # how every JSON web token begins
    "BEGIN PRIVATE",
    "client_assertion",
    "A999000000001",
    "invented-client-secret",
    "OPENSSH PRIVATE",
)
PEERS = ("werkzeug", "mail.")  # the servers of the tests log what they are sent
NOW = dt.datetime(2026, 11, 23, 9, 35, tzinfo=dt.UTC)
OIDC = Path(__file__).parents[2] / "peers" / "oidc"
TENANT = "contoso"
OUTLOOK = "https://outlook.office365.com"
BOTS = "https://api.botframework.com"


@pytest.fixture(autouse=True)
def nothing_leaks(
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[None]:
    """Every test of a channel is a test of privacy too.

    Whatever happened, no log line of ours (with its traceback), nothing printed, and no outcome
    holds a name, a password, a token or the part of a webhook's address that opens it.
    """
    outcomes: list[Outcome] = []
    original = Outcome.__init__

    def remember(self: Outcome, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        outcomes.append(self)

    monkeypatch.setattr(Outcome, "__init__", remember)
    caplog.set_level(logging.DEBUG)
    yield
    lines = [
        logging.Formatter().format(record)
        for record in caplog.get_records("call")
        if not record.name.startswith(PEERS)
    ]
    printed = capfd.readouterr()
    told = "\n".join([*lines, printed.out, printed.err, *map(repr, outcomes)])
    assert [secret for secret in NEVER_TOLD if secret in told] == []


@pytest.fixture
def clock() -> ManualClock:
    """A clock that only the test moves."""
    return ManualClock(NOW)


@pytest.fixture
def message() -> Message:
    """An alert that names an invented pupil everywhere a channel with full disclosure may."""
    return Message(
        id="5f0c" * 16,
        reference="MB-7F3C-2K9Q",
        reason=Reason.OPENED,
        severity=Severity.CRITICAL,
        subject="MB-7F3C-2K9Q: missing during the day",
        text=f"{PUPIL} was seen in period 2 and is absent from period 3.\n.\nCall the parent.\n",
        html=f"<p>{PUPIL} was seen in period 2 and is absent from period 3.</p>",
        card={
            "type": "message",
            "attachments": [
                {
                    "contentType": "application/vnd.microsoft.card.adaptive",
                    "contentUrl": None,
                    "content": {
                        "type": "AdaptiveCard",
                        "version": "1.5",
                        "body": [{"type": "TextBlock", "text": f"{PUPIL} is missing"}],
                        "actions": [
                            {
                                "type": "Action.OpenUrl",
                                "title": "Open the incident",
                                "url": "https://bridge.school.example/incidents/MB-7F3C-2K9Q",
                            }
                        ],
                    },
                }
            ],
        },
        attachments=(Attachment("return.csv", "text/csv", b'"reference"\r\n"MB-7F3C-2K9Q"\r\n'),),
    )


@pytest.fixture(scope="session")
def ca() -> trustme.CA:
    """An authority that only these tests trust."""
    return trustme.CA()


@pytest.fixture(scope="session")
def ca_bundle(ca: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its certificate, as the setting service.ca_bundle names it."""
    path = tmp_path_factory.mktemp("pki") / "ca.pem"
    ca.cert_pem.write_to_path(str(path))
    return path


@pytest.fixture(scope="session")
def server_context(ca: trustme.CA) -> ssl.SSLContext:
    """What a server needs that is called localhost."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    return context


@pytest.fixture(scope="session")
def web_server(server_context: ssl.SSLContext) -> Iterator[HTTPServer]:
    """One server for all tests: stopping one takes half a second."""
    with HTTPServer(host="localhost", port=0, ssl_context=server_context) as server:
        yield server


@pytest.fixture
def web(web_server: HTTPServer) -> HTTPServer:
    """A web server with TLS, https://localhost:PORT, that knows nothing yet."""
    web_server.clear()
    return web_server


@pytest.fixture
async def transport(ca_bundle: Path) -> AsyncIterator[Transport]:
    """The way out, trusting the tests' authority."""
    async with Transport(ca_bundle=ca_bundle) as opened:
        yield opened


@pytest.fixture
def free_port() -> int:
    """A port at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
async def serve() -> AsyncIterator[Callable[..., Awaitable[int]]]:
    """Start a server that does what its handler says, on a port that is returned."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(handler: Handler, context: ssl.SSLContext | None = None) -> int:
            async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                    await handler(reader, writer)
                writer.close()

            def protocol() -> asyncio.StreamReaderProtocol:
                return asyncio.StreamReaderProtocol(asyncio.StreamReader(), handle)

            return await stack.enter_async_context(listening(protocol, context))

        yield start


@pytest.fixture
def smtp_channel(clock: ManualClock, ca_bundle: Path) -> Callable[..., SmtpMail]:
    """Make the channel for a mail server at a port of this machine."""

    def make(port: int, **options: Any) -> SmtpMail:
        return SmtpMail(
            "dsl-mail",
            **{
                "disclosure": Disclosure.FULL,
                "host": "localhost",
                "port": port,
                "security": "starttls",
                "sender": "mis-bridge@school.example",
                "recipients": ("dsl@school.example", "deputy@school.example"),
                "context": client_context(ca_bundle),
                "clock": clock,
                "timeout_seconds": 20.0,
                **options,
            },
        )

    return make


@dataclass(frozen=True)
class Identity:
    """An app registration: what Entra knows of it, and the credential that mis-bridge holds."""

    certificate: str
    private_key: str

    @property
    def credential(self) -> str:
        return self.private_key + self.certificate


def make_identity() -> Identity:
    """Make a key of the kind that Entra takes and its certificate."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mis-bridge test app")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
        .not_valid_after(dt.datetime(2120, 1, 1, tzinfo=dt.UTC))
        .sign(key, hashes.SHA256())
    )
    return Identity(
        certificate=certificate.public_bytes(serialization.Encoding.PEM).decode(),
        private_key=key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode(),
    )


@pytest.fixture(scope="session")
def identity() -> Identity:
    """The app registration that the provider knows."""
    return make_identity()


@pytest.fixture(scope="session")
def other_identity() -> Identity:
    """An app registration that it does not know."""
    return make_identity()


@dataclass
class OpenIdProvider:
    """What a test needs to know of the running provider."""

    issuer: str
    authority: str
    keys: list[dict[str, Any]] = field(default_factory=list)


def missing_peer(reason: str) -> None:
    """Skip where a real peer is not installed; in CI, where it has to be, fail."""
    if os.environ.get("MIS_BRIDGE_STRICT") == "1":
        pytest.fail(f"a real peer is missing and MIS_BRIDGE_STRICT=1: {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def graph_server(server_context: ssl.SSLContext) -> Iterator[HTTPServer]:
    """The server of the stand-in for Graph: tokens name their audience with its port."""
    with HTTPServer(host="localhost", port=0, ssl_context=server_context, threaded=True) as server:
        yield server


@pytest.fixture(scope="session")
def provider(
    ca: trustme.CA,
    ca_bundle: Path,
    identity: Identity,
    graph_server: HTTPServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[OpenIdProvider]:
    """Npm oidc-provider over TLS, in the place of Entra: it knows three apps."""
    from urllib.request import urlopen

    if shutil.which("node") is None:
        missing_peer("node is not installed")
    if not (OIDC / "node_modules" / "oidc-provider").is_dir():
        missing_peer("run npm ci in tests/peers/oidc")
    folder = tmp_path_factory.mktemp("oidc")
    certificate = ca.issue_cert("localhost")
    certificate.private_key_pem.write_to_path(str(folder / "server.key"))
    for blob in certificate.cert_chain_pems:
        blob.write_to_path(str(folder / "server.pem"), append=True)
    (folder / "app.pem").write_text(identity.certificate)
    settings = {
        "key": str(folder / "server.key"),
        "cert": str(folder / "server.pem"),
        "app": str(folder / "app.pem"),
        "clients": [
            {"id": CLIENT_ID},
            {"id": BY_SECRET, "secret": APP_SECRET},
            {"id": BROAD, "roles": ["Mail.Send", "User.Read.All"]},
        ],
        "tenant": TENANT,
        "audiences": [f"https://localhost:{graph_server.port}", OUTLOOK, BOTS],
    }
    with (
        (folder / "errors.txt").open("w") as errors,
        subprocess.Popen(
            ["node", str(OIDC / "server.mjs"), json.dumps(settings)],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            ready = next((line for line in process.stdout if line.startswith("READY ")), "")
            assert ready, (folder / "errors.txt").read_text()
            issuer = ready.split()[1]
            context = ssl.create_default_context(cafile=str(ca_bundle))
            with urlopen(f"{issuer}/jwks", context=context) as answer:  # noqa: S310 - the peer above
                keys = json.load(answer)["keys"]
            yield OpenIdProvider(issuer, issuer.removesuffix(f"/{TENANT}/v2.0"), keys)
        finally:
            process.terminate()
            process.wait(timeout=10)


@pytest.fixture(scope="session")
def postfix(ca: trustme.CA) -> Iterator[Postfix]:
    """Debian's mail server, with one mailbox, cme@la.example."""
    if os.geteuid() != 0:
        pytest.skip("postfix starts only as root")
    if reason := why_no_postfix():
        missing_peer(reason)
    with running_postfix(ca) as server:
        yield server


@pytest.fixture(scope="session")
def sshd_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """Debian's SFTP server, one for all tests."""
    if reason := why_no_sshd():
        missing_peer(reason)
    with running_sshd(tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest.fixture
def sshd(sshd_server: Sshd) -> Sshd:
    """The same with an empty inbox."""
    for path in (sshd_server.root / "inbox").iterdir():
        path.unlink()
    return sshd_server


@pytest.fixture(scope="session")
def cme_files() -> tuple[Attachment, ...]:
    """The files of a CME notification about an invented leaver: PDF, CSV and JSON."""
    data = cme_notification(
        Case(
            reference="MB-7F3C-2K9Q",
            pupil=PackagePupil(
                upn="A999000000001",
                surname="Testpupil",
                forename="Ada",
                dob=dt.date(2014, 3, 9),
                year_group=7,
                form="7C",
                leaving=dt.date(2026, 11, 13),
            ),
            school=PackageSchool(name="Invented High School", urn="123456"),
            absence=AbsencePeriod(),
            prepared_at=NOW,
            authority_name="Invented Council",
        )
    )
    return render(data)


@pytest.fixture
def approved(message: Message, cme_files: tuple[Attachment, ...]) -> Message:
    """The message that carries this package, as it leaves after a person approved it."""
    data = json.loads(next(file.content for file in cme_files if file.name.endswith(".json")))
    form = tuple(
        (section["title"], tuple((f["label"], f["value"] or "") for f in section["fields"]))
        for section in data["sections"]
    )
    return dataclasses.replace(
        message,
        id="a11ce" * 12 + "beef",
        reason=Reason.PACKAGE_APPROVED,
        subject="Notification of a child missing education",
        text="Invented High School sends the attached notification.\n",
        html="<p>Invented High School sends the attached notification.</p>",
        attachments=cme_files,
        package=Carried("c0ffee" * 10 + "abcd", "cme", 1, form),
    )
