"""The SMTP channel against a real mail server (aiosmtpd) with TLS, and against broken ones."""

from __future__ import annotations

import contextlib
import email
import email.policy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from mis_bridge.channels.base import Standing
from mis_bridge.channels.outcome import Result
from mis_bridge.channels.trust import client_context
from mis_bridge.io.secrets import Secret

from .listening import listening

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Awaitable, Callable
    from email.message import EmailMessage

    from mis_bridge.channels.smtp import SmtpMail
    from mis_bridge.messages.model import Message

DSL = "dsl@school.example"
DEPUTY = "deputy@school.example"
PASSWORD = "invented-smtp-password"


@dataclass
class Mailbox:
    """What the server was sent, and how it is to answer (an empty answer: as usual)."""

    to_sender: str = ""
    to_recipient: dict[str, str] = field(default_factory=dict)
    to_content: str = ""
    port: int = 0
    begun: int = 0
    seen: list[Any] = field(default_factory=list)

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: object, session: object, envelope: Any, address: str, options: list[str]
    ) -> str:
        self.begun += 1
        if self.to_sender:
            return self.to_sender
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: object, session: object, envelope: Any, address: str, options: list[str]
    ) -> str:
        if answer := self.to_recipient.get(address):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: object, session: Any, envelope: Any
    ) -> str:
        self.seen.append((session, envelope))
        return self.to_content or "250 2.0.0 Ok: queued as 4BXY2Z"

    def mail(self, index: int = -1) -> EmailMessage:
        content = self.seen[index][1].content
        return email.message_from_bytes(content, policy=email.policy.default)


@pytest.fixture
async def run_server(
    server_context: ssl.SSLContext,
) -> AsyncIterator[Callable[..., Awaitable[Mailbox]]]:
    """Start a mail server; its options are aiosmtpd's."""
    import asyncio

    async with contextlib.AsyncExitStack() as stack:

        async def start(*, implicit_tls: bool = False, **options: Any) -> Mailbox:
            box = Mailbox()
            loop = asyncio.get_running_loop()
            settings = {"hostname": "localhost", "timeout": 30, **options}
            if not implicit_tls:
                settings = {"tls_context": server_context, "require_starttls": True, **settings}
            box.port = await stack.enter_async_context(
                listening(
                    lambda: SMTP(box, loop=loop, **settings),
                    server_context if implicit_tls else None,
                )
            )
            return box

        yield start


async def test_the_mail_arrives_encrypted_and_whole(
    run_server: Callable[..., Awaitable[Mailbox]],
    smtp_channel: Callable[..., SmtpMail],
    message: Message,
) -> None:
    """Over STARTTLS, to every recipient, with text, HTML and attachment as they were."""
    box = await run_server()

    outcome = await smtp_channel(box.port).send(message)

    session, envelope = box.seen[0]
    mail = box.mail()
    body, page = mail.get_body(("plain",)), mail.get_body(("html",))
    assert (outcome.result, outcome.refused) == (Result.SENT, ())
    assert session.ssl is not None
    assert envelope.mail_from == "mis-bridge@school.example"
    assert envelope.rcpt_tos == [DSL, DEPUTY]
    assert mail["Subject"] == message.subject
    assert body is not None
    assert body.get_content().splitlines() == message.text.splitlines()
    assert page is not None
    assert page.get_content().strip() == message.html
    assert [a.get_filename() for a in mail.iter_attachments()] == ["return.csv"]
    assert next(mail.iter_attachments()).get_payload(decode=True) == message.attachments[0].content


async def test_sent_again_it_is_the_same_message(
    run_server: Callable[..., Awaitable[Mailbox]],
    smtp_channel: Callable[..., SmtpMail],
    message: Message,
) -> None:
    """The Message-ID comes from the outbox row, and the incident's reference is a header."""
    box = await run_server()
    channel = smtp_channel(box.port)

    first, second = await channel.send(message), await channel.send(message)

    assert box.mail(0)["Message-ID"] == box.mail(1)["Message-ID"]
    assert box.mail(0)["Message-ID"] == f"<{message.id}@school.example>"
    assert box.mail(0)["X-Mis-Bridge-Id"] == message.reference
    assert first.proof == second.proof == f"<{message.id}@school.example> queued as 4BXY2Z"


async def test_the_recipients_of_the_message_come_before_those_of_the_channel(
    run_server: Callable[..., Awaitable[Mailbox]],
    smtp_channel: Callable[..., SmtpMail],
    message: Message,
) -> None:
    """A package for the authority goes to the authority, and to nobody else."""
    import dataclasses

    box = await run_server()

    await smtp_channel(box.port).send(dataclasses.replace(message, recipients=("cme@la.example",)))

    assert box.seen[0][1].rcpt_tos == ["cme@la.example"]


async def test_a_refused_recipient_beside_an_accepted_one_is_named(
    run_server: Callable[..., Awaitable[Mailbox]],
    smtp_channel: Callable[..., SmtpMail],
    message: Message,
) -> None:
    """One of two safeguarding leads must not be left out in silence."""
    box = await run_server()
    box.to_recipient[DEPUTY] = "550 5.1.1 no such user: Ada Testpupil"

    outcome = await smtp_channel(box.port).send(message)

    assert (outcome.result, outcome.refused) == (Result.SENT, (DEPUTY,))
    assert "1 of 2" in outcome.detail
    assert "550 5.1.1" in outcome.detail
    assert box.seen[0][1].rcpt_tos == [DSL]


async def test_a_recipient_who_is_put_off_is_tried_again_alone(
    run_server: Callable[..., Awaitable[Mailbox]],
    smtp_channel: Callable[..., SmtpMail],
    message: Message,
) -> None:
    """Greylisting of one address: nothing is broken, nobody left out, and nobody has it twice."""
    box = await run_server()
    box.to_recipient[DEPUTY] = "451 4.7.1 greylisted: Ada Testpupil"
    channel = smtp_channel(box.port)

    first = await channel.send(message)
    box.to_recipient.clear()
    second = await channel.send(message)

    assert (first.result, first.refused, first.config_alarm) == (Result.UNKNOWN, (), False)
    assert "451 4.7.1" in first.detail
    assert (second.result, second.refused) == (Result.SENT, ())
    assert [envelope.rcpt_tos for _, envelope in box.seen] == [[DSL], [DEPUTY]]
    assert [mail["Message-ID"] for mail in (box.mail(0), box.mail(1))] == [
        first.proof.split()[0]
    ] * 2
    assert [str(mail["To"]) for mail in (box.mail(0), box.mail(1))] == [f"{DSL}, {DEPUTY}"] * 2


async def test_a_recipient_who_is_put_off_and_then_refused_is_named(
    run_server: Callable[..., Awaitable[Mailbox]],
    smtp_channel: Callable[..., SmtpMail],
    message: Message,
) -> None:
    """The other has it already: that is not "every recipient is refused"."""
    box = await run_server()
    channel = smtp_channel(box.port)
    box.to_recipient[DEPUTY] = "451 4.7.1 greylisted"
    await channel.send(message)
    box.to_recipient[DEPUTY] = "550 5.1.1 no such user"

    outcome = await channel.send(message)

    assert (outcome.result, outcome.refused) == (Result.SENT, (DEPUTY,))
    assert len(box.seen) == 1


async def test_all_recipients_refused_for_good_is_permanent(
    run_server: Callable[..., Awaitable[Mailbox]],
    smtp_channel: Callable[..., SmtpMail],
    message: Message,
) -> None:
    """The addresses are wrong: IT has to mend them, and no content was sent."""
    box = await run_server()
    box.to_recipient = {
        DSL: "550 5.1.1 no such user: Ada Testpupil",
        DEPUTY: "553 5.1.3 bad address: Ada Testpupil",
    }

    outcome = await smtp_channel(box.port).send(message)

    assert (outcome.result, outcome.config_alarm) == (Result.PERMANENT, True)
    assert outcome.refused == (DSL, DEPUTY)
    assert box.seen == []


async def test_all_recipients_refused_and_one_for_now_only_is_tried_again(
    run_server: Callable[..., Awaitable[Mailbox]],
    smtp_channel: Callable[..., SmtpMail],
    message: Message,
) -> None:
    """Greylisting passes; the address that will never work is named all the same."""
    box = await run_server()
    box.to_recipient = {
        DSL: "450 4.2.0 greylisted: Ada Testpupil",
        DEPUTY: "550 5.1.1 no such user: Ada Testpupil",
    }

    outcome = await smtp_channel(box.port).send(message)

    assert (outcome.result, outcome.refused) == (Result.RETRY, (DEPUTY,))


@pytest.mark.parametrize(
    ("place_and_answer", "expected"),
    [
        (("sender", "451 4.3.0 try later: Ada Testpupil"), (Result.RETRY, False)),
        (
            ("sender", "550 5.7.60 not as this sender: Ada Testpupil"),
            (Result.PERMANENT, True),
        ),
        (("sender", "552 5.3.4 too big: Ada Testpupil"), (Result.PERMANENT, False)),
        (("content", "451 4.7.1 try later: Ada Testpupil"), (Result.RETRY, False)),
        (("content", "421 4.3.2 closing: Ada Testpupil"), (Result.RETRY, False)),
        (("content", "554 5.7.1 refused as spam: Ada Testpupil"), (Result.PERMANENT, False)),
        (("content", "552 5.3.4 too big: Ada Testpupil"), (Result.PERMANENT, False)),
    ],
)
async def test_each_answer_has_its_class(
    run_server: Callable[..., Awaitable[Mailbox]],
    smtp_channel: Callable[..., SmtpMail],
    message: Message,
    place_and_answer: tuple[str, str],
    expected: tuple[Result, bool],
) -> None:
    """4xx is tried again, 5xx is permanent; a sender that is refused is for IT to mend."""
    place, answer = place_and_answer
    box = await run_server()
    setattr(box, f"to_{place}", answer)

    outcome = await smtp_channel(box.port).send(message)

    assert (outcome.result, outcome.config_alarm) == expected
    assert answer[:9] in outcome.detail


async def test_a_mail_over_the_size_that_the_server_announces_is_permanent(
    run_server: Callable[..., Awaitable[Mailbox]],
    smtp_channel: Callable[..., SmtpMail],
    message: Message,
) -> None:
    """The size goes ahead of the mail, so that it is refused before its content is sent."""
    box = await run_server(data_size_limit=1000)

    outcome = await smtp_channel(box.port).send(message)

    assert (outcome.result, outcome.config_alarm) == (Result.PERMANENT, False)
    assert "too big" in outcome.detail
    assert box.begun == 0


def authenticator(user: str, password: str) -> Callable[..., AuthResult]:
    """Accept one user with one password, as aiosmtpd asks for it."""

    def check(_: object, __: object, ___: object, ____: str, given: LoginPassword) -> AuthResult:
        # "handled" would mean that the answer has been given already.
        good = given == LoginPassword(user.encode(), password.encode())
        return AuthResult(success=good, handled=False)

    return check


@pytest.mark.parametrize(
    ("password", "expected"),
    [(PASSWORD, (Result.SENT, False)), ("another-password", (Result.PERMANENT, True))],
)
async def test_the_login_decides(
    run_server: Callable[..., Awaitable[Mailbox]],
    smtp_channel: Callable[..., SmtpMail],
    message: Message,
    password: str,
    expected: tuple[Result, bool],
) -> None:
    """The right password sends; a wrong one is for IT, and is not tried over and over."""
    box = await run_server(auth_required=True, authenticator=authenticator("mis-bridge", PASSWORD))

    outcome = await smtp_channel(box.port, login=("mis-bridge", Secret(password))).send(message)

    assert (outcome.result, outcome.config_alarm) == expected
    assert len(box.seen) == (1 if outcome.result is Result.SENT else 0)


async def test_a_server_that_asks_for_a_login_that_is_not_configured_raises_the_alarm(
    run_server: Callable[..., Awaitable[Mailbox]],
    smtp_channel: Callable[..., SmtpMail],
    message: Message,
) -> None:
    """530 says that a login is missing."""
    box = await run_server(auth_required=True, authenticator=authenticator("mis-bridge", PASSWORD))

    outcome = await smtp_channel(box.port).send(message)

    assert (outcome.result, outcome.config_alarm) == (Result.PERMANENT, True)
    assert "user and password" in outcome.detail


async def test_tls_from_the_first_byte(
    run_server: Callable[..., Awaitable[Mailbox]],
    smtp_channel: Callable[..., SmtpMail],
    message: Message,
) -> None:
    """Port 465's way works as well."""
    box = await run_server(implicit_tls=True)

    outcome = await smtp_channel(box.port, security="tls").send(message)

    assert outcome.result is Result.SENT
    assert len(box.seen) == 1


async def test_a_server_without_starttls_gets_nothing(
    run_server: Callable[..., Awaitable[Mailbox]],
    smtp_channel: Callable[..., SmtpMail],
    message: Message,
) -> None:
    """Encryption is not given up because a server, or somebody on the way, does not offer it."""
    box = await run_server(tls_context=None, require_starttls=False)

    outcome = await smtp_channel(box.port).send(message)

    assert (outcome.result, outcome.config_alarm) == (Result.PERMANENT, True)
    assert box.seen == []


async def test_without_tls_to_this_machine_only_by_choice(
    run_server: Callable[..., Awaitable[Mailbox]],
    smtp_channel: Callable[..., SmtpMail],
    message: Message,
) -> None:
    """A relay on this machine may go without; the settings refuse it for every other host."""
    box = await run_server(tls_context=None, require_starttls=False)

    outcome = await smtp_channel(box.port, security="none").send(message)

    assert outcome.result is Result.SENT


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_certificate_that_does_not_verify_raises_the_alarm(
    run_server: Callable[..., Awaitable[Mailbox]],
    smtp_channel: Callable[..., SmtpMail],
    message: Message,
    security: str,
) -> None:
    """Nothing is sent to a server that can not show who it is."""
    box = await run_server(implicit_tls=security == "tls")

    outcome = await smtp_channel(box.port, security=security, context=client_context(None)).send(
        message
    )

    assert (outcome.result, outcome.config_alarm) == (Result.PERMANENT, True)
    assert "ca_bundle" in outcome.detail
    assert box.seen == []


async def test_check_logs_in_and_sends_nothing(
    run_server: Callable[..., Awaitable[Mailbox]], smtp_channel: Callable[..., SmtpMail]
) -> None:
    """Connection, TLS and login are tried, and no mail is begun."""
    box = await run_server(auth_required=True, authenticator=authenticator("mis-bridge", PASSWORD))

    good = await smtp_channel(box.port, login=("mis-bridge", Secret(PASSWORD))).check()
    bad = await smtp_channel(box.port, login=("mis-bridge", Secret("another-password"))).check()

    assert (good.result, bad.result) == (Result.SENT, Result.PERMANENT)
    assert box.seen == []


async def test_an_examination_names_sender_and_recipients_and_sends_nothing(
    run_server: Callable[..., Awaitable[Mailbox]], smtp_channel: Callable[..., SmtpMail]
) -> None:
    """A recipient who is refused, or put off, is found before it matters."""
    box = await run_server()
    box.to_recipient = {
        DEPUTY: "550 5.1.1 no such user: Ada Testpupil",
        "office@school.example": "451 4.7.1 greylisted: Ada Testpupil",
    }
    channel = smtp_channel(box.port, recipients=(DSL, DEPUTY, "office@school.example"))

    points = await channel.examine(probe=True)
    alone = await channel.examine(probe=False)

    assert [(point.what, point.standing) for point in points] == [
        ("connection and login", Standing.OK),
        ("sends as mis-bridge@school.example", Standing.OK),
        (f"to {DSL}", Standing.OK),
        (f"to {DEPUTY}", Standing.PROBLEM),
        ("to office@school.example", Standing.DOUBT),
    ]
    assert "550 5.1.1" in points[3].detail
    assert alone == points[:1]
    assert (box.begun, box.seen) == (1, [])


async def test_a_sender_that_the_server_refuses_is_found(
    run_server: Callable[..., Awaitable[Mailbox]], smtp_channel: Callable[..., SmtpMail]
) -> None:
    """The text says to check sender and its permission."""
    box = await run_server()
    box.to_sender = "550 5.7.60 not as this sender: Ada Testpupil"

    *_, last = await smtp_channel(box.port).examine(probe=True)

    assert (last.what, last.standing) == (
        "sends as mis-bridge@school.example",
        Standing.PROBLEM,
    )
    assert "550 5.7.60" in last.detail


@pytest.mark.parametrize(
    ("user", "told"),
    [
        ("mis-bridge", False),
        ("bot@school.example", False),
        ("bot@SCHOOL.example", False),
        ("bot@trust.example", True),
    ],
)
async def test_a_sender_of_another_domain_than_the_mailbox_is_remarked(
    run_server: Callable[..., Awaitable[Mailbox]],
    smtp_channel: Callable[..., SmtpMail],
    user: str,
    told: bool,
) -> None:
    """Its SPF and DKIM are not the sender's: such mails are put aside as forged."""
    box = await run_server(auth_required=True, authenticator=authenticator(user, PASSWORD))

    points = await smtp_channel(box.port, login=(user, Secret(PASSWORD))).examine(probe=False)

    found = {point.what: point.standing for point in points}
    assert found.pop("connection and login") is Standing.OK
    assert found == ({"domain of the sender": Standing.DOUBT} if told else {})
