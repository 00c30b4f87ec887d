"""How a school stands with its vendor: approved, paused, withdrawn, its server offline.

Asked for beside the lists, because the lists may still answer with what was copied long ago.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urljoin

import msgspec

from mis_bridge.adapters.envelope import what_came
from mis_bridge.adapters.flow import Request
from mis_bridge.adapters.template import fill, query_text
from mis_bridge.errors import MisAnswerInvalid, MisNotThere, MisPermissionMissing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mis_bridge.adapters.driver import Driver
    from mis_bridge.adapters.vocabulary import CheckTable, HttpTable
    from mis_bridge.io.clock import Clock

__all__ = ["Look"]


class Look:
    """Looks at the standing of one school, as its manifest says.

    Args:
        table: ``[check]`` of the manifest, or None where it has none.
        http: of the manifest.
        connection: what the school gave, without secrets.
        driver: makes the request.
        clock: the present.
    """

    def __init__(
        self,
        table: CheckTable | None,
        http: HttpTable,
        connection: Mapping[str, str],
        driver: Driver,
        clock: Clock,
    ) -> None:
        self._table = table
        self._http = http
        self._values = {f"connection.{name}": value for name, value in connection.items()}
        self._driver = driver
        self._clock = clock
        self._good_at: float | None = None

    async def look(self, *, anew: bool = False) -> None:
        """Ask, unless a good answer still serves.

        Raises:
            MisError: something is wrong that the lists may not show.
        """
        table, now = self._table, self._clock.monotonic()
        if table is None:
            return
        if not anew and self._good_at is not None and now - self._good_at < table.keep_seconds:
            return
        self._good_at = None
        try:
            response = await self._driver.send(self._request(table))
        except (MisNotThere, MisPermissionMissing):
            if table.missing == "refuse":
                raise
        else:
            _refuse_no_data(response.body)
            self._driver.judged(response, "check", table.errors)
        self._good_at = now

    def _request(self, table: CheckTable) -> Request:
        values = self._values
        headers = {name: fill(text, values) for name, text in self._http.headers.items()}
        address = urljoin(fill(self._http.base, values), fill(table.get, values))
        asked = query_text((name, fill(text, values)) for name, text in table.query.items())
        return Request("GET", f"{address}?{asked}" if asked else address, headers, None, "check")


def _refuse_no_data(body: bytes) -> None:
    """Take an answer that no rule could look into for what it is, and not for a good one.

    Raises:
        MisAnswerInvalid: it is no JSON.
    """
    try:
        msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MisAnswerInvalid(f"check: {what_came(body, error)}") from None
