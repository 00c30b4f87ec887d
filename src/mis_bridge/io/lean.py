"""Import a library without the optional parts that a daemon never uses.

structlog and httpx both import rich, where it is installed, for colours on a terminal and for a
command of their own: 7 MB and a quarter of a second that a service keeps for nothing. Both are
written to go without it.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["without"]


@contextmanager
def without(*names: str) -> Iterator[None]:
    """Let imports of these modules fail inside the block; what is loaded already stays.

    Args:
        names: top-level modules. ``None`` in ``sys.modules`` is Python's own way to say that a
            module is not to be had (Language Reference, "The module cache").
    """
    hidden = [name for name in names if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
