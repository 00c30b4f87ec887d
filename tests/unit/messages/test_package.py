"""The data of packages: what is known, what is missing, what is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest

from mis_bridge.errors import PackageRefused
from mis_bridge.messages.absence_period import AbsencePeriod, absence_period
from mis_bridge.messages.package import attendance_return, cme_notification
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


def _given(**values: Any) -> dict[str, Any]:
    given = {
        "reference": "MB-0VQ2-9GK2",
        "pupil": ADA,
        "school": PackageSchool("Hilltop Invented School"),
        "absence": AbsencePeriod(date(2026, 10, 22), date(2026, 11, 11), 10),
        "prepared_at": PREPARED,
    }
    return given | values


def _value(data: Any, key: str) -> str:
    return str({f.key: f.value for s in data.sections for f in s.fields}[key])


def test_what_nobody_knows_is_listed_as_missing_and_never_invented() -> None:
    """The registers hold neither address nor parents: a person fills them in."""
    data = attendance_return(**_given())

    missing = {f.key for f in data.missing}
    assert {"pupil.address", "family.parents", "enquiries.made", "sender.name"} <= missing
    assert all(f.value == "" for f in data.missing)
    assert "pupil.upn" not in missing


def test_a_flag_that_is_not_set_is_not_recorded_rather_than_no() -> None:
    """Not every MIS says who has a social worker."""
    data = attendance_return(**_given())

    assert _value(data, "status.lac") == "yes"
    assert _value(data, "status.cp") == "not recorded in what was read"


def test_a_persons_answer_goes_before_what_was_read() -> None:
    """The person has just spoken with the family."""
    data = attendance_return(
        **_given(answers={"pupil.address": "1 Invented Lane", "pupil.forenames": "Ada Zoë"})
    )

    assert _value(data, "pupil.address") == "1 Invented Lane"
    assert _value(data, "pupil.forenames") == "Ada Zoë"
    assert "pupil.address" not in {f.key for f in data.missing}


def test_an_answer_to_no_field_is_refused_with_the_nearest_one() -> None:
    """Nothing that a person typed is dropped without a word."""
    with pytest.raises(PackageRefused, match=r"pupil\.adress.*pupil\.address"):
        attendance_return(**_given(answers={"pupil.adress": "1 Invented Lane"}))


@pytest.mark.parametrize("leaving", [None, date(2026, 11, 12), date(2026, 12, 1)])
def test_a_child_on_roll_is_never_sent_as_missing_education(leaving: Any) -> None:
    """CME means on no roll; the last day on roll is a day on roll."""
    with pytest.raises(PackageRefused, match="not CME: send an attendance return"):
        cme_notification(**_given(pupil=replace(ADA, leaving=leaving)))


def test_a_child_off_the_roll_is_notified_with_what_is_known() -> None:
    """The reason is for a person to choose; it is not guessed from the register."""
    left = replace(ADA, leaving=date(2026, 11, 11), destination="unknown")
    data = cme_notification(**_given(pupil=left))

    assert _value(data, "leaving.removed") == "Wed 11 Nov 2026"
    assert _value(data, "onward.destination") == "unknown"
    assert "leaving.reason" in {f.key for f in data.missing}
    assert data.file_stem == "MB-0VQ2-9GK2-cme-v1"


def test_enquiries_are_a_dated_log() -> None:
    """Authorities want to see when, by whom, and what came of it."""
    at = datetime(2026, 11, 12, 9, 20, tzinfo=LONDON)
    data = attendance_return(**_given(enquiries=[Enquiry(at, "A. Office", "No answer.")]))

    (log,) = data.tables
    assert log.rows == (("Thu 12 Nov 2026 09:20", "A. Office", "No answer."),)
    assert "enquiries.made" not in {f.key for f in data.missing}


def test_the_school_stands_in_for_a_senders_telephone_and_email() -> None:
    """The authority can call back even where no person was named."""
    school = PackageSchool("Hilltop", telephone="0", email="office@hilltop.example")
    data = attendance_return(**_given(school=school, sender=Sender("A. Lead", "DSL")))

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
