"""Content as a mail: subject, plain text and HTML, from the templates beside this module.

The first thing under the heading is who it is about, where the channel may say so: the mail is read
on a telephone, in a hurry. It is legible in the dark too: colours for it are given, and mail
programs that know none of them turn the light ones over by themselves. On paper, where coloured
areas are not printed, the button becomes its address. In the plain text a paragraph is one line: a
telephone breaks it where it has to, and what was broken before would be broken twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from mis_bridge.messages.content import Tone

if TYPE_CHECKING:
    from jinja2 import Environment

    from mis_bridge.messages.content import Content

__all__ = ["mail", "subject"]


@dataclass(frozen=True, slots=True)
class _Colours:
    """What a mail is drawn in.

    The contrast of text on its ground is at least 7 to 1, of the button's white on its bar 5 to 1.

    Args:
        background, ink: of the heading, with its text.
        page, card, text, muted, doubt: of all else.
    """

    background: str
    ink: str
    page: str
    card: str
    text: str
    muted: str
    doubt: str


_DAY = ("#f3f3f1", "#ffffff", "#1a1a1a", "#555555", "#6b3f00")
_NIGHT = ("#121212", "#1e1e1e", "#ececec", "#b8b8b8", "#ffcf8f")
_BARS = {
    Tone.ATTENTION: "#b3261e",
    Tone.WARNING: "#955800",
    Tone.GOOD: "#1e7d34",
    Tone.CALM: "#2b5c8a",
}
_BY_DAY = {
    Tone.ATTENTION: _Colours("#fdecea", "#7a1510", *_DAY),
    Tone.WARNING: _Colours("#fff4e0", "#6b3f00", *_DAY),
    Tone.GOOD: _Colours("#e7f5ea", "#12511f", *_DAY),
    Tone.CALM: _Colours("#e9f1f8", "#1b3d5e", *_DAY),
}
_BY_NIGHT = {
    Tone.ATTENTION: _Colours("#3b1512", "#ffb4ab", *_NIGHT),
    Tone.WARNING: _Colours("#33240a", "#ffcf8f", *_NIGHT),
    Tone.GOOD: _Colours("#10301a", "#9fe0b0", *_NIGHT),
    Tone.CALM: _Colours("#14283a", "#a9cff0", *_NIGHT),
}
_WHO = "Pupil"

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
    known = {
        "content": content,
        "who": dict(content.facts).get(_WHO, ""),
        "facts": [(label, value) for label, value in content.facts if label != _WHO],
        "bar": _BARS[content.tone],
        "day": _BY_DAY[content.tone],
        "night": _BY_NIGHT[content.tone],
    }
    text = environment.get_template("mail.txt").render(known)
    html = environment.get_template("mail.html").render(known)
    return subject(content), text, html
