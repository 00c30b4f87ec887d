"""How a list goes on, and when it may be believed to have ended.

Every way in which a paged list can lie is an error with a name, because the alternative reads as
"nobody is absent": a token that comes again, a page that comes again, "more" without a place to go
on, a next address on another host, an end before the stated total.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin, urlsplit

from mis_bridge.errors import MisPagingBroken

if TYPE_CHECKING:
    from mis_bridge.adapters.vocabulary import PageTable

__all__ = ["Pager", "Position"]


_COUNTED: Final = frozenset({"page", "offset"})
"""Schemes whose pages shift when rows come and go."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where to read next.

    Args:
        number: of the page, as the MIS counts (``PageTable.start`` is the first).
        token: cursor or whole address, or empty on the first page.
        offset: records before this page.
    """

    number: int
    token: str = ""
    offset: int = 0


class Pager:
    """Follows one list.

    Args:
        table: the scheme.
        stream: named in errors.
        origin: address of the API; a next address must be on its host.
    """

    def __init__(self, table: PageTable, stream: str, origin: str) -> None:
        self._table = table
        self._stream = stream
        self._origin = _origin(origin)
        parts = urlsplit(origin)
        self._home = f"{parts.scheme}://{parts.netloc}/"
        self._tokens: set[str] = set()
        self._digests: set[str] = set()
        self._pages = 0
        self._records = 0
        self._total: int | None = None

    @property
    def counts(self) -> bool:
        """Whether the number of records of each page has to be known."""
        table = self._table
        stated = table.total is not None or table.total_header is not None
        by_size = table.type == "page" and table.more is None and table.pages is None
        return stated or by_size or table.type == "offset"

    @property
    def is_counted(self) -> bool:
        """Whether we count the pages, and the MIS does not say where the next one is."""
        return self._table.type in {"page", "offset"}

    def first(self) -> Position:
        """Where a list begins."""
        return Position(self._table.start)

    def resumed(self, position: Position, url: str) -> Position:
        """Take up an interrupted list; the total can not be checked then.

        Raises:
            MisPagingBroken: the address of the position is on another host.
        """
        self._records = -1
        if self._table.type == "next_link":
            return Position(position.number, self._address(position.token, url))
        return position

    def follow(
        self, here: Position, url: str, digest: str, count: int | None, answer: dict[str, Any]
    ) -> Position | None:
        """Decide where the list goes on after a page.

        Args:
            here: position of the page.
            url: its address.
            digest: of its records, or empty for a page without records.
            count: its records, where ``counts``.
            answer: ``next``, ``more``, ``total`` and ``pages`` as far as the scheme has them.

        Returns:
            The next position, or None where the list has ended.

        Raises:
            MisPagingBroken: the list can not be believed.
        """
        self._pages += 1
        if digest and digest in self._digests:
            raise self._broken("a page came twice")
        self._digests.add(digest)
        total = _number(answer.get("total"))
        self._refuse_shrunk(total)
        if self._table.type == "offset":
            self._records = here.offset + (count or 0)
        elif self._records >= 0:
            self._records += count or 0
        follows = self._next(here, url, count, answer, total)
        if follows is None:
            self._check_total(total)
        elif self._pages >= self._table.max_pages:
            raise self._broken(f"more than {self._table.max_pages} pages")
        return follows

    def _next(
        self,
        here: Position,
        url: str,
        count: int | None,
        answer: dict[str, Any],
        total: int | None,
    ) -> Position | None:
        table = self._table
        if table.type == "none":
            return None
        more = _flag(answer.get("more")) if table.more is not None else None
        if table.type == "page" and table.pages is not None:
            last = self._table.start + self._stated_pages(answer.get("pages")) - 1
            return Position(here.number + 1) if here.number < last else None
        if table.type in _COUNTED:
            return self._counted(here, count or 0, total, more=more)
        token = answer.get("next")
        text = "" if token is None else str(token)
        if more is False:
            return None
        if not text:
            if more:
                raise self._broken("the MIS says that more follows, but not where")
            return None
        if table.type == "next_link":
            text = self._address(text, url)
        if text in self._tokens:
            raise self._broken("the list leads back to a page that was read already")
        self._tokens.add(text)
        return Position(here.number + 1, text)

    def _counted(
        self, here: Position, count: int, total: int | None, *, more: bool | None
    ) -> Position | None:
        offset = self._table.type == "offset"
        if more is None and offset and total is not None:
            # Whatever the size of a page: a server may give less than it was asked for.
            more = count > 0 and here.offset + count < total
        elif more is None:
            more = count >= (self._table.size or 1)
        return (
            Position(here.number + 1, offset=here.offset + count if offset else 0) if more else None
        )

    def _address(self, text: str, url: str) -> str:
        if text.startswith(self._home):
            return text
        address = urljoin(url, text)
        if _origin(address) != self._origin:
            raise self._broken("the next page is on another host; the token is not sent there")
        return address

    def _stated_pages(self, stated: Any) -> int:
        try:
            return int(stated)
        except (TypeError, ValueError):
            raise self._broken("the MIS does not say how many pages there are") from None

    def _refuse_shrunk(self, total: int | None) -> None:
        """Give up a counted list from which rows go while it is read: others moved up unseen."""
        if self._table.type in _COUNTED and total is not None:
            if self._total is not None and total < self._total:
                raise self._broken("rows went while the list was read; it is read anew")
            self._total = total

    def _check_total(self, total: int | None) -> None:
        if total is not None and 0 <= self._records < total:
            raise self._broken(f"{self._records} records came, the MIS states {total}")

    def _broken(self, problem: str) -> MisPagingBroken:
        return MisPagingBroken(f"{self._stream}: {problem}")


def _number(stated: Any) -> int | None:
    """Understand a stated total; None where nothing is stated that can be counted with."""
    if isinstance(stated, bool) or not isinstance(stated, int | str):
        return None
    try:
        return int(stated)
    except ValueError:
        return None


def _origin(address: str) -> tuple[str, str, int | None]:
    parts = urlsplit(address)
    default = {"https": 443, "http": 80}.get(parts.scheme)
    try:
        port = parts.port
    except ValueError:
        port = -1
    return parts.scheme, (parts.hostname or "").lower(), port or default


def _flag(value: Any) -> bool | None:
    if isinstance(value, str):
        return value.strip().lower() in {"1", "true", "yes"}
    return None if value is None else bool(value)
