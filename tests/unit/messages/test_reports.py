"""Reports about one pupil and about many: what they say, and what they keep to themselves."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from mis_bridge.errors import PackageRefused
from mis_bridge.messages.package_form import Case
from mis_bridge.messages.package_model import (
    Enquiry,
    Episode,
    PackageData,
    PackagePupil,
    PackageSchool,
)
from mis_bridge.messages.reports import early_help, looked_after_copy, missing_incident
from mis_bridge.messages.school_reports import (
    Cohort,
    Member,
    looked_after_report,
    persistent_absence_list,
)
from mis_bridge.registers.absence import SessionCounts
from mis_bridge.registers.calendar import LONDON

if TYPE_CHECKING:
    from mis_bridge.incidents.model import Incident

PREPARED = datetime(2026, 11, 12, 15, 30, tzinfo=LONDON)
ADA = PackagePupil(
    upn="A999000000001",
    surname="Testpupil",
    forename="Ada",
    dob=date(2013, 3, 5),
    sex="F",
    year_group=8,
    flags=frozenset({"lac"}),
)
CALL = Enquiry(PREPARED - timedelta(days=3), "A. Office", "Call the first parent. No answer.")
EPISODE = Episode(
    "p-1", date(2026, 11, 9), "Absent without explanation", "In school: AM.", (CALL,), 4
)


def _case(**more: Any) -> Case:
    return Case(
        reference="MB-0VQ2-9GK2",
        school=PackageSchool("Hilltop Invented School"),
        prepared_at=PREPARED,
        **{"pupil": ADA, **more},
    )


def _value(data: PackageData, key: str) -> str:
    return {f.key: f.value for s in data.sections for f in s.fields}[key]


def _everything(data: PackageData) -> str:
    fields = [f"{f.label} {f.value}" for s in data.sections for f in s.fields]
    return " ".join([*fields, *(cell for t in data.tables for row in t.rows for cell in row)])


def test_a_missing_incident_is_told_step_by_step(missing: Incident) -> None:
    """Who did what and when, and what nobody has recorded as done."""
    first = missing.steps[0]
    done = replace(first, done_at=missing.opened_at, done_by="B. Staff", note="Whole site.")
    incident = replace(missing, steps=(done, *missing.steps[1:]))

    data = missing_incident(_case(incident=incident))

    assert _value(data, "incident.account") == incident.sentence
    evidence, steps = data.tables
    assert [row[1:] for row in evidence.rows] == [("P1", "present"), ("P2", "marked N")]
    assert steps.rows[0][2:] == ("Thu 12 Nov 2026 10:12", "B. Staff", "Whole site.")
    assert steps.rows[1][2] == "not recorded as done"
    assert "incident.ended" in {f.key for f in data.missing}


def test_another_incident_is_no_missing_incident(missing: Incident) -> None:
    """An absence of ten days has its return, a register that is not taken has no report."""
    with pytest.raises(PackageRefused, match="missing during the day"):
        missing_incident(_case(incident=replace(missing, family="ten_day_absence")))
    with pytest.raises(PackageRefused, match="missing during the day"):
        missing_incident(_case())


def test_an_early_help_prompt_shows_what_was_noticed_and_asks_for_the_rest() -> None:
    """Registers know neither what the child says nor what was tried."""
    data = early_help(_case(episodes=(EPISODE,)))

    noticed, done = data.tables
    assert noticed.rows == (("Mon 9 Nov 2026", "Absent without explanation", "In school: AM."),)
    assert done.rows == (("Mon 9 Nov 2026 15:30", "A. Office", CALL.what),)
    assert {"help.child", "help.parents", "help.barriers", "help.tried", "help.agreed"} <= {
        f.key for f in data.missing
    }


def test_the_copy_is_for_a_looked_after_child_only() -> None:
    """The designated teacher and the virtual school have no business with others."""
    assert looked_after_copy(_case(episodes=(EPISODE,))).to == (
        "the designated teacher and the virtual school"
    )
    with pytest.raises(PackageRefused, match="looked after"):
        looked_after_copy(_case(pupil=replace(ADA, flags=frozenset({"cin"}))))


def _member(
    possible: int, absent: int, name: str = "Testpupil", *episodes: Episode, **more: Any
) -> Member:
    pupil = replace(ADA, surname=name, **{"flags": frozenset(), **more})
    return Member(pupil, SessionCounts(possible, possible - absent, 0, absent), episodes)


def _cohort(*members: Member) -> Cohort:
    return Cohort(date(2026, 9, 1), date(2026, 12, 18), members)


def test_ten_per_cent_is_on_the_list_and_a_hair_less_is_not() -> None:
    """Compared before rounding: 29 of 291 shows as 10.0% and is not persistently absent."""
    data = persistent_absence_list(
        _case(),
        _cohort(_member(300, 30, "Exactly"), _member(291, 29, "Nearly"), _member(100, 50, "Half")),
    )

    (table,) = data.tables
    assert [(row[0], row[8]) for row in table.rows] == [
        ("Half", "severe"),
        ("Exactly", "persistent"),
    ]
    assert (_value(data, "list.persistent"), _value(data, "list.severe")) == ("2", "1")
    assert _value(data, "list.near") == "1"


def test_whom_the_national_figures_leave_out_is_left_out_and_counted() -> None:
    """10 possible sessions or fewer; not aged 5 to 15 on 31 August before the school year."""
    data = persistent_absence_list(
        _case(),
        _cohort(
            _member(10, 10, "New"),
            _member(100, 40, "Four", dob=date(2021, 9, 1)),
            _member(100, 40, "Five", dob=date(2021, 8, 31)),
            _member(100, 40, "Fifteen", dob=date(2010, 9, 1)),
            _member(100, 40, "Sixteen", dob=date(2010, 8, 31)),
        ),
    )

    assert [row[0] for row in data.tables[0].rows] == ["Fifteen", "Five"]
    assert _value(data, "list.few") == "1"


def test_a_pupil_without_upn_or_birthday_stays_on_the_list_and_is_counted() -> None:
    """A gap in the MIS hides nobody from the meeting."""
    data = persistent_absence_list(
        _case(), _cohort(_member(100, 40, upn=""), _member(100, 30, dob=None))
    )

    assert [row[2] for row in data.tables[0].rows] == ["not known", "A999000000001"]
    assert (_value(data, "list.no_upn"), _value(data, "list.no_birthday")) == ("1", "1")


def test_the_governors_report_names_nobody() -> None:
    """Numbers of the looked-after children only, and no pupil of whom they tell."""
    open_one = replace(EPISODE, ended="", done=())
    data = looked_after_report(
        _case(pupil=PackagePupil()),
        _cohort(
            _member(100, 10, "Alpha", EPISODE, open_one, flags=frozenset({"lac"})),
            _member(100, 60, "Beta", flags=frozenset({"lac"}), care_began=date(2026, 10, 1)),
            _member(100, 90, "Gamma"),
        ),
    )

    told = _everything(data)
    assert not any(word in told for word in ("Alpha", "Beta", "Gamma", "Ada", "A999", "p-1"))
    assert _value(data, "period.children") == "2"
    assert _value(data, "period.began") == "1"
    assert (_value(data, "year.possible"), _value(data, "year.rate")) == ("200", "35.0")
    assert (_value(data, "year.persistent"), _value(data, "year.severe")) == ("2", "1")
    assert data.tables[0].rows == (("Absent without explanation", "2", "1", "1"),)
    assert "5 children or fewer" in _value(data, "period.few")
    assert (_value(data, "actions.done"), _value(data, "actions.all")) == ("1", "8")


def test_a_school_without_looked_after_children_says_so() -> None:
    """No number is made up, and there is no rate of nothing."""
    data = looked_after_report(_case(), _cohort(_member(100, 90)))

    assert _value(data, "period.children") == "0"
    assert _value(data, "year.rate") == ""
    assert data.tables == ()
