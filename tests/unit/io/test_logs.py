"""Log lines: their form, and that no secret is in them."""

from __future__ import annotations

import io
import json
import logging
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from mis_bridge.errors import MisBridgeError, StoreFull
from mis_bridge.io.logs import RedactSecrets, get_logger, set_up_logs
from mis_bridge.io.secrets import MASK

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = 'p"ss/wörd?sig=1'


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Put logging back as pytest had it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines(log_format: str, *secrets: str) -> io.StringIO:
    """Set up logging into a text and give the text."""
    stream = io.StringIO()
    set_up_logs(log_format, known_values=lambda: secrets, stream=stream)
    return stream


def fail(error: Exception) -> None:
    """Raise it."""
    raise error


def test_json_lines_hold_event_level_logger_and_time() -> None:
    """Away from a terminal each line is one JSON object."""
    stream = lines("auto")

    get_logger("mis_bridge.service.sync").info("feed.read", school="sample", marks=3)

    (line,) = stream.getvalue().splitlines()
    record = json.loads(line)
    assert list(record)[:3] == ["timestamp", "level", "event"]
    assert record.pop("timestamp").endswith("Z")
    assert record == {
        "event": "feed.read",
        "level": "info",
        "logger": "mis_bridge.service.sync",
        "school": "sample",
        "marks": 3,
    }


def test_console_lines_are_for_people() -> None:
    """The console form is one readable line, without JSON."""
    stream = lines("console")

    get_logger("x").warning("feed.failing", school="sample")

    assert "feed.failing" in stream.getvalue()
    assert "school=sample" in stream.getvalue()


@pytest.mark.parametrize("log_format", ["json", "console"])
@pytest.mark.parametrize(
    "written",
    [SECRET, f"https://x.example/?token={quote(SECRET)}", f"a{SECRET}b", quote(SECRET, "")],
)
def test_a_secret_is_hidden_wherever_it_stands(log_format: str, written: str) -> None:
    """In the event, in a value, nested, in an error's text, in a library's line: all hidden."""
    stream = lines(log_format, SECRET)
    log = get_logger("x")

    log.info("channel.sent", text=written, value=written, nested={"deep": [written]})
    try:
        fail(MisBridgeError(written))
    except MisBridgeError:
        log.exception("channel.failed")
        logging.getLogger("some.library").exception("failed: %s", written)
    logging.getLogger("some.library").error("GET %s", written)

    text = stream.getvalue()
    assert MASK in text
    for form in (SECRET, quote(SECRET), quote(SECRET, ""), json.dumps(SECRET)[1:-1], repr(SECRET)):
        assert form not in text
    assert "MisBridgeError" in text


@pytest.mark.parametrize("log_format", ["json", "console"])
@pytest.mark.parametrize(
    "error",
    [
        ValueError("not a date: Testpupil"),
        KeyError("Testpupil"),
        UnicodeDecodeError("utf-8", b"Testpupil", 0, 1, "Testpupil"),
        FileNotFoundError(2, "No such file", "Testpupil.csv"),
        ExceptionGroup("Testpupil", [RuntimeError("Testpupil")]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_of_an_error_that_is_not_ours_only_kind_and_place_are_written(
    log_format: str, error: Exception
) -> None:
    """A traceback shows where, not what was in hand: that may be a pupil."""
    stream = lines(log_format)

    def read(surname: str) -> None:
        try:
            fail(error)
        except type(error) as cause:
            raise RuntimeError(f"no row of {surname}") from cause

    try:
        read("Test" + "pupil")
    except RuntimeError:
        get_logger("x").exception("feed.failing")
        logging.getLogger("some.library").exception("it failed")

    text = stream.getvalue()
    for told in ("RuntimeError", type(error).__name__, "test_logs.py", "fail", "feed.failing"):
        assert told in text
    assert "Testpupil" not in text.replace("test_logs.py", "")


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_what_our_own_errors_say_is_written(log_format: str) -> None:
    """Their texts name nobody and say what to do."""
    stream = lines(log_format)

    try:
        fail(StoreFull("free space on its disk"))
    except StoreFull:
        get_logger("x").exception("feed.failing")

    assert "StoreFull" in stream.getvalue()
    assert "free space on its disk" in stream.getvalue()


@pytest.mark.parametrize("library", ["httpx", "httpcore"])
def test_http_libraries_are_quiet_below_warnings(library: str) -> None:
    """They write whole addresses at INFO, and a webhook's address is a secret."""
    stream = lines("json")

    logging.getLogger(library).info("HTTP Request: POST https://hook.example/?sig=abc")
    logging.getLogger(library).warning("something is wrong")

    (line,) = stream.getvalue().splitlines()
    assert json.loads(line)["event"] == "something is wrong"


def test_setting_up_twice_does_not_double_lines() -> None:
    """A reload sets logging up anew."""
    lines("json")
    stream = lines("json")

    get_logger("x").info("service.ready")

    assert len(stream.getvalue().splitlines()) == 1


@given(st.lists(st.text(min_size=4), min_size=1, max_size=4), st.text())
def test_no_known_value_survives(secrets: list[str], around: str) -> None:
    """Whatever the secrets are, also parts of each other, no line holds one whole."""
    known = [secret for secret in secrets if secret not in MASK]

    text = RedactSecrets(lambda: known).clean("".join(f"<{secret}>" for secret in known) + around)

    assert not [secret for secret in known if f"<{secret}>" in text]
