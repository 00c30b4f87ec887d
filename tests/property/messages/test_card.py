"""Laws of cards, CSV cells and typeface over text of any kind."""

from __future__ import annotations

import json
import re
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from mis_bridge.documents.csv_file import safe_cell
from mis_bridge.documents.typeface import Lettering
from mis_bridge.incidents.reasons import Reason
from mis_bridge.messages.card import card, escape, wire_size
from mis_bridge.messages.content import Content, EvidenceLine, StepLine, Tone
from mis_bridge.messages.mail import mail
from mis_bridge.triggers.model import Severity

words = st.text(max_size=800)
lines = st.lists(st.builds(EvidenceLine, words, words, words), max_size=40).map(tuple)
steps = st.lists(st.builds(StepLine, words, words, words), max_size=20).map(tuple)

CONTENT = Content(
    reason=Reason.OPENED,
    reference="MB-0VQ2-9GK2",
    severity=Severity.HIGH,
    tone=Tone.WARNING,
    title="Missing during the day",
    lead="",
    facts=(("Reference", "MB-0VQ2-9GK2"),),
    link="https://bridge.school.example/incidents/MB-0VQ2-9GK2",
)


@given(lead=words, evidence=lines, uncertain=words, todo=steps)
def test_no_card_outgrows_teams(
    lead: str,
    evidence: tuple[EvidenceLine, ...],
    uncertain: str,
    todo: tuple[StepLine, ...],
) -> None:
    """Under 20,000 bytes as ASCII JSON whatever the registers hold, and the reference stays."""
    content = replace(CONTENT, lead=lead, evidence=evidence, uncertain=uncertain, steps=todo)

    body = card(content)

    assert wire_size(body) < 20_000
    assert "MB-0VQ2-9GK2" in json.dumps(body)


@given(words)
def test_escaping_loses_nothing(text: str) -> None:
    """Without the backslashes that it put in front of punctuation, the text is what it was."""
    assert re.sub(r"\\([^\w\s]|_)", r"\1", escape(text)) == " ".join(text.split())


@given(words)
def test_no_cell_begins_like_a_formula(text: str) -> None:
    """The first character that a spreadsheet looks at is never one that starts a formula."""
    assert not safe_cell(text).lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r"))
    assert safe_cell(text) in {text, f"'{text}"}


@given(words)
def test_no_character_vanishes_from_a_document(text: str) -> None:
    """Every character is drawn, or spelled out and remembered."""
    letters = Lettering()

    drawn = letters.drawable(text)

    assert ("[U+" in drawn) or not letters.spelled_out
    assert len(drawn) > 0 or not text


@given(words)
def test_a_subject_is_one_line(title: str) -> None:
    """Nothing that a register holds can become a header of its own."""
    subject, _, _ = mail(replace(CONTENT, title=title))

    assert len(subject.splitlines()) == 1
