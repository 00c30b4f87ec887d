"""The words of every trigger."""

from __future__ import annotations

import pytest

from mis_bridge.messages.wording import WORDING, wording_of
from mis_bridge.triggers.catalogue import TRIGGERS


def test_every_trigger_has_words_of_its_own() -> None:
    """A new trigger without words would be called by its id; this list is complete."""
    assert set(WORDING) == set(TRIGGERS)
    assert wording_of("left_quietly").title == "Left quietly"


@pytest.mark.parametrize("trigger", sorted(TRIGGERS))
def test_titles_are_short_enough_for_a_telephones_subject_line(trigger: str) -> None:
    """Beyond about 60 characters a telephone cuts the subject."""
    assert len(f"[mis-bridge] {wording_of(trigger).title}") <= 60
