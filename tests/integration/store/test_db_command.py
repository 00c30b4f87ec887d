"""``mis-bridge db``: what an operator types."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from mis_bridge.cli.audit import command as audit_command
from mis_bridge.cli.db import command
from mis_bridge.errors import StoreError, StoreOutdated
from mis_bridge.store.opening import open_store
from mis_bridge.store.schema import HEAD

if TYPE_CHECKING:
    from pathlib import Path

    import click
    from click.testing import Result


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The smallest configuration: a data directory of its own."""
    path = tmp_path / "config.toml"
    path.write_text(f'[service]\ndata_dir = "{tmp_path / "data"}"\n', encoding="utf-8")
    return path


def call(what: click.Command, *args: str | Path) -> Result:
    """Run a command; what it raises is raised here."""
    return CliRunner().invoke(what, [str(arg) for arg in args], catch_exceptions=False)


def test_upgrade_sets_up_an_empty_database_once(config: Path) -> None:
    """The key is made, readable by its owner only, and the second time nothing is to do."""
    assert f"schema {HEAD} now" in call(command, "upgrade", "--config", config).output
    key = config.parent / "data" / "db.key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert "already" in call(command, "upgrade", "--config", config).output


def test_backup_and_restore_give_the_same_database(config: Path, tmp_path: Path) -> None:
    """A backup put in the place of the database is the database."""
    call(command, "upgrade", "--config", config)
    target = tmp_path / "backup.db"
    assert "checked" in call(command, "backup", target, "--config", config).output
    data = tmp_path / "data"
    for file in data.glob("mis-bridge.db*"):
        file.unlink()
    target.rename(data / "mis-bridge.db")
    assert call(command, "verify", "--config", config).exit_code == 0


def test_a_backup_that_can_not_be_noted_is_there_all_the_same(config: Path, tmp_path: Path) -> None:
    """A database of a newer program is backed up, not written to, and the person hears of it."""
    call(command, "upgrade", "--config", config)
    data = tmp_path / "data"
    key = (data / "db.key").read_text(encoding="utf-8").strip()
    store = open_store(f"sqlite:///{data / 'mis-bridge.db'}", key)
    with store.transaction() as tx:
        tx.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    store.close()

    result = call(command, "backup", tmp_path / "b.db", "--config", config)

    assert result.exit_code == 0
    assert (tmp_path / "b.db").exists()
    assert "that pupil erase names it is not: the database has schema 9999" in result.stderr


def test_verify_prints_one_json_object_a_check(config: Path) -> None:
    """Programs get lines; the exit code says whether all is well."""
    call(command, "upgrade", "--config", config)
    result = call(command, "verify", "--format", "json", "--config", config)
    rows = [json.loads(line) for line in result.output.splitlines()]
    assert [row["check"] for row in rows] == [
        "schema",
        "encryption",
        "pages",
        "references",
        "audit",
    ]
    assert all(row["good"] for row in rows)


def test_verify_fails_with_one_where_the_history_was_changed(config: Path) -> None:
    """A chain that was cut is a problem found: exit code 1, in ``audit verify`` too."""
    call(command, "upgrade", "--config", config)
    data = config.parent / "data"
    key = (data / "db.key").read_text(encoding="ascii")
    store = open_store(f"sqlite:///{data / 'mis-bridge.db'}", key.strip())
    with store.transaction() as tx:
        tx.exec_driver_sql("INSERT INTO audit_head VALUES ('oakfield', 7, 'ff')")
    store.close()
    for result in (
        call(command, "verify", "--format", "json", "--config", config),
        call(audit_command, "verify", "--format", "json", "--config", config),
    ):
        assert result.exit_code == 1
        assert "oakfield line 1" in result.output


def test_a_database_that_is_not_there_is_not_made_by_looking(config: Path) -> None:
    """``verify`` and ``backup`` make no database and no key."""
    with pytest.raises(StoreError):
        call(command, "verify", "--config", config)
    assert not list((config.parent / "data").glob("*"))


def test_a_newer_database_is_not_touched(config: Path) -> None:
    """Upgrading what a newer program made is refused."""
    call(command, "upgrade", "--config", config)
    data = config.parent / "data"
    key = (data / "db.key").read_text(encoding="ascii")
    store = open_store(f"sqlite:///{data / 'mis-bridge.db'}", key)
    with store.transaction() as tx:
        tx.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    store.close()
    with pytest.raises(StoreOutdated, match="newer"):
        call(command, "upgrade", "--config", config)
