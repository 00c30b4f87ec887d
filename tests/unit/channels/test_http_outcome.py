"""What an HTTP answer says about a message."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mis_bridge.channels.http_outcome import (
    LONGEST_WAIT,
    Meaning,
    of_failure,
    of_status,
    retry_after,
)
from mis_bridge.channels.outcome import Result
from mis_bridge.io.http import HttpError, HttpFailure, HttpResponse

NOW = dt.datetime(2026, 11, 23, 9, 35, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("", None),
        ("0", 0.0),
        ("120", 120.0),
        (" 7 ", 7.0),
        ("1.5", 1.5),
        ("-3", None),
        ("7200", LONGEST_WAIT),
        ("inf", None),
        ("nan", None),
        ("Mon, 23 Nov 2026 09:36:00 GMT", 60.0),
        ("Mon, 23 Nov 2026 09:36:00", 60.0),
        ("Mon, 23 Nov 2026 09:00:00 GMT", 0.0),
        ("Mon, 23 Nov 2026 10:36:00 +0100", 60.0),
        ("Fri, 01 Jan 2100 00:00:00 GMT", LONGEST_WAIT),
        ("tomorrow", None),
        ("Mon, 99 Foo 2026", None),
    ],
)
def test_retry_after(value: str, seconds: float | None) -> None:
    """Seconds or a date; without a zone it is UTC, past is now, nonsense is nothing."""
    assert retry_after(value, NOW) == seconds


@given(st.text(max_size=60))
def test_retry_after_of_anything_is_a_span_or_nothing(value: str) -> None:
    """A header is written by the peer and can hold anything; no wait is over an hour."""
    seconds = retry_after(value, NOW)

    assert seconds is None or 0.0 <= seconds <= LONGEST_WAIT


@given(st.integers(min_value=100, max_value=599))
def test_every_status_has_one_outcome_and_only_2xx_is_success(status: int) -> None:
    """Nothing but 2xx counts as accepted, and no answer at all as sent."""
    outcome = of_status(HttpResponse(status, {}, b""), {}, host="hook.example", now=NOW)

    accepted = outcome.result is Result.ACCEPTED
    assert accepted == (200 <= status < 300)
    assert outcome.result is not Result.SENT
    assert str(status) in outcome.proof


def test_a_refusal_is_told_in_the_peers_own_meaning() -> None:
    """The table of the peer says what the status means there."""
    outcome = of_status(
        HttpResponse(404, {}, b""),
        {404: Meaning("the flow is gone", True)},
        host="hook.example",
        now=NOW,
    )

    assert (outcome.result, outcome.config_alarm) == (Result.PERMANENT, True)
    assert outcome.detail == "hook.example: the flow is gone (404)"


@pytest.mark.parametrize(
    ("kind", "result"),
    [
        (HttpFailure.NOT_SENT, Result.RETRY),
        (HttpFailure.CERTIFICATE, Result.PERMANENT),
        (HttpFailure.TIMEOUT_AFTER_SEND, Result.UNKNOWN),
        (HttpFailure.RESET, Result.UNKNOWN),
        (HttpFailure.TOO_LARGE, Result.UNKNOWN),
        (HttpFailure.UNREADABLE, Result.UNKNOWN),
    ],
)
def test_no_answer_is_unknown_unless_nothing_was_sent(kind: HttpFailure, result: Result) -> None:
    """Only where the peer can not have seen the message is it said that it has not."""
    outcome = of_failure(HttpError(kind, "hook.example", "a reason"))

    assert outcome.result is result
    assert outcome.config_alarm == (kind is HttpFailure.CERTIFICATE)
    assert "hook.example" in outcome.detail
