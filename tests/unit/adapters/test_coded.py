"""What adapters with code of their own share."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest

from mis_bridge.adapters.envelope import decoded
from mis_bridge.adapters.source import ReadPlan
from mis_bridge.errors import MisAnswerInvalid


class Roll(msgspec.Struct):
    """The documented answer of an invented MIS."""

    names: list[str]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"names":["Testpupil",7]}', r"not the documented answer: .*\$\.names\[1\]"),
        (b'{"pupils":["Testpupil"]}', "not the documented answer: .*names"),
        (b'{"names":["Testpupil"', "cut off after 21 bytes"),
        (b"<html>Testpupil</html>", "web page"),
        (b"", "empty"),
        (b'{"names":["Testpupil\xff"]}', "not UTF-8"),
    ],
)
def test_an_answer_of_another_shape_is_named_without_a_word_of_it(body: bytes, told: str) -> None:
    """The place and the types, never a value."""
    with pytest.raises(MisAnswerInvalid, match=told) as caught:
        decoded(body, Roll, "pupils")

    assert str(caught.value).startswith("pupils: ")
    assert "Testpupil" not in str(caught.value)


def test_an_answer_of_the_documented_shape_may_have_more_in_it() -> None:
    """A vendor adds fields all the time."""
    assert decoded(b'{"new":1,"names":["a"]}', Roll, "pupils") == Roll(["a"])


def test_a_page_is_known_by_its_digest_and_never_in_a_sweep() -> None:
    """A sweep looks at everything again."""
    window = (date(2026, 9, 7), date(2026, 9, 11))
    kept = {"lessons:1": "d1"}

    assert ReadPlan(window, known_digests=kept).knows("lessons:1", "d1")
    assert not ReadPlan(window, known_digests=kept).knows("lessons:1", "d2")
    assert not ReadPlan(window, known_digests=kept).knows("lessons:2", "d1")
    assert not ReadPlan(window, known_digests=kept, sweep=True).knows("lessons:1", "d1")
