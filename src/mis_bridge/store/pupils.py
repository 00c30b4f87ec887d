"""The roll: who is on it, with what a message may need to say who they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, func, or_, select, update

from mis_bridge.adapters.records import PupilRecord
from mis_bridge.store.schema import pupils, schools
from mis_bridge.store.upsert import upsert as upsert_rows

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import date, datetime

    from sqlalchemy import Connection

__all__ = [
    "Span",
    "called",
    "ever",
    "ids",
    "load",
    "mark_gone",
    "of_form",
    "on_other_rolls",
    "one",
    "remembered",
    "schools_of_upn",
    "shared_upns",
    "some",
    "spans",
    "upsert",
]

Span = tuple["date | None", "date | None"]
"""First and last day on roll, None where no limit is known."""

_FIELDS = tuple(column.name for column in pupils.c if column.name not in {"school", "gone_at"})
_SOME = select(*(pupils.c[name] for name in _FIELDS)).where(
    pupils.c.school == bindparam("of_school"), pupils.c.pupil.in_(bindparam("ids", expanding=True))
)


def upsert(tx: Connection, school: str, records: Iterable[PupilRecord]) -> set[str]:
    """Store pupils as they are now.

    Returns:
        The pupils of whom something changed; an equal record writes nothing.
    """
    wanted = {record.pupil: _values(record) for record in records}
    stored = {
        row.pupil: dict(row._mapping)  # noqa: SLF001 - the public name of a Row's mapping
        for row in tx.execute(
            select(*(pupils.c[name] for name in _FIELDS)).where(
                pupils.c.school == school, pupils.c.gone_at.is_(None)
            )
        )
    }
    changed = {pupil: row for pupil, row in wanted.items() if stored.get(pupil) != row}
    upsert_rows(
        tx, pupils, [{"school": school, **row, "gone_at": None} for row in changed.values()]
    )
    return set(changed)


def one(tx: Connection, school: str, pupil: str) -> PupilRecord | None:
    """One pupil whom the MIS still knows, or None."""
    row = tx.execute(
        select(*(pupils.c[name] for name in _FIELDS)).where(
            pupils.c.school == school, pupils.c.pupil == pupil, pupils.c.gone_at.is_(None)
        )
    ).one_or_none()
    return _record(dict(row._mapping)) if row else None  # noqa: SLF001


def remembered(tx: Connection, school: str, pupil: str) -> tuple[PupilRecord, bool] | None:
    """One pupil as the MIS last described them, and whether it no longer lists them; or None."""
    row = tx.execute(
        select(*(pupils.c[name] for name in _FIELDS), pupils.c.gone_at).where(
            pupils.c.school == school, pupils.c.pupil == pupil
        )
    ).one_or_none()
    if row is None:
        return None
    values = dict(row._mapping)  # noqa: SLF001
    gone_at = values.pop("gone_at")
    return _record(values), gone_at is not None


def some(tx: Connection, school: str, wanted: Collection[str]) -> dict[str, PupilRecord]:
    """Some pupils as the MIS last described them, gone ones too, by id."""
    rows = tx.execute(_SOME, {"of_school": school, "ids": sorted(wanted)})
    return {row.pupil: _record(dict(row._mapping)) for row in rows}  # noqa: SLF001 - as above


def called(tx: Connection, school: str, name: str) -> list[str]:
    """Ids of the pupils, gone ones too, who have this id or this UPN; the UPN may be shared."""
    either = or_(pupils.c.pupil == name, and_(pupils.c.upn == name, pupils.c.upn != ""))
    wanted = select(pupils.c.pupil).where(pupils.c.school == school, either)
    return list(tx.execute(wanted.order_by(pupils.c.pupil)).scalars())


def schools_of_upn(tx: Connection, upn: str) -> list[str]:
    """The schools that know, or knew, a pupil with this UPN; none of an empty one."""
    wanted = select(pupils.c.school).where(pupils.c.upn == upn, pupils.c.upn != "").distinct()
    return list(tx.execute(wanted.order_by(pupils.c.school)).scalars())


def shared_upns(tx: Connection, school: str) -> frozenset[str]:
    """The pupils of a school whose UPN another child has too.

    Two records of one child (who left and came back) are no mistake: same forename, same birthday.
    """
    given = (pupils.c.school == school, pupils.c.gone_at.is_(None), pupils.c.upn != "")
    upn = func.upper(pupils.c.upn)
    twice = select(upn).where(*given).group_by(upn).having(func.count() > 1)
    bearers: dict[str, list[Any]] = {}
    for row in tx.execute(
        select(upn.label("upn"), pupils.c.pupil, pupils.c.forename, pupils.c.dob).where(
            *given, upn.in_(twice)
        )
    ):
        bearers.setdefault(row.upn, []).append(row)
    return frozenset(
        one.pupil
        for rows in bearers.values()
        for one in rows
        if any(not _same_child(one, other) for other in rows)
    )


def _same_child(one: Any, other: Any) -> bool:
    born = {day for day in (one.dob, other.dob) if day is not None}
    return one.forename.casefold() == other.forename.casefold() and len(born) < 2  # noqa: PLR2004


def of_form(tx: Connection, school: str, form: str, day: date) -> list[PupilRecord]:
    """The pupils of a registration group who are on roll on a day; none of a group without name."""
    if not form:
        return []
    rows = tx.execute(
        select(*(pupils.c[name] for name in _FIELDS)).where(
            pupils.c.school == school,
            pupils.c.form == form,
            pupils.c.gone_at.is_(None),
            or_(pupils.c.admission.is_(None), pupils.c.admission <= day),
            or_(pupils.c.leaving.is_(None), pupils.c.leaving >= day),
        )
    )
    return [_record(dict(row._mapping)) for row in rows]  # noqa: SLF001 - as above


def on_other_rolls(
    tx: Connection, school: str, upns: Iterable[str], day: date
) -> list[PupilRecord]:
    """The pupils with one of these UPNs who are on another school's roll on a day.

    Only of schools that are watched: the roll of one that is not is as old as its last reading.
    """
    rows = tx.execute(
        select(*(pupils.c[name] for name in _FIELDS))
        .join(schools, schools.c.school == pupils.c.school)
        .where(
            pupils.c.upn.in_(sorted(set(upns) - {""})),
            pupils.c.school != school,
            schools.c.watched,
            pupils.c.gone_at.is_(None),
            or_(pupils.c.admission.is_(None), pupils.c.admission <= day),
            or_(pupils.c.leaving.is_(None), pupils.c.leaving >= day),
        )
    )
    return [_record(dict(row._mapping)) for row in rows]  # noqa: SLF001 - as above


def spans(tx: Connection, school: str) -> dict[str, Span]:
    """Pupil -> first and last day on roll, of everybody whom the MIS knows or knew."""
    rows = tx.execute(
        select(pupils.c.pupil, pupils.c.admission, pupils.c.leaving).where(
            pupils.c.school == school
        )
    )
    return {pupil: (first, last) for pupil, first, last in rows}


def load(tx: Connection, school: str) -> dict[str, PupilRecord]:
    """Everybody whom the MIS still knows, by pupil id, leavers among them."""
    rows = tx.execute(
        select(*(pupils.c[name] for name in _FIELDS)).where(
            pupils.c.school == school, pupils.c.gone_at.is_(None)
        )
    )
    return {row.pupil: _record(dict(row._mapping)) for row in rows}  # noqa: SLF001


def ever(tx: Connection, school: str) -> list[tuple[PupilRecord, datetime | None]]:
    """Everybody whom the MIS knows or knew, and since when it has not given them any more."""
    rows = tx.execute(
        select(*(pupils.c[name] for name in _FIELDS), pupils.c.gone_at)
        .where(pupils.c.school == school)
        .order_by(pupils.c.pupil)
    )
    found = []
    for row in rows:
        values = dict(row._mapping)  # noqa: SLF001 - the public name of a Row's mapping
        gone_at = values.pop("gone_at")
        found.append((_record(values), gone_at))
    return found


def ids(tx: Connection, school: str) -> frozenset[str]:
    """Ids of everybody whom the MIS knows or knew."""
    return frozenset(tx.execute(select(pupils.c.pupil).where(pupils.c.school == school)).scalars())


def mark_gone(tx: Connection, school: str, gone: Iterable[str], now: datetime) -> set[str]:
    """The MIS no longer knows these pupils; their rows stay until they are erased.

    Returns:
        Those that were there before.
    """
    there = set(gone) & set(load(tx, school))
    if there:
        one = and_(pupils.c.school == school, pupils.c.pupil == bindparam("who"))
        tx.execute(
            update(pupils).where(one).values(gone_at=now), [{"who": pupil} for pupil in there]
        )
    return there


def _values(record: PupilRecord) -> dict[str, Any]:
    row = {name: getattr(record, name) for name in _FIELDS}
    row["flags"] = ";".join(sorted(record.flags))
    return row


def _record(row: dict[str, Any]) -> PupilRecord:
    row["flags"] = frozenset(flag for flag in row["flags"].split(";") if flag)
    return PupilRecord(**row)
