"""The typeface of documents, and what becomes of characters that it does not have.

A missing character must not vanish from a name without a word. Every character is looked up first,
and one that can not be drawn is written as ``[U+674E]``, with a note below.
"""

from __future__ import annotations

import struct
import unicodedata
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import typst

__all__ = ["FAMILY", "Lettering", "drawable_characters", "fonts"]

FAMILY: Final = "DejaVu Sans"
"""What the library calls the family of the shipped fonts, which are its condensed ones."""

_FILES: Final = ("DejaVuSansCondensed.ttf", "DejaVuSansCondensed-Bold.ttf")

# Scripts that are written from right to left need a reader that can follow both ways at once.
_RIGHT_TO_LEFT: Final = frozenset({"R", "AL", "RLE", "RLO", "RLI"})

_LAST_OF_FIRST_PLANE: Final = 0xFFFF
_SEGMENTED_COVERAGE: Final = 12


@cache
def fonts() -> typst.Fonts:
    """Give the shipped fonts and no others, loaded once."""
    import typst

    folder = files("mis_bridge.documents") / "fonts"
    return typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(folder)]
    )


@cache
def drawable_characters() -> frozenset[str]:
    """Give the characters that both fonts have: a label is drawn bold and a value plain.

    Beyond the first plane a document would be drawn but could not be searched or copied from.
    """
    folder = files("mis_bridge.documents") / "fonts"
    plain, bold = (_characters((folder / name).read_bytes()) for name in _FILES)
    return frozenset(
        char
        for char in map(chr, (number for number in plain & bold if number <= _LAST_OF_FIRST_PLANE))
        if unicodedata.bidirectional(char) not in _RIGHT_TO_LEFT and char.isprintable()
    )


def _characters(font: bytes) -> set[int]:
    """Read which characters a TrueType font has, from the table that maps them to glyphs.

    Source: OpenType specification, "cmap", format 12 (segmented coverage).
    """
    (tables,) = struct.unpack_from(">H", font, 4)
    records = [struct.unpack_from(">4sLLL", font, 12 + 16 * number) for number in range(tables)]
    start = next(offset for tag, _, offset, _ in records if tag == b"cmap")
    (encodings,) = struct.unpack_from(">H", font, start + 2)
    found: set[int] = set()
    for number in range(encodings):
        _, _, offset = struct.unpack_from(">HHL", font, start + 4 + 8 * number)
        if struct.unpack_from(">H", font, start + offset) != (_SEGMENTED_COVERAGE,):
            continue
        (groups,) = struct.unpack_from(">L", font, start + offset + 12)
        for group in range(groups):
            first, last, _ = struct.unpack_from(">LLL", font, start + offset + 16 + 12 * group)
            found.update(range(first, last + 1))
    return found


class Lettering:
    """Makes text drawable and remembers whether anything had to be spelled out.

    Attributes:
        spelled_out: True once a character could not be drawn.
    """

    def __init__(self) -> None:
        self._drawable = drawable_characters()
        self.spelled_out = False

    def drawable(self, text: str) -> str:
        """Return text that the fonts can draw, on as many lines as it had."""
        return "".join(self._one(char) for char in unicodedata.normalize("NFC", text))

    def _one(self, char: str) -> str:
        if char in "\n\t ":
            return "\n" if char == "\n" else " "
        if char in self._drawable:
            return char
        self.spelled_out = True
        return f"[U+{ord(char):04X}]"
