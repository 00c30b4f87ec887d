"""The card against the published schema, and against what the schema does not see."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from mis_bridge.incidents.reasons import Reason
from mis_bridge.messages.build import build, build_test
from mis_bridge.messages.card import SIZE_BUDGET, escape, wire_size
from mis_bridge.triggers.model import Evidence

SCHEMA = json.loads(
    (Path(__file__).parents[2] / "data/adaptive-card-1.5.0.json").read_text("utf-8")
)
ELEMENTS = {"AdaptiveCard", "Container", "TextBlock", "FactSet", "Action.OpenUrl"}


def _types(value: Any) -> set[str]:
    if isinstance(value, dict):
        here = {value["type"]} if "type" in value else set()
        return here.union(*(_types(child) for child in value.values()))
    if isinstance(value, list):
        return set().union(*(_types(child) for child in value)) if value else set()
    return set()


def _checked(body: dict[str, Any]) -> dict[str, Any]:
    """Check a body in every way that needs no browser; give the card."""
    assert body["type"] == "message"
    (attachment,) = body["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert attachment["contentUrl"] is None
    card: dict[str, Any] = attachment["content"]
    plain = {key: value for key, value in card.items() if key != "msteams"}
    jsonschema.Draft6Validator(SCHEMA).validate(plain)
    assert (card["type"], card["version"]) == ("AdaptiveCard", "1.5")
    assert card["fallbackText"]
    assert card["msteams"] == {"width": "Full"}
    assert _types(card) <= ELEMENTS
    assert all(action["url"].startswith("https://") for action in card.get("actions", ()))
    assert wire_size(body) < 20_000
    return card


@pytest.mark.parametrize("reason", [Reason.OPENED, Reason.FOUND, Reason.PACKAGE_READY])
def test_a_card_is_what_teams_takes(missing: Any, context: Any, reason: Any) -> None:
    """Envelope, schema 1.5, elements that telephones show, https only, under 20,000 bytes."""
    card = _checked(build(missing, reason, "id", context).card)

    assert missing.reference in card["fallbackText"]


def test_a_long_protocol_says_how_many_steps_there_is_no_room_for(
    missing: Any, context: Any
) -> None:
    """An authority may ask for many: nobody thinks that the last one shown is the last of all."""
    (first, *_) = missing.steps
    many = tuple(replace(first, id=f"step_{n}", text=f"Step number {n}.") for n in range(1, 11))

    card = _checked(build(replace(missing, steps=many), Reason.OPENED, "id", context).card)

    texts = [element.get("text", "") for element in card["body"]]
    assert any("Step number 8." in text for text in texts)
    assert not any("Step number 9." in text for text in texts)
    assert f"… and 2 more: mis-bridge incidents show {missing.reference}" in texts


def test_the_test_card_is_what_teams_takes_too(context: Any) -> None:
    """It has neither a reference nor a link."""
    assert "actions" not in _checked(build_test("id", context).card)


def test_the_schema_check_bites() -> None:
    """A misspelt property is seen, so that a passing check means something."""
    with pytest.raises(jsonschema.ValidationError):
        _checked(
            {
                "type": "message",
                "attachments": [
                    {
                        "contentType": "application/vnd.microsoft.card.adaptive",
                        "contentUrl": None,
                        "content": {"type": "AdaptiveCard", "version": "1.5", "boddy": []},
                    }
                ],
            }
        )


def test_too_much_evidence_is_cut_at_its_old_end_and_counted(missing: Any, context: Any) -> None:
    """What was seen last is what people act on; the rest is counted and on the page."""
    evidence = tuple(Evidence(missing.opened_at, f"P{n}", f"mark {n}") for n in range(40))
    card = _checked(build(replace(missing, evidence=evidence), Reason.OPENED, "id", context).card)

    said = json.dumps(card, ensure_ascii=False)
    assert "28 earlier ones are on the incident's page" in said
    shown = [f["value"] for row in card["body"] for f in row.get("facts", ())]
    assert [value for value in shown if value.startswith("mark ")] == [
        f"mark {n}" for n in range(28, 40)
    ]


def test_what_is_left_out_is_not_promised_on_a_page_that_is_not_there(
    missing: Any, context: Any
) -> None:
    """Without web pages there is no page of the incident."""
    evidence = tuple(Evidence(missing.opened_at, f"P{n}", f"mark {n}") for n in range(13))
    there = replace(context, link_base="")
    card = build(replace(missing, evidence=evidence), Reason.OPENED, "id", there).card

    said = json.dumps(card)
    assert "1 earlier one is left out" in said
    assert "page" not in said


def test_the_longest_texts_still_fit(missing: Any, context: Any) -> None:
    """Each character of these takes twelve bytes on the wire; the reference and link survive."""
    long = "\U0001f600" * 5_000
    evidence = tuple(Evidence(missing.opened_at, long, long) for _ in range(200))
    step = replace(missing.steps[0], text=long, who=long)
    worst = replace(
        missing, sentence=long, evidence=evidence, uncertain=long, owner=long, steps=(step,) * 50
    )

    message = build(worst, Reason.OPENED, "id", replace(context, school_name=long))

    card = _checked(message.card)
    assert wire_size(message.card) <= SIZE_BUDGET
    assert missing.reference in json.dumps(card)
    assert card["actions"][0]["url"].endswith(missing.reference)


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("[Sign in](https://evil.example)", r"\[Sign in\](https://evil.example)"),
        ("*bold* _it_ `c` ~s~ |", r"\*bold\* \_it\_ \`c\` \~s\~ \|"),
        ("<at>Everyone</at>", r"\<at\>Everyone\</at\>"),
        ("# no heading", r"\# no heading"),
        ("- no list", r"\- no list"),
        ("1. no list", r"1\. no list"),
        ("12) no list", r"12\) no list"),
        ("38 of 380", "38 of 380"),
        ("2026-11-12", "2026-11-12"),
        ("two\nlines\r\n\r\nand more", "two lines and more"),
    ],
)
def test_text_of_a_register_is_text(typed: str, sent: str) -> None:
    """A name can not make a link, a mention or a heading."""
    assert escape(typed) == sent
