"""Content as a mail: subject, plain text and HTML, from the templates beside this module."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from mis_bridge.messages.compose import Tone

if TYPE_CHECKING:
    from jinja2 import Environment

    from mis_bridge.messages.compose import Content

__all__ = ["mail", "subject"]

# (bar, background, text of the heading): the contrast of the text is at least 7 to 1.
_COLOURS = {
    Tone.ATTENTION: ("#b3261e", "#fdecea", "#7a1510"),
    Tone.WARNING: ("#b26a00", "#fff4e0", "#6b3f00"),
    Tone.GOOD: ("#1e7d34", "#e7f5ea", "#12511f"),
    Tone.CALM: ("#2b5c8a", "#e9f1f8", "#1b3d5e"),
}

_LONGEST_TITLE = 100  # what comes after it, the reference, is how a copy is recognised


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

    return Environment(
        loader=PackageLoader("mis_bridge.messages"),
        autoescape=select_autoescape(enabled_extensions=("html",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def subject(content: Content) -> str:
    """Return ``[mis-bridge] <title> MB-XXXX-XXXX``: never a name, always one line.

    Of several incidents the first reference and how many more there are.
    """
    title = " ".join(content.title.split())
    if len(title) > _LONGEST_TITLE:
        title = f"{title[: _LONGEST_TITLE - 1].rstrip()}…"
    more = f" and {len(content.references) - 1} more" if len(content.references) > 1 else ""
    return f"[mis-bridge] {title} {content.reference}{more}".rstrip()


def mail(content: Content) -> tuple[str, str, str]:
    """Return subject, plain text and HTML."""
    environment = _environment()
    bar, background, ink = _COLOURS[content.tone]
    text = environment.get_template("mail.txt").render(content=content)
    html = environment.get_template("mail.html").render(
        content=content, bar=bar, background=background, ink=ink
    )
    return subject(content), text, html
