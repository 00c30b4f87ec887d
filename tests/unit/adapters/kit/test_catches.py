"""Every case of the kit can fail: with a fault put into the engine, it names the fault.

The adapters are made up and whole; what is broken is the program around them. A case that goes on
holding while what it is about is broken would be no case.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from mis_bridge.adapters import answers, declared, driver, pull, values
from mis_bridge.adapters import paging as engine_paging
from mis_bridge.adapters.declared import DeclaredSource
from mis_bridge.adapters.envelope import Answer, Envelope
from mis_bridge.adapters.kit import bronze
from mis_bridge.adapters.kit.model import Result
from mis_bridge.adapters.kit.run import CASES, Candidate
from mis_bridge.adapters.lookups import Codebook
from mis_bridge.adapters.normalise import Normaliser
from mis_bridge.adapters.paging import Pager
from mis_bridge.adapters.source import Batch
from mis_bridge.errors import MisAnswerInvalid, MisUnavailable
from mis_bridge.registers.calendar import LONDON
from mis_bridge.registers.codes import NO_SESSION, NOT_TAKEN
from mis_bridge.simulator.shelf import SqliteShelf, shelf
from mis_bridge.store import sheet_work, sweep

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Patch = pytest.MonkeyPatch


class Forgetful(set[str]):
    """A set that never knows anything again."""

    def __contains__(self, item: object) -> bool:
        return False


def wrapped(patch: Patch, owner: Any, name: str, around: Callable[..., Any]) -> None:
    """Replace a function by one that is given the old one first."""
    old = getattr(owner, name)
    patch.setattr(owner, name, lambda *given, **named: around(old, *given, **named))


def forget_pages(patch: Patch) -> None:
    """No token and no page is known again."""

    def around(old: Any, self: Any, *given: Any) -> None:
        old(self, *given)
        self._tokens = self._digests = Forgetful()

    wrapped(patch, Pager, "__init__", around)


def lenient_answers(patch: Patch) -> None:
    """What is no data is taken for an empty list."""

    def around(old: Any, self: Any, response: Any) -> Answer:
        try:
            found: Answer = old(self, response)
        except MisAnswerInvalid:
            return Answer(b"[]", {})
        return found

    wrapped(patch, Envelope, "read", around)


def first_mark_stands(patch: Patch) -> None:
    """No mark is ever replaced."""
    patch.setattr(sheet_work, "stands", lambda old, *_: old == NO_SESSION)


def empty_is_the_end(patch: Patch) -> None:
    """A page without records ends its list."""
    patch.setattr(Pager, "is_counted", property(lambda _: False))
    wrapped(
        patch,
        Pager,
        "follow",
        lambda old, self, here, url, digest, *rest: (
            old(self, here, url, digest, *rest) if digest else None
        ),
    )


def count_no_pages(patch: Patch) -> None:
    """max_pages is forgotten."""

    def around(old: Any, self: Any, *given: Any) -> Any:
        self._pages = 0
        return old(self, *given)

    wrapped(patch, Pager, "follow", around)


def null_is_a_token(patch: Patch) -> None:
    """A next page that is null is asked for."""
    wrapped(
        patch,
        Pager,
        "_next",
        lambda old, self, here, url, count, answer: old(
            self, here, url, count, {**answer, "next": answer.get("next") or "null"}
        ),
    )


def write_behind(patch: Patch) -> None:
    """The place to go on from is stored at once, the rows of a batch with the next one."""
    behind: list[tuple[Any, Batch]] = []

    def around(old: Any, self: Any, batch: Batch, plan: Any, now: Any) -> int:
        for reading, late in behind:
            if reading is plan:
                old(self, late, plan, now)
        behind[:] = [] if batch.last_of_stream else [(plan, batch)]
        if batch.last_of_stream:
            return int(old(self, batch, plan, now))
        return int(old(self, Batch(batch.stream, resume=batch.resume), plan, now))

    wrapped(patch, SqliteShelf, "keep", around)


def blind_polls(patch: Patch) -> None:
    """A poll gives nothing."""

    def around(old: Any, self: Any, plan: Any) -> Any:
        async def nothing() -> Any:
            for batch in list[Batch]():
                yield batch

        return old(self, plan) if plan.sweep else nothing()

    wrapped(patch, DeclaredSource, "read", around)


def always_summer(patch: Patch) -> None:
    """London is an hour ahead all the year."""
    summer = timezone(timedelta(hours=1))

    def around(old: Any, self: Any, *given: Any, local: Any = LONDON, **named: Any) -> None:
        old(self, *given, local=summer if local is LONDON else local, **named)

    wrapped(patch, values.Moments, "__init__", around)


def no_leap_years(patch: Patch) -> None:
    """29 February is no day."""

    def around(old: Any, value: Any, local: Any) -> Any:
        if isinstance(value, str) and "-02-29" in value:
            raise values.Unusable("no such day")
        return old(value, local)

    wrapped(patch, values, "_moment", around)


def lose_last_records(patch: Patch) -> None:
    """The last record of every page is lost."""

    def around(old: Any, self: Any, *given: Any) -> Any:
        decoded = old(self, *given)
        del decoded.records[-1:]
        return decoded

    wrapped(patch, Normaliser, "decode", around)


def blank_unknown_codes(patch: Patch) -> None:
    """A code that nobody knows is a register that was not taken."""

    def around(old: Any, self: Any, code: str) -> int:
        try:
            return int(old(self, code))
        except values.Unusable:
            return NOT_TAKEN

    wrapped(patch, Codebook, "byte", around)


def every_lookup_anew(patch: Patch) -> None:
    """Each page is asked for twice."""

    def around(old: Any, request: Any) -> Any:
        yield from old(request)
        return (yield from old(request))

    wrapped(patch, pull, "_answered", around)


def know_no_digest(patch: Patch) -> None:
    """What was read before is decoded again."""
    wrapped(
        patch,
        SqliteShelf,
        "plan",
        lambda old, *given, **named: replace(old(*given, **named), known_digests={}),
    )


def quarantine_with_values(patch: Patch) -> None:
    """What can not be understood is told, whatever it is."""
    from mis_bridge.adapters import normalise

    def around(old: Any, stream: str, page: int, number: int, unusable: Any) -> Any:
        made = old(stream, page, number, unusable)
        context = unusable.__context__
        return replace(made, value=made.value or getattr(context, "value", "") or "")

    wrapped(patch, normalise, "_quarantined", around)
    patch.setattr(
        values.Unusable,
        "__init__",
        lambda self, problem, value="": self.__dict__.update(
            problem=f"{problem} {value}", value=str(value)
        ),
    )


def setitem(name: dict[int, Any], key: int, kind: Any) -> Callable[[Patch], None]:
    """Give a status another meaning."""
    return lambda patch: patch.setitem(name, key, (kind, "something"))


def setting(owner: Any, name: str, value: Any) -> Callable[[Patch], None]:
    """Replace an attribute."""
    return lambda patch: patch.setattr(owner, name, value)


FAULTS: dict[str, tuple[str, Callable[[Patch], None]]] = {
    "manifest": ("none", setting(bronze, "parse", lambda *_: None)),
    "check-states": ("none", setitem(answers.STATUS, 410, MisUnavailable)),
    "expected": ("none", lose_last_records),
    "keys": (
        "none",
        setting(values.Texts, "read", lambda self, value: str(value).replace("P1", "P0")),
    ),
    "fixtures-used": ("none", setting(declared, "STREAMS", ("pupils",))),
    "page-order": ("cursor", lose_last_records),
    "fields-seen": ("none", setting(bronze, "_seen", lambda *_: False)),
    "quiet-faults": ("none", setting(answers.Judge, "_redacted", lambda self, words: words)),
    "statuses": ("none", setitem(answers.STATUS, 404, MisUnavailable)),
    "timeouts": ("none", setting(driver, "_RETRIED", ())),
    "resets": ("none", setting(driver, "_RETRIED", ())),
    "cut-answers": ("none", lenient_answers),
    "foreign-answers": ("none", lenient_answers),
    "byte-order-mark": ("none", setting(driver, "BOM_UTF8", b"\0")),
    "retry-after-seconds": ("none", setting(answers, "retry_after_seconds", lambda *_: None)),
    "retry-after-date": ("none", setting(answers, "retry_after_seconds", lambda *_: None)),
    "repeated-token": ("cursor", forget_pages),
    "alternating-tokens": ("cursor", forget_pages),
    "repeated-page": ("offset", forget_pages),
    "list-end": ("cursor", null_is_a_token),
    "empty-middle-page": ("cursor", empty_is_the_end),
    "stated-total": ("page", setting(Pager, "_check_total", lambda *_: None)),
    "endless-list": ("cursor", count_no_pages),
    "other-host": ("link", setting(engine_paging, "_origin", lambda _: ("https", "", 443))),
    "moving-rows": ("cursor", first_mark_stands),
    "deleted-rows": (
        "none",
        setting(sweep, "finish", lambda *_, **__: sweep.Swept(0, 0, refused=False)),
    ),
    "crash": ("cursor", write_behind),
    "corrections": ("none", first_mark_stands),
    "late-register": ("none", blind_polls),
    "leaver": ("none", setting(sweep, "finish_roll", lambda *_: sweep.Swept(0, 0, refused=False))),
    "clock-change": ("none", always_summer),
    "leap-day": ("none", no_leap_years),
    "unknown-code": ("none", blank_unknown_codes),
    "capabilities": ("none", setting(values.Moments, "read", lambda *_: None)),
    "budget": ("none", every_lookup_anew),
    "second-poll": ("none", know_no_digest),
    "diagnostics": ("none", quarantine_with_values),
}
"""Case -> (scheme of the adapter, fault)."""


def test_every_case_has_a_fault_that_it_is_tried_with() -> None:
    """And every fault a case."""
    assert FAULTS.keys() == {case.id for case in CASES}


def outcome(folder: Path, case_id: str) -> tuple[Result, str]:
    """Try one case."""
    (case,) = [case for case in CASES if case.id == case_id]
    found = Candidate(folder, shelf).outcome(case)
    return found.result, found.detail


@pytest.mark.parametrize("case", FAULTS)
def test_a_case_fails_while_what_it_is_about_is_broken_and_holds_otherwise(
    case: str, made: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same adapter, with and without the fault in the program."""
    scheme, fault = FAULTS[case]
    folder = made(scheme)
    assert outcome(folder, case) == (Result.HOLDS, "")

    with monkeypatch.context() as patch:
        fault(patch)
        broken, detail = outcome(folder, case)

    assert broken is Result.FAILS
    assert detail
