"""The typeface of documents, and what becomes of characters that it does not have.

A PDF's built-in fonts print black boxes for Polish or Turkish letters, and with an embedded font a
missing character vanishes without a word. A name may do neither: every character is looked up
first, and one that can not be drawn is written as ``[U+674E]``, with a note below.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from reportlab.pdfbase.ttfonts import TTFont

__all__ = ["BOLD", "PLAIN", "Lettering", "load_fonts"]

PLAIN: Final = "DejaVuSansCondensed"
BOLD: Final = "DejaVuSansCondensed-Bold"

# Scripts that are written from right to left or joined up need a shaper that we do not have.
_NEEDS_SHAPING: Final = frozenset({"R", "AL", "RLE", "RLO", "RLI"})

_LAST_OF_FIRST_PLANE: Final = 0xFFFF


@cache
def load_fonts() -> tuple[TTFont, TTFont]:
    """Register both fonts with reportlab, once, and return them."""
    from reportlab.lib.fonts import addMapping
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    folder = files("mis_bridge.documents") / "fonts"
    loaded = tuple(TTFont(name, str(folder / f"{name}.ttf")) for name in (PLAIN, BOLD))
    for font in loaded:
        pdfmetrics.registerFont(font)
    addMapping(PLAIN, 0, 0, PLAIN)
    addMapping(PLAIN, 1, 0, BOLD)
    return loaded[0], loaded[1]


class Lettering:
    """Makes text drawable and remembers whether anything had to be spelled out.

    Attributes:
        spelled_out: True once a character could not be drawn.
    """

    def __init__(self) -> None:
        plain, bold = load_fonts()
        # A label may be drawn bold and a value plain: only what both have counts as drawable.
        self._drawable = set(plain.face.charToGlyph) & set(bold.face.charToGlyph)
        self.spelled_out = False

    def drawable(self, text: str) -> str:
        """Return text that the fonts can draw, on as many lines as it had."""
        return "".join(self._one(char) for char in unicodedata.normalize("NFC", text))

    def _one(self, char: str) -> str:
        if char in "\n\t ":
            return "\n" if char == "\n" else " "
        # Beyond the first plane the PDF would be drawn but could not be searched or copied from.
        known = ord(char) in self._drawable and ord(char) <= _LAST_OF_FIRST_PLANE
        if known and unicodedata.bidirectional(char) not in _NEEDS_SHAPING and char.isprintable():
            return char
        self.spelled_out = True
        return f"[U+{ord(char):04X}]"
