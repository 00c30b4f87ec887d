"""Backups that open, checks that find damage, one daemon a database."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mis_bridge.errors import StoreBusy, StoreError, StoreKeyWrong, StoreOutdated
from mis_bridge.store import backup, backups, holder, meta
from mis_bridge.store.engine import open_any
from mis_bridge.store.opening import open_store

if TYPE_CHECKING:
    from datetime import datetime

    from mis_bridge.store.engine import Store


def test_a_backup_is_encrypted_whole_and_opens_with_the_same_key(
    embedded: Store, tmp_path: Path, key: str
) -> None:
    """The copy holds what was committed, and nothing of it is readable without the key."""
    embedded.run(meta.put, "phrase", "a-phrase-to-look-for")
    target = tmp_path / "backups" / "monday.db"
    with embedded.transaction() as tx:
        meta.put(tx, "later", "not committed yet")
        size = backup.back_up(embedded, target, key)
    assert size == target.stat().st_size
    assert target.stat().st_mode & 0o077 == 0
    assert b"a-phrase" not in target.read_bytes()
    with pytest.raises(StoreKeyWrong):
        open_store(f"sqlite:///{target}", "ab" * 32)
    copy = open_store(f"sqlite:///{target}", key)
    try:
        assert copy.run(meta.get, "phrase") == "a-phrase-to-look-for"
        assert copy.run(meta.get, "later") is None
    finally:
        copy.close()


def test_a_backup_never_overwrites_and_leaves_nothing_half_done(
    embedded: Store, tmp_path: Path, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A target that is there is refused; a copy that turns out bad is not left behind."""
    target = tmp_path / "copy" / "a.db"
    backup.back_up(embedded, target, key)
    with pytest.raises(StoreError, match="there already"):
        backup.back_up(embedded, target, key)
    bad = backup.Check("pages", good=False, detail="page 3 is torn")
    monkeypatch.setattr(backup, "verify", lambda _: [bad])
    with pytest.raises(StoreError, match="page 3 is torn"):
        backup.back_up(embedded, target.with_name("b.db"), key)
    assert sorted(path.name for path in target.parent.iterdir()) == ["a.db"]


def test_where_backups_were_written_is_remembered_the_newest_thousand(
    store: Store, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that is used again stands for its newest backup; the oldest are forgotten first."""
    monkeypatch.setattr(backups, "_MOST", 3)
    for hour, name in enumerate(("a", "b", "c", "a", "d")):
        store.run(backups.note, Path(f"/srv/{name}.db"), now + timedelta(hours=hour))

    kept = store.run(backups.known)

    assert [(one.file.name, one.at) for one in kept] == [
        ("c.db", now + timedelta(hours=2)),
        ("a.db", now + timedelta(hours=3)),
        ("d.db", now + timedelta(hours=4)),
    ]


def test_an_older_schema_can_be_backed_up_before_it_is_upgraded(
    embedded: Store, tmp_path: Path, key: str
) -> None:
    """What is advised before an upgrade is possible before it."""
    with embedded.transaction() as tx:
        tx.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")
    url = embedded.url.render_as_string()
    with pytest.raises(StoreOutdated):
        open_store(url, key)
    store = open_any(url, key)
    try:
        assert backup.back_up(store, tmp_path / "before.db", key) > 0
    finally:
        store.close()


def test_a_server_is_backed_up_by_its_own_tools(postgresql_url: str, tmp_path: Path) -> None:
    """On PostgreSQL the command says so and writes nothing."""
    store = open_store(postgresql_url, None)
    try:
        with pytest.raises(StoreError, match="pg_dump"):
            backup.back_up(store, tmp_path / "x.db", "")
    finally:
        store.close()
    assert not (tmp_path / "x.db").exists()


def test_a_whole_database_passes_every_check(store: Store) -> None:
    """Schema and history are checked on both, pages and seals where there are files."""
    checks = {check.name: check.good for check in backup.verify(store)}
    assert all(checks.values())
    assert {"schema", "audit"} <= checks.keys()
    assert ("encryption" in checks) == store.embedded


def test_a_changed_byte_on_the_disk_is_found(embedded_url: str, key: str) -> None:
    """Every page has a seal: one flipped bit in a table's page fails the encryption check."""
    path = Path(embedded_url.removeprefix("sqlite:///"))
    content = bytearray(path.read_bytes())
    content[-5000] ^= 1
    path.write_bytes(content)
    store = open_any(embedded_url, key)
    try:
        checks = {check.name: check.good for check in backup.verify(store)}
    finally:
        store.close()
    assert checks["encryption"] is False


HOLD = """
import sys, time
from mis_bridge.store.opening import open_store
from mis_bridge.store.holder import claim_process_lock
store = open_store(sys.argv[1], sys.argv[2])
lock = claim_process_lock(store)
print("held", flush=True)
sys.stdin.read()
"""


def test_a_second_daemon_on_one_database_is_told_who_the_first_is(
    embedded: Store, embedded_url: str, key: str
) -> None:
    """StoreBusy names the other's process; when that is killed the next one starts at once."""
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, embedded_url, key],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(StoreBusy, match=f"process {other.pid} on "):
            holder.claim_process_lock(embedded)
        other.send_signal(signal.SIGKILL)
        other.wait(timeout=30)
        with holder.claim_process_lock(embedded):
            pass
    finally:
        other.kill()
        other.communicate()


def test_a_released_lock_can_be_taken_again(embedded: Store) -> None:
    """It is held once at a time, says who holds it, and releasing twice does no harm."""
    lock = holder.claim_process_lock(embedded)
    said = json.loads(Path(f"{embedded.url.database}.lock").read_text(encoding="utf-8"))
    assert said["pid"] == os.getpid()
    with pytest.raises(StoreBusy):
        holder.claim_process_lock(embedded)
    lock.release()
    lock.release()
    holder.claim_process_lock(embedded).release()


def test_any_number_may_run_on_a_server(postgresql_url: str) -> None:
    """On PostgreSQL leases and fences keep workers apart, and no lock is needed."""
    store = open_store(postgresql_url, None)
    try:
        with holder.claim_process_lock(store), holder.claim_process_lock(store):
            pass
    finally:
        store.close()
