"""Everything that is said while a case runs: log lines, errors, what is printed."""

from __future__ import annotations

import contextlib
import io
import logging
import re
from typing import TYPE_CHECKING, Final

from structlog.testing import capture_logs

from mis_bridge.adapters.records import PupilRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mis_bridge.adapters.source import Batch

__all__ = ["Telltale", "overheard", "told_of"]

_SHORTEST: Final = 3
_SHORTEST_ID: Final = 6
"""An id of fewer signs is a number like any other: finding it in a text proves nothing."""


class _Everything(logging.Handler):
    """Keeps what libraries log, with arguments and tracebacks put in."""

    def __init__(self, said: list[str]) -> None:
        super().__init__(logging.DEBUG)
        self._said = said
        self.setFormatter(logging.Formatter())

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one line."""
        self._said.append(self.format(record))


@contextlib.contextmanager
def overheard() -> Iterator[list[str]]:
    """Collect all that is logged and printed; the list is whole when the block has ended."""
    said: list[str] = []
    root, handler, out = logging.getLogger(), _Everything(said), io.StringIO()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        with (
            capture_logs() as events,
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(out),
        ):
            yield said
    finally:
        root.setLevel(level)
        root.removeHandler(handler)
        said += [repr(event) for event in events]
        said.append(out.getvalue())


def told_of(error: BaseException | None) -> str:
    """Give all texts of an error and of those behind it, as far as a traceback shows them."""
    texts = []
    while error is not None:
        texts.append(f"{error!r} {error} {getattr(error, 'advice', '')}")
        behind = None if error.__suppress_context__ else error.__context__
        error = error.__cause__ or behind
    return " ".join(texts)


class Telltale:
    """Knows what no text may repeat.

    Args:
        secrets: of the invented school.
        batches: that hold its pupils.
        ids: the pupils' ids as well; what is kept of a school names pupils by them.
    """

    def __init__(
        self, secrets: Iterable[str], batches: Iterable[Batch], *, ids: bool = True
    ) -> None:
        self._secrets = [secret for secret in secrets if secret]
        names: set[str] = set()
        for batch in batches:
            for record in batch.records:
                if isinstance(record, PupilRecord):
                    names |= {record.surname, record.forename, record.upn}
                    if ids and len(record.pupil) >= _SHORTEST_ID:
                        names.add(record.pupil)
        words = sorted(re.escape(name) for name in names if len(name) >= _SHORTEST)
        self._words = re.compile(rf"(?<!\w)(?:{'|'.join(words)})(?!\w)") if words else None

    def tells(self, text: str) -> str:
        """Say what a text gives away, without repeating it; empty where it is quiet."""
        if any(secret in text for secret in self._secrets):
            return "a secret"
        if self._words is not None and self._words.search(text):
            return "a pupil"
        return ""
