"""Set up logging: readable on a terminal, one JSON object a line elsewhere, secrets taken out.

Events are names (``feed_read``, ``message_sent``) with values beside them; docs/reference/
log-events.md lists them. No event carries a pupil's name, UPN or date of birth: that is kept at
the place that logs, and a test reads it; of an exception that is not our own, kind and place are
written and not its text (``io.traces``). Secrets are taken out here, by value, wherever they stand
in a line: in a value, in an error's text, in a traceback, in a line of a library.
"""

from __future__ import annotations

import json
import logging
import sys
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TextIO
from urllib.parse import quote, quote_plus

from mis_bridge.io.lean import without
from mis_bridge.io.secrets import MASK
from mis_bridge.io.traces import as_dicts, as_text

with without("rich"):
    import structlog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, MutableMapping

__all__ = ["RedactSecrets", "get_logger", "set_up_logs"]

_SHORTEST = 4
# Below this a "secret" would blank out ordinary words; the resolver refuses shorter ones anyway.

_QUIET = (
    *("apscheduler", "httpx", "httpcore", "msal", "urllib3", "aiosmtplib", "alembic"),
    "mail.log",
)
# httpx writes whole addresses at INFO, and a webhook's address is a secret.


class RedactSecrets:
    """A structlog processor, last before the renderer's text leaves: hides secrets by value.

    Args:
        known_values: called for each line, as secrets are resolved while the daemon runs.
    """

    def __init__(self, known_values: Callable[[], Iterable[str]]) -> None:
        self._known_values = known_values

    def __call__(self, _logger: object, _method: str, line: str) -> str:
        """Return the line without secrets, also where JSON or a URL has escaped them."""
        return self.clean(line)

    def clean(self, text: str) -> str:
        """The text without secrets."""
        for value in sorted(self._known_values(), key=len, reverse=True):
            if len(value) < _SHORTEST:
                continue
            for form in _forms(value):
                text = text.replace(form, MASK)
        return text


@lru_cache(maxsize=256)
def _forms(value: str) -> tuple[str, ...]:
    """How a value may stand in a line: as it is, or escaped by a URL, by repr, by JSON, by both."""
    plain = {value, quote(value), quote(value, ""), quote_plus(value), repr(value)[1:-1]}
    escaped = {
        json.dumps(form, ensure_ascii=ascii_only)[1:-1]
        for form in plain
        for ascii_only in (False, True)
    }
    return tuple(sorted(plain | escaped, key=len, reverse=True))


def set_up_logs(
    log_format: str = "auto",
    *,
    known_values: Callable[[], Iterable[str]] = tuple,
    stream: TextIO | None = None,
    level: str = "INFO",
) -> None:
    """Send every log line, our own and the libraries', to one stream in one form.

    Args:
        log_format: ``console``, ``json``, or ``auto``: console where the stream is a terminal.
        known_values: all secrets known so far (``Secrets.known_values``).
        stream: where lines go, standard error by default.
        level: the least level that is written.
    """
    target = sys.stderr if stream is None else stream
    is_console = log_format == "console" or (log_format == "auto" and target.isatty())
    # Exceptions become text before redaction, so that what a library put in one is cleaned too.
    render: list[Any] = (
        [structlog.dev.ConsoleRenderer(colors=target.isatty(), exception_formatter=_plain_trace)]
        if is_console
        else [
            structlog.processors.ExceptionRenderer(lambda info: as_dicts(info[1])),
            _in_reading_order,
            structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
        ]
    )
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(target)
    processors: list[Any] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        *render,
        RedactSecrets(known_values),
    ]
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=processors)
    )
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def get_logger(name: str) -> Any:
    """A logger that carries where it logs from.

    Args:
        name: the module, for example ``mis_bridge.service.sync``.
    """
    return structlog.stdlib.get_logger(name)


def _plain_trace(stream: TextIO, trace: tuple[Any, ...]) -> None:
    stream.write("\n" + as_text(trace[1]).rstrip())


def _in_reading_order(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> dict[str, Any]:
    """When, how bad and what first: people read JSON lines too."""
    first = {key: event.pop(key) for key in ("timestamp", "level", "event") if key in event}
    return {**first, **event}
