"""What an answer of Teams' services says of a message, and of all that share its allowance."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING

from mis_bridge.channels.http_outcome import of_status
from mis_bridge.channels.microsoft_service import with_refusal_code
from mis_bridge.channels.outcome import Outcome, Result
from mis_bridge.io.clock import running

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mis_bridge.channels.allowance import Allowance
    from mis_bridge.channels.http_outcome import Meaning
    from mis_bridge.io.clock import Clock
    from mis_bridge.io.http import HttpResponse

__all__ = ["of_answer"]


def of_answer(
    response: HttpResponse,
    meanings: Mapping[int, Meaning],
    *,
    host: str,
    allowance: Allowance,
    pause: float,
    clock: Clock,
) -> Outcome:
    """Say what became of a message; a 429 closes the allowance.

    Args:
        response: the answer.
        meanings: what refusals (4xx) mean for this service.
        host: the service, for the text.
        allowance: of all whom the service counts together.
        pause: seconds after a 429 that does not say how long.
        clock: for the allowance, and for a Retry-After that is a date.
    """
    outcome = of_status(response, meanings, host=host, now=clock.now())
    if response.status == HTTPStatus.PRECONDITION_FAILED:
        return Outcome(Result.RETRY, outcome.detail, proof=outcome.proof)
    if response.status == HTTPStatus.TOO_MANY_REQUESTS:
        wait = pause if outcome.retry_after is None else outcome.retry_after
        allowance.close(running(clock), wait)
        return replace(outcome, retry_after=wait, shared=True)
    if outcome.result is Result.PERMANENT:
        return with_refusal_code(outcome, response)
    return outcome
