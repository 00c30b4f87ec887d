"""What an HTTP answer, or the lack of one, says about a message that was posted."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from mis_bridge.channels.outcome import Outcome, Result
from mis_bridge.io.http import HttpFailure
from mis_bridge.io.retry import retry_after_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from mis_bridge.io.http import HttpError, HttpResponse

__all__ = ["LONGEST_WAIT", "Meaning", "of_failure", "of_status", "retry_after"]

LONGEST_WAIT: Final = 3600.0
"""Seconds. A longer Retry-After is cut to this: deadlines fall over to another channel sooner."""

_TRANSIENT: Final = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a refusal means for one kind of peer.

    Args:
        text: what happened and what to do, for the operator.
        config_alarm: True where the channel is broken for every message, not for this one.
    """

    text: str
    config_alarm: bool


def retry_after(value: str, now: datetime) -> float | None:
    """Read a Retry-After header as ``io.retry`` does, and wait no longer than we would.

    Args:
        value: the header, or an empty text.
        now: aware, for the date form.

    Returns:
        Seconds from 0 to ``LONGEST_WAIT``, or None where nothing usable is said.
    """
    seconds = retry_after_seconds(value, now)
    return None if seconds is None else min(seconds, LONGEST_WAIT)


def of_failure(error: HttpError) -> Outcome:
    """Say what became of a message whose request has no answer."""
    match error.kind:
        case HttpFailure.NOT_SENT:
            return Outcome(Result.RETRY, f"{error.host}: {error.detail}; nothing was sent")
        case HttpFailure.CERTIFICATE:
            return Outcome(
                Result.PERMANENT,
                f"{error.host}: its certificate does not verify, nothing was sent. If a school "
                "filter inspects TLS, set service.ca_bundle to the filter's certificate",
                config_alarm=True,
            )
        case _:
            return Outcome(
                Result.UNKNOWN, f"{error.host}: {error.detail}; the message may have arrived"
            )


def of_status(
    response: HttpResponse, meanings: Mapping[int, Meaning], *, host: str, now: datetime
) -> Outcome:
    """Say what became of a message by the status of the answer; its body is not looked at.

    Args:
        response: the answer.
        meanings: what refusals (4xx) mean for this peer; one that is not listed is permanent and
            means that the channel is broken.
        host: the peer, for the text.
        now: aware, for Retry-After.
    """
    status = response.status
    proof = f"HTTP {status}"
    if HTTPStatus(200) <= status < HTTPStatus(300):
        return Outcome(Result.ACCEPTED, f"{host}: accepted, not yet delivered", proof=proof)
    if status in _TRANSIENT or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Outcome(
            Result.RETRY,
            f"{host}: {'too many requests' if status == 429 else 'not available'} ({status})",  # noqa: PLR2004 - named in the text
            retry_after=retry_after(response.header("retry-after"), now),
            proof=proof,
        )
    meaning = meanings.get(status) or Meaning(
        "an answer that this service does not give; a proxy or a filter may be in the way", True
    )
    return Outcome(
        Result.PERMANENT,
        f"{host}: {meaning.text} ({status})",
        proof=proof,
        config_alarm=meaning.config_alarm,
    )
