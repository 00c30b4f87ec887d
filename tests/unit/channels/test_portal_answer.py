"""Why a portal refuses, without what was sent to it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mis_bridge.channels.portal_answer import answer_of, reason_of, reference_of, words_of
from mis_bridge.messages.model import Carried

FORM = (
    ("Pupil", (("Surname", "Żółć-O'Brien"), ("Forenames", "Zoë Li"), ("UPN", "A999000000001"))),
    ("Family", (("Parents' names", "Siân Testparent, 020 7946 0000"), ("Address", ""))),
)
PACKAGE = Carried("ab" * 32, "cme", 1, FORM)
PRIVATE = words_of(PACKAGE)


def reason(answer: object) -> str:
    """What is shown of an answer."""
    return reason_of(answer_of(json.dumps(answer).encode()), PRIVATE)


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        ({"title": "Incomplete"}, "Incomplete"),
        ({"title": "Incomplete", "detail": "Surname is missing"}, "Surname is missing"),
        ({"message": "No", "errors": ["Address is required"]}, "No; Address is required"),
        ({"errors": [{"field": "dob", "message": "not a date"}]}, "dob: not a date"),
        ({"errors": [{"loc": "x", "detail": 3}, 4, None]}, "x"),
        ({"detail": "of Zoe LI and zolc-o'brien"}, "of … … and …"),
        ({"detail": "UPN=A999000000001, tel. 02079460000"}, "… tel. …"),
        ({"detail": "code 4711, line 12"}, "code 4711, line 12"),
        ({"detail": "two\nlines\x1b[31m"}, "two lines [31m"),
        ({}, ""),
        (["a list"], ""),
        ("text", ""),
    ],
)
def test_a_reason_is_shown_and_what_it_repeats_is_covered(answer: object, shown: str) -> None:
    """RFC 9457 and its relatives; words of the form's own labels stay readable."""
    assert reason(answer) == shown


@given(
    before=st.text(max_size=30),
    secret=st.sampled_from(["O'Brien", "ZOË", "Testparent", "A999000000001", "7946"]),
    change=st.sampled_from([str, str.upper, str.lower, str.title]),
    after=st.text(max_size=30),
)
def test_no_word_of_the_package_is_ever_shown(
    before: str, secret: str, change: type[str], after: str
) -> None:
    """Wherever it stands in the text, and however it is written."""
    shown = reason({"detail": f"{before} {change(secret)} {after}"})

    assert change(secret) not in shown


@pytest.mark.parametrize(
    ("answer", "path", "found"),
    [
        ({"reference": "CME-2026-0417"}, "reference", "CME-2026-0417"),
        ({"data": {"case": 4711}}, "data.case", "4711"),
        ({"reference": True}, "reference", ""),
        ({"reference": "x" * 65}, "reference", ""),
        ({"reference": "two\nlines"}, "reference", ""),
        ({"reference": "CME-Testparent-1"}, "reference", ""),
        ({"data": "no table"}, "data.case", ""),
        (None, "reference", ""),
    ],
)
def test_a_reference_is_taken_only_where_it_can_be_printed(
    answer: object, path: str, found: str
) -> None:
    """It goes into logs and histories: no control characters, no name."""
    assert reference_of(answer, path, PRIVATE) == found


def test_what_is_no_json_says_nothing() -> None:
    """A proxy's page in HTML, an empty answer, brackets without end."""
    for body in (b"<html>", b"", b"[" * 100_000):
        assert reason_of(answer_of(body), PRIVATE) == ""
