"""What a person writes into the history: a name, and what there is to say.

It is printed on terminals, in documents and on cards, and kept for years: a name is one line, and
a character that steers a terminal in place of being read is kept nowhere.
"""

from __future__ import annotations

import unicodedata
from typing import Final

from mis_bridge.errors import IncidentError

__all__ = ["LONGEST_NAME", "LONGEST_TEXT", "named", "worded"]

LONGEST_NAME: Final = 100
LONGEST_TEXT: Final = 2000

_KEPT: Final = "\n\t"
_UNREADABLE: Final = {"Cc": "a control character", "Cs": "a byte that is no UTF-8 text"}


def named(who: str, nobody: str = "say who does this: the history needs a person") -> str:
    """Return a person's name as it is kept: in one line, without spaces around it.

    Args:
        who: as it was written.
        nobody: what to say where it is empty.

    Raises:
        IncidentError: it is empty, too long for a name, or can not be read.
    """
    name = " ".join(who.split())
    if not name:
        raise IncidentError(nobody)
    _check(name, "the name", LONGEST_NAME, "write who it is, nothing else")
    return name


def worded(text: str, what: str = "the text", longest: int = LONGEST_TEXT) -> str:
    """Return what a person wrote as it is kept, without spaces around it; it may be empty.

    Args:
        text: as it was written; may have several lines.
        what: what it is called where something is wrong with it.
        longest: so many characters it may have.

    Raises:
        IncidentError: it is too long, or holds what can not be read.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    _check(text, what, longest, "say it in fewer words, or the rest in a note of its own")
    return text


def _check(text: str, what: str, longest: int, instead: str) -> None:
    if len(text) > longest:
        raise IncidentError(
            f"{what} has {len(text):,} characters, and {longest:,} is the most: {instead}. "
            "Nothing was written down."
        )
    for place, character in enumerate(text, 1):
        kind = _UNREADABLE.get(unicodedata.category(character))
        if kind and character not in _KEPT:
            raise IncidentError(
                f"{what} holds {kind} (U+{ord(character):04X}, character {place}): take it out and "
                "say it again. Nothing was written down."
            )
