"""What the registers, the roll and the history of the incidents say for a package's form."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Final

from mis_bridge.errors import PackageRefused
from mis_bridge.incidents.families import ASKED_FOR
from mis_bridge.messages.absence_period import absence_period, with_recent_rows
from mis_bridge.messages.package import (
    Case,
    attendance_return,
    cme_notification,
    sickness_return,
)
from mis_bridge.messages.package_kinds import KINDS
from mis_bridge.messages.package_model import (
    Enquiry,
    Episode,
    PackagePupil,
    PackageSchool,
    Sender,
)
from mis_bridge.messages.reports import early_help, looked_after_copy, missing_incident
from mis_bridge.messages.roll_returns import ctf_data, deletion_return, new_pupil_return
from mis_bridge.messages.school_reports import (
    Cohort,
    Member,
    looked_after_report,
    persistent_absence_list,
)
from mis_bridge.messages.wording import wording_of
from mis_bridge.registers.absence import continuous_unauthorised, count
from mis_bridge.registers.calendar import LONDON, AcademicYear
from mis_bridge.registers.codes import NOT_TAKEN, OUTSIDE_BYTES, UNAUTHORISED_BYTES
from mis_bridge.registers.runs import GROUND_I_BYTES, unauthorised_runs
from mis_bridge.store import incidents, notifications, pupils, strips

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from mis_bridge.adapters.records import PupilRecord
    from mis_bridge.incidents.model import Incident
    from mis_bridge.messages.package_model import PackageData
    from mis_bridge.registers.strip import Strip
    from mis_bridge.service.schools import School

__all__ = ["Given", "earlier_package", "package_data"]

_FORMS: Final = {
    "attendance_return": attendance_return,
    "sickness_return": sickness_return,
    "new_pupil_return": new_pupil_return,
    "deletion_return": deletion_return,
    "cme": cme_notification,
    "missing_incident": missing_incident,
    "early_help": early_help,
    "looked_after_copy": looked_after_copy,
    "ctf_data": ctf_data,
}
_SCHOOL_FORMS: Final = {
    "persistent_absence_list": persistent_absence_list,
    "looked_after_report": looked_after_report,
}

_PAPERWORK: Final = frozenset({"complete_return", "approve_return"})
"""Steps about the return itself: they are no attempt to find the child."""

_ABOUT_CLASSES: Final = frozenset({"new_pupil_return", "deletion_return"})
"""Kinds that leave out the most junior or the most senior class: the whole roll is looked at."""

_NO_EPISODES: Final = frozenset({ASKED_FOR.id, "marks_disagree", "reason_overdue"})
"""Families about the register or about paper: they say nothing of the child."""

_GOES_ON: Final = UNAUTHORISED_BYTES + OUTSIDE_BYTES + bytes((NOT_TAKEN,))
_BEARS_GROUND_I: Final = GROUND_I_BYTES + OUTSIDE_BYTES + bytes((NOT_TAKEN,))


@dataclass(frozen=True, slots=True)
class Given:
    """What a person adds to a package.

    Args:
        answers: field key to text.
        enquiries: attempts to find the child that stand in no incident.
        sender: whom the authority calls back.
        authority_asks: the authority asks for it although the rule leaves it out.
        kept: keys of answers that were given to an earlier version, and not anew: the form need not
            have them any more.
    """

    answers: Mapping[str, str] = field(default_factory=dict)
    enquiries: tuple[Enquiry, ...] = ()
    sender: Sender = field(default_factory=Sender)
    authority_asks: bool = False
    kept: frozenset[str] = frozenset()

    @classmethod
    def by(cls, who: str) -> Given:
        """Nothing but who asks for the package, whom the authority calls back."""
        return cls(sender=Sender(name=who))


def package_data(
    tx: Connection,
    incident: Incident,
    kind: str,
    school: School,
    now: datetime,
    *,
    version: int = 1,
    given: Given | None = None,
) -> PackageData:
    """Gather what is known for a form, and fill it in.

    Args:
        tx: the transaction; it only reads.
        incident: what the package is about; a person's own request is one, too.
        kind: of ``KINDS``.
        school: whose.
        now: aware.
        version: of the package, from 1.
        given: what a person adds.

    Raises:
        PackageRefused: the form is the wrong one for this pupil, school or incident.
    """
    given = given or Given()
    if KINDS[kind].whole_school:
        if not school.presence:
            raise PackageRefused(
                "this MIS sends absences only: of a year without the sessions that were attended "
                "there is nothing to count"
            )
        case = _case(incident, kind, school, now, version, given)
        return _SCHOOL_FORMS[kind](case, _cohort(tx, incident, school, now))
    if not incident.pupil:
        raise PackageRefused("only an incident about a pupil has a package of this kind")
    return _FORMS[kind](_case_of_pupil(tx, incident, kind, school, now, version, given))


def _case(
    incident: Incident, kind: str, school: School, now: datetime, version: int, given: Given
) -> Case:
    return Case(
        reference=incident.reference,
        school=PackageSchool(
            name=school.name,
            urn=school.urn,
            dfe_number=school.dfe_number,
            first_day=school.calendar.first_day,
            last_day=school.calendar.last_day,
        ),
        prepared_at=now,
        sender=given.sender,
        authority_name=school.authority_name,
        answers=given.answers,
        version=version,
        authority_asks=given.authority_asks,
        kept=given.kept,
        form=school.forms.get(kind),
    )


def _case_of_pupil(
    tx: Connection,
    incident: Incident,
    kind: str,
    school: School,
    now: datetime,
    version: int,
    given: Given,
) -> Case:
    known = pupils.remembered(tx, school.id, incident.pupil)
    record, gone = known or (None, False)
    pupil = _pupil(record, gone=gone, shared=pupils.shared_upns(tx, school.id))
    day = min(incident.day, pupil.leaving or incident.day)
    year = AcademicYear.of(day)
    strip = _on_roll(strips.one(tx, school.id, year, incident.pupil), pupil)
    absence = with_recent_rows(absence_period(strip, *_stretch(incident, strip)), strip)
    if not school.presence:
        # Of a year without the sessions that were attended there is nothing to count.
        absence = replace(absence, counts=None)
    noticed = [
        one
        for one in incidents.of_days(tx, school.id, year.first, year.last, incident.pupil)
        if one.family not in _NO_EPISODES
    ]
    since = absence.last_attended or absence.first
    about = [one for one in noticed if one.id == incident.id or (since and one.day > since)]
    made = [step for one in about for step in _steps(one) if step.what]
    case = _case(incident, kind, school, now, version, given)
    if kind in _ABOUT_CLASSES:
        case = replace(case, school=replace(case.school, classes=_classes(tx, school, now)))
    return replace(
        case,
        pupil=pupil,
        absence=absence,
        enquiries=(*made, *given.enquiries),
        incident=None if incident.family == ASKED_FOR.id else incident,
        episodes=tuple(map(_episode, noticed)),
        earlier=earlier_package(tx, incident, kind, absence.first),
        day_20=_day_20(tx, school, year, strip, pupil, incident.pupil)
        if kind == "deletion_return"
        else None,
    )


def earlier_package(
    tx: Connection, incident: Incident, kind: str, first: date | None
) -> date | None:
    """When another package of this kind about this episode was made that a person approved.

    Args:
        tx: the transaction.
        incident: whose own packages do not count.
        kind: of ``KINDS``.
        first: first day of the episode; None: the academic year is looked at.
    """
    year = AcademicYear.of(incident.day)
    since = first or year.first
    made = notifications.about_pupil(tx, incident.school, incident.pupil, kind)
    days = [
        one.created_at.astimezone(LONDON).date()
        for one in made
        if one.state in notifications.APPROVED and one.incident != incident.id
    ]
    return max((day for day in days if since <= day <= year.last), default=None)


def _stretch(incident: Incident, strip: Strip) -> tuple[date | None, date | None, int | None]:
    """First day, last day and school days of the absence that a package is about.

    As the trigger counted them; where it counted none, as the register stands now.
    """
    facts = incident.facts
    if "first_day" in facts:
        days = facts.get("days")
        first, last = _day(facts.get("first_day")), _day(facts.get("last_day"))
        return first, last, int(days) if days is not None else None
    runs = unauthorised_runs(strip)
    if not runs or strip.between(runs[-1].last, None).marks.translate(None, _GOES_ON):
        return None, None, None
    return runs[-1].first, runs[-1].last, runs[-1].days


def _pupil(record: PupilRecord | None, *, gone: bool, shared: frozenset[str]) -> PackagePupil:
    if record is None:
        return PackagePupil()
    doubted = record.pupil in shared
    return PackagePupil(
        # By a UPN that two children have, the authority would file this with the wrong one.
        upn="" if doubted else record.upn,
        upn_doubted=doubted,
        surname=record.surname,
        forename=record.forename,
        dob=record.dob,
        sex=record.sex,
        year_group=record.year_group,
        form=record.form,
        admission=record.admission,
        leaving=record.leaving,
        destination=record.destination,
        flags=record.flags,
        care_began=record.care_began,
        gone=gone,
    )


def _on_roll(strip: Strip, pupil: PackagePupil) -> Strip:
    return strip.between(pupil.admission, pupil.leaving)


def _steps(incident: Incident) -> tuple[Enquiry, ...]:
    return tuple(
        Enquiry(step.done_at, step.done_by, f"{step.text} {step.note}".strip())
        for step in incident.steps
        if step.done_at and step.id not in _PAPERWORK
    )


def _episode(incident: Incident) -> Episode:
    return Episode(
        pupil=incident.pupil,
        day=incident.day,
        what=wording_of(incident.trigger).title,
        ended="" if incident.active else incident.ending or incident.outcome,
        done=_steps(incident),
        steps=sum(step.id not in _PAPERWORK for step in incident.steps),
    )


def _classes(tx: Connection, school: School, now: datetime) -> tuple[int, int] | None:
    """Lowest and highest year group on roll."""
    today = now.astimezone(LONDON).date()
    groups = [
        record.year_group
        for record in pupils.load(tx, school.id).values()
        if record.year_group is not None and (record.leaving is None or record.leaving >= today)
    ]
    return (min(groups), max(groups)) if groups else None


def _day_20(
    tx: Connection,
    school: School,
    year: AcademicYear,
    strip: Strip,
    pupil: PackagePupil,
    identity: str,
) -> date | None:
    """The day that completed 20 continuous days of G, N or O, where nothing broke them since."""
    last_year = strips.one(tx, school.id, AcademicYear(year.start - 1), identity)
    completed = continuous_unauthorised(_on_roll(last_year, pupil), strip)
    if not completed:
        return None
    since = strip.between(max(completed[-1], year.first), None)
    return None if since.marks.translate(None, _BEARS_GROUND_I) else completed[-1]


def _cohort(tx: Connection, incident: Incident, school: School, now: datetime) -> Cohort:
    today = now.astimezone(LONDON).date()
    last = _day(incident.facts.get("to")) or today
    year = AcademicYear.of(last)
    first = max(_day(incident.facts.get("from")) or year.first, year.first)
    episodes: dict[str, list[Episode]] = {}
    for one in incidents.of_days(tx, school.id, first, last):
        if one.family not in _NO_EPISODES:
            episodes.setdefault(one.pupil, []).append(_episode(one))
    marked = strips.load(tx, school.id, year)
    members = []
    shared = pupils.shared_upns(tx, school.id)
    for identity, record in sorted(pupils.load(tx, school.id).items()):
        pupil = _pupil(record, gone=False, shared=shared)
        if (pupil.leaving or last) < first or (pupil.admission or first) > last:
            continue
        strip = marked.get(identity)
        counts = count(_on_roll(strip.between(first, last), pupil).marks) if strip else count(b"")
        members.append(Member(pupil, counts, tuple(episodes.get(identity, ()))))
    return Cohort(first, last, tuple(members))


def _day(value: int | str | None) -> date | None:
    return date.fromisoformat(str(value)) if value else None
