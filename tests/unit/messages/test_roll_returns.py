"""Returns about the roll: deadlines, whom they are not for, and what a register can not say."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest

from mis_bridge.errors import PackageRefused
from mis_bridge.messages.package_form import Case
from mis_bridge.messages.package_model import PackageData, PackagePupil, PackageSchool
from mis_bridge.messages.roll_returns import GROUNDS, ctf_data, deletion_return, new_pupil_return
from mis_bridge.registers.calendar import LONDON

PREPARED = datetime(2026, 11, 12, 15, 30, tzinfo=LONDON)
SCHOOL = PackageSchool(
    "Hilltop Invented School",
    dfe_number="999/4001",
    first_day=date(2026, 9, 2),
    last_day=date(2027, 7, 21),
    classes=(7, 11),
)
ADA = PackagePupil(
    upn="A999000000001",
    surname="Testpupil",
    forename="Ada",
    dob=date(2013, 3, 5),
    sex="F",
    year_group=8,
    admission=date(2026, 11, 9),
)


def _case(pupil: PackagePupil = ADA, **more: Any) -> Case:
    return Case(reference="MB-0VQ2-9GK2", school=SCHOOL, prepared_at=PREPARED, pupil=pupil, **more)


def _value(data: PackageData, key: str) -> str:
    return {f.key: f.value for s in data.sections for f in s.fields}[key]


def _missing(data: PackageData) -> set[str]:
    return {f.key for f in data.missing}


def test_a_new_pupil_return_is_due_by_the_end_of_the_fifth_day() -> None:
    """SI 2024/208 regulation 13: the fifth day after the name was entered on the roll."""
    data = new_pupil_return(_case())

    assert _value(data, "entry.due") == "Sat 14 Nov 2026"
    assert data.due == date(2026, 11, 14)
    assert {"pupil.address", "family.parents", "family.emergency", "entry.last_school"} <= (
        _missing(data)
    )


def test_a_deadline_that_has_passed_is_said() -> None:
    """A late return is better than none, and nobody has to work the date out."""
    data = new_pupil_return(_case(replace(ADA, admission=date(2026, 10, 1))))

    assert _value(data, "entry.due") == "Tue 6 Oct 2026, which has passed: do it now"


@pytest.mark.parametrize(
    ("year_group", "admission", "refused"),
    [
        (7, date(2026, 9, 2), True),
        (7, date(2026, 9, 3), False),  # the same class, on another day
        (8, date(2026, 9, 2), False),  # another class, on the first day
    ],
)
def test_the_most_junior_class_on_its_first_day_needs_no_return(
    year_group: int, admission: date, *, refused: bool
) -> None:
    """Unless the authority asks for it (regulation 13)."""
    pupil = replace(ADA, year_group=year_group, admission=admission)

    if refused:
        with pytest.raises(PackageRefused, match="most junior class"):
            new_pupil_return(_case(pupil))
    data = new_pupil_return(_case(pupil, authority_asks=refused))
    assert data.kind == "new_pupil_return"


@pytest.mark.parametrize(
    ("year_group", "leaving", "refused"),
    [
        # Ada, born in March 2011, is of compulsory age to the last Friday in June 2027.
        (11, date(2027, 6, 25), True),
        (11, date(2027, 8, 31), True),
        (11, date(2027, 6, 24), False),
        (10, date(2027, 8, 31), False),
    ],
)
def test_the_end_of_the_most_senior_class_needs_no_return(
    year_group: int, leaving: date, *, refused: bool
) -> None:
    """Unless the authority asks for it; whoever leaves earlier has one."""
    pupil = replace(ADA, dob=date(2011, 3, 5), year_group=year_group, leaving=leaving)

    if refused:
        with pytest.raises(PackageRefused, match="most senior class"):
            deletion_return(_case(pupil))
    data = deletion_return(_case(pupil, authority_asks=refused))
    assert data.kind == "deletion_return"


def test_a_deletion_return_is_due_no_later_than_the_deletion() -> None:
    """And names what it must: the ground, the parents, an emergency telephone of each."""
    data = deletion_return(_case(replace(ADA, leaving=date(2026, 11, 20), destination="St Test")))

    assert _value(data, "deletion.due") == "Fri 20 Nov 2026"
    assert _value(data, "onward.school") == "St Test"
    assert {"deletion.ground", "pupil.address", "family.parents", "family.emergency"} <= (
        _missing(data)
    )
    assert not {"deletion.joint_enquiries", "deletion.told"} & _missing(data)


@pytest.mark.parametrize("given", ["g", "G", "(g)", " g "])
def test_a_ground_is_a_letter_and_is_written_out(given: str) -> None:
    """Regulation 9(1) has fifteen of them, (a) to (o)."""
    data = deletion_return(_case(answers={"deletion.ground": given}))

    assert _value(data, "deletion.ground") == "(g) no longer lives a reasonable distance away"
    assert "".join(GROUNDS) == "abcdefghijklmno"


def test_there_is_no_other_ground() -> None:
    """That a pupil does not come often is none."""
    with pytest.raises(PackageRefused, match="one letter, a to o"):
        deletion_return(_case(answers={"deletion.ground": "poor attendance"}))


def test_ground_i_needs_the_register_and_the_joint_enquiries() -> None:
    """20 days of G, N or O are a fact and no verdict; without them the ground is refused."""
    answers = {"deletion.ground": "i"}
    with pytest.raises(PackageRefused, match="does not bear ground"):
        deletion_return(_case(answers=answers))

    data = deletion_return(_case(answers=answers, day_20=date(2026, 11, 11)))

    assert "deletion.joint_enquiries" in _missing(data)


@pytest.mark.parametrize("flag", ["lac", "cp", "cin", "ehcp"])
def test_who_looks_after_a_child_is_told_before_the_deletion(flag: str) -> None:
    """Authorities ask for the virtual school, the social worker or the SEN caseworker first."""
    assert "deletion.told" in _missing(
        deletion_return(_case(replace(ADA, flags=frozenset({flag}))))
    )


def test_a_lost_pupils_data_is_as_school_to_school_asks() -> None:
    """Destination XXX/XXXX; dates and names of fields as in the file; 15 days to file it."""
    data = ctf_data(_case(replace(ADA, leaving=date(2026, 11, 6))))

    assert [_value(data, f"ctf.{key}") for key in ("destination_lea", "destination_estab")] == [
        "XXX",
        "XXXX",
    ]
    assert [_value(data, f"ctf.{key}") for key in ("source_lea", "source_estab")] == ["999", "4001"]
    assert _value(data, "pupil.dob") == "2013-03-05"
    assert _value(data, "ctf.academic_year") == "2026"
    assert _value(data, "ctf.due") == "Sat 21 Nov 2026"


def test_a_child_on_roll_is_not_lost() -> None:
    """Whoever is on roll has a school; nothing is filed under XXX/XXXX."""
    with pytest.raises(PackageRefused, match="on roll"):
        ctf_data(_case())
