"""Incidents: columns for what is asked for, JSON for what is only shown."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import and_, bindparam, case, func, or_, select, update

from mis_bridge.incidents.chain import Chain, ChainStep
from mis_bridge.incidents.families import MISSING
from mis_bridge.incidents.model import ACTIVE, Incident, Interview, Outcome, State, StepState
from mis_bridge.registers.calendar import LONDON, local_datetime
from mis_bridge.store.schema import incidents, schools
from mis_bridge.store.upsert import upsert
from mis_bridge.triggers.model import Evidence, Severity

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import date

    from sqlalchemy import ColumnElement, Connection, Row

__all__ = [
    "Outline",
    "back_since",
    "count_open",
    "get",
    "hold",
    "known",
    "of_days",
    "of_families",
    "one",
    "outlines",
    "postpone",
    "recent",
    "save",
    "some",
    "where",
]

_COLUMNS = frozenset(column.name for column in incidents.c) - {"body"}
_IN_COLUMNS = tuple(one.name for one in fields(Incident) if one.name in _COLUMNS)
_IN_BODY = tuple(one.name for one in fields(Incident) if one.name not in _COLUMNS)
_OF_STEP = tuple(one.name for one in fields(StepState))
_MOMENTS_KEPT = 4096
_LONG_AWAY = timedelta(days=60)
"""A child who was away for longer comes back to more than a reminder: others see to it by then."""
_write = json.JSONEncoder(ensure_ascii=False, sort_keys=True).encode
_ACTIVE = sorted(ACTIVE)
_ONE = select(incidents).where(
    incidents.c.school == bindparam("of_school"), incidents.c.id == bindparam("of_id")
)
_SOME = select(incidents).where(
    incidents.c.school == bindparam("of_school"),
    incidents.c.id.in_(bindparam("ids", expanding=True)),
)
_POSTPONE = (
    update(incidents)
    .where(incidents.c.school == bindparam("of_school"), incidents.c.id == bindparam("of_id"))
    .values(escalate_at=bindparam("at"))
)


def hold(tx: Connection, school: str) -> None:
    """Let nobody else change the school's incidents before this transaction ends.

    Called first by whoever decides or acts: an acknowledgement that is made while the daemon
    decides waits, and is done to what was decided. On SQLite the transaction itself sees to that.
    One row is held for all incidents: one that is yet to be opened has none of its own.
    """
    row = select(schools.c.school).where(schools.c.school == school)
    tx.execute(row.with_for_update(key_share=True))


def save(tx: Connection, changed: Iterable[Incident]) -> None:
    """Store new and changed incidents; an older revision never overwrites a newer one.

    Raises:
        ValueError: an incident of the database is newer than the one to be stored.
    """
    wanted = {incident.id: incident for incident in changed}
    stored = select(incidents.c.id, incidents.c.revision).where(incidents.c.id.in_(list(wanted)))
    for identity, revision in tx.execute(stored):
        if revision > wanted[identity].revision:
            raise ValueError(
                f"incident {wanted[identity].reference} is at revision {revision}, newer than "
                f"{wanted[identity].revision}"
            )
    upsert(tx, incidents, [_values(incident) for incident in wanted.values()])


def postpone(tx: Connection, changed: Iterable[Incident]) -> None:
    """Store when incidents climb that were saved in this transaction, and nothing else of them."""
    moments = [{"of_school": one.school, "of_id": one.id, "at": one.escalate_at} for one in changed]
    if moments:
        tx.execute(_POSTPONE, moments)


def get(tx: Connection, name: str, *, to_change: bool = False) -> Incident | None:
    """An incident by its id or by its reference (``MB-XXXX-XXXX``, any case), or None.

    Args:
        tx: the transaction.
        name: id or reference.
        to_change: nobody else changes it before this transaction ends.

    Raises:
        ValueError: two incidents have this reference; ask by id.
    """
    called = or_(incidents.c.id == name, incidents.c.reference == name.upper())
    rows = _select(tx, called)
    if rows and to_change:
        hold(tx, rows[0].school)
        rows = _select(tx, called)
    if len(rows) > 1:
        raise ValueError(f"{len(rows)} incidents are called {name}: give the full id")
    return rows[0] if rows else None


def one(tx: Connection, school: str, identity: str) -> Incident | None:
    """An incident of a school by its id, or None."""
    row = tx.execute(_ONE, {"of_school": school, "of_id": identity}).one_or_none()
    return _incident(row) if row else None


def some(tx: Connection, school: str, identities: Collection[str]) -> dict[str, Incident]:
    """Those incidents of a school that have one of these ids, by id."""
    rows = tx.execute(_SOME, {"of_school": school, "ids": sorted(identities)})
    return {row.id: _incident(row) for row in rows}


def known(tx: Connection, school: str, first: date, last: date) -> list[Incident]:
    """Every active incident of a school, and every ended one of the days first to last."""
    return _select(
        tx,
        and_(
            incidents.c.school == school,
            or_(incidents.c.state.in_(_ACTIVE), incidents.c.day.between(first, last)),
        ),
    )


def back_since(tx: Connection, school: str, day: date) -> list[Incident]:
    """Children who went missing on an earlier day and were found on this one or since.

    What follows a return is left to do, and on their own day nobody looks any more.
    """
    return _select(
        tx,
        and_(
            incidents.c.school == school,
            incidents.c.day >= day - _LONG_AWAY,
            incidents.c.day < day,
            incidents.c.family == MISSING.id,
            incidents.c.outcome == Outcome.FOUND,
            incidents.c.closed_at >= local_datetime(day, 0),
        ),
    )


def of_days(
    tx: Connection, school: str, first: date, last: date, pupil: str | None = None
) -> list[Incident]:
    """Every incident of the days first to last about a pupil, in order; of one or of all pupils."""
    who = incidents.c.pupil != "" if pupil is None else incidents.c.pupil == pupil
    return _select(
        tx, and_(incidents.c.school == school, incidents.c.day.between(first, last), who)
    )


def of_families(
    tx: Connection, school: str, families: Collection[str], since: date
) -> list[Incident]:
    """Every active incident of some families, and every ended one of the days from one on."""
    return _select(
        tx,
        and_(
            incidents.c.school == school,
            incidents.c.family.in_(sorted(families)),
            or_(incidents.c.state.in_(_ACTIVE), incidents.c.day >= since),
        ),
    )


class Outline(NamedTuple):
    """As much of an incident as counting needs; ``closed_at`` is aware, or None."""

    id: str
    pupil: str
    family: str
    day: date
    state: State
    outcome: str
    closed_at: datetime | None


def outlines(
    tx: Connection, school: str, families: Collection[str], since: date, fewest: int
) -> list[Outline]:
    """The incidents of some families since a day, of pupils who have so many of them at least."""
    wanted = and_(
        incidents.c.school == school,
        incidents.c.family.in_(sorted(families)),
        incidents.c.day >= since,
    )
    several = (
        select(incidents.c.pupil)
        .where(wanted)
        .group_by(incidents.c.pupil)
        .having(func.count() >= fewest)
    )
    rows = tx.execute(
        select(*(incidents.c[name] for name in Outline._fields)).where(
            wanted, incidents.c.pupil.in_(several)
        )
    )
    return [Outline(*row)._replace(state=State(row.state)) for row in rows]


def count_open(tx: Connection) -> dict[str, int]:
    """School -> number of active incidents, for the schools that have any."""
    rows = tx.execute(
        select(incidents.c.school, func.count())
        .where(incidents.c.state.in_(_ACTIVE))
        .group_by(incidents.c.school)
        .order_by(incidents.c.school)
    )
    return dict(rows.all())


def recent(
    tx: Connection, limit: int = 100, *, school: str | None = None, active_only: bool = False
) -> list[Incident]:
    """The incidents that changed last, the newest first, for people who look.

    Of the active ones missing children stand first, then the most severe: nothing hides them.
    """
    wanted = select(incidents).limit(limit)
    if school is not None:
        wanted = wanted.where(incidents.c.school == school)
    if active_only:
        rank = case({one: place for place, one in enumerate(Severity)}, value=incidents.c.severity)
        missing_first = case((incidents.c.family == MISSING.id, 0), else_=1)
        wanted = wanted.where(incidents.c.state.in_(_ACTIVE)).order_by(missing_first, rank)
    wanted = wanted.order_by(incidents.c.updated_at.desc(), incidents.c.id)
    return [_incident(row) for row in tx.execute(wanted)]


def where(tx: Connection, wanted: ColumnElement[bool]) -> list[Incident]:
    """The incidents of all schools for which a condition on their columns holds, in order."""
    return _select(tx, wanted)


def _select(tx: Connection, where: ColumnElement[bool], limit: int | None = None) -> list[Incident]:
    wanted = select(incidents).where(where).order_by(incidents.c.opened_at, incidents.c.id)
    return [_incident(row) for row in tx.execute(wanted.limit(limit))]


def _values(incident: Incident) -> dict[str, Any]:
    row: dict[str, Any] = {name: getattr(incident, name) for name in _IN_COLUMNS}
    row["audience"] = ";".join(incident.audience)
    body: dict[str, Any] = {name: getattr(incident, name) for name in _IN_BODY}
    body["evidence"] = [[_text(e.at), e.slot, e.what] for e in incident.evidence]
    body["steps"] = [
        {name: _text(getattr(step, name)) for name in _OF_STEP}
        | {"interview": asdict(step.interview) if step.interview else None}
        for step in incident.steps
    ]
    body["facts"] = dict(incident.facts)
    body["chain"] = incident.chain and {
        "rule": incident.chain.rule,
        "steps": [[list(step.tell), step.after] for step in incident.chain.steps],
        "whole": incident.chain.whole,
    }
    body["data_as_of"] = _text(incident.data_as_of)
    body["remind_at"] = _text(incident.remind_at)
    return {**row, "body": _write(body)}


def _incident(row: Row[Any]) -> Incident:
    values: dict[str, Any] = dict(row._mapping)  # noqa: SLF001 - the public name of a Row's mapping
    values |= json.loads(values.pop("body"))
    values["state"] = State(values["state"])
    values["severity"] = Severity(values["severity"])
    values["audience"] = tuple(part for part in values["audience"].split(";") if part)
    values["told"] = tuple(values["told"])
    # One of an older version has none.
    chain = values.get("chain")
    values["chain"] = chain and Chain(
        chain["rule"],
        tuple(ChainStep(tuple(tell), after) for tell, after in chain["steps"]),
        chain.get("whole", False),
    )
    values["evidence"] = tuple(
        Evidence(_moment(at), slot, what) for at, slot, what in values["evidence"]
    )
    values["steps"] = tuple(
        StepState(
            **{
                **step,
                "due_at": _moment(step["due_at"]),
                "done_at": _moment(step["done_at"]),
                "reminded_at": _moment(step.get("reminded_at")),
                "interview": Interview(**said) if (said := step.get("interview")) else None,
            }
        )
        for step in values["steps"]
    )
    values["data_as_of"] = _moment(values["data_as_of"])
    values["remind_at"] = _moment(values.get("remind_at"))
    return Incident(**values)


def _text(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


@lru_cache(_MOMENTS_KEPT)
def _moment(text: str | None) -> datetime | None:
    """Evidence and deadlines are shown to people: local time.

    What many incidents of a morning have in common, as the time of a register, is read once.
    """
    return None if text is None else datetime.fromisoformat(text).astimezone(LONDON)
