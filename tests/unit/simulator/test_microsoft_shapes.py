"""What Microsoft's services refuse: a stand-in that takes everything would show nothing."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from mis_bridge.simulator.microsoft_shapes import (
    LARGEST_MAIL,
    Line,
    ShapeError,
    card_in,
    line_in,
    mail_in,
)

JSON = "application/json"
ADA = "569363e2-4e49-4661-87f2-16f245c5d66a"
BOX = "bot@school.example"
LINE: dict[str, Any] = {
    "topic": {
        "source": "text",
        "value": "Alerts",
        "webUrl": "https://teams.microsoft.com/l/channel/x",
    },
    "activityType": "systemDefault",
    "chainId": 7,
    "previewText": {"content": "Missing MB-7F3C-2K9Q"},
    "recipient": {"@odata.type": "microsoft.graph.aadUserNotificationRecipient", "userId": ADA},
    "templateParameters": [{"name": "systemDefaultText", "value": "Missing"}],
}
CARD: dict[str, Any] = {
    "type": "message",
    "from": {"id": "an-app"},
    "conversation": {"id": "19:x@thread.tacv2"},
    "attachments": [
        {
            "contentType": "application/vnd.microsoft.card.adaptive",
            "content": {"type": "AdaptiveCard", "body": []},
        }
    ],
}
MAIL = f"From: {BOX}\r\nTo: dsl@school.example\r\nSubject: Missing\r\n\r\nMissing\r\n".encode()


def _line(body: Any, person: str | None = None, content_type: str = JSON) -> Line:
    return line_in(content_type, json.dumps(body).encode(), person=person)


def _card(body: Any, activity: str = "") -> dict[str, Any]:
    return card_in(
        JSON,
        json.dumps(body).encode(),
        app="an-app",
        conversation="19:x@thread.tacv2",
        activity=activity,
    )


def test_a_line_is_read_as_whom_it_rings_and_what_it_says() -> None:
    """In a team the body names the person, to one person the path does."""
    alone = {name: value for name, value in LINE.items() if name != "recipient"}

    assert _line(LINE) == Line(ADA, 7, "Missing", "Missing MB-7F3C-2K9Q")
    assert _line(alone, person=ADA) == _line(LINE)


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"sound": "loud"}, "unknown fields"),
        ({"recipient": {}}, "nobody"),
        ({"recipient": {"userId": ADA}}, "recipient"),
        ({"topic": {**LINE["topic"], "source": "entityUrl"}}, "topic"),
        ({"topic": {**LINE["topic"], "webUrl": "https://school.example/"}}, "webUrl"),
        ({"activityType": "childMissing"}, "activityType"),
        ({"templateParameters": []}, "templateParameters"),
        ({"templateParameters": [{"name": "alert", "value": "x"}]}, "templateParameters"),
        ({"chainId": 0}, "chainId"),
        ({"chainId": 2**63}, "chainId"),
        ({"previewText": {"content": "x" * 151}}, "previewText"),
        ({"previewText": {}}, "previewText"),
    ],
)
def test_a_line_that_graph_does_not_take_is_refused(changed: dict[str, Any], problem: str) -> None:
    """400, and what is wrong is named."""
    with pytest.raises(ShapeError, match=problem) as refused:
        _line({**LINE, **changed})

    assert (refused.value.status, refused.value.code) == (400, "BadRequest")


def test_a_line_that_names_its_reader_twice_is_refused() -> None:
    """By the path and by the body: they could be two people."""
    with pytest.raises(ShapeError, match="twice"):
        _line(LINE, person=ADA)


def test_an_activity_type_of_the_apps_manifest_has_a_parameter_of_its_own_name() -> None:
    """What the manifest declares is taken, and no other."""
    own = {
        **LINE,
        "activityType": "childMissing",
        "templateParameters": [{"name": "alert", "value": "Missing"}],
    }

    line = line_in(JSON, json.dumps(own).encode(), person=None, types={"childMissing": "alert"})

    assert line.text == "Missing"


@pytest.mark.parametrize(("content_type", "body"), [("text/plain", "{}"), (JSON, "["), (JSON, "1")])
def test_what_is_no_object_in_json_is_refused(content_type: str, body: str) -> None:
    """Whatever the service."""
    with pytest.raises(ShapeError, match="not an object in JSON"):
        line_in(content_type, body.encode(), person=ADA)


def test_a_card_is_posted_without_an_id_and_changed_by_its_own() -> None:
    """The answer to the first names it."""
    assert _card(CARD)["type"] == "AdaptiveCard"
    assert _card({**CARD, "id": "17"}, activity="17") == _card(CARD)


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"type": "event"}, "type"),
        ({"from": {"id": "another-app"}}, "from"),
        ({"conversation": {"id": "19:y@thread.tacv2"}}, "conversation"),
        ({"id": "17"}, "id"),
        ({"attachments": []}, "one card"),
        ({"attachments": CARD["attachments"] * 2}, "one card"),
        ({"attachments": [{"contentType": "text/html", "content": {}}]}, "card"),
        ({"summary": "x" * 28_672}, "size"),
    ],
)
def test_a_card_that_the_bot_service_does_not_take_is_refused(
    changed: dict[str, Any], problem: str
) -> None:
    """400, and what is wrong is named."""
    with pytest.raises(ShapeError, match=problem) as refused:
        _card({**CARD, **changed})

    assert (refused.value.status, refused.value.code) == (400, "BadSyntax")


def test_a_mail_is_given_as_it_came_and_taken_apart() -> None:
    """MIME in base64, from the mailbox that the path names."""
    content, mail = mail_in("text/plain", base64.b64encode(MAIL), BOX)

    assert content == MAIL
    assert mail["To"] == "dsl@school.example"


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("text/plain", b"x" * (LARGEST_MAIL + 1), 413),
        (JSON, base64.b64encode(MAIL), 415),
        ("text/plain", MAIL, 400),
        ("text/plain", base64.b64encode(MAIL.replace(b"\r\n", b"\n")), 400),
        ("text/plain", base64.b64encode(MAIL.replace(b"To: ", b"X-To: ")), 400),
        ("text/plain", base64.b64encode(MAIL.replace(b"bot@", b"head@")), 403),
    ],
)
def test_a_mail_that_graph_does_not_take_is_refused(
    content_type: str, body: bytes, status: int
) -> None:
    """Too large, not MIME, not base64, bare line feeds, nobody to send to, another's mailbox."""
    with pytest.raises(ShapeError) as refused:
        mail_in(content_type, body, BOX)

    assert refused.value.status == status
