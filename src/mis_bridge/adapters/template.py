"""Fill the placeholders of a manifest: ``{connection.*} {window.*} {cursor} {page.*}``."""

from __future__ import annotations

from string import Formatter
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["fill", "query_text"]


def fill(
    template: str, values: Mapping[str, str], encode: Callable[[str], str] | None = None
) -> str:
    """Put values into a template that was checked when the manifest was read.

    Args:
        template: with ``{name}``; doubled braces are braces.
        values: by placeholder; one that is not there is empty.
        encode: applied to the values, not to the template.
    """
    text = []
    for literal, name, _, _ in Formatter().parse(template):
        text.append(literal)
        if name is not None:
            value = values.get(name, "")
            text.append(encode(value) if encode else value)
    return "".join(text)


def query_text(pairs: Iterable[tuple[str, str]]) -> str:
    """Write a query; parameters without a value are left out."""
    return urlencode([pair for pair in pairs if pair[1]], quote_via=quote, safe=",:/")
