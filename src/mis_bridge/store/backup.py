"""A consistent copy of the embedded database, and the checks that say whether one is whole."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mis_bridge.errors import StoreError
from mis_bridge.store import audit
from mis_bridge.store.engine import open_any, revision
from mis_bridge.store.schema import HEAD

if TYPE_CHECKING:
    from pathlib import Path

    from mis_bridge.store.engine import Store

__all__ = ["Check", "back_up", "verify"]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Args:
        name: ``schema``, ``encryption``, ``pages``, ``references`` or ``audit``.
        good: whether it is as it should be.
        detail: what was found, for a person.
    """

    name: str
    good: bool
    detail: str


def back_up(store: Store, target: Path, key: str) -> int:
    """Write a copy of an embedded database, encrypted with the same key; the daemon may run on.

    It is written beside the target under another name and renamed when it is whole and has been
    opened and checked, so that a half-written file never looks like a backup.

    Args:
        store: the database.
        target: a file that is not there yet.
        key: the database's key, to look at the copy with.

    Returns:
        Size of the copy in bytes.

    Raises:
        StoreError: PostgreSQL, a target that exists, no room, or a copy that is not whole.
    """
    if not store.embedded:
        raise StoreError(
            "this database is PostgreSQL: back it up with pg_dump or your provider's backups"
        )
    if target.exists():
        raise StoreError(f"{target} is there already: give the backup a new name")
    partial = target.with_name(target.name + ".partial")
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial.unlink(missing_ok=True)
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        raise StoreError(f"{partial} can not be made: {error.strerror}") from error
    try:
        with store.engine.connect().execution_options(sqlite_begin="NONE") as connection:
            connection.exec_driver_sql("VACUUM INTO ?", (str(partial),))
        copy = open_any(f"sqlite:///{partial}", key)
        try:
            wrong = [
                check.detail for check in verify(copy) if not check.good and check.name != "schema"
            ]
            same = revision(copy) == revision(store)
        finally:
            copy.close()
        if wrong or not same:
            raise StoreError(f"the copy is not whole: {'; '.join(wrong) or 'its schema'}")
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.rename(target)
    finally:
        for leftover in partial.parent.glob(f"{partial.name}*"):
            leftover.unlink(missing_ok=True)
    return target.stat().st_size


def verify(store: Store) -> list[Check]:
    """Look at the whole database; every check is made whatever the others find.

    Args:
        store: opened by ``open_store``, or by ``open_any`` whatever its schema.
    """
    present = revision(store)
    checks = [Check("schema", present == HEAD, f"schema {present or 'none'}, wanted {HEAD}")]
    with store.reading() as tx:
        if store.embedded:
            broken = tx.exec_driver_sql("PRAGMA cipher_integrity_check").scalars().all()
            checks.append(
                Check(
                    "encryption",
                    not broken,
                    "; ".join(map(str, broken)) or "every page has the right seal",
                )
            )
            pages = tx.exec_driver_sql("PRAGMA integrity_check").scalars().all()
            whole = list(pages) == ["ok"]
            checks.append(
                Check("pages", whole, "all trees are whole" if whole else "; ".join(pages))
            )
            loose = tx.exec_driver_sql("PRAGMA foreign_key_check").all()
            checks.append(
                Check("references", not loose, f"{len(loose)} rows refer to rows that are gone")
            )
        broken_chains = audit.verify(tx)
        chains = audit.heads(tx)
    lines = sum(number for number, _ in chains.values())
    checks.append(
        Check(
            "audit",
            not broken_chains,
            "; ".join(f"{b.school} line {b.number}: {b.what}" for b in broken_chains)
            or f"{lines} lines in {len(chains)} chains hold",
        )
    )
    return checks
