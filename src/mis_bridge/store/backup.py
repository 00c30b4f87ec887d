"""A consistent copy of the embedded database, and the checks that say whether one is whole."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mis_bridge.errors import StoreError
from mis_bridge.store import audit_proof
from mis_bridge.store.engine import open_any, revision, schema_of
from mis_bridge.store.schema import HEAD

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy import Connection

    from mis_bridge.store.engine import Store

__all__ = ["Check", "back_up", "verify"]


_SHOWN = 5


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
    checks = [_check("schema", store, _schema)]
    if store.embedded:
        checks += [
            _check("encryption", store, _encryption),
            _check("pages", store, _pages),
            _check("references", store, _references),
        ]
    return [*checks, _check("audit", store, _audit)]


Found = tuple[bool, str]


def _check(name: str, store: Store, look: Callable[[Connection], Found]) -> Check:
    try:
        with store.reading() as tx:
            return Check(name, *look(tx))
    except StoreError as error:
        return Check(name, good=False, detail=str(error))


def _schema(tx: Connection) -> Found:
    present = schema_of(tx)
    return present == HEAD, f"schema {present or 'none'}, wanted {HEAD}"


def _encryption(tx: Connection) -> Found:
    broken = [str(row) for row in tx.exec_driver_sql("PRAGMA cipher_integrity_check").scalars()]
    return not broken, _some(broken) or "every page has the right seal"


def _pages(tx: Connection) -> Found:
    said = [str(row) for row in tx.exec_driver_sql("PRAGMA integrity_check").scalars()]
    return (True, "all trees are whole") if said == ["ok"] else (False, _some(said))


def _references(tx: Connection) -> Found:
    loose = len(tx.exec_driver_sql("PRAGMA foreign_key_check").all())
    return not loose, f"{loose} rows refer to rows that are gone"


def _audit(tx: Connection) -> Found:
    proof = audit_proof.prove(tx)
    broken = [f"{found.school} line {found.number}: {found.what}" for found in proof.broken]
    return not broken, _some(broken) or audit_proof.standing(tx, proof)


def _some(problems: list[str]) -> str:
    more = len(problems) - _SHOWN
    return "; ".join(problems[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")
