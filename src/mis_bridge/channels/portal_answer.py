"""What a portal's answer says: its reference, and why it refuses, without what was sent to it.

A refusal has to reach a person with its reason ("date of birth is missing"), and such texts like to
repeat what they refuse. So of a reason every word is covered that stands in a value of the package,
and everything with six or more digits (a UPN, a date, a telephone number). What is covered shows as
``…``; the words of the form's own labels stay.
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mis_bridge.messages.model import Carried

__all__ = ["answer_of", "reason_of", "reference_of", "words_of"]

_LONGEST: Final = 200
_READ: Final = 2000
_REASONS: Final = ("detail", "title", "message", "error_description", "error")
"""RFC 9457's members first, then what else is usual."""
_FIELDS: Final = ("pointer", "field", "path", "name", "loc")
_REFERENCE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._/#:-]{0,63}")
_WORD: Final = re.compile(r"\w+")
_PIECE: Final = re.compile(r"\S+")
_TELLING_DIGITS: Final = 6
_COVER: Final = "…"


def answer_of(body: bytes) -> Any:
    """Read an answer as JSON; None where it is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def reference_of(answer: Any, path: str, private: frozenset[str]) -> str:
    """Find the portal's reference; empty where there is none that can be printed.

    Args:
        answer: as ``answer_of`` gives it.
        path: keys joined by dots.
        private: as ``words_of`` gives them; a reference that is made of a name is left out.
    """
    for key in path.split("."):
        answer = answer.get(key) if isinstance(answer, dict) else None
    if not isinstance(answer, str | int) or isinstance(answer, bool):
        return ""
    text = str(answer).strip()
    told = _REFERENCE.fullmatch(text) and not any(map(str.isalpha, _named(text, private)))
    return text if told else ""


def reason_of(answer: Any, private: frozenset[str]) -> str:
    """Say in the portal's words why it refuses; empty where it does not say.

    Args:
        answer: as ``answer_of`` gives it.
        private: as ``words_of`` gives them.
    """
    if not isinstance(answer, dict):
        return ""
    texts = [answer[key] for key in _REASONS if isinstance(answer.get(key), str)][:1]
    errors = answer.get("errors")
    if isinstance(errors, list):
        texts += [_of_field(one) for one in errors[:5]]
    said = " ".join("; ".join(text for text in texts if text).split())
    if len(said) > _READ:
        said = said[:_READ].rpartition(" ")[0]  # half a name would not be known as one
    return _covered(said, private)[:_LONGEST]


def _of_field(error: Any) -> str:
    """Say which field is meant and what is wrong with it."""
    if isinstance(error, str):
        return error
    if not isinstance(error, dict):
        return ""
    where = next((str(error[key]) for key in _FIELDS if isinstance(error.get(key), str)), "")
    what = next((error[key] for key in _REASONS if isinstance(error.get(key), str)), "")
    return ": ".join(part for part in (where, what) if part)


def words_of(package: Carried | None) -> frozenset[str]:
    """Give the words that a package says of somebody, as ``_plain`` writes them.

    Words that the form's own headings and labels use are no secret.
    """
    if package is None:
        return frozenset()
    labels = _words(text for title, rows in package.form for text in (title, *dict(rows)))
    values = _words(value for _, rows in package.form for _, value in rows)
    return frozenset(values - labels)


def _words(texts: Iterable[str]) -> set[str]:
    return {word for text in texts for word in _WORD.findall(_plain(text))}


def _plain(text: str) -> str:
    """Write a text in small letters without accents, as another program may give it back."""
    apart = unicodedata.normalize("NFKD", text)
    return "".join(c for c in apart if not unicodedata.combining(c)).casefold()


def _named(text: str, private: frozenset[str]) -> list[str]:
    return [word for word in _WORD.findall(_plain(text)) if word in private]


def _covered(text: str, private: frozenset[str]) -> str:
    def cover(found: re.Match[str]) -> str:
        piece = found[0]
        digits = sum(c.isdecimal() for c in piece)
        return _COVER if digits >= _TELLING_DIGITS or _named(piece, private) else piece

    printable = "".join(c if c.isprintable() else " " for c in text)
    return _PIECE.sub(cover, printable)
