"""Opening a database, transactions, and what a person is told when it refuses."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
import threading
import time
import traceback
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert, text
from sqlcipher3 import dbapi2

from mis_bridge.channels.outcome import Outcome, Result
from mis_bridge.errors import StoreBusy, StoreError, StoreFull, StoreKeyWrong, StoreOutdated
from mis_bridge.store import channels, engine, meta, pupils, quarantine
from mis_bridge.store.engine import open_any
from mis_bridge.store.opening import open_store
from mis_bridge.store.quarantine import QuarantineRow
from mis_bridge.store.schema import attempts, schools

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from mis_bridge.store.engine import Store


def file_of(url: str) -> Path:
    """The file that a URL names."""
    return Path(url.removeprefix("sqlite:///"))


def test_the_file_of_an_embedded_database_holds_no_readable_text(
    embedded: Store, embedded_url: str
) -> None:
    """What is stored stands encrypted on the disk, in the database and in its log."""
    embedded.run(meta.put, "phrase", "a-phrase-to-look-for")
    path = file_of(embedded_url)
    there = path.read_bytes() + path.with_name(path.name + "-wal").read_bytes()
    assert b"a-phrase-to-look-for" not in there
    assert b"SQLite format 3" not in there


def test_another_key_is_refused_and_harms_nothing(embedded_url: str, key: str) -> None:
    """A wrong key gives StoreKeyWrong, says what to do, and the right key still opens it."""
    with pytest.raises(StoreKeyWrong, match=r"store\.key"):
        open_store(embedded_url, "ab" * 32)
    open_store(embedded_url, key).close()


@pytest.mark.parametrize("bad", ["", "secret", "0f" * 31, "zz" * 32])
def test_a_key_that_is_no_key_is_refused_without_repeating_it(embedded_url: str, bad: str) -> None:
    """The key has 64 hexadecimal digits; the refusal does not show what was given."""
    with pytest.raises(StoreKeyWrong) as refusal:
        open_store(embedded_url, bad)
    assert "64 hexadecimal digits" in str(refusal.value)
    assert not bad or bad not in str(refusal.value)


def test_an_embedded_database_without_a_key_is_refused(embedded_url: str) -> None:
    """There is no unencrypted store."""
    with pytest.raises(StoreKeyWrong, match="always encrypted"):
        open_store(embedded_url, None)


def test_an_unencrypted_file_is_not_taken_for_ours(tmp_path: Path, key: str) -> None:
    """A plain SQLite file is refused as not opening with the key, and stays as it is."""
    path = tmp_path / "plain.db"
    with sqlite3.connect(path) as plain:
        plain.execute("CREATE TABLE t (a)")
    plain.close()
    before = path.read_bytes()
    with pytest.raises(StoreKeyWrong):
        open_store(f"sqlite:///{path}", key, create=True)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://somewhere/x", "postgresql://"),
        ("nonsense", "not an address"),
        ("sqlite://", "names no file"),
        ("sqlite:////nowhere/at/all/x.db", "data directory"),
    ],
)
def test_an_address_that_leads_nowhere_is_refused(url: str, says: str, key: str) -> None:
    """Every kind of wrong store.url has its own advice."""
    with pytest.raises(StoreError, match=says):
        open_store(url, key)


def test_a_server_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    """An unreachable PostgreSQL server is a StoreError that names store.url."""
    with pytest.raises(StoreError, match=r"store\.url"):
        open_store(f"postgresql://somebody@/x?host={tmp_path}", None)


@pytest.mark.thorough
def test_a_server_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes the connection and says nothing: a tick does not wait for it for ever."""
    monkeypatch.setattr(engine, "_SILENT_SECONDS", 2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        began = time.monotonic()
        with pytest.raises(StoreError, match="can not be reached"):
            open_store(f"postgresql://nobody@127.0.0.1:{port}/none", None)
        assert time.monotonic() - began < 20


def test_an_empty_database_is_set_up_only_when_asked(tmp_path: Path, key: str) -> None:
    """Without ``create`` an empty database is StoreOutdated; with it the schema is made."""
    url = f"sqlite:///{tmp_path / 'new.db'}"
    with pytest.raises(StoreOutdated, match="db upgrade"):
        open_store(url, key)
    open_store(url, key, create=True).close()
    open_store(url, key).close()


@pytest.mark.parametrize(("revision", "says"), [("0000", "db backup"), ("9999", "newer")])
def test_another_schema_is_refused(store: Store, revision: str, says: str, key: str) -> None:
    """An older schema asks for an upgrade, a newer one for the program that made it."""
    with store.transaction() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = :r"), {"r": revision})
    url = store.url.render_as_string(hide_password=False)
    with pytest.raises(StoreOutdated, match=says):
        open_store(url, key if store.embedded else None)


def test_a_failing_transaction_leaves_nothing(store: Store) -> None:
    """What was written before an exception is not there afterwards."""

    def fail(tx: Connection) -> None:
        meta.put(tx, "half", "written")
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        store.run(fail)
    assert store.run(meta.get, "half") is None


def test_a_reader_sees_a_snapshot_and_waits_for_nobody(store: Store) -> None:
    """While a writer has not committed, readers go on and see the state before it."""
    store.run(meta.put, "word", "before")
    with store.transaction() as tx:
        meta.put(tx, "word", "after")
        with store.reading() as other:
            assert meta.get(other, "word") == "before"
    assert store.run(meta.get, "word") == "after"


def test_calls_run_in_the_worker_thread_in_one_transaction(store: Store) -> None:
    """``call`` runs its function off the event loop, and raises what it raises."""

    def where(tx: Connection, word: str) -> str:
        meta.put(tx, "word", word)
        return threading.current_thread().name

    assert asyncio.run(store.call(where, "said")).startswith("store")
    assert store.run(meta.get, "word") == "said"


def test_a_database_that_somebody_else_holds_is_busy(
    embedded_url: str, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A held write lock gives StoreBusy after the time to wait; afterwards work goes on."""
    monkeypatch.setattr("mis_bridge.store.engine._BUSY_SECONDS", 0.05)
    store = open_store(embedded_url, key)
    other = dbapi2.connect(str(file_of(embedded_url)), isolation_level=None)
    try:
        other.execute(f"PRAGMA key = \"x'{key}'\"")
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusy, match="nothing was stored"):
            store.run(meta.put, "a", "b")
        other.execute("ROLLBACK")
        store.run(meta.put, "a", "b")
        assert store.run(meta.get, "a") == "b"
    finally:
        other.close()
        store.close()


def test_a_full_disk_is_said_so_and_loses_nothing(embedded: Store) -> None:
    """With no page left to grow StoreFull is raised; what was there stays, and so does the file."""
    embedded.run(meta.put, "kept", "yes")

    def fill(tx: Connection) -> None:
        pages = tx.exec_driver_sql("PRAGMA page_count").scalar_one()
        tx.exec_driver_sql(f"PRAGMA max_page_count = {pages + 2}")
        for number in range(100):
            meta.put(tx, f"n{number}", "x" * 4000)

    with pytest.raises(StoreFull, match="free space"):
        embedded.run(fill)
    assert embedded.run(meta.get, "kept") == "yes"
    assert embedded.run(meta.get, "n0") is None
    with embedded.reading() as tx:
        assert tx.exec_driver_sql("PRAGMA integrity_check").scalars().all() == ["ok"]


def test_a_broken_rule_of_the_schema_does_not_quote_the_row(store: Store) -> None:
    """What the database says of a refused row shows none of its values: they are about a child."""
    row = {"school": "elm", "name": "Ada Testpupil", "adapter": "csv", "watched": None}
    with pytest.raises(Exception, match="watched") as refusal, store.transaction() as tx:
        tx.execute(insert(schools), [row])
    shown = "".join(traceback.format_exception(refusal.value))
    assert "Testpupil" not in shown


def test_the_password_is_not_shown() -> None:
    """The representation of a store on a server has no password in it."""
    with pytest.raises(StoreError) as refusal:
        open_any("postgresql://user:hunter2@127.0.0.1:1/x", None)
    assert "hunter2" not in str(refusal.value)


def test_moments_come_back_in_utc_to_the_microsecond(store: Store) -> None:
    """A time with another offset is the same moment when it is read again."""
    moment = datetime(2026, 7, 1, 9, 35, 1, 234567, tzinfo=timezone(timedelta(hours=1)))
    store.run(channels.note, "teams", Outcome(Result.SENT, ""), moment)
    stored = store.run(channels.load)["teams"].last_at
    assert stored == moment
    assert stored is not None
    assert stored.tzinfo is UTC


def test_naive_times_are_refused(store: Store) -> None:
    """A time without an offset never reaches the database."""
    naive = datetime(2026, 7, 1)  # noqa: DTZ001 - this is what must be refused
    with pytest.raises(Exception, match="aware"):
        store.run(quarantine.add, "oakfield", [QuarantineRow("sessions", "x", "y")], naive)


def test_an_attempt_without_its_message_is_refused(store: Store, now: datetime) -> None:
    """Rows that belong to another row can not be there without it."""
    orphan = {"school": "oakfield", "outbox": "nothing", "number": 1, "channel": "teams"}
    rest = {"holder": "", "started_at": now, "result": "", "detail": "", "proof": ""}
    with pytest.raises(Exception, match=r"(?i)foreign ?key"), store.transaction() as tx:
        tx.execute(insert(attempts).values(**orphan, **rest))


def test_the_roll_is_empty_in_a_new_database(store: Store) -> None:
    """A school that was never read has nobody on its roll."""
    assert store.run(pupils.load, "oakfield") == {}
