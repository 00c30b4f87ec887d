"""What a log says of an exception: where it came from, and its text only where that is safe.

Our own errors promise that their texts name nobody (``mis_bridge.errors``). The text of any other
may quote what was in hand: ``KeyError: 'Testpupil'``, ``invalid literal for int(): 'A123...'``, a
library's line with a row in it. Of those the kind and the place are written, which is what finds a
fault; a few kinds speak of the program alone and keep their text.
"""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any, Final

from mis_bridge.errors import MisBridgeError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["as_dicts", "as_text"]

_HIDDEN: Final = "(its text is left out: it may quote a pupil's data)"

_SAFE: Final = (MisBridgeError, ImportError, AttributeError, NameError, NotImplementedError)
"""Kinds of which the text names parts of the program, and nothing that it read."""


def as_dicts(error: BaseException) -> list[dict[str, Any]]:
    """An exception and what it came from, the latest first, for a line of JSON."""
    return [
        {
            "exc_type": type(one).__name__,
            "exc_value": _text(one),
            "is_cause": is_cause,
            "frames": [
                {"filename": frame.filename, "lineno": frame.lineno, "name": frame.name}
                for frame in traceback.extract_tb(one.__traceback__)
            ],
            "exceptions": [as_dicts(inner) for inner in _inner(one)],
        }
        for one, is_cause in _chain(error)
    ]


def as_text(error: BaseException) -> str:
    """An exception and what it came from, the first first, as Python prints it."""
    parts = []
    for one, is_cause in reversed(list(_chain(error))):
        parts.append("Traceback (most recent call last):\n")
        parts += traceback.format_tb(one.__traceback__)
        parts.append(f"{type(one).__name__}: {_text(one)}\n")
        parts += [as_text(inner) for inner in _inner(one)]
        if one is not error:
            came = "It was the cause of" if is_cause else "While it was handled, there came"
            parts.append(f"\n{came} the following:\n\n")
    return "".join(parts)


def _chain(error: BaseException) -> Iterator[tuple[BaseException, bool]]:
    """An exception and those it came from, each with whether it is named as the cause."""
    seen: set[int] = set()
    following: BaseException | None = error
    is_cause = False
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        yield following, is_cause
        is_cause = following.__cause__ is not None
        if is_cause:
            following = following.__cause__
        else:
            following = None if following.__suppress_context__ else following.__context__


def _inner(error: BaseException) -> tuple[BaseException, ...]:
    return error.exceptions if isinstance(error, BaseExceptionGroup) else ()


def _text(error: BaseException) -> str:
    if isinstance(error, OSError):
        return error.strerror or _HIDDEN
    return str(error) if isinstance(error, _SAFE) else _HIDDEN
