"""What a pupil is called: as much of the name as the channel may say."""

from __future__ import annotations

from typing import Any

import pytest

from mis_bridge.messages.model import Disclosure, PupilIdentity
from mis_bridge.messages.pupil_label import pupil_label


@pytest.mark.parametrize(
    ("identity", "disclosure", "label"),
    [
        (PupilIdentity("1", "o'Brien", "siân"), Disclosure.INITIALS, "S.O."),
        (PupilIdentity("1", "", "Ada", "", 0), Disclosure.INITIALS, "A., Reception"),
        (PupilIdentity("1", "*Łukasz", "'Éva", "8B"), Disclosure.INITIALS, "É.Ł., 8B"),
        (PupilIdentity("1", "李", "Mei", "8B"), Disclosure.INITIALS, "M., 8B"),
        (PupilIdentity("1", "李", "伟", "8B"), Disclosure.INITIALS, "initials not given, 8B"),
        (PupilIdentity("1", "李", "伟", "8B"), Disclosure.FULL, "伟 李, 8B"),
        (PupilIdentity("1", "Testpupil", "", "", -1), Disclosure.FULL, "Testpupil, Nursery"),
        (PupilIdentity("1", "", "", "", 11), Disclosure.INITIALS, "name not known, Year 11"),
        (
            PupilIdentity("1", "Testpupil", "Ada", "8B", alike=1),
            Disclosure.INITIALS,
            "A.T., 8B (2 pupils of the form have these initials: open the incident to see which)",
        ),
        (
            PupilIdentity("1", "Testpupil", "Ada", "8B", alike=1),
            Disclosure.FULL,
            "Ada Testpupil, 8B (2 pupils of the form have this name: make sure which)",
        ),
        (PupilIdentity("1", "Testpupil", "Ada", "8B", alike=1), Disclosure.REFERENCE, ""),
        (None, Disclosure.INITIALS, "not on the roll that was read"),
        (None, Disclosure.REFERENCE, ""),
    ],
)
def test_what_a_pupil_is_called(identity: Any, disclosure: Any, label: str) -> None:
    """Initials with the form, or the year group where there is no form; never a whole name.

    The first character of a Chinese name is the name, and a name of one letter is its own initial.
    Where two of a form are called the same it is said: nobody shall look for the wrong twin.
    """
    assert pupil_label(identity, disclosure) == label
