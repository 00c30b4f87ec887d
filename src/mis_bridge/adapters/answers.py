"""What an answer's status, or the lack of an answer, means for a feed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from mis_bridge.adapters.mapping import Columns, Scalar
from mis_bridge.adapters.mapping import path as parse_path
from mis_bridge.errors import (
    MisAnswerInvalid,
    MisAuthFailed,
    MisCertificateInvalid,
    MisError,
    MisNotThere,
    MisPermissionMissing,
    MisRequestRefused,
    MisThrottled,
    MisUnavailable,
    MisUnreachable,
)
from mis_bridge.io.http import HttpError, HttpFailure
from mis_bridge.io.retry import retry_after_seconds
from mis_bridge.io.secrets import MASK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from mis_bridge.adapters.vocabulary import HttpTable
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
        self._secrets = sorted((value for value in secrets if value), key=len, reverse=True)
        self._now = now

    def error(self, response: HttpResponse, stream: str) -> MisError | None:
        """Give the error that an answer stands for, or None for a good one."""
        status = response.status
        if status in _OK:
            return None
        retry_after = retry_after_seconds(response.header("retry-after"), self._now())
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

    def _told(self, body: bytes) -> str:
        """Take the vendor's own words, redacted by value and kept short."""
        if not body or len(body) > _LONGEST_BODY:
            return ""
        try:
            found = self._columns.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return ""
        words = [value.strip() for value in found if isinstance(value, str) and value.strip()]
        text = " ".join(" ".join(words).split())
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        text = "".join(sign for sign in text if sign.isprintable())
        return text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 1] + "…"
