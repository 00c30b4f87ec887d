"""The SMTP channel against Debian's postfix, a private instance that relays nothing."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest

from mis_bridge.channels.base import Standing
from mis_bridge.channels.outcome import Result
from mis_bridge.channels.smtp import SmtpMail
from mis_bridge.channels.trust import client_context
from mis_bridge.messages.model import Attachment, Disclosure

from .peers import LIMIT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mis_bridge.io.clock import ManualClock
    from mis_bridge.messages.model import Message

    from .peers import Postfix

pytestmark = pytest.mark.peer

AUTHORITY = "cme@la.example"
UNKNOWN_USER = "nobody-here@la.example"
OUTSIDE = "someone@elsewhere.example"


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
    postfix: Postfix, make: Callable[..., SmtpMail], message: Message
) -> None:
    """A user that is not there and a domain that is not relayed are refused, the third gets it."""
    outcome = await make(UNKNOWN_USER, AUTHORITY, OUTSIDE).send(message)

    assert outcome.result is Result.SENT
    assert outcome.refused == (UNKNOWN_USER, OUTSIDE)
    assert "status=sent" in postfix.fate_of(outcome.proof.rpartition("queued as ")[2])


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


async def test_a_relay_on_this_machine_needs_neither_login_nor_tls(
    postfix: Postfix, make: Callable[..., SmtpMail], message: Message
) -> None:
    """The way of many servers: a local relay that knows the way out."""
    again = dataclasses.replace(message, id="10ca1" * 12 + "beef")

    outcome = await make(AUTHORITY, port=postfix.plain_port, security="none").send(again)

    assert outcome.result is Result.SENT
    assert "status=sent" in postfix.fate_of(outcome.proof.rpartition("queued as ")[2])
    found = {mail["Message-ID"]: mail for mail in postfix.mails()}
    assert "with ESMTP " in found[f"<{again.id}@school.example>"]["Received"]


async def test_a_smart_host_is_proved_without_a_mail(
    postfix: Postfix, make: Callable[..., SmtpMail]
) -> None:
    """TLS and no login; whom it relays for and whom not is seen from the addresses alone."""
    before = len(postfix.raw_mails())

    points = await make(AUTHORITY, UNKNOWN_USER, OUTSIDE).examine(probe=True)

    assert [point.standing for point in points] == [Standing.OK] * 3 + [Standing.PROBLEM] * 2
    assert len(postfix.raw_mails()) == before
