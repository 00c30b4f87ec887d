"""The key of the embedded database: made once, kept for its owner only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mis_bridge.errors import StoreError, StoreKeyWrong
from mis_bridge.store import key

if TYPE_CHECKING:
    from pathlib import Path


def test_a_key_is_made_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    """The first call makes 32 random bytes in a file of mode 0600, the next ones read it."""
    folder = tmp_path / "data"
    made = key.file_key(folder, create=True)
    assert len(bytes.fromhex(made)) == 32
    assert (folder / key.KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert key.file_key(folder) == key.file_key(folder, create=True) == made


def test_two_keys_differ() -> None:
    """Keys are random."""
    assert key.new_key() != key.new_key()


def test_a_key_is_not_made_where_it_is_not_asked_for(tmp_path: Path) -> None:
    """Commands that only look make no key."""
    with pytest.raises(StoreKeyWrong, match="mis-bridge run"):
        key.file_key(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_database_without_its_key_gets_no_new_one(tmp_path: Path) -> None:
    """A new key would not open the old database: the old one has to be put back."""
    (tmp_path / "mis-bridge.db").write_bytes(b"")
    with pytest.raises(StoreKeyWrong, match="put the key file back"):
        key.file_key(tmp_path, create=True)
    assert not (tmp_path / key.KEY_FILE).exists()


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """The refusal gives the command that mends it."""
    key.file_key(tmp_path, create=True)
    (tmp_path / key.KEY_FILE).chmod(0o640)
    with pytest.raises(StoreError, match="chmod 600"):
        key.file_key(tmp_path)


def test_a_file_that_holds_no_key_is_refused(tmp_path: Path) -> None:
    """What stands in it is not repeated."""
    (tmp_path / key.KEY_FILE).write_text("not-a-key", encoding="ascii")
    (tmp_path / key.KEY_FILE).chmod(0o600)
    with pytest.raises(StoreKeyWrong) as refusal:
        key.file_key(tmp_path)
    assert "not-a-key" not in str(refusal.value)


def test_a_folder_that_can_not_be_made_is_said_so(tmp_path: Path) -> None:
    """A file where the data directory should be is a StoreError."""
    (tmp_path / "data").write_text("", encoding="ascii")
    with pytest.raises(StoreError, match="can not be"):
        key.file_key(tmp_path / "data", create=True)


def test_a_key_is_taken_in_either_case_and_with_a_line_end() -> None:
    """Credentials are files that people make with an editor."""
    assert key.checked("AB" * 32 + "\n") == "ab" * 32
