"""The key of the embedded database: 32 random bytes, written as 64 hexadecimal digits.

SQLCipher takes such a key as it is (``x'...'``) and skips the derivation from a passphrase, which
would cost a quarter of a second at every opening.
"""

from __future__ import annotations

import os
import re
import secrets
from typing import TYPE_CHECKING

from mis_bridge.errors import StoreError, StoreKeyWrong

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["KEY_FILE", "checked", "file_key", "new_key"]

KEY_FILE = "db.key"
_HEX = re.compile(r"[0-9a-fA-F]{64}")


def new_key() -> str:
    """A fresh key of 64 hexadecimal digits."""
    return secrets.token_hex(32)


def checked(key: str) -> str:
    """The key in lower case.

    Raises:
        StoreKeyWrong: it is not 64 hexadecimal digits; the value is not repeated.
    """
    text = key.strip()
    if not _HEX.fullmatch(text):
        raise StoreKeyWrong(
            "the database key must be 64 hexadecimal digits (32 bytes); make one with "
            "'openssl rand -hex 32', or leave store.key out to have one made"
        )
    return text.lower()


def file_key(data_dir: Path, *, create: bool = False) -> str:
    """The key in ``db.key`` of the data directory.

    Args:
        data_dir: directory that holds the database.
        create: make the file (mode 0600) where it is missing and there is no database yet.

    Returns:
        64 hexadecimal digits.

    Raises:
        StoreKeyWrong: there is a database but no key file, or no valid key in it.
        StoreError: others than its owner may read the key file, or it can not be made.
    """
    path = data_dir / KEY_FILE
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return _made(path, create=create)
    except OSError as error:
        raise StoreError(f"{path} can not be read: {error.strerror}") from error
    if mode & 0o077:
        raise StoreError(f"others than its owner may read {path}: run 'chmod 600 {path}'")
    try:
        return checked(path.read_text(encoding="ascii", errors="replace"))
    except OSError as error:
        raise StoreError(f"{path} can not be read: {error.strerror}") from error


def _made(path: Path, *, create: bool) -> str:
    if any(path.parent.glob("*.db")):
        raise StoreKeyWrong(
            f"there is a database in {path.parent} but no {path.name}: put the key file back "
            "from where it is kept, or name the credential with the key in store.key"
        )
    if not create:
        raise StoreKeyWrong(
            f"there is no database in {path.parent} yet: 'mis-bridge run' makes it when it starts"
        )
    key = new_key()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(key + "\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise StoreError(f"{path} can not be made: {error.strerror}") from error
    return key
