"""So few rows a page that a list of fixtures has several pages."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mis_bridge.adapters.kit.listing import Listing, Row
    from mis_bridge.adapters.kit.standin import StandIn
    from mis_bridge.adapters.vocabulary import ManifestModel

__all__ = ["cut_small", "paged", "shuffle"]

_ENOUGH: Final = 5
"""Rows from which on two a page are three pages."""

_TRIES: Final = 100


def cut_small(manifest: ManifestModel, standin: StandIn) -> ManifestModel:
    """Cut the lists of a stand-in into small pages; give the manifest that expects them.

    Two pages are never equal: a page that comes twice is an error.
    """
    streams = dict(manifest.stream)
    for name, table in manifest.stream.items():
        own = [listing for listing in standin.listings.values() if name in listing.streams]
        if not own or table.page.type == "none":
            continue
        per = _per([listing.rows for listing in own])
        for listing in own:
            listing.per = per
        if table.page.size is not None:
            page = table.page.model_copy(update={"size": per})
            streams[name] = table.model_copy(update={"page": page})
    return manifest.model_copy(update={"stream": streams})


def paged(standin: StandIn, pages: int) -> list[Listing]:
    """Give the lists of so many pages or more."""
    return [one for one in standin.listings.values() if one.pages >= pages]


def shuffle(standin: StandIn, seed: int) -> None:
    """Put the rows of every list into another order, over all its pages."""
    order = random.Random(seed)  # noqa: S311 - an order, not a secret
    for listing in standin.listings.values():
        rows = listing.rows
        for _ in range(_TRIES):
            order.shuffle(rows)
            if _all_differ(rows, listing.per):
                break
        for place, row in enumerate(rows):
            row.order = float(place)


def _per(parts: Sequence[Sequence[Row]]) -> int:
    longest = max(len(rows) for rows in parts)
    per = 2 if longest >= _ENOUGH else 1
    while per < longest and not all(_all_differ(rows, per) for rows in parts):
        per += 1
    return per


def _all_differ(rows: Sequence[Row], per: int) -> bool:
    pages = [
        json.dumps([row.value for row in rows[at : at + per]]) for at in range(0, len(rows), per)
    ]
    return len(set(pages)) == len(pages)
