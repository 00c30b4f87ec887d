"""The Wonde v1.0 API as a function: a request goes in, an answer comes out; no sockets, no waiting.

Documented are the paths, the envelope, both kinds of paging, ``updated_after`` and the bodies of
400, 403 and 404. Not documented, and therefore a choice made here: rows come in order of
``updated_at``, ``updated_after`` is exclusive and read as UTC, and a page holds at most 5,000 rows.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit

from mis_bridge.simulator.history import instant
from mis_bridge.simulator.journal import Journal
from mis_bridge.simulator.wonde_rows import WondeRows
from mis_bridge.simulator.wonde_state import WondeState, microseconds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mis_bridge.io.clock import Clock
    from mis_bridge.simulator.school import SyntheticLesson

__all__ = ["ALL_SCOPES", "Answer", "WondeApi"]

ALL_SCOPES = frozenset(
    {
        "students.read", "education_details.read", "extended_details.read", "classes.read",
        "attendance.read", "lesson_attendance.read", "lessons.read", "periods.read",
        "deletions.read",
    }
)  # fmt: skip
"""What a school can grant; ``education_details.read`` guards the include of that name."""

_DAY = timedelta(days=1)
_DEFAULT_PAGE = 50
_LARGEST_PAGE = 5000
_CACHE_BYTES = 400 * 1024 * 1024
_PUPIL_INCLUDES = frozenset(
    {"education_details", "extended_details", "year", "registration", "classes"}
)
_MARK_INCLUDES = frozenset({"student", "attendance_code", "employee"})
_INCLUDES: Mapping[str, frozenset[str]] = {
    "students": _PUPIL_INCLUDES,
    "students-leaver": _PUPIL_INCLUDES,
    "classes": frozenset({"students", "subject"}),
    "lessons": frozenset({"class", "class.students", "period", "employee", "room"}),
    "attendance/session": _MARK_INCLUDES,
    "attendance/lesson": _MARK_INCLUDES | {"lesson", "lesson.period", "lesson.class"},
    "periods": frozenset(),
    "attendance-codes": frozenset(),
    "deletions": frozenset(),
}
_SCOPES: Mapping[str, str] = {
    "students": "students.read",
    "students-leaver": "students.read",
    "classes": "classes.read",
    "lessons": "lessons.read",
    "periods": "periods.read",
    "attendance/session": "attendance.read",
    "attendance/lesson": "lesson_attendance.read",
    "deletions": "deletions.read",
}
_INCLUDE_SCOPES = {
    "education_details": "education_details.read",
    "extended_details": "extended_details.read",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back.

    Args:
        status: HTTP status.
        body: JSON, UTF-8.
        headers: beside ``Content-Type`` and ``Content-Length``.
    """

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class _Refused(Exception):
    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(error)
        self.answer = Answer(status, _json({"error": error, "error_description": description}))


@dataclass(frozen=True, slots=True)
class _Query:
    """One request, taken apart."""

    path: str
    host: str
    params: tuple[tuple[str, str], ...]
    includes: frozenset[str]

    def get(self, name: str) -> str:
        """Give a parameter, empty where it is not there."""
        return dict(self.params).get(name, "")

    def link(self, **changed: str) -> str:
        """Give the address of this request with other paging parameters."""
        kept = [item for item in self.params if item[0] not in ("page", "cursor")]
        return f"http://{self.host}{self.path}?{urlencode([*kept, *changed.items()])}"


class WondeApi:
    """One school's part of the API.

    Args:
        state: what the school's database holds.
        clock: decides what was saved already.
        tokens: the tokens that are let in.
        scopes: what the school granted.
    """

    def __init__(
        self,
        state: WondeState,
        clock: Clock,
        *,
        tokens: frozenset[str],
        scopes: frozenset[str] = ALL_SCOPES,
    ) -> None:
        self.state = state
        self.clock = clock
        self.tokens = tokens
        self.scopes = scopes
        self.rows = WondeRows(state.school)
        self._pages: dict[tuple[object, ...], bytes] = {}
        self._cached = 0

    def answer(self, target: str, authorization: str, host: str) -> Answer:
        """Answer a GET.

        Args:
            target: path and query as they stand in the request line.
            authorization: the header's value.
            host: the ``Host`` header, for links.
        """
        split = urlsplit(target)
        try:
            self._authorise(authorization)
            params = tuple(parse_qsl(split.query, keep_blank_values=True))
            names = dict(params).get("include", "").split(",")
            includes = frozenset(name.strip() for name in names if name.strip())
            return self._route(_Query(split.path, host, params, includes))
        except _Refused as refused:
            return refused.answer

    def _authorise(self, header: str) -> None:
        kind, _, value = header.partition(" ")
        token = value.strip()
        if kind.lower() == "basic":
            try:
                token = base64.b64decode(token).decode().partition(":")[0]
            except ValueError:
                token = ""
        elif kind.lower() != "bearer":
            token = ""
        if token not in self.tokens:
            raise _Refused(401, "unauthorized", "The access token is missing or was revoked")

    def _route(self, query: _Query) -> Answer:
        path = query.path.strip("/")
        school = self.state.school.id
        if path == f"v1.0/schools/{school}":
            return self._one(self.rows.school_row(query.host))
        if path == "v1.0/schools":
            return self._listed(query, [self.rows.school_row(query.host)])
        if path == f"v1.0/meta/schools/{school}":
            flags = {"online": self.state.online, "approved": self.state.approved}
            return self._one(
                json.dumps({**flags, "audited": True, "custom_attendance_codes": False})
            )
        if path == "v1.0/attendance-codes":
            return self._listed(query, self.rows.code_rows())
        prefix = f"v1.0/schools/{school}/"
        domain = path.removeprefix(prefix) if path.startswith(prefix) else ""
        streams: Mapping[str, Callable[[_Query], Answer]] = {
            "attendance/session": self._sessions,
            "attendance/lesson": self._lesson_marks,
            "attendance-codes": lambda asked: self._listed(asked, self.rows.code_rows()),
            "periods": lambda asked: self._listed(asked, self.rows.period_rows()),
            "lessons": self._lessons,
            "classes": lambda asked: self._listed(
                asked,
                [self.rows.class_row(group, asked.includes) for group in self.state.school.classes],
            ),
            "students": lambda asked: self._students(asked, self.state.students),
            "students-leaver": lambda asked: self._students(asked, self.state.leavers),
            "deletions": self._deletions,
        }
        if domain not in streams:
            raise _Refused(404, "resource_not_found", "The requested resource was not found")
        self._permit(domain, query.includes)
        return streams[domain](query)

    def _permit(self, domain: str, includes: frozenset[str]) -> None:
        needed = [_SCOPES[domain]] if domain in _SCOPES else []
        for include in sorted(includes):
            if include not in _INCLUDES[domain]:
                raise _Refused(400, "invalid_include", include)
            if include in _INCLUDE_SCOPES:
                needed.append(_INCLUDE_SCOPES[include])
        for scope in needed:
            if scope not in self.scopes:
                raise _Refused(403, "invalid_permissions", f"Scope {scope} not enabled")

    # Streams.

    def _sessions(self, query: _Query) -> Answer:
        journal, history = self.state.sessions, self.state.history

        def write(position: int) -> str:
            saved, key, code = journal.version(position)
            times = (journal.created(position), saved)
            return self.rows.session_mark(key, history.place(key), code, times, query.includes)

        return self._journal(query, journal, "sessions", write)

    def _lesson_marks(self, query: _Query) -> Answer:
        journal, school = self.state.lessons, self.state.school

        def write(position: int) -> str:
            saved, key, code = journal.version(position)
            pupil, day, period = self.state.lesson_place(key)
            lesson = school.lesson_of(pupil, day, period)
            times = (journal.created(position), saved)
            return self.rows.lesson_mark(key, pupil, lesson, code, times, query.includes)

        return self._journal(query, journal, "lessons", write)

    def _students(self, query: _Query, journal: Journal) -> Answer:
        def write(position: int) -> str:
            saved, _, value = journal.version(position)
            pupil = self.state.variant(value)
            return self.rows.student(pupil, journal.created(position), saved, query.includes)

        return self._journal(
            query, journal, "pupils" if journal is self.state.students else "leavers", write
        )

    def _deletions(self, query: _Query) -> Answer:
        # Both spellings are seen in clients' code.
        journal = (
            self.state.deletions if query.get("type") in ("", "student", "students") else Journal()
        )

        def write(position: int) -> str:
            saved, key, _ = journal.version(position)
            pupil = self.state.school.pupils[key]
            return self.rows.deletion("student", pupil.id, pupil.mis_id, saved)

        return self._journal(query, journal, "deletions", write)

    def _lessons(self, query: _Query) -> Answer:
        after = self._moment(query, "lessons_start_after")
        before = self._moment(query, "lessons_start_before")
        if self._moment(query, "updated_after") is not None:
            # The timetable of the year was made in August and has not changed since.
            return self._listed(query, [])
        rows = [
            self.rows.lesson(lesson, query.includes)
            for day in self.state.school.days
            if (after is None or instant(day + _DAY, 0) > after)
            and (before is None or instant(day, 0) < before)
            for lesson in self.state.school.lessons(day)
            if _in_span(lesson, after, before)
        ]
        return self._listed(query, rows)

    # Paging.

    def _journal(
        self, query: _Query, journal: Journal, name: str, write: Callable[[int], str]
    ) -> Answer:
        as_of = microseconds(self.clock.now())
        limit, forced = self._limit(query)
        digest: tuple[int, ...]
        with self.state.lock:
            span = journal.span(
                as_of, self._moment(query, "updated_after"), self._moment(query, "updated_before")
            )
            if _cursor_wanted(query):
                start = max(self._cursor(query, name), span.start)
                page = journal.page(range(start, max(start, span.stop)), as_of, limit)
                following = None if page.next is None else _make_cursor(name, page.next)
                pagination = _pagination(query, limit, following=following)
                positions, digest = page.positions, (journal.generation, *page.digest)
            else:
                number = self._page_number(query)
                rows = journal.rows(span, as_of)
                first = (number - 1) * limit
                positions = rows[first : first + limit]
                digest = (journal.generation, *positions)
                more = len(rows) > first + limit
                pagination = _pagination(query, limit, number=number, more=more)
                forced = forced or len(rows) > limit or number > 1
            body = self._cached_page((name, query.includes, digest), positions, write)
        return _page(body, pagination if forced or _cursor_wanted(query) else None)

    def _cached_page(
        self, key: tuple[object, ...], positions: list[int], write: Callable[[int], str]
    ) -> bytes:
        body = self._pages.get(key)
        if body is None:
            body = ",".join(map(write, positions)).encode()
            if self._cached + len(body) > _CACHE_BYTES:
                self._pages.clear()
                self._cached = 0
            self._pages[key] = body
            self._cached += len(body)
        return body

    def _listed(self, query: _Query, rows: list[str]) -> Answer:
        """Page a list that does not change with time."""
        limit, forced = self._limit(query)
        if _cursor_wanted(query):
            first = self._cursor(query, "list")
            after = first + limit if len(rows) > first + limit else None
            following = None if after is None else _make_cursor("list", after)
            pagination = _pagination(query, limit, following=following)
            forced = True
        else:
            number = self._page_number(query)
            first = (number - 1) * limit
            more = len(rows) > first + limit
            pagination = _pagination(query, limit, number=number, more=more)
            forced = forced or len(rows) > limit or number > 1
        return _page(",".join(rows[first : first + limit]).encode(), pagination if forced else None)

    @staticmethod
    def _one(row: str) -> Answer:
        return Answer(200, f'{{"data":{row},"meta":{{"includes":[]}}}}'.encode())

    @staticmethod
    def _limit(query: _Query) -> tuple[int, bool]:
        text = query.get("per_page")
        if not text:
            return _DEFAULT_PAGE, False
        if not text.isdecimal() or int(text) < 1:
            raise _Refused(400, "invalid_request", "per_page is not a number of rows")
        return min(int(text), _LARGEST_PAGE), True

    @staticmethod
    def _page_number(query: _Query) -> int:
        text = query.get("page") or "1"
        if not text.isdecimal() or int(text) < 1:
            raise _Refused(400, "invalid_request", "page is not a page number")
        return int(text)

    @staticmethod
    def _cursor(query: _Query, name: str) -> int:
        text = query.get("cursor")
        if text == "true":
            return 0
        try:
            stream, position = json.loads(base64.urlsafe_b64decode(text))["after"]
        except (ValueError, KeyError, TypeError):
            stream, position = "", 0
        if stream != name:
            raise _Refused(400, "invalid_cursor", "The cursor is not one of this list")
        return int(position)

    @staticmethod
    def _moment(query: _Query, name: str) -> int | None:
        text = query.get(name)
        if not text:
            return None
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise _Refused(400, "invalid_request", f"{name} is not a date") from None
        return microseconds(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _cursor_wanted(query: _Query) -> bool:
    return query.get("cursor") not in ("", "false")


def _make_cursor(name: str, position: int) -> str:
    text = json.dumps({"after": [name, position]}, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode()


def _pagination(
    query: _Query, limit: int, *, number: int = 0, more: bool = False, following: str | None = None
) -> dict[str, object]:
    if number == 0:
        return {
            "next": None if following is None else query.link(cursor=following),
            "previous": None,
            "more": following is not None,
            "per_page": limit,
        }
    return {
        "next": query.link(page=str(number + 1)) if more else None,
        "previous": query.link(page=str(number - 1)) if number > 1 else None,
        "more": more,
        "per_page": limit,
        "current_page": number,
    }


def _page(rows: bytes, pagination: dict[str, object] | None) -> Answer:
    meta: dict[str, object] = {} if pagination is None else {"pagination": pagination}
    meta["includes"] = []
    return Answer(200, b'{"data":[' + rows + b'],"meta":' + _json(meta) + b"}")


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _in_span(lesson: SyntheticLesson, after: int | None, before: int | None) -> bool:
    starts = instant(lesson.day, lesson.period.starts)
    return (after is None or starts > after) and (before is None or starts < before)
