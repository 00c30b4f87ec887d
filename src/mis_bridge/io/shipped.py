"""Find the files that come with mis-bridge beside its code: adapters, units, examples."""

from __future__ import annotations

from pathlib import Path

__all__ = ["shipped"]

_PACKAGE = Path(__file__).resolve().parent.parent
_CHECKOUT = _PACKAGE.parent.parent


def shipped(name: str) -> Path:
    """The path of a shipped file or folder.

    Args:
        name: relative path, for example ``adapters`` or ``config.example.toml``.

    Returns:
        Its place inside the installed package; in a checkout, where nothing is copied, its place
        beside ``src``.
    """
    installed = _PACKAGE / "_shipped" / name
    return installed if installed.exists() else _CHECKOUT / name
