"""Where certain marks stand among many."""

from __future__ import annotations

import re
from functools import cache
from itertools import islice

__all__ = ["slots_of"]


def slots_of(marks: bytes, codes: bytes, first: int | None = None) -> list[int]:
    """List the slots of marks with one of some codes, in order.

    Much faster than a loop over a year, of whose marks most are others.

    Args:
        marks: bytes of ``codes``.
        codes: those that are looked for, at least one.
        first: no more than so many, None for all.
    """
    return [found.start() for found in islice(_any_of(codes).finditer(marks), first)]


@cache
def _any_of(codes: bytes) -> re.Pattern[bytes]:
    return re.compile(b"[" + re.escape(codes) + b"]")
