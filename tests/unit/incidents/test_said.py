"""What people write into the history: names and texts that can be read, printed and kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mis_bridge.errors import IncidentError
from mis_bridge.incidents.said import LONGEST_NAME, LONGEST_TEXT, named, worded

_PRINTED = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=200)
_STEERS = st.sampled_from([chr(code) for code in (*range(9), 11, 12, *range(14, 32), 127, 155)])


@given(_PRINTED)
def test_what_can_be_printed_is_kept_word_for_word(text: str) -> None:
    """Names and words of every language and alphabet, in several lines."""
    assert worded(f"  .{text}\r\nand\ttext ") == f".{text}\nand\ttext"


@given(st.text(max_size=50), _STEERS, st.text(max_size=50))
def test_what_steers_a_terminal_is_kept_nowhere(before: str, steers: str, after: str) -> None:
    """An escape sequence in a note could hide a line of the history from whoever reads it."""
    with pytest.raises(IncidentError, match=r"take it out and say it again. Nothing was written"):
        worded(f"x{before}{steers}{after}x")


def test_a_name_is_one_line() -> None:
    """A name that holds a line break could look like a line of its own on a card."""
    assert named("  A.\n  Lead\t") == "A. Lead"
    assert named("Siân Obrien-Żółć 李") == "Siân Obrien-Żółć 李"


@pytest.mark.parametrize("nobody", ["", "   ", "\n"])
def test_nobody_is_no_person(nobody: str) -> None:
    """The history needs somebody who can be asked."""
    with pytest.raises(IncidentError, match="needs a person"):
        named(nobody)


def test_the_longest_that_is_kept() -> None:
    """One more is refused, with how many there are and what to do."""
    assert len(named("x" * LONGEST_NAME)) == LONGEST_NAME
    assert len(worded("x" * LONGEST_TEXT)) == LONGEST_TEXT
    with pytest.raises(IncidentError, match=r"101 characters, and 100 is the most: write who"):
        named("x" * (LONGEST_NAME + 1))
    with pytest.raises(IncidentError, match=r"10,000 characters, and 2,000 .* a note of its own"):
        worded("x" * 10_000)
