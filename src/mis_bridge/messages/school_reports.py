"""Reports about many pupils: the persistent-absence list, and the looked-after children's term.

Both are this product's own forms. Who counts, and from when a pupil is persistently absent, are the
rules of the national figures: Department for Education, "Pupil absence statistics: methodology",
sections 3 to 5, and its note on live daily attendance data.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from mis_bridge.messages.package_form import Case, package
from mis_bridge.messages.package_model import Field, Table
from mis_bridge.messages.package_sections import (
    day_text,
    sender_section,
    year_group_text,
)
from mis_bridge.messages.reports import absence_words
from mis_bridge.registers.absence import (
    LIVE_MINIMUM,
    SessionCounts,
    is_approaching,
)
from mis_bridge.registers.calendar import AcademicYear

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mis_bridge.messages.package_model import Episode, PackageData, PackagePupil

__all__ = ["Cohort", "Member", "looked_after_report", "persistent_absence_list"]

_FLAG_NAMES: Final = {
    "lac": "looked after",
    "cp": "child protection plan",
    "cin": "child in need",
    "ehcp": "EHCP",
    "sen": "SEN",
    "yot": "youth offending team",
    "missing_before": "missing before",
}
_FEW: Final = 5
"""With so few children a figure can tell who is meant."""

_YOUNGEST, _OLDEST = 5, 15


@dataclass(frozen=True, slots=True)
class Member:
    """One pupil of a report.

    Args:
        pupil: what the MIS says.
        counts: sessions of the period, for the time on roll.
        episodes: what was noticed in the period.
    """

    pupil: PackagePupil
    counts: SessionCounts
    episodes: tuple[Episode, ...] = ()


@dataclass(frozen=True, slots=True)
class Cohort:
    """The pupils of a report and its period, first and last day included."""

    first: date
    last: date
    members: tuple[Member, ...]


def persistent_absence_list(case: Case, cohort: Cohort) -> PackageData:
    """Prepare the list for the termly meeting: who is persistently or severely absent.

    Raises:
        PackageRefused: an answer to a field that the form does not have.
    """
    counted = [m for m in cohort.members if _in_the_figures(m.pupil, cohort.first)]
    few = [m for m in counted if m.counts.possible <= LIVE_MINIMUM]
    listed = sorted(
        (m for m in counted if absence_words(m.counts)),
        # Exact, without rounding: the highest share of missed sessions first.
        key=lambda m: (
            -m.counts.absent / m.counts.possible,
            m.pupil.surname,
            m.pupil.forename,
            m.pupil.upn,
        ),
    )
    severe = sum(absence_words(m.counts) == "severe" for m in listed)
    near = sum(bool(is_approaching(m.counts.possible, m.counts.absent)) for m in counted)
    no_upn = sum(not m.pupil.upn for m in listed)
    no_birthday = sum(m.pupil.dob is None for m in listed)
    sections = (
        case.section(
            "The list",
            Field("list.first", "From", day_text(cohort.first), True),
            Field("list.last", "To", day_text(cohort.last), True),
            Field("list.pupils", "Pupils counted", str(len(counted) - len(few)), True),
            Field(
                "list.persistent", "Persistently absent, 10% or more missed", str(len(listed)), True
            ),
            Field("list.severe", "of these severely absent, 50% or more", str(severe), True),
            Field("list.near", "Close to persistent absence, not listed", str(near)),
            Field(
                "list.few", f"Left out: {LIVE_MINIMUM} possible sessions or fewer", str(len(few))
            ),
            Field("list.no_upn", "Listed pupils whose UPN is not known", str(no_upn)),
            Field(
                "list.no_birthday",
                "Listed pupils whose date of birth is not known: counted by year group",
                str(no_birthday),
            ),
        ),
        case.section(
            "The meeting",
            Field("meeting.day", "Day of the meeting"),
            Field("meeting.present", "Who takes part"),
            Field("meeting.agreed", "What was agreed, pupil by pupil"),
        ),
        sender_section(case),
    )
    table = Table(
        "pupils",
        "Pupils, the highest absence first",
        (
            "Surname",
            "Forenames",
            "UPN",
            "Year",
            "Possible",
            "Missed",
            "Per cent",
            "Unauthorised",
            "Level",
            "Known to",
        ),
        tuple(_row(m) for m in listed),
    )
    return package("persistent_absence_list", case, sections, (table,))


def _row(member: Member) -> tuple[str, ...]:
    pupil, counts = member.pupil, member.counts
    return (
        pupil.surname,
        pupil.forename,
        pupil.upn or "not known",
        year_group_text(pupil.year_group),
        str(counts.possible),
        str(counts.absent),
        f"{counts.rate:.1f}",
        str(counts.unauthorised),
        absence_words(counts),
        ", ".join(name for flag, name in _FLAG_NAMES.items() if flag in pupil.flags),
    )


def _in_the_figures(pupil: PackagePupil, day: date) -> bool:
    """Whether the national figures count the pupil: aged 5 to 15 on 31 August before the year."""
    if pupil.dob is None:
        year = pupil.year_group
        return year is None or 1 <= year <= _OLDEST - 4
    august = date(AcademicYear.of(day).start, 8, 31)
    before_birthday = (august.month, august.day) < (pupil.dob.month, pupil.dob.day)
    return _YOUNGEST <= august.year - pupil.dob.year - before_birthday <= _OLDEST


def looked_after_report(case: Case, cohort: Cohort) -> PackageData:
    """Prepare the term's report on looked-after children: numbers, and no name in it.

    Raises:
        PackageRefused: an answer to a field that the form does not have.
    """
    children = [m for m in cohort.members if "lac" in m.pupil.flags]
    columns = zip(*(m.counts for m in children), strict=True)
    total = SessionCounts(*map(sum, columns))
    began = sum(
        m.pupil.care_began is not None and cohort.first <= m.pupil.care_began <= cohort.last
        for m in children
    )
    levels = Counter(absence_words(m.counts) for m in children)
    episodes = [episode for m in children for episode in m.episodes]
    steps_done = sum(len(e.done) for e in episodes)
    few = (
        f"{_FEW} children or fewer: the figures can tell who is meant, keep them confidential"
        if 0 < len(children) <= _FEW
        else "none: more than a few children"
    )
    sections = (
        case.section(
            "The period",
            Field("period.first", "From", day_text(cohort.first), True),
            Field("period.last", "To", day_text(cohort.last), True),
            Field("period.children", "Looked-after children on roll", str(len(children)), True),
            Field("period.began", "Care began in the period", str(began)),
            Field("period.few", "Caution", few if children else "there is no such child"),
        ),
        case.section(
            "Attendance",
            Field("year.possible", "Possible sessions", str(total.possible)),
            Field("year.attended", "of these attended", str(total.attended)),
            Field("year.authorised", "authorised absence", str(total.authorised)),
            Field("year.unauthorised", "unauthorised absence", str(total.unauthorised)),
            Field(
                "year.rate",
                "Absence in per cent, all children together",
                "" if total.rate is None else f"{total.rate:.1f}",
            ),
            Field(
                "year.persistent",
                "Children persistently absent, 10% or more missed",
                str(levels["persistent"] + levels["severe"]),
            ),
            Field("year.severe", "of these severely absent, 50% or more", str(levels["severe"])),
        ),
        case.section(
            "Episodes and actions",
            Field("episodes.all", "Episodes noticed", str(len(episodes))),
            Field("episodes.open", "of these not ended", str(sum(not e.ended for e in episodes))),
            Field("actions.done", "Steps recorded as done", str(steps_done)),
            Field("actions.all", "of so many steps", str(sum(e.steps for e in episodes))),
        ),
        case.section(
            "What was offered",
            Field("offered.support", "Support offered, and what came of it", needed=True),
            Field("offered.interviews", "Return interviews offered and taken", needed=True),
            Field("offered.next", "What is planned for the next term"),
        ),
        sender_section(case),
    )
    return package("looked_after_report", case, sections, (_by_kind(episodes),))


def _by_kind(episodes: Iterable[Episode]) -> Table:
    listed = list(episodes)
    rows = []
    for what in sorted({e.what for e in listed}):
        alike = [e for e in listed if e.what == what]
        children = len({e.pupil for e in alike})
        ended = sum(bool(e.ended) for e in alike)
        rows.append((what, str(len(alike)), str(children), str(ended)))
    return Table(
        "episodes", "Episodes by kind", ("What", "Times", "Children", "Ended"), tuple(rows)
    )
