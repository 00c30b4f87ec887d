"""Digests of pages: a page that has not changed since it was last stored costs a hash."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from mis_bridge.store.schema import page_digest
from mis_bridge.store.upsert import upsert

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection

__all__ = ["known", "save"]


def known(tx: Connection, school: str) -> dict[str, str]:
    """Page key -> digest of all pages of a school that were stored."""
    rows = tx.execute(
        select(page_digest.c.page, page_digest.c.digest).where(page_digest.c.school == school)
    )
    return {row.page: row.digest for row in rows}


def save(tx: Connection, school: str, pages: Mapping[str, str], now: datetime) -> None:
    """Remember pages beside their rows, in the same transaction: page key -> digest."""
    upsert(
        tx,
        page_digest,
        [
            {"school": school, "page": page, "digest": digest, "seen_at": now}
            for page, digest in pages.items()
        ],
    )
