"""How a case of the conformance kit says what it found."""

from __future__ import annotations

__all__ = ["DoesNotApply", "Failed"]


class Failed(Exception):
    """A case does not hold; the text says where, and names nobody."""


class DoesNotApply(Exception):
    """There is nothing in this adapter that the case is about; the text says what."""
