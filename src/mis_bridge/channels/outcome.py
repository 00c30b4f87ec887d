"""What became of one attempt to send: one of five outcomes, never an exception.

``ACCEPTED`` is not delivered: a Teams flow answers 202 when a run is queued, Graph when a mail is.
An ``UNKNOWN`` may or may not have arrived (a timeout after the bytes were sent), or has arrived for
some of the recipients; it is tried again later than a refusal, and the copy is recognisable by its
incident reference.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Outcome", "Result"]


class Result(StrEnum):
    """The closed set of outcomes."""

    SENT = "sent"
    ACCEPTED = "accepted"
    RETRY = "retry"
    PERMANENT = "permanent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one attempt.

    Args:
        result: one of the five.
        detail: a short text for the operator; no address with a secret, no name, no body.
        retry_after: seconds that the peer asked us to wait, or None.
        refused: recipients that were refused although others were accepted.
        proof: what can be looked up later (Message-ID, file name and size, HTTP status).
        config_alarm: True where the channel itself is broken and IT has to mend it.
        by_hand: True where a person has to take it on from here: it has not reached its reader.
        shared: True where ``retry_after`` holds for all channels that the peer counts together.
    """

    result: Result
    detail: str
    retry_after: float | None = None
    refused: tuple[str, ...] = ()
    proof: str = ""
    config_alarm: bool = False
    by_hand: bool = False
    shared: bool = False
