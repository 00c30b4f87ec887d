"""What the auditor found last: kept here, so that other processes and the next start know it.

Also what the last walk along the history found, and when that was.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from mis_bridge.registers.calendar import LONDON
from mis_bridge.store import dirty, meta
from mis_bridge.triggers.self_check_failed import Behind

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy import Connection

    from mis_bridge.store.audit_proof import Acceptance, Break

__all__ = [
    "Broken",
    "Run",
    "Walk",
    "behind",
    "keep_run",
    "keep_walk",
    "last_run",
    "last_walk",
    "note_behind",
    "settle",
]

_RUN: Final = "self_check"
_SCHOOL: Final = "self_check/"
_WALK: Final = "history_proof"

_MOST: Final = 20
"""Breaks of one chain that are kept: a person who is told of so many looks at the whole of it."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the auditor.

    Args:
        at: when it ended, aware.
        clean_at: when the last clean one ended, aware; None for never.
        faults: names of what it found -> how many; empty for a clean run.
    """

    at: datetime
    clean_at: datetime | None
    faults: Mapping[str, int]

    @property
    def clean(self) -> bool:
        """Whether it found nothing."""
        return not self.faults


def keep_run(tx: Connection, run: Run) -> None:
    """Store the last run; the one before is forgotten."""
    values = asdict(run)
    values["at"] = run.at.isoformat()
    values["clean_at"] = run.clean_at.isoformat() if run.clean_at else None
    meta.put(tx, _RUN, json.dumps(values, sort_keys=True))


def last_run(tx: Connection) -> Run | None:
    """The last run of any auditor of this installation, or None."""
    stored = meta.get(tx, _RUN)
    if stored is None:
        return None
    values = json.loads(stored)
    clean_at = values["clean_at"]
    return Run(
        datetime.fromisoformat(values["at"]),
        datetime.fromisoformat(clean_at) if clean_at else None,
        values["faults"],
    )


class Broken(NamedTuple):
    """Where a school's chain does not hold, its seal, and since when that is known, aware."""

    school: str
    number: int
    what: str
    seal: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Walk:
    """The last walk along the history.

    Args:
        at: when it began, aware.
        broken: where the chains do not hold and IT has to know.
        settled: seals of what was accepted and IT knows of.
    """

    at: datetime
    broken: tuple[Broken, ...]
    settled: frozenset[str] = frozenset()


def keep_walk(
    tx: Connection, now: datetime, broken: Sequence[Break], accepted: Sequence[Acceptance] = ()
) -> None:
    """Store what a walk found; a break that was known keeps its first moment.

    What was accepted before any walk has found it is kept for this once: whoever changes the
    history and accepts it himself does not keep IT from being told.

    Args:
        tx: the transaction.
        now: when the walk began, aware.
        broken: what nobody has accepted.
        accepted: the rest.
    """
    before = last_walk(tx) or Walk(now, ())
    known = {one.seal: one.since for one in before.broken}
    told = before.settled | set(known)
    places = [Broken(b.school, b.number, b.what, b.seal, known.get(b.seal, now)) for b in broken]
    places += [
        Broken(a.school, a.number, f"{a.what}, and {a.who} has accepted it", a.seal, now)
        for a in accepted
        if a.seal not in told
    ]
    places.sort(key=lambda one: one.seal not in known)  # what people were told of stays
    found: dict[str, list[Broken]] = {}
    for one in places:
        of_school = found.setdefault(one.school, [])
        if len(of_school) < _MOST:
            of_school.append(one)
    listed = [one for of_school in found.values() for one in of_school]
    _put_walk(tx, Walk(now, tuple(listed), frozenset(one.seal for one in accepted)))


def settle(tx: Connection, seals: Collection[str]) -> None:
    """Heed that breaks were accepted: of those that a walk has found nobody is told any more."""
    walk = last_walk(tx)
    if walk is None:
        return
    settled = {one.seal for one in walk.broken} & set(seals)
    left = tuple(one for one in walk.broken if one.seal not in settled)
    _put_walk(tx, Walk(walk.at, left, walk.settled | settled))


def _put_walk(tx: Connection, walk: Walk) -> None:
    values = {
        "at": walk.at.isoformat(),
        "broken": [(*place, since.isoformat()) for *place, since in walk.broken],
        "settled": sorted(walk.settled),
    }
    meta.put(tx, _WALK, json.dumps(values))


def last_walk(tx: Connection) -> Walk | None:
    """The last walk along the history that came to its end, or None."""
    stored = meta.get(tx, _WALK)
    if stored is None:
        return None
    values = json.loads(stored)
    return Walk(
        datetime.fromisoformat(values["at"]),
        tuple(
            Broken(school, number, what, seal, datetime.fromisoformat(since))
            for school, number, what, seal, since in values["broken"]
        ),
        frozenset(values["settled"]),
    )


def note_behind(tx: Connection, found: Mapping[str, Sequence[Behind]], now: datetime) -> None:
    """Store what each school's work is behind with; what is new or over is decided on today.

    Args:
        tx: the transaction.
        found: by school; a school that is not named is behind with nothing.
        now: aware.
    """
    known = meta.starting_with(tx, _SCHOOL)
    today = now.astimezone(LONDON).date()
    for school in sorted({name.removeprefix(_SCHOOL) for name in known} | set(found)):
        text = _text(found.get(school, ()))
        if text == known.get(_SCHOOL + school, _text(())):
            continue
        if text == _text(()):
            meta.drop(tx, _SCHOOL + school)
        else:
            meta.put(tx, _SCHOOL + school, text)
        dirty.mark(tx, school, [today], now)


def behind(tx: Connection, school: str) -> list[Behind]:
    """What a school's work is behind with, as the auditor found it last."""
    stored = meta.get(tx, _SCHOOL + school)
    return [
        Behind(datetime.fromisoformat(since), *what) for since, *what in json.loads(stored or "[]")
    ]


def _text(found: Sequence[Behind]) -> str:
    rows = [[one.since.isoformat(), one.what, one.about] for one in found]
    return json.dumps(rows, ensure_ascii=False)
