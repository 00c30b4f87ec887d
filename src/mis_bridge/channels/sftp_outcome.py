"""What an error of the SFTP library says about the files that were to be put there."""

from __future__ import annotations

from typing import Final

from mis_bridge.channels.outcome import Outcome, Result
from mis_bridge.channels.trust import deepest_word

__all__ = ["broken", "of_error"]

_MAY_NOT_WRITE: Final = (
    "this user may not write in the folder: ask the authority for the right to, or set folder"
)


def broken(place: str, text: str) -> Outcome:
    """Say that the channel itself has to be mended, by the school or by the authority."""
    return Outcome(Result.PERMANENT, f"{place}: {text}", config_alarm=True)


def of_error(error: Exception, *, place: str, by_key: bool, on_its_way: bool) -> Outcome:
    """Say what became of the files; the library's own text is never repeated.

    Args:
        error: of ``asyncssh``, or an ``OSError``.
        place: host and port, for the text.
        by_key: whether a key logs in, or a password.
        on_its_way: whether a file may have got its name.
    """
    import asyncssh

    meanings: dict[type[Exception], str] = {
        asyncssh.HostKeyNotVerifiable: "SECURITY: the server does not show a host key that is "
        "pinned, nothing was sent. Somebody may stand between, or the authority has a new key: "
        "ask the authority by telephone, and change host_keys only when they confirm it",
        asyncssh.KeyExchangeFailed: "the server and this program have no kind of host key or "
        "cipher in common, nothing was sent: ask the authority whether the kind of its host key "
        "has changed",
        asyncssh.PermissionDenied: "the login is refused: check username and "
        f"{'key' if by_key else 'password'} with the authority",
        asyncssh.SFTPPermissionDenied: _MAY_NOT_WRITE,
        asyncssh.SFTPWriteProtect: _MAY_NOT_WRITE,
    }
    if type(error) in meanings:
        return broken(place, meanings[type(error)])
    if isinstance(error, asyncssh.SFTPNoSpaceOnFilesystem | asyncssh.SFTPQuotaExceeded):
        return Outcome(Result.RETRY, f"{place}: its disk is full", config_alarm=True)
    gone = isinstance(error, asyncssh.SFTPConnectionLost | asyncssh.SFTPNoConnection)
    if isinstance(error, asyncssh.SFTPError) and not gone:
        kind = type(error).__name__
        return Outcome(Result.RETRY, f"{place}: it refuses a file for now ({kind})")
    word = deepest_word(error) if isinstance(error, OSError) else "the connection broke"
    if on_its_way:
        return Outcome(
            Result.UNKNOWN,
            f"{place}: {word} while the files were put there; what is missing is put there by the "
            "next attempt",
        )
    return Outcome(
        Result.RETRY,
        f"{place}: {word}; nothing was sent. If it lasts, check host, port and the firewall",
    )
