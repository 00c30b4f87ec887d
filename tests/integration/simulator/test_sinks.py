"""The peers that take messages: they answer as the real ones do, and keep what they were given."""

from __future__ import annotations

import smtplib
import ssl
from datetime import UTC, datetime
from email.message import EmailMessage

import httpx
import pytest
import trustme

from mis_bridge.io.clock import ManualClock
from mis_bridge.simulator.faults import Fault, FaultKind
from mis_bridge.simulator.sinks import Mail, MailSink, Posted, WebhookSink

NOON = datetime(2026, 11, 17, 12, tzinfo=UTC)


def envelope(text: str) -> dict[str, object]:
    """Make a body as a Workflows webhook takes it."""
    card = {"type": "AdaptiveCard", "body": [{"type": "TextBlock", "text": text}]}
    attachment = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": None,
        "content": card,
    }
    return {"type": "message", "attachments": [attachment]}


def mail(to: list[str]) -> EmailMessage:
    """Make a mail with a plain and an HTML part."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@x.example", ", ".join(to), "Zoë"
    message.set_content("plain text")
    message.add_alternative("<p>hypertext</p>", subtype="html")
    return message


def test_webhook_answers_202_and_keeps_the_card() -> None:
    """A card is accepted with 202 and no body, stamped by the clock, and handed on."""
    seen: list[Posted] = []
    with WebhookSink(ManualClock(NOON), on_post=seen.append) as sink:
        answer = httpx.post(sink.url, json=envelope("hello"))
        assert (answer.status_code, answer.content) == (202, b"")
        (posted,) = sink.posted
    assert seen == [posted]
    assert posted.at == NOON
    assert posted.card["body"][0]["text"] == "hello"
    assert posted.size == len(answer.request.content)


def test_webhook_refuses_what_is_no_json() -> None:
    """A body that is no JSON gets 400 and is not kept."""
    with WebhookSink(ManualClock(NOON)) as sink:
        assert httpx.post(sink.url, content=b"{").status_code == 400
        assert sink.posted == []


def test_webhook_swallows_what_is_more_than_its_owner_may_post() -> None:
    """The third of two in five minutes gets its 202 as well, and nobody sees it."""
    clock = ManualClock(NOON)
    seen: list[Posted] = []
    with WebhookSink(clock, on_post=seen.append, limit=(2, 300.0)) as sink:
        for seconds in (0, 100, 199, 101):
            clock.advance(seconds=seconds)
            assert httpx.post(sink.url, json=envelope(f"at {seconds}")).status_code == 202
        texts = [posted.card["body"][0]["text"] for posted in sink.posted]
        assert (texts, sink.swallowed) == (["at 0", "at 100", "at 101"], 1)
    assert seen == sink.posted


def test_webhook_shows_faults() -> None:
    """A 429 carries Retry-After, a reset breaks the request, and neither keeps a card."""
    with WebhookSink(ManualClock(NOON)) as sink:
        sink.faults.add(Fault(FaultKind.STATUS, times=1, status=429, retry_after=3))
        answer = httpx.post(sink.url, json=envelope("x"))
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "3")
        sink.faults.add(Fault(FaultKind.RESET, times=1))
        with pytest.raises(httpx.NetworkError):
            httpx.post(sink.url, json=envelope("x"))
        assert sink.posted == []


def test_mail_server_keeps_envelope_and_message() -> None:
    """A mail arrives whole: envelope, both parts, its encoded subject decoded again."""
    seen: list[Mail] = []
    with (
        MailSink(ManualClock(NOON), on_mail=seen.append) as sink,
        smtplib.SMTP("127.0.0.1", sink.port, timeout=5) as client,
    ):
        client.send_message(mail(["dsl@x.example"]))
        (kept,) = sink.mails
    assert seen == [kept]
    assert kept.recipients == ("dsl@x.example",)
    assert str(kept.message["Subject"]) == "Zoë"
    assert "plain text" in kept.part("plain")
    assert "<p>hypertext</p>" in kept.part("html")
    assert not kept.encrypted


def test_mail_server_refuses_one_of_two_recipients() -> None:
    """A refused recipient gets 550, the other one still has the mail."""
    refused = frozenset({"gone@x.example"})
    with (
        MailSink(ManualClock(NOON), refused=refused) as sink,
        smtplib.SMTP("127.0.0.1", sink.port, timeout=5) as client,
    ):
        problems = client.send_message(mail(["dsl@x.example", "gone@x.example"]))
        (kept,) = sink.mails
    assert problems["gone@x.example"][0] == 550
    assert kept.recipients == ("dsl@x.example",)


def test_mail_server_demands_encryption_where_it_is_told_to() -> None:
    """With a certificate, MAIL before STARTTLS is refused, and a mail after it is encrypted."""
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(server)
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    with MailSink(ManualClock(NOON), tls=server) as sink:
        with (
            smtplib.SMTP("localhost", sink.port, timeout=5) as client,
            pytest.raises(smtplib.SMTPException),
        ):
            client.send_message(mail(["dsl@x.example"]))
        with smtplib.SMTP("localhost", sink.port, timeout=5) as client:
            client.starttls(context=trust)
            client.send_message(mail(["dsl@x.example"]))
        assert [kept.encrypted for kept in sink.mails] == [True]
