"""What an answer, or the lack of an answer, means for a feed."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final

import msgspec

from mis_bridge.adapters.mapping import Columns, Scalar
from mis_bridge.adapters.mapping import path as parse_path
from mis_bridge.errors import (
    MisAccessRevoked,
    MisAnswerInvalid,
    MisAuthFailed,
    MisCertificateInvalid,
    MisDataStale,
    MisError,
    MisNotThere,
    MisPermissionMissing,
    MisRequestRefused,
    MisSchoolOffline,
    MisThrottled,
    MisUnavailable,
    MisUnreachable,
)
from mis_bridge.io.http import HttpError, HttpFailure
from mis_bridge.io.retry import retry_after_seconds
from mis_bridge.io.secrets import MASK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from mis_bridge.adapters.vocabulary import ErrorRule, HttpTable
    from mis_bridge.io.http import HttpResponse

__all__ = ["STATUS", "Judge", "failure"]

STATUS: Final[dict[int, tuple[type[MisError], str]]] = {
    401: (MisAuthFailed, "the MIS does not accept the token (401)"),
    403: (MisPermissionMissing, "the school has not granted this (403)"),
    404: (MisNotThere, "the MIS does not have this (404)"),
    407: (MisUnreachable, "the proxy asks for a password (407)"),
    408: (MisUnavailable, "the MIS gave up waiting (408)"),
    410: (MisNotThere, "the MIS does not have this any more (410)"),
    425: (MisUnavailable, "the MIS is not ready (425)"),
    429: (MisThrottled, "too many requests (429)"),
}
"""Statuses with a meaning of their own; the rest by their hundred."""

STATES: Final[dict[str, tuple[type[MisError], str]]] = {
    "auth_failed": (MisAuthFailed, "the MIS does not accept the credentials"),
    "permission_missing": (MisPermissionMissing, "the school has not granted this"),
    "revoked": (MisAccessRevoked, "the access is withdrawn or not given"),
    "offline": (MisSchoolOffline, "the vendor does not reach the school's MIS"),
    "not_there": (MisNotThere, "the MIS does not have this"),
    "request_refused": (MisRequestRefused, "the MIS refuses the request"),
    "throttled": (MisThrottled, "too many requests"),
    "unavailable": (MisUnavailable, "the MIS has a fault of its own"),
    "answer_invalid": (MisAnswerInvalid, "the MIS reports an error"),
    "stale": (MisDataStale, "the data have not been brought up to date"),
}
"""State that a rule of the manifest names -> the error it stands for."""

_REMEMBERED: Final = 16
"""Tokens that are still kept out of texts after newer ones were got."""

_WHOLE: Final = "@"
_LONGEST_TEXT: Final = 200
_LONGEST_BODY: Final = 65_536
_OK: Final = range(200, 300)
_ELSEWHERE: Final = range(300, 400)
_REFUSED: Final = range(400, 500)


def failure(error: HttpError, stream: str) -> MisError:
    """Name a missing answer."""
    kind: type[MisError] = {
        HttpFailure.CERTIFICATE: MisCertificateInvalid,
        HttpFailure.TOO_LARGE: MisAnswerInvalid,
        HttpFailure.UNREADABLE: MisAnswerInvalid,
    }.get(error.kind, MisUnreachable)
    return kind(f"{stream}: {error}" if stream else str(error))


class _Rule:
    """One rule of a manifest, compiled."""

    def __init__(self, rule: ErrorRule) -> None:
        self._rule = rule
        paths = rule.paths
        shown = (rule.text,) if rule.text else ()
        self._places = len(paths)
        leaf: Any = Scalar if rule.lacks is None else Any
        self._columns = Columns(
            {str(number): (parse_path(text), leaf) for number, text in enumerate((*paths, *shown))}
        )
        self._having = tuple(text.casefold() for text in rule.having or ())
        self._anywhere = paths == (_WHOLE,)

    def words(self, body: bytes, *, good: bool) -> str | None:
        """Give the words for a person where the rule fits an answer; None where it does not.

        Raises:
            msgspec.DecodeError: it is no JSON.
        """
        if not self._anywhere:
            return self._found(body)
        if good:
            # Records may hold any words: only an answer that is no list is searched as a whole.
            return None
        text = body[:_LONGEST_BODY].decode("utf-8", "replace").casefold()
        having = zip(self._rule.having or (), self._having, strict=True)
        return next((words for words, part in having if part in text), None)

    def error(self, stream: str, told: str, retry_after: float | None) -> MisError:
        """Make the error: for whom it was asked, the state's sentence, the MIS's words."""
        kind, problem = STATES[self._rule.state]
        error = kind(f"{stream}: {problem}{f': {told}' if told else ''}", retry_after=retry_after)
        error.advice = self._rule.advice or error.advice
        return error

    def _found(self, body: bytes) -> str | None:
        values = self._columns.decode(body)
        value = next((one for one in values[: self._places] if one is not None), None)
        text = _plain(value)
        if self._rule.lacks is not None:
            there = {_plain(one) for one in value} if isinstance(value, list) else set()
            missing = [name for name in self._rule.lacks if name not in there]
            fits, value = bool(missing), ", ".join(missing)
        elif self._rule.equals is not None:
            fits = text in self._rule.equals
        elif self._having:
            fits = any(part in text.casefold() for part in self._having)
        else:
            fits = text not in {"", "false"}
        if not fits:
            return None
        words = values[-1] if self._rule.text else value
        return words if isinstance(words, str) else ""


class Judge:
    """Tells good answers from bad ones.

    Args:
        http: ``[http]`` of the manifest, which says where errors have their text.
        secrets: values that no text may repeat.
        now: the present, aware: ``Retry-After`` may be a date.
    """

    def __init__(
        self, http: HttpTable, secrets: Iterable[str], now: Callable[[], datetime]
    ) -> None:
        self._columns = Columns(
            {
                "code": (parse_path(http.error_code), Scalar),
                "text": (parse_path(http.error_text), Scalar),
            }
        )
        self._rules = [_Rule(rule) for rule in http.errors]
        self._given = [value for value in secrets if value]
        self._learned: deque[str] = deque(maxlen=_REMEMBERED)
        self._now = now

    def learn(self, secret: str) -> None:
        """Take in a value that no text may repeat from now on (a token that was got)."""
        if secret not in self._learned:
            self._learned.append(secret)

    def error(self, response: HttpResponse, stream: str) -> MisError | None:
        """Give the error that an answer stands for, or None for a good one."""
        status = response.status
        retry_after = retry_after_seconds(response.header("retry-after"), self._now())
        good = status in _OK
        ruled = self._ruled(response.body, stream, self._rules, retry_after, good=good)
        # That it is no good answer is known of a 401 or a 503 already, and their own meaning says
        # what to do: get a new token, try again.
        if good or not isinstance(ruled, MisAnswerInvalid | None):
            return ruled
        if status in STATUS:
            kind, problem = STATUS[status]
        elif status in _ELSEWHERE:
            kind = MisAnswerInvalid
            problem = f"the MIS sends us to another address ({status}), which is not followed"
        elif status in _REFUSED:
            kind, problem = MisRequestRefused, f"the MIS refuses the request ({status})"
        else:
            kind, problem = MisUnavailable, f"the MIS has a fault of its own ({status})"
        told = self._told(response.body)
        return kind(f"{stream}: {problem}{f': {told}' if told else ''}", retry_after=retry_after)

    def check(self, body: bytes, stream: str, rules: Sequence[ErrorRule]) -> MisError | None:
        """Give the error of the first of some rules that fits an answer, or None."""
        return self._ruled(body, stream, [_Rule(rule) for rule in rules], None, good=True)

    def _ruled(
        self,
        body: bytes,
        stream: str,
        rules: Sequence[_Rule],
        retry_after: float | None,
        *,
        good: bool,
    ) -> MisError | None:
        """Give the error of the first rule that fits, or None; paths fit nothing but JSON."""
        for rule in rules:
            try:
                words = rule.words(body, good=good)
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue
            if words is not None:
                return rule.error(stream, self._redacted(words), retry_after)
        return None

    def _told(self, body: bytes) -> str:
        """Take the vendor's own words, redacted by value and kept short."""
        if not body or len(body) > _LONGEST_BODY:
            return ""
        try:
            found = self._columns.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return ""
        return self._redacted(
            " ".join(value.strip() for value in found if isinstance(value, str) and value.strip())
        )

    def _redacted(self, words: str) -> str:
        text = " ".join(words.split())
        for secret in sorted((*self._given, *self._learned), key=len, reverse=True):
            text = text.replace(secret, MASK)
        text = "".join(sign for sign in text if sign.isprintable())
        return text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 1] + "…"


def _plain(value: object) -> str:
    match value:
        case None | dict() | list():
            return ""
        case bool():
            return "true" if value else "false"
        case _:
            return str(value).strip()
