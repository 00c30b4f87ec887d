"""A person erases a pupil: what stands in the way, what goes, and what is in other hands."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from mis_bridge.errors import IncidentError
from mis_bridge.incidents import said
from mis_bridge.messages.times import day_name
from mis_bridge.registers.calendar import LONDON, AcademicYear
from mis_bridge.registers.codes import NO_SESSION, NOT_TAKEN, POSSIBLE_BYTES
from mis_bridge.service import pupil_lists
from mis_bridge.service.pupil_files import find_pupil
from mis_bridge.store import (
    backups,
    incidents,
    notifications,
    outbox,
    pupil_data,
    pupil_traces,
    pupils,
)
from mis_bridge.store import strips as strip_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date, datetime

    from sqlalchemy import Connection

    from mis_bridge.store.backups import Backup
    from mis_bridge.store.outbox import OutboxRow

__all__ = ["Erased", "erase"]

_OUT = frozenset({"sent", "accepted"})
_WAITS = frozenset({"pending", "sending"})
_TELLS = 4
_LATELY = timedelta(days=28)
_NOTHING = bytes((NO_SESSION, NOT_TAKEN))


@dataclass(frozen=True, slots=True)
class Erased:
    """What came of it.

    Args:
        gone: rows that went, by table; ``audit``: lines of the history that lost their words.
        lists: references of the lists about many pupils that the pupil was taken out of.
        listed: the MIS still lists the leaver, who then comes back with the next reading.
        marked: there were marks of this school year; those that the MIS still gives come back.
        messages: channel -> messages that went out by it, and are in other hands.
        unsent: messages that had not gone out yet, and now do not.
        references: of the pupil's incidents, for whoever looks for what people took out.
        backups: that were made before, as far as they are known.
        other_schools: that have a pupil with the same UPN, each with a file of its own.
    """

    gone: Mapping[str, int]
    lists: tuple[str, ...]
    listed: bool
    marked: bool
    messages: Mapping[str, int]
    unsent: int
    references: tuple[str, ...]
    backups: tuple[Backup, ...]
    other_schools: tuple[str, ...]


def erase(
    tx: Connection,
    school: str,
    name: str,
    who: str,
    why: str,
    now: datetime,
    *,
    although_listed: bool = False,
) -> Erased:
    """Erase a pupil who has left; see ``store.pupil_data.erase``.

    Args:
        tx: the transaction.
        school: the school's id.
        name: as ``pupil_files.find_pupil``.
        who: who erases.
        why: for what reason; no name belongs into it.
        now: aware.
        although_listed: also a leaver whom the MIS still lists.

    Raises:
        IncidentError: there is no such pupil, nobody or no reason is named, the pupil is on roll
            or still listed, or something about the pupil is not over.
    """
    who = said.named(who, "say who erases and why: both stay in the history")
    why = " ".join(said.worded(why, "the reason").split())
    if not why:
        raise IncidentError("say who erases and why: both stay in the history")
    # Whoever decides or acts meanwhile waits.
    incidents.hold(tx, school)
    pupil = find_pupil(tx, school, name)
    today = now.astimezone(LONDON).date()
    listed = _has_left(tx, school, pupil, today)
    named = pupil_traces.named(tx, school, pupil)
    # A short id is a number as any other.
    if replace(named, pupil=pupil if len(pupil) >= _TELLS else "").is_in(why):
        raise IncidentError("the reason stays in the history: write it without naming the pupil")
    lists = pupil_lists.naming(tx, school, named)
    own = pupil_data.references(tx, school, pupil)
    _refuse_unfinished(tx, school, pupil, own, [one.id for one in lists])
    if listed and not although_listed:
        raise IncidentError(
            "the MIS still lists this pupil as a leaver: the next reading would bring the record "
            "back, and the marks that come with it. Take the pupil out of what the MIS gives, and "
            "erase a day later; or erase now all the same with --although-listed"
        )
    marked = _marked(tx, school, pupil, today)
    rows = [row for rows in outbox.of_incidents(tx, school, own).values() for row in rows]
    others = pupils.schools_of_upn(tx, named.upn)
    taken_out = pupil_lists.take_out(tx, lists, named, who, now)
    return Erased(
        gone=pupil_data.erase(tx, school, pupil, who, why, now),
        lists=taken_out,
        listed=listed,
        marked=marked,
        messages=_by_channel(rows),
        unsent=sum(row.state in _WAITS for row in rows),
        references=tuple(own.values()),
        backups=tuple(backups.known(tx)),
        other_schools=tuple(one for one in others if one != school),
    )


def _has_left(tx: Connection, school: str, pupil: str, today: date) -> bool:
    """Whether the MIS still lists a pupil who has left.

    Raises:
        IncidentError: the pupil is on roll, or is not and seems to be at the school all the same.
    """
    known = pupils.remembered(tx, school, pupil)
    if known is None:
        last = _last_mark(tx, school, pupil, today)
        if last is not None and today - last <= _LATELY:
            raise IncidentError(
                f"nobody of this id is on the roll, and there is a mark of {day_name(last)}: the "
                "child may be at the school, and the roll wrong. Have it put right in the MIS, or "
                f"erase when there is no mark of the last {_LATELY.days} days"
            )
        return False
    record, gone = known
    if not gone and (record.leaving is None or record.leaving >= today):
        raise IncidentError(
            "this pupil is on roll: the next reading would bring everything back, and nobody "
            "would watch over the child until then. Record the leaving in the MIS first"
        )
    return not gone


def _refuse_unfinished(
    tx: Connection, school: str, pupil: str, own: Mapping[str, str], lists: Iterable[str]
) -> None:
    """Stop where somebody still has to do something about the pupil, or about a list.

    Raises:
        IncidentError: says what, by its reference.
    """
    if open_ones := pupil_data.active(tx, school, pupil):
        raise IncidentError(f"close what is open first: {', '.join(open_ones)}")
    waiting = [
        one
        for one in notifications.in_state(tx, pupil_lists.NOT_OVER, school)
        if one.incident in own or one.id in set(lists)
    ]
    if waiting:
        about = incidents.some(tx, school, {one.incident for one in waiting})
        named = ", ".join(
            f"{about[one.incident].reference} ({one.kind}, {one.state.replace('_', ' ')})"
            for one in waiting
        )
        raise IncidentError(
            f"a package for the authority that names this pupil is not done with: {named}. See "
            "mis-bridge notify pending; approve or reject it, or say that it is uploaded"
        )


def _marked(tx: Connection, school: str, pupil: str, today: date) -> bool:
    """Whether there are marks of this school year: the nightly reading asks for all of it."""
    stored = strip_rows.load_raw(tx, school, AcademicYear.of(today), [pupil])
    return any(marks.translate(None, _NOTHING) for marks in stored.values())


def _last_mark(tx: Connection, school: str, pupil: str, today: date) -> date | None:
    """The last day until today on which the pupil should have been there, or None."""
    for back in (0, 1):
        year = AcademicYear(AcademicYear.of(today).start - back)
        marks = strip_rows.one(tx, school, year, pupil).marks
        until = year.slot(min(today, year.last), pm=True) + 1
        for slot in reversed(range(until)):
            if marks[slot] in POSSIBLE_BYTES:
                return year.day_of(slot)[0]
    return None


def _by_channel(rows: Iterable[OutboxRow]) -> dict[str, int]:
    out = Counter(row.channel for row in rows if row.state in _OUT)
    return dict(sorted(out.items()))
