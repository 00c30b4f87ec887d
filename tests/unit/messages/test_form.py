"""Forms are data: what is asked, in which order, and what a person still has to fill in."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

import pytest

from mis_bridge.errors import PackageRefused
from mis_bridge.messages.absence_period import AbsencePeriod
from mis_bridge.messages.form import Form, FormField, FormSection, lay_out
from mis_bridge.messages.form_fields import FIELDS, section
from mis_bridge.messages.national_forms import NATIONAL_FORMS
from mis_bridge.messages.package import Case, attendance_return, cme_notification
from mis_bridge.messages.package_model import PackagePupil, PackageSchool
from mis_bridge.registers.absence import SessionCounts
from mis_bridge.registers.calendar import LONDON

if TYPE_CHECKING:
    from mis_bridge.messages.package_model import PackageData

OWN = Form(
    "cme",
    "A form",
    "A law",
    (
        section("Child", "pupil.upn", "pupil.surname*"),
        FormSection(
            "Ours",
            (
                FormField("own.pets", "Pets in the house", hint="dogs above all"),
                FormField("enquiries.home_visit", "Visit", refused_without=True),
            ),
        ),
    ),
)


def test_a_form_is_laid_out_in_its_own_order_and_words() -> None:
    """Whoever copies it into a portal goes down the page once."""
    child, ours = lay_out(OWN, {"pupil.surname": "Testpupil", "pupil.upn": "A1", "pupil.sex": "F"})

    assert [f.key for f in child.fields] == ["pupil.upn", "pupil.surname"]
    assert (ours.fields[0].label, ours.fields[0].hint) == ("Pets in the house", "dogs above all")


def test_what_a_form_does_not_ask_for_is_not_sent() -> None:
    """A child's data goes to the authority as far as it asks for them."""
    sections = lay_out(OWN, {"pupil.surname": "Testpupil", "pupil.sex": "F"})

    assert "F" not in {f.value for s in sections for f in s.fields}


def test_what_the_form_is_refused_without_is_missing_until_somebody_fills_it_in() -> None:
    """The authority's rule is shown before it is broken."""
    _, ours = lay_out(OWN, {})
    assert [f.key for f in ours.fields if f.missing] == ["enquiries.home_visit"]

    _, ours = lay_out(OWN, {}, {"enquiries.home_visit": "12 Nov, nobody in"})
    assert [f.key for f in ours.fields if f.missing] == []


def test_an_answer_that_the_form_does_not_ask_for_is_refused_with_the_nearest() -> None:
    """Nothing that a person typed is dropped without a word, fields of an authority's own too."""
    with pytest.raises(PackageRefused, match=r"own\.pet'.*own\.pets"):
        lay_out(OWN, {}, {"own.pet": "cat"})


def _package(kind: str) -> PackageData:
    make = {"attendance_return": attendance_return, "cme": cme_notification}[kind]
    return make(
        Case(
            reference="MB-0VQ2-9GK2",
            pupil=PackagePupil(leaving=date(2026, 11, 11)),
            school=PackageSchool("Hilltop Invented School"),
            absence=AbsencePeriod(counts=SessionCounts()),
            prepared_at=datetime(2026, 11, 12, 15, 30, tzinfo=LONDON),
        )
    )


@pytest.mark.parametrize("kind", NATIONAL_FORMS)
def test_the_national_forms_are_what_a_package_asks_for_without_one(kind: str) -> None:
    """Whoever copies them for their authority starts from what is in force."""
    package, form = _package(kind), NATIONAL_FORMS[kind]

    assert (form.title, form.basis) == (package.title, package.basis)
    assert [
        (section.title, [(f.key, f.label, f.needed, f.hint) for f in section.fields])
        for section in form.sections
    ] == [
        (section.title, [(f.key, f.label, f.needed, f.hint) for f in section.fields])
        for section in package.sections
    ]


@pytest.mark.parametrize("kind", NATIONAL_FORMS)
def test_the_national_forms_are_made_of_known_fields_each_once(kind: str) -> None:
    """A field twice would be filled in twice, or once and missed."""
    form = NATIONAL_FORMS[kind]

    assert form.kind == kind
    assert len(set(form.keys)) == len(form.keys)
    assert set(form.keys) <= set(FIELDS)


def test_the_national_return_asks_what_the_regulation_asks() -> None:
    """Regulation 13: full name and address, and the cause as far as it is known."""
    needed = {f.key for f in NATIONAL_FORMS["attendance_return"].fields if f.needed}

    assert {"pupil.surname", "pupil.forenames", "pupil.address"} <= needed
    assert "absence.cause" in NATIONAL_FORMS["attendance_return"].keys
