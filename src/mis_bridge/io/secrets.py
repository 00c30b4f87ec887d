"""Credentials: named in the configuration, kept outside it, and never shown.

A reference is ``credential:NAME`` or ``env:VAR``. A credential is a file: first in
``$CREDENTIALS_DIRECTORY`` (where systemd puts what ``LoadCredential=`` names), then in the
configured credentials folder, whose files must belong to their owner alone (0600).
"""

from __future__ import annotations

import hmac
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn
from urllib.parse import parse_qsl, urlsplit

from mis_bridge.errors import SecretMissing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["MASK", "Secret", "Secrets", "is_reference"]

MASK: Final = "********"
"""What stands wherever a secret would have been printed."""

_REFERENCE: Final = re.compile(r"(?P<kind>credential|env):(?P<name>[A-Za-z0-9_][A-Za-z0-9._-]*)")
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_LONGEST: Final = 1_048_576  # systemd's own limit for all credentials of a unit
_SHORTEST: Final = 4
_TELLING: Final = 8  # a shorter part of a secret is no secret by itself, and hides half of a log


def is_reference(text: str) -> bool:
    """Tell whether the text names a secret (``credential:NAME``, ``env:VAR``) and is not one."""
    return _REFERENCE.fullmatch(text) is not None


class Secret:
    """A value that does not print.

    Args:
        value: the secret itself.
        reference: where it came from; this may be shown.
    """

    __slots__ = ("_value", "reference")

    def __init__(self, value: str, *, reference: str = "") -> None:
        self._value = value
        self.reference = reference

    def reveal(self) -> str:
        """Give the value, for the one line that hands it to the peer."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({self.reference or MASK!r})"

    def __str__(self) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not pickled: a copy of it would outlive its use")


class Secrets:
    """Finds the secrets that the configuration names, and knows them for redaction.

    Args:
        credentials_dir: folder of one file a secret, or None where there is none.
        env: the environment, normally ``os.environ``.
    """

    def __init__(self, credentials_dir: Path | None, env: Mapping[str, str]) -> None:
        self._own = credentials_dir
        self._env = env
        self._known: frozenset[str] = frozenset()

    def resolve(self, reference: str) -> Secret:
        """Find one secret.

        Args:
            reference: ``credential:NAME`` or ``env:VAR``.

        Returns:
            Its value without the line ending that editors leave at the end of a file.

        Raises:
            SecretMissing: not a reference, not there, empty, too short, or open to other users.
                The text says what to do; it never repeats what stood in the reference's place,
                which may be a secret written there by mistake.
        """
        match = _REFERENCE.fullmatch(reference)
        if match is None:
            raise SecretMissing(
                "a secret is written in the configuration as credential:NAME or env:VAR, "
                "never as its value"
            )
        name = match["name"]
        value = self._from_env(name) if match["kind"] == "env" else self._from_file(name)
        if len(value) < _SHORTEST:
            raise SecretMissing(
                f"{reference}: a secret of fewer than {_SHORTEST} characters can not be kept "
                "out of the logs; use a longer one"
            )
        self._known |= frozenset(_telling_parts(value))
        return Secret(value, reference=reference)

    def known_values(self) -> frozenset[str]:
        """All values given out so far, and their telling parts, for redaction by value.

        A part is telling when it would still open the door alone: a line of a private key, the
        ``sig`` of a webhook address, the password in ``scheme://user:password@host``.
        """
        return self._known

    def _from_env(self, name: str) -> str:
        value = self._env.get(name, "")
        if not value:
            raise SecretMissing(f"env:{name}: the environment has no {name}, or it is empty")
        return value

    def _from_file(self, name: str) -> str:
        given = self._env.get("CREDENTIALS_DIRECTORY", "")
        # systemd's folder belongs to this service alone; its access lists look like group bits.
        # Of a folder named in LoadCredential=, systemd names each file after the unit's own word.
        for file in (name, f"mis-bridge_{name}") if given else ():
            if (path := Path(given) / file).is_file():
                return _read(path, name)
        if self._own is not None and _is_there(path := self._own / name):
            mode = stat.S_IMODE(path.stat().st_mode)
            if mode & _OTHERS:
                raise SecretMissing(
                    f"credential:{name}: other users may open {path} (mode {mode:04o}); "
                    f"run: chmod 600 {path}"
                )
            return _read(path, name)
        places = [place for place in (given, str(self._own or "")) if place]
        where = " or ".join(places) if places else "a folder: set service.credentials_dir"
        raise SecretMissing(f"credential:{name}: there is no file {name} in {where}")


def _is_there(path: Path) -> bool:
    try:
        return path.is_file()
    except PermissionError:
        # Installed, the folder is root's: the service is to get its secrets from systemd.
        return False


def _read(path: Path, name: str) -> str:
    try:
        if path.stat().st_size > _LONGEST:
            raise SecretMissing(f"credential:{name}: {path} is larger than any secret (1 MB)")
        value = path.read_text(encoding="utf-8-sig").rstrip("\r\n")
    except OSError as error:
        raise SecretMissing(f"credential:{name}: {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        # `from None`: the error that is dropped here carries the bytes of the secret.
        raise SecretMissing(
            f"credential:{name}: {path} is not text; keys are stored in PEM form"
        ) from None
    if not value:
        raise SecretMissing(f"credential:{name}: {path} is empty")
    return value


def _telling_parts(value: str) -> Iterator[str]:
    yield value
    lines = value.splitlines()
    if len(lines) > 1:
        yield from (
            line for line in lines if len(line) >= _TELLING and not line.startswith("-----")
        )
    elif "://" in value:
        try:
            address = urlsplit(value)
        except ValueError:
            return
        raw = [item.partition("=")[2] for item in address.query.split("&")]
        decoded = [text for _, text in parse_qsl(address.query)]
        yield from (
            part for part in (*raw, *decoded, address.password or "") if len(part) >= _TELLING
        )
