"""The database: can it be opened, is it whole, does its history hold."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from mis_bridge.service.doctor.model import Line, Standing
from mis_bridge.store import audit_proof
from mis_bridge.store.engine import schema_of
from mis_bridge.store.key import KEY_FILE
from mis_bridge.store.schema import HEAD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from mis_bridge.store.engine import Store

__all__ = ["chain", "key", "opened", "whole"]

_MEGA: Final = 1e6
_LONG_LOG: Final = 256e6
"""A write-ahead log this long has not been folded into its database for a long time."""


def key(data_dir: Path, reference: str, *, embedded: bool) -> Iterator[Line]:
    """Say where the key of the database is; that it fits is seen by opening the database."""
    if not embedded:
        return
    if reference:
        yield Line(Standing.OK, "database key", f"{reference} (store.key)")
        return
    file = data_dir / KEY_FILE
    yield Line(
        Standing.OK,
        "database key",
        f"{file}, readable by its owner alone; a backup opens with it only",
    )


def opened(store: Store, tx: Connection) -> Iterator[Line]:
    """Look at the schema and the size of a database that could be opened."""
    present = schema_of(tx)
    if present != HEAD:
        newer = present > HEAD
        yield Line(
            Standing.BROKEN,
            "database schema",
            f"it has {present or 'none'}, this program needs {HEAD}",
            "Install the mis-bridge that used it last."
            if newer
            else "mis-bridge db backup, then mis-bridge db upgrade.",
        )
    else:
        yield Line(Standing.OK, "database schema", present)
    if not store.embedded:
        version = tx.exec_driver_sql("SHOW server_version").scalar()
        yield Line(Standing.OK, "database", f"PostgreSQL {version}")
        return
    file = Path(str(store.url.database))
    log = file.with_name(f"{file.name}-wal")
    size = file.stat().st_size
    behind = log.stat().st_size if log.exists() else 0
    seen = f"{file}, {(size + behind) / _MEGA:,.1f} MB"
    if behind > _LONG_LOG:
        yield Line(
            Standing.LOOK,
            "database",
            f"{seen}, and {behind / _MEGA:,.0f} MB that are not folded into it yet",
            "Something reads it without end: end other programs that have it open.",
        )
    else:
        yield Line(Standing.OK, "database", seen)


def whole(store: Store, tx: Connection) -> Iterator[Line]:
    """Look at the pages of an embedded database, quickly; ``db verify`` is thorough."""
    if not store.embedded:
        return
    said = [str(row) for row in tx.exec_driver_sql("PRAGMA quick_check(5)").scalars()]
    if said == ["ok"]:
        yield Line(Standing.OK, "database pages", "whole, by a quick look")
    else:
        yield Line(
            Standing.BROKEN,
            "database pages",
            "; ".join(said),
            "Stop the daemon and restore the last backup: docs/how-to/back-up-and-restore.md.",
        )


def chain(tx: Connection) -> Iterator[Line]:
    """Look whether the history of incidents is as it was written."""
    proof = audit_proof.prove(tx)
    if proof.broken:
        first, *more = proof.broken
        yield Line(
            Standing.BROKEN,
            "history",
            f"{first.school} line {first.number}: {first.what}"
            + (f"; and {len(more)} more" if more else ""),
            "Somebody changed the database by hand, or it is damaged: mis-bridge audit verify, "
            "then ask everybody who can write to it. What is explained: mis-bridge audit accept.",
        )
        return
    yield Line(Standing.OK, "history", audit_proof.standing(tx, proof))
