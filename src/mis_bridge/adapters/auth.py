"""How requests show who asks. Credentials are added last, by the driver, to one host only.

Where a token has to be got first, ``Credentials.renew`` is a generator like every adapter: it
yields the request and is sent the response, and the driver makes it.
"""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode, urljoin

import msgspec

from mis_bridge.adapters.flow import Request
from mis_bridge.adapters.mapping import Columns, Scalar
from mis_bridge.adapters.mapping import path as parse_path
from mis_bridge.adapters.template import fill
from mis_bridge.errors import MisAnswerInvalid, MisAuthFailed
from mis_bridge.io.secrets import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from mis_bridge.adapters.flow import Response
    from mis_bridge.adapters.vocabulary import AuthTable, TokenTable

__all__ = ["ACCESS", "Credentials", "revealed"]

ACCESS: Final = "access"
"""What errors call the request that gets a token."""

_BASIC: Final = "Basic "

_EARLY: Final = timedelta(seconds=60)
"""A token that lapses sooner than this is got anew: a request may take that long."""


def revealed(connection: Mapping[str, str | Secret]) -> dict[str, str]:
    """Give what a school gave, secrets included, by placeholder."""
    return {
        f"connection.{name}": value.reveal() if isinstance(value, Secret) else value
        for name, value in connection.items()
    }


class Credentials:
    """The credentials of one school.

    Args:
        table: ``[auth]`` of the manifest.
        connection: what the school gave.
        base: address that a token's address may continue.
        now: the present, aware.
        learned: told of each token and what is sent for a password, which no text may repeat.
    """

    def __init__(
        self,
        table: AuthTable,
        connection: Mapping[str, str | Secret],
        base: str,
        now: Callable[[], datetime],
        learned: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._table = table
        self._values = revealed(connection)
        self._base = base
        self._now = now
        self._learned = learned
        self._token = ""
        self._lapses: datetime | None = None
        if table.type == "basic":
            # Whoever has what is sent has the password.
            learned(_basic(table.user, table.password, self._values).removeprefix(_BASIC))

    @property
    def needs_token(self) -> bool:
        """Whether a token has to be got before the next request."""
        if self._table.request is None:
            return False
        return not self._token or self._lapses is None or self._now() >= self._lapses - _EARLY

    def refused(self) -> bool:
        """A request was refused (401); True where a new token may mend it."""
        had, self._token = bool(self._token), ""
        return had

    def headers(self) -> dict[str, str]:
        """Make the headers that authenticate a request; they hold secrets."""
        table, values = self._table, self._values
        match table.type:
            case "bearer":
                return {"Authorization": f"Bearer {fill(table.token, values)}"}
            case "basic":
                return {"Authorization": _basic(table.user, table.password, values)}
            case "header" | "token":
                values = {**values, "token": self._token}
                return {name: fill(text, values) for name, text in table.headers.items()}
            case "none":
                return {}

    def renew(self) -> Generator[Request, Response, None]:
        """Get a token: yield the request, be sent its answer.

        Raises:
            MisAuthFailed: the answer has no token.
            MisAnswerInvalid: it is not the documented answer.
        """
        table = self._table.request
        if table is None:
            return
        response = yield self._request(table)
        columns = Columns(
            {
                "token": (parse_path(table.token), Scalar),
                "seconds": (parse_path(table.expires_in or table.token), Scalar),
                "moment": (parse_path(table.expires_at or table.token), Scalar),
            }
        )
        try:
            token, seconds, moment = columns.decode(response.body)
        except msgspec.DecodeError:
            raise MisAnswerInvalid(f"{ACCESS}: the answer is not valid JSON") from None
        if not isinstance(token, str) or not token:
            raise MisAuthFailed(f"{ACCESS}: the answer has no token")
        self._learned(token)
        serves = timedelta(seconds=table.serves_seconds)
        if table.expires_in is not None and isinstance(seconds, int | float | str):
            serves = _seconds(seconds) or serves
        self._lapses = self._now() + serves
        if table.expires_at is not None and isinstance(moment, str):
            self._lapses = _moment(moment) or self._lapses
        self._token = token

    def _request(self, table: TokenTable) -> Request:
        values = self._values
        headers = {"Accept": "application/json"}
        headers |= {name: fill(text, values) for name, text in table.headers.items()}
        if table.user:
            headers["Authorization"] = _basic(table.user, table.password, values)
        fields = {name: fill(text, values) for name, text in (table.form or table.body).items()}
        if table.form:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            content = urlencode({name: text for name, text in fields.items() if text}).encode()
        else:
            headers["Content-Type"] = "application/json"
            content = msgspec.json.encode(fields)
        url = urljoin(self._base, fill(table.post, values))
        return Request("POST", url, headers, content, ACCESS)


def _basic(user: str, password: str, values: Mapping[str, str]) -> str:
    pair = f"{fill(user, values)}:{fill(password, values)}"
    return f"{_BASIC}{b64encode(pair.encode()).decode()}"


def _seconds(value: float | str) -> timedelta | None:
    try:
        seconds = float(value)
    except ValueError:
        return None
    return timedelta(seconds=seconds) if 0 < seconds < 10**9 else None


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
