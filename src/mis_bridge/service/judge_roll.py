"""What is true of a school's roll and of what happened before, and what has to change for it.

Part of ``judge``: looked at with every look at today's day, after the marks. The roll is read as it
is stored, those who have left included; a school whose first reading is not through is not judged.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from mis_bridge.incidents.model import Outcome, Scope
from mis_bridge.incidents.reconcile import reconcile
from mis_bridge.registers.ages import compulsory_school_age
from mis_bridge.registers.calendar import LONDON
from mis_bridge.store import incidents, meta, pupils
from mis_bridge.triggers import left_without_destination, newly_in_care, repeat_missing
from mis_bridge.triggers.catalogue import (
    all_parameters,
    assess_flags,
    assess_history,
    assess_roll,
)
from mis_bridge.triggers.model import Kind
from mis_bridge.triggers.roll_model import (
    Enrolment,
    Episode,
    EpisodeKind,
    SchoolRoll,
    last_day_on_roll,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from mis_bridge.adapters.records import PupilRecord
    from mis_bridge.incidents.model import Decision, Incident
    from mis_bridge.service.schools import School
    from mis_bridge.store.feeds import Feed
    from mis_bridge.store.incidents import Outline
    from mis_bridge.triggers.model import Assessment

__all__ = ["enrolments", "judge_roll"]

_ROLL: Final = left_without_destination.INFO
_CARE: Final = newly_in_care.INFO
_REPEAT: Final = repeat_missing.INFO

_KEPT: Final = timedelta(days=400)
"""So long ended incidents of these families are looked at: what a person closed stays closed."""

_EPISODES: Final = {
    "missing_during_day": EpisodeKind.MISSING,
    "internal_truancy": EpisodeKind.MISSING,
    "unexplained_absence": EpisodeKind.ABSENT,
}
"""Family of incidents -> what one of them is to ``repeat_missing``."""

_NO_EPISODE: Final = {Outcome.EXPLAINED, Outcome.CORRECTED, Outcome.FALSE_ALARM}


def judge_roll(
    tx: Connection, school: School, feed: Feed, now: datetime, decided: Iterable[Decision]
) -> list[Decision]:
    """What changes about the roll, who is newly in care and who is missing again and again.

    Args:
        tx: the transaction.
        school: what is configured.
        feed: of the school.
        now: aware.
        decided: what was decided in this transaction and is not stored yet.
    """
    if feed.last_good_at is None:
        return []
    today = _day(now)
    changed = {one.id: one for decision in decided for one in decision.incidents}
    settings = all_parameters(school.triggers)
    people = pupils.ever(tx, school.id)
    if not people:
        return []  # a school that does not grant its roll may do so one day: that is its first look
    roll = SchoolRoll.of(enrolments(people, today), school.calendar, school.years)
    left = assess_roll(roll, today, school.triggers)
    if elsewhere := _elsewhere(tx, school, people, left, today):
        roll = SchoolRoll.of(enrolments(people, today, elsewhere), school.calendar, school.years)
        left = assess_roll(roll, today, school.triggers)
    looked_at = frozenset(
        one.pupil
        for one in roll.enrolments
        if left_without_destination.is_looked_at(one, today, settings[_ROLL.id])
    )
    happened = _episodes(tx, school, today, changed.values(), settings[_REPEAT.id])
    known = [
        changed.get(one.id, one)
        for one in incidents.of_families(
            tx, school.id, [_ROLL.id, _CARE.id, _REPEAT.id], today - _KEPT
        )
    ]

    traits = {one.pupil: one for one in roll.enrolments}

    def reconciled(
        trigger: str, kind: Kind, assessment: Assessment, whom: frozenset[str] | None = None
    ) -> Decision:
        # Who is newly in care is told also when the school is read for the first time: the care
        # began days ago, whatever was there before.
        first = (
            kind is not Kind.FLAG
            and settings[trigger]["enabled"]
            and meta.first_judging(tx, school.id, trigger)
        )
        return reconcile(
            school.id,
            [one for one in known if one.family == trigger],
            assessment,
            now,
            rules=school.rules,
            data_as_of=school.known_until(feed.last_good_at),
            scope=Scope(kind, today, whom),
            quiet_before=date.max if first else None,
            traits=traits,
        )

    return [
        reconciled(_ROLL.id, Kind.ROLL, left, looked_at),
        reconciled(_CARE.id, Kind.FLAG, assess_flags(roll, today, school.triggers)),
        reconciled(_REPEAT.id, Kind.HISTORY, assess_history(happened, today, school.triggers)),
    ]


def enrolments(
    roll: Iterable[tuple[PupilRecord, datetime | None]],
    today: date,
    elsewhere: Iterable[PupilRecord] = (),
) -> list[Enrolment]:
    """Give the places on a roll from what is stored.

    Args:
        roll: everybody whom the MIS knows or knew, and since when it has not given them any more.
        today: the day that is looked at.
        elsewhere: pupils of other schools who may be some of these.
    """
    people = [(record, None if at is None else _day(at)) for record, at in roll]
    there: list[PupilRecord] = []
    left: list[tuple[PupilRecord, date | None]] = []
    for record, gone in people:
        last = last_day_on_roll(record.leaving, gone, record.admission)
        if last is not None and last < today:
            left.append((record, gone))
        elif record.admission is None or record.admission <= today:
            there.append(record)
    birthdays = {record.dob for record, _ in left if record.dob}
    names = {name for one in there if one.dob in birthdays for name in _names(one)}
    names |= {name for one in elsewhere for name in _names(one) if name[0] == _UPN}
    leavers = {id(record) for record, _ in left}
    return [
        _enrolment(
            record,
            gone,
            left=id(record) in leavers,
            elsewhere=id(record) in leavers and not names.isdisjoint(_names(record)),
        )
        for record, gone in people
    ]


def _elsewhere(
    tx: Connection,
    school: School,
    people: Iterable[tuple[PupilRecord, datetime | None]],
    left: Assessment,
    today: date,
) -> list[PupilRecord]:
    """Give the pupils of other schools who have the UPN of somebody who was found to have left."""
    found = {one.pupil for one in (*left.findings, *(finding for finding, _ in left.held))}
    upns = [record.upn for record, _ in people if record.pupil in found]
    return pupils.on_other_rolls(tx, school.id, upns, today) if any(upns) else []


_UPN: Final = "upn"


def _names(record: PupilRecord) -> Iterator[tuple[str, ...]]:
    """What tells that two records are of one child.

    A UPN alone does not: it may have been typed in for the wrong child, a twin even.
    """
    if record.dob is None or not record.forename:
        return
    child = (record.forename.casefold(), record.dob.isoformat())
    if record.upn:
        yield (_UPN, record.upn.upper(), *child)
    if record.surname:
        yield ("surname", record.surname.casefold(), *child)


def _enrolment(record: PupilRecord, gone: date | None, *, left: bool, elsewhere: bool) -> Enrolment:
    # Age is only asked of those who have left.
    ages = compulsory_school_age(record.dob) if left and record.dob else (None, None)
    return Enrolment(
        pupil=record.pupil,
        admission=record.admission,
        last_day=last_day_on_roll(record.leaving, gone, record.admission),
        dropped=gone is not None and record.leaving is None,
        destination=record.destination,
        year_group=record.year_group,
        flags=record.flags,
        care_began=record.care_began,
        compulsory_age_from=ages[0],
        compulsory_age_to=ages[1],
        on_another_roll=elsewhere,
    )


def _day(moment: datetime) -> date:
    return moment.astimezone(LONDON).date()


def _episodes(
    tx: Connection,
    school: School,
    today: date,
    changed: Iterable[Incident],
    parameters: Mapping[str, Any],
) -> list[Episode]:
    """Give the days on which pupils were missing, or absent without explanation."""
    since = today - timedelta(days=2 * parameters["window_days"])
    # What was decided a moment ago may be the one that makes them several.
    fewest = min(parameters["episodes"], parameters["absences"]) - 1
    happened: dict[str, Outline | Incident] = {
        one.id: one for one in incidents.outlines(tx, school.id, _EPISODES, since, fewest)
    }
    happened |= {one.id: one for one in changed if one.family in _EPISODES and one.day >= since}
    return [
        Episode(one.pupil, one.day, _EPISODES[one.family])
        for one in happened.values()
        if _was_one(one, today)
    ]


def _was_one(one: Outline | Incident, today: date) -> bool:
    """Whether an incident was an episode: no mistake, and not explained.

    Of an absence without explanation also that it lasted the day: who came in was late, and who
    may still come in today is not counted yet.
    """
    if one.outcome in _NO_EPISODE:
        return False
    if _EPISODES[one.family] is EpisodeKind.MISSING:
        return True
    if one.outcome == Outcome.FOUND and one.closed_at is not None:
        return _day(one.closed_at) > one.day
    return one.day < today
