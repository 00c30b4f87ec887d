"""The data of packages: what is known, what is missing, what is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest

from mis_bridge.errors import PackageRefused
from mis_bridge.messages.absence_period import AbsencePeriod, absence_period
from mis_bridge.messages.form import CheckItem, Form, FormField, FormSection
from mis_bridge.messages.package import (
    Case,
    attendance_return,
    cme_notification,
    sickness_return,
)
from mis_bridge.messages.package_model import Enquiry, PackagePupil, PackageSchool, Sender
from mis_bridge.registers.calendar import LONDON, AcademicYear
from mis_bridge.registers.strip import Strip

PREPARED = datetime(2026, 11, 12, 15, 30, tzinfo=LONDON)
ADA = PackagePupil(
    upn="A999000000001",
    surname="Testpupil",
    forename="Ada",
    dob=date(2013, 3, 5),
    sex="F",
    year_group=8,
    form="8B",
    flags=frozenset({"lac"}),
)


def _case(**values: Any) -> Case:
    given: dict[str, Any] = {
        "reference": "MB-0VQ2-9GK2",
        "pupil": ADA,
        "school": PackageSchool("Hilltop Invented School"),
        "absence": AbsencePeriod(date(2026, 10, 22), date(2026, 11, 11), 10),
        "prepared_at": PREPARED,
    }
    return Case(**given | values)


def _value(data: Any, key: str) -> str:
    return str({f.key: f.value for s in data.sections for f in s.fields}[key])


def test_what_nobody_knows_is_listed_as_missing_and_never_invented() -> None:
    """The registers hold neither address nor parents: a person fills them in."""
    data = attendance_return(_case())

    missing = {f.key for f in data.missing}
    assert {"pupil.address", "family.parents", "enquiries.made", "sender.name"} <= missing
    assert all(f.value == "" for f in data.missing)
    assert "pupil.upn" not in missing


def test_a_flag_that_is_not_set_is_not_recorded_rather_than_no() -> None:
    """Not every MIS says who has a social worker."""
    data = attendance_return(_case())

    assert _value(data, "status.lac") == "yes"
    assert _value(data, "status.cp") == "not recorded in what was read"


def test_a_persons_answer_goes_before_what_was_read() -> None:
    """The person has just spoken with the family."""
    data = attendance_return(
        _case(answers={"pupil.address": "1 Invented Lane", "pupil.forenames": "Ada Zoë"})
    )

    assert _value(data, "pupil.address") == "1 Invented Lane"
    assert _value(data, "pupil.forenames") == "Ada Zoë"
    assert "pupil.address" not in {f.key for f in data.missing}


def test_an_answer_to_no_field_is_refused_with_the_nearest_one() -> None:
    """Nothing that a person typed is dropped without a word."""
    with pytest.raises(PackageRefused, match=r"pupil\.adress.*pupil\.address"):
        attendance_return(_case(answers={"pupil.adress": "1 Invented Lane"}))


@pytest.mark.parametrize("leaving", [None, date(2026, 11, 12), date(2026, 12, 1)])
def test_a_child_on_roll_is_never_sent_as_missing_education(leaving: Any) -> None:
    """CME means on no roll; the last day on roll is a day on roll."""
    with pytest.raises(PackageRefused, match="not CME: send an attendance return"):
        cme_notification(_case(pupil=replace(ADA, leaving=leaving)))


def test_a_child_off_the_roll_is_notified_with_what_is_known() -> None:
    """The reason is for a person to choose; it is not guessed from the register."""
    left = replace(ADA, leaving=date(2026, 11, 11), destination="unknown")
    data = cme_notification(_case(pupil=left))

    assert _value(data, "leaving.removed") == "Wed 11 Nov 2026"
    assert _value(data, "onward.destination") == "unknown"
    assert "leaving.reason" in {f.key for f in data.missing}
    assert data.file_stem == "MB-0VQ2-9GK2-cme-v1"


def test_enquiries_are_a_dated_log() -> None:
    """Authorities want to see when, by whom, and what came of it."""
    at = datetime(2026, 11, 12, 9, 20, tzinfo=LONDON)
    data = attendance_return(_case(enquiries=(Enquiry(at, "A. Office", "No answer."),)))

    (log,) = data.tables
    assert log.rows == (("Thu 12 Nov 2026 09:20", "A. Office", "No answer."),)
    assert "enquiries.made" not in {f.key for f in data.missing}


def test_the_school_stands_in_for_a_senders_telephone_and_email() -> None:
    """The authority can call back even where no person was named."""
    school = PackageSchool("Hilltop", telephone="0", email="office@hilltop.example")
    data = attendance_return(_case(school=school, sender=Sender("A. Lead", "DSL")))

    assert _value(data, "sender.email") == "office@hilltop.example"
    assert _value(data, "sender.name") == "A. Lead"


def test_a_stretch_is_read_from_the_year() -> None:
    """Days without a session are no rows; U in the stretch is shown; the day before it attended."""
    year = AcademicYear(2026)
    strip = Strip.from_days(
        year,
        [
            (date(2026, 11, 5), "/", "\\"),
            (date(2026, 11, 6), "O", "O"),
            (date(2026, 11, 9), "U", "O"),
            (date(2026, 11, 10), "N", "N"),
            (date(2026, 11, 11), "#", "#"),
        ],
    )

    found = absence_period(strip, date(2026, 11, 6), date(2026, 11, 10), 3)

    assert found.rows == (
        ("Fri 6 Nov 2026", "O", "O"),
        ("Mon 9 Nov 2026", "U", "O"),
        ("Tue 10 Nov 2026", "N", "N"),
    )
    assert found.last_attended == date(2026, 11, 5)
    assert found.counts is not None
    assert (found.counts.possible, found.counts.unauthorised) == (8, 6)


def test_without_a_stretch_the_year_and_the_last_day_attended_are_said() -> None:
    """A child who left has no run that goes on."""
    strip = Strip.from_days(AcademicYear(2026), [(date(2026, 11, 5), "/", "\\")])

    found = absence_period(strip, None, None, None)

    assert (found.rows, found.last_attended) == ((), date(2026, 11, 5))


def test_a_child_whom_the_mis_no_longer_lists_can_be_notified() -> None:
    """Some MIS drop a leaver without a last day: the day is listed as missing, not made up."""
    data = cme_notification(_case(pupil=replace(ADA, gone=True)))

    assert "leaving.removed" in {f.key for f in data.missing}


@pytest.mark.parametrize("form", [attendance_return, cme_notification])
@pytest.mark.parametrize(
    ("born", "why"),
    [
        # Compulsory school age: from the 31 December after the 5th birthday in November...
        (date(2021, 11, 20), "not yet of compulsory school age"),
        # ... to the last Friday in June of the school year in which the pupil is 16.
        (date(2010, 3, 5), "no longer of compulsory school age"),
    ],
)
def test_there_is_no_return_on_a_child_out_of_compulsory_school_age(
    form: Any, born: date, why: str
) -> None:
    """Education Act 1996, section 8: without unauthorised absence there is nothing to return."""
    with pytest.raises(PackageRefused, match=why):
        form(_case(pupil=replace(ADA, dob=born, leaving=date(2026, 11, 1), gone=True)))


def test_a_leaver_is_of_the_age_at_which_the_child_left() -> None:
    """Who left school at fifteen and was found missing in July is not let go for it."""
    left = replace(ADA, dob=date(2010, 3, 5), leaving=date(2026, 6, 1))

    assert cme_notification(_case(pupil=left)).kind == "cme"


def test_a_child_without_birth_date_or_upn_is_not_refused() -> None:
    """Both are listed as missing: a return too many is better than none."""
    data = attendance_return(_case(pupil=replace(ADA, dob=None, upn="")))

    assert {"pupil.dob", "pupil.upn"} <= {f.key for f in data.missing}


def _ill(*days: tuple[date, str, str]) -> AbsencePeriod:
    return absence_period(Strip.from_days(AcademicYear(2026), days), None, None, None)


def test_a_sickness_return_counts_and_leaves_the_belief_to_a_person() -> None:
    """SI 2024/208 regulation 13: reasonable grounds to believe that 15 days will be missed."""
    absence = _ill(
        (date(2026, 11, 2), "/", "I"),
        (date(2026, 11, 3), "I", "I"),
        (date(2026, 11, 4), "#", "#"),
        (date(2026, 11, 5), "I", "I"),
        (date(2026, 11, 6), "/", "\\"),
        (date(2026, 11, 9), "I", "I"),
    )
    data = sickness_return(_case(absence=absence))

    assert _value(data, "sickness.sessions") == "7"
    assert _value(data, "sickness.in_a_row") == "2"
    assert _value(data, "sickness.first_day") == "Mon 2 Nov 2026"
    assert "sickness.grounds" in {f.key for f in data.missing}
    (table,) = data.tables
    assert len(table.rows) == 4


def test_without_a_mark_of_illness_there_is_no_sickness_return() -> None:
    """Other absence has its own return."""
    with pytest.raises(PackageRefused, match="no session of I"):
        sickness_return(_case(absence=_ill((date(2026, 11, 2), "O", "O"))))


OWN_FORM = Form(
    "cme",
    "Referral",
    "A council's own rules",
    (
        FormSection(
            "Child",
            (
                FormField("pupil.upn", "Unique pupil number", needed=True),
                FormField("own.pets", "Pets in the house"),
                FormField("enquiries.home_visit", "Visit", refused_without=True),
            ),
        ),
    ),
    (CheckItem("visited", "The home was visited.", "A council's own rules"),),
)


def test_an_authoritys_own_form_is_followed() -> None:
    """Its fields in its order and words, what is known filled in, and nothing else sent."""
    left = replace(ADA, leaving=date(2026, 11, 11))
    data = cme_notification(_case(pupil=left, form=OWN_FORM, answers={"own.pets": "a dog"}))

    assert (data.title, data.basis) == ("Referral", "A council's own rules")
    assert [(f.label, f.value) for s in data.sections for f in s.fields] == [
        ("Unique pupil number", "A999000000001"),
        ("Pets in the house", "a dog"),
        ("Visit", ""),
    ]
    assert [f.key for f in data.missing if f.refused_without] == ["enquiries.home_visit"]
    assert data.checklist == ("The home was visited. (A council's own rules)",)
    with pytest.raises(PackageRefused, match=r"no field 'risk\.appraisal'"):
        cme_notification(_case(pupil=left, form=OWN_FORM, answers={"risk.appraisal": "high"}))


def test_why_a_value_is_not_given_is_said_on_an_authoritys_form_too() -> None:
    """The form has no hint at the UPN; that two children share one has to be seen."""
    doubted = replace(ADA, upn="", upn_doubted=True, leaving=date(2026, 11, 11))
    data = cme_notification(_case(pupil=doubted, form=OWN_FORM))

    assert "two children have one UPN" in data.missing[0].hint
