"""What an answer's status means for a feed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from mis_bridge import errors
from mis_bridge.adapters.answers import Judge, failure
from mis_bridge.adapters.vocabulary import ErrorRule, HttpTable
from mis_bridge.io.http import HttpError, HttpFailure, HttpResponse

NOW = datetime(2026, 9, 7, 12, 0, tzinfo=UTC)
SECRET = "s3cret-of-the-tiny-mis"


def judged(
    status: int,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
    rules: list[dict[str, Any]] | None = None,
) -> errors.MisError | None:
    """Judge one answer, by rules of a manifest if there are some."""
    http = HttpTable.model_validate({"base": "https://tiny.example.test/", "errors": rules or []})
    judge = Judge(http, [SECRET], lambda: NOW)
    return judge.error(HttpResponse(status, headers or {}, body), "pupils")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, None),
        (204, None),
        (301, errors.MisAnswerInvalid),
        (302, errors.MisAnswerInvalid),
        (400, errors.MisRequestRefused),
        (401, errors.MisAuthFailed),
        (403, errors.MisPermissionMissing),
        (404, errors.MisNotThere),
        (405, errors.MisRequestRefused),
        (407, errors.MisUnreachable),
        (408, errors.MisUnavailable),
        (410, errors.MisNotThere),
        (422, errors.MisRequestRefused),
        (425, errors.MisUnavailable),
        (429, errors.MisThrottled),
        (500, errors.MisUnavailable),
        (502, errors.MisUnavailable),
        (503, errors.MisUnavailable),
        (599, errors.MisUnavailable),
    ],
)
def test_every_status_has_a_state(status: int, kind: type[errors.MisError] | None) -> None:
    """The table of the documentation."""
    error = judged(status)

    assert type(error) is (kind or type(None))


def test_the_vendor_s_own_words_are_passed_on() -> None:
    """They name the scope that a school has to grant."""
    body = (
        b'{"error":"invalid_permissions","error_description":"Scope attendance.read not enabled"}'
    )

    error = judged(403, body)

    assert error is not None
    assert "invalid_permissions Scope attendance.read not enabled" in str(error)


@pytest.mark.parametrize(
    ("status", "words", "kind"),
    [
        (200, "Something broke", errors.MisAnswerInvalid),
        (200, "Access is PAUSED", errors.MisAccessRevoked),
        (401, "Something broke", errors.MisAuthFailed),
        (401, "Access is paused", errors.MisAccessRevoked),
        (429, "Something broke", errors.MisThrottled),
        (503, "Something broke", errors.MisUnavailable),
    ],
)
def test_a_rule_that_only_says_that_an_answer_is_invalid_leaves_a_bad_status_its_meaning(
    status: int, words: str, kind: type[errors.MisError]
) -> None:
    """A refused token is renewed and a fault tried again, whatever is in the answer."""
    rules: list[dict[str, Any]] = [
        {"path": "error", "having": ["paused"], "state": "revoked"},
        {"path": "error", "state": "answer_invalid"},
    ]

    error = judged(status, f'{{"error":"{words}"}}'.encode(), rules=rules)

    assert type(error) is kind
    assert words in str(error)


@pytest.mark.parametrize(
    ("body", "lacking"),
    [
        (b'{"scopes":["Marks","School","Roll"]}', ""),
        (b'{"scopes":["School"]}', "Marks, Roll"),
        (b'{"scopes":[]}', "Marks, Roll"),
        (b'{"scopes":null}', "Marks, Roll"),
        (b'{"scopes":"Marks,Roll"}', "Marks, Roll"),
        (b'{"scope":["Marks","Roll"]}', "Marks, Roll"),
    ],
)
def test_what_a_list_of_permissions_lacks_is_named(body: bytes, lacking: str) -> None:
    """An answer without the list grants nothing."""
    rule = {"path": "scopes", "lacks": ["Marks", "Roll"], "state": "permission_missing"}

    error = judged(200, body, rules=[rule])

    if lacking:
        assert isinstance(error, errors.MisPermissionMissing)
        assert str(error).endswith(f": {lacking}")
    else:
        assert error is None


@pytest.mark.parametrize(
    "body",
    [
        b'{"error":"bad token s3cret-of-the-tiny-mis"}',
        b"<html>s3cret-of-the-tiny-mis</html>",
        b'{"error":{"nested":"s3cret-of-the-tiny-mis"}}',
        b'["s3cret-of-the-tiny-mis"]',
        b'{"error":"\xff"}',
        b'{"error":"' + b"x" * 100_000 + b'"}',
        b'{"error":"a\\u0000\\u001b[31m' + b"y" * 500 + b'"}',
    ],
)
def test_words_hold_no_secret_and_stay_short_and_plain(body: bytes) -> None:
    """Redacted by value; neither control characters nor pages of text reach a terminal."""
    text = str(judged(401, body))

    assert SECRET not in text
    assert len(text) < 300
    assert text.isprintable()


def test_the_wait_that_is_asked_for_is_kept() -> None:
    """As seconds or as a date."""
    seconds = judged(429, headers={"retry-after": "120"})
    moment = judged(503, headers={"retry-after": "Mon, 07 Sep 2026 12:01:00 GMT"})

    assert seconds is not None
    assert seconds.retry_after == 120
    assert moment is not None
    assert moment.retry_after == 60


ANYWHERE: dict[str, Any] = {
    "path": "@",
    "having": ["Invalid Year", "InvalidYear"],
    "state": "not_there",
    "advice": "Ask the school to open the year.",
}


@pytest.mark.parametrize(
    "body",
    [
        b'{"deep":{"odd":[{"reason":"Invalid year"}]}}',
        b"<Error><Type>InvalidYear</Type></Error>",
        b"400 INVALID YEAR",
        b'"Invalid Year"',
    ],
)
def test_a_reason_is_found_wherever_it_stands_in_an_answer_that_is_an_error(body: bytes) -> None:
    """A vendor whose reasons are documented and whose answers are not; the words are our own."""
    error = judged(400, body, rules=[ANYWHERE])

    assert isinstance(error, errors.MisNotThere)
    assert str(error).startswith("pupils: the MIS does not have this: Invalid")
    assert error.advice == "Ask the school to open the year."


def test_records_may_hold_the_words_of_an_error() -> None:
    """A pupil's note is no failure of the school."""
    assert judged(200, b'{"rows":[{"note":"invalid year on the form"}]}', rules=[ANYWHERE]) is None


def test_a_rule_without_advice_leaves_what_the_state_says() -> None:
    """One rule's advice is not another's, nor the next error's."""
    plain = {**ANYWHERE, "advice": ""}

    told = judged(400, b"invalid year", rules=[plain])
    judged(400, b"invalid year", rules=[ANYWHERE])

    assert told is not None
    assert told.advice == errors.MisNotThere("").advice


def test_a_rule_about_the_text_does_not_stop_those_about_fields() -> None:
    """Nor the other way round: an answer that is no JSON fits no path."""
    fields = {"path": "code", "equals": ["7"], "state": "throttled"}

    assert type(judged(400, b'{"code":7}', rules=[ANYWHERE, fields])) is errors.MisThrottled
    assert type(judged(400, b"InvalidYear", rules=[fields, ANYWHERE])) is errors.MisNotThere


@pytest.mark.parametrize(
    "wrong", [{"having": None}, {"path": ["@", "error"]}, {"text": "error"}, {"having": []}]
)
def test_the_whole_answer_is_searched_for_words_and_for_nothing_else(wrong: dict[str, Any]) -> None:
    """Everything has a whole: without words every error would fit."""
    with pytest.raises(ValidationError, match="the path @ goes with having"):
        ErrorRule.model_validate({**ANYWHERE, **wrong})


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        (HttpFailure.NOT_SENT, "unreachable"),
        (HttpFailure.CERTIFICATE, "certificate_invalid"),
        (HttpFailure.TIMEOUT_AFTER_SEND, "unreachable"),
        (HttpFailure.RESET, "unreachable"),
        (HttpFailure.TOO_LARGE, "answer_invalid"),
        (HttpFailure.UNREADABLE, "answer_invalid"),
    ],
)
def test_a_missing_answer_has_a_state_too(kind: HttpFailure, state: str) -> None:
    """All six kinds."""
    error = failure(HttpError(kind, "tiny.example.test", "detail"), "pupils")

    assert error.state == state
    assert str(error) == "pupils: tiny.example.test: detail"
