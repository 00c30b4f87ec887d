"""Is the history as it was written? Each chain is walked, and whatever does not hold is found.

That a whole chain was taken away is seen by the incidents and messages whose beginning no line
tells. It protects against mistakes and against quiet edits, not against somebody who rewrites the
whole chain and its head: for that, keep what ``audit.heads`` gives somewhere else, and compare it
by ``against``.

Nothing mends a break: it is found for ever. A person who knows how it came about accepts it by a
line of the same chain (``Act.BREAK_ACCEPTED``, ``service.accepting``). That line carries the
break's seal, a hash over all that is wrong there as it stands: who changes the place again makes
another break, and who changes the line takes its word away.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import exists, select

from mis_bridge.incidents.model import Act, Event
from mis_bridge.store import meta
from mis_bridge.store.audit import (
    BEGUN,
    ERASED,
    GENESIS,
    INSTALLATION,
    LINE_CHANGED,
    SEAL_TITLE,
    heads,
    left_of,
    line_hash,
    seal_of,
)
from mis_bridge.store.schema import audit, incidents, outbox

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from sqlalchemy import Connection, Row

__all__ = [
    "Acceptance",
    "Break",
    "Kind",
    "Proof",
    "acceptance_body",
    "against",
    "name_of",
    "prove",
    "standing",
    "untold",
    "verify",
]

_AT_ONCE: Final = 500
"""Lines that are held while a chain is walked: hundreds of schools have hundreds of thousands."""

_ACCEPTED = re.compile(r"Line (\d+): (.+?)\. Accepted: (.*) Seal: ([0-9a-f]{64})", re.DOTALL)
_END: Final = "the end of the chain was cut off or added"


class Kind(StrEnum):
    """The closed set of what can be wrong with a chain."""

    MISSING = "missing"
    UNLINKED = "unlinked"
    CHANGED = LINE_CHANGED
    EMPTIED = "emptied"
    TAKEN_AWAY = "taken_away"
    NOT_AS_KEPT = "not_as_kept"


@dataclass(frozen=True, slots=True)
class Break:
    """A place where a chain does not hold.

    Args:
        school: whose chain.
        number: line from 1 at which it breaks.
        kind: how.
        what: what is wrong, for a person; a sentence without its full stop.
        seal: 64 hexadecimal digits over what stands there now; empty where it can not be accepted.
    """

    school: str
    number: int
    kind: Kind
    what: str
    seal: str = ""

    @property
    def name(self) -> str:
        """What people call it: another one as soon as anything at the place is changed."""
        return name_of(self.number, self.seal) if self.seal else ""


@dataclass(frozen=True, slots=True)
class Acceptance:
    """A break that a person has accepted, by a line of the chain that holds.

    Args:
        school: whose chain.
        line: which line says so.
        at, who, why: when, aware; by whom; for what reason.
        number, what, seal: of the break, as it was found.
    """

    school: str
    line: int
    at: datetime
    who: str
    why: str
    number: int
    what: str
    seal: str


@dataclass(frozen=True, slots=True)
class Proof:
    """What the walk along some chains has found.

    Args:
        broken: where they do not hold and nobody has accepted it, by school and line.
        accepted: what was accepted, whether or not it is there still, by school and line.
    """

    broken: tuple[Break, ...]
    accepted: tuple[Acceptance, ...]


def name_of(number: int, seal: str) -> str:
    """What people call a break at a line."""
    return f"{number}-{seal[:8]}"


def acceptance_body(broken: Break, why: str) -> str:
    """What the line says by which a break is accepted.

    Args:
        broken: as it is found now.
        why: a person's words.
    """
    return f"Line {broken.number}: {broken.what}. Accepted: {why}{SEAL_TITLE}{broken.seal}"


def verify(tx: Connection, school: str | None = None) -> list[Break]:
    """Every break that nobody has accepted, of all chains or of one school's."""
    return list(prove(tx, school).broken)


def prove(tx: Connection, school: str | None = None) -> Proof:
    """Walk all chains, or one school's."""
    ends = {name: end for name, end in heads(tx).items() if school in {None, name}}
    lost = untold(tx, school)
    walks: dict[str, _Walk] = {}
    lines = select(audit).order_by(audit.c.school, audit.c.number)
    if school is not None:
        lines = lines.where(audit.c.school == school)
    for row in tx.execute(lines, execution_options={"yield_per": _AT_ONCE}):
        walks.setdefault(row.school, _Walk(row.school)).step(row)
    begun = [INSTALLATION] if school in {None, INSTALLATION} and meta.get(tx, BEGUN) else []
    for name in (*ends, *lost, *begun):
        walks.setdefault(name, _Walk(name))
    for name, walk in walks.items():
        walk.end(ends.get(name), lost.get(name, ()))
    ordered = [walk for _, walk in sorted(walks.items())]
    return Proof(
        tuple(one for walk in ordered for one in walk.left()),
        tuple(one for walk in ordered for one in walk.accepted),
    )


def standing(tx: Connection, proof: Proof) -> str:
    """Say how much there is of a history that holds, and what was accepted in it."""
    ends = heads(tx)
    lines = sum(number for number, _ in ends.values())
    said = f"{lines} lines in {len(ends)} chains hold"
    if not proof.accepted:
        return said
    count = len(proof.accepted)
    breaks = "1 break that was" if count == 1 else f"{count} breaks that were"
    return f"{said}, but for {breaks} accepted: mis-bridge audit verify"


def against(tx: Connection, kept: Mapping[str, tuple[int, str]]) -> list[Break]:
    """Where the chains are not those of which the heads were kept elsewhere.

    A chain may have grown since; what it held then has to be there still.

    Args:
        tx: the transaction.
        kept: what ``audit.heads`` gave at some time.
    """
    broken = []
    for school, (number, said) in sorted(kept.items()):
        stored = tx.execute(
            select(audit.c.hash).where(audit.c.school == school, audit.c.number == number)
        ).scalar_one_or_none()
        if number and stored is None:
            what = "the kept head names a line that is not there: the chain was cut or taken away"
            broken.append(Break(school, number, Kind.NOT_AS_KEPT, what))
        elif number and stored != said:
            what = "it is not the line of which the head was kept: the chain was written anew"
            broken.append(Break(school, number, Kind.NOT_AS_KEPT, what))
    return broken


def untold(tx: Connection, school: str | None = None) -> dict[str, list[str]]:
    """School -> ids of incidents of which no line tells the beginning, in order.

    Of an incident, and of one that a message is about, there is a line from its beginning, and it
    goes before that does: an erasure leaves it as a link. Those whose loss was accepted have a line
    that says so.
    """
    found: dict[str, set[str]] = {}
    for table, identity in ((incidents, incidents.c.id), (outbox, outbox.c.incident)):
        told = exists().where(
            audit.c.school == table.c.school,
            audit.c.incident == identity,
            audit.c.act.in_([Event.RAISED, Act.BREAK_ACCEPTED]),
        )
        lost = select(table.c.school, identity).where(identity != "", ~told).distinct()
        if school is not None:
            lost = lost.where(table.c.school == school)
        for name, incident in tx.execute(lost):
            found.setdefault(name, set()).add(incident)
    return {name: sorted(ids) for name, ids in found.items()}


@dataclass(slots=True)
class _Walk:
    """One chain, walked line by line; after a break from the line that stands there on."""

    school: str
    number: int = 0
    link: str = GENESIS
    found: list[Break] = field(default_factory=list)
    emptied: dict[int, tuple[str, str]] = field(default_factory=dict)
    accepted: list[Acceptance] = field(default_factory=list)

    def step(self, row: Row[Any]) -> None:
        """Look at the next line: at its place, what it follows from and what it says."""
        values = dict(row._mapping)  # noqa: SLF001 - the public name of a Row's mapping
        said = values.pop("hash")
        left = line_hash(values)
        self._follow(row.number, row.prev)
        if said == left:
            self._account(row)
        elif row.body == ERASED:
            self.emptied[row.number] = (said, left)
        else:
            self._find(row.number, Kind.CHANGED, "it was changed after it was written", said, left)
        self.number, self.link = row.number, said

    def end(self, head: tuple[int, str] | None, lost: Collection[str]) -> None:
        """Look at what stands beside the lines.

        The head is looked at as the line that would come next: so the break is the same one when
        that line is there, be it the one that accepts it.

        Args:
            head: the head that is kept beside the chain, or None where there is none.
            lost: ids of incidents of which no line tells the beginning.
        """
        gone = head is None and not self.number
        if not gone:
            number, link = head or (0, GENESIS)
            behind = number < self.number and link == self.link
            self._follow(max(number, self.number) + 1, link, _END, behind=behind)
        for at, seal in self.emptied.items():
            what = "its words were taken away, and no erasure of a pupil accounts for it"
            self._find(at, Kind.EMPTIED, what, *seal)
        if gone and self.school == INSTALLATION:
            self._find(1, Kind.TAKEN_AWAY, "all of it was taken away")
        elif lost:
            self._find(1, Kind.TAKEN_AWAY, self._lost(len(lost), gone=gone), *lost)

    def left(self) -> list[Break]:
        """The breaks that no later line accepts, by line."""
        by_line = {one.seal: one.line for one in self.accepted}
        new = [one for one in self.found if by_line.get(one.seal, 0) < one.number]
        return sorted(new, key=lambda one: one.number)

    def _follow(self, number: int, prev: str, what: str = "", *, behind: bool = False) -> None:
        """Compare where a line stands, and from what it follows, with the line before."""
        first, last = self.number + 1, number - 1
        if first != number:
            missing = f"line {first} is" if first >= last else f"lines {first} to {last} are"
            self._find(first, Kind.MISSING, what or f"{missing} missing", last, self.link, prev)
        elif prev != self.link or behind:
            said = what or "it does not follow from the line before"
            self._find(number, Kind.UNLINKED, said, self.link, prev)

    def _account(self, row: Row[Any]) -> None:
        """Heed a line that holds: an erasure says what it took, a person accepts a break."""
        if row.act == Act.ERASED:
            for number, left in left_of(row.body):
                if number in self.emptied and self.emptied[number][1] == left:
                    del self.emptied[number]
        elif row.act == Act.BREAK_ACCEPTED and (said := _ACCEPTED.fullmatch(row.body)):
            at, what, why, seal = said.groups()
            line = (self.school, row.number, row.at, row.actor)
            self.accepted.append(Acceptance(*line, why, int(at), what, seal))

    def _lost(self, count: int, *, gone: bool) -> str:
        there = "1 incident is" if count == 1 else f"{count} incidents are"
        lost = f"{there} there whose beginning no line tells"
        if gone:
            return f"all of it was taken away: {lost}"
        return lost if self.found else f"it was taken away and begun anew: {lost}"

    def _find(self, number: int, kind: Kind, what: str, *stands: str | int) -> None:
        seal = seal_of(self.school, kind, number, *stands)
        self.found.append(Break(self.school, number, kind, what, seal))
