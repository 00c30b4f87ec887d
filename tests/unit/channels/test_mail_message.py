"""A message as an email: the same headers and bytes of content for every way of sending it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import email
import email.policy
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mis_bridge.channels.mail_message import as_email, message_id
from mis_bridge.incidents.reasons import Reason
from mis_bridge.messages.model import Attachment, Message
from mis_bridge.triggers.model import Severity

if TYPE_CHECKING:
    from email.message import EmailMessage

SENDER = "mis-bridge@school.example"
NOW = dt.datetime(2026, 11, 23, 9, 35, tzinfo=dt.UTC)
PLAIN = Message(
    id="ab" * 32,
    reference="MB-7F3C-2K9Q",
    reason=Reason.OPENED,
    severity=Severity.NORMAL,
    subject="MB-7F3C-2K9Q",
    text="A text\n",
    html="",
    card={},
)


def read(message: Message) -> EmailMessage:
    """Build the mail and read it as a mail program would."""
    built = as_email(message, sender=SENDER, recipients=["dsl@school.example"], now=NOW)
    return email.message_from_bytes(built.as_bytes(), policy=email.policy.default)


def test_headers_that_recognise_the_message(alert: Message) -> None:
    """Reference, thread, urgency, and the wish for no automatic answer."""
    mail = read(alert)

    assert mail["Message-ID"] == f"<{alert.id}@school.example>"
    assert mail["References"].strip() == "<MB-7F3C-2K9Q.incident@school.example>"
    assert mail["X-Mis-Bridge-Id"] == "MB-7F3C-2K9Q"
    assert mail["Importance"] == "high"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["From"] == "mis-bridge <mis-bridge@school.example>"
    assert mail["Date"] == "Mon, 23 Nov 2026 09:35:00 +0000"


def test_all_mails_of_one_incident_are_one_thread(alert: Message) -> None:
    """Another message about the same incident refers to the same first message."""
    other = dataclasses.replace(alert, id="cd" * 32)

    assert read(alert)["References"] == read(other)["References"]
    assert read(alert)["Message-ID"] != read(other)["Message-ID"]


@pytest.mark.parametrize(
    ("severity", "importance"),
    [
        (Severity.CRITICAL, "high"),
        (Severity.HIGH, "high"),
        (Severity.NORMAL, "normal"),
        (Severity.LOW, "normal"),
    ],
)
def test_only_urgent_messages_are_marked(severity: Severity, importance: str) -> None:
    """A mark that every mail has is no mark."""
    assert read(dataclasses.replace(PLAIN, severity=severity))["Importance"] == importance


def test_files_arrive_byte_for_byte(alert: Message) -> None:
    """Names, types and contents of the attachments survive."""
    files = list(read(alert).iter_attachments())

    assert [(f.get_filename(), f.get_content_type()) for f in files] == [
        ("return.csv", "text/csv"),
        ("return.pdf", "application/pdf"),
    ]
    assert [f.get_payload(decode=True) for f in files] == [a.content for a in alert.attachments]


@pytest.mark.parametrize("content_type", ["", "text", "text/csv; charset=utf-8"])
def test_a_loose_content_type_breaks_nothing(content_type: str) -> None:
    """A file goes even where its type is not well written."""
    file = Attachment("a.csv", content_type, b"x\r\n")

    mail = read(dataclasses.replace(PLAIN, attachments=(file,)))

    assert next(mail.iter_attachments()).get_payload(decode=True) == b"x\r\n"


def test_the_mail_is_seven_bits_whatever_the_text() -> None:
    """A relay without 8BITMIME changes nothing in it."""
    message = dataclasses.replace(
        PLAIN, subject="Zażółć 李", text="Şükrü Siân 🎒\n" + "x" * 2000 + "\n", html="<p>Łukasz</p>"
    )
    built = as_email(message, sender=SENDER, recipients=["dsl@school.example"], now=NOW)

    body = read(message).get_body(("plain",))
    assert built.as_bytes().isascii()
    assert max(map(len, built.as_bytes().split(b"\r\n"))) < 998
    assert body is not None
    assert body.get_content().splitlines() == message.text.splitlines()
    assert read(message)["Subject"] == "Zażółć 李"


@given(st.text(max_size=400), st.text(max_size=80))
def test_no_text_adds_a_header(subject: str, reference: str) -> None:
    """A line break in a subject is no way to add a recipient; the headers stay those we set."""
    message = dataclasses.replace(
        PLAIN, subject=f"{subject}\r\nBcc: x@example.org", reference=reference + "\n"
    )

    mail = read(message)

    assert "Bcc" not in mail
    assert mail["To"] == "dsl@school.example"
    assert not mail.defects


@given(st.text(min_size=1, max_size=100))
def test_a_message_id_is_always_well_formed(identifier: str) -> None:
    """Whatever the row's id is made of, the header is one token in angle brackets."""
    written = message_id(dataclasses.replace(PLAIN, id=identifier), SENDER)

    assert written.isascii()
    assert written.startswith("<")
    assert written.endswith("@school.example>")
    assert not set(written[1:-1]) & set(' <>"(),:;\t\r\n')


def test_an_address_that_can_not_stand_in_a_header_is_refused() -> None:
    """The settings check addresses; one that slips through must not become a header."""
    with pytest.raises(ValueError, match=r"(?i)address|newline|invalid|domain|non-printable"):
        as_email(PLAIN, sender=SENDER, recipients=["a@b\r\nBcc: x@example.org"], now=NOW)
