"""The forms where an authority has not given its own: the union of what authorities ask for.

A field that most of the forms that were read do not go without is needed (``*``).
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from mis_bridge.messages.form import Form
from mis_bridge.messages.form_fields import section

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mis_bridge.messages.form import FormSection

__all__ = ["NATIONAL_FORMS"]

_YEAR = ("year.possible", "year.attended", "year.authorised", "year.unauthorised")


def _pupil() -> FormSection:
    return section(
        "Pupil",
        "pupil.surname*",
        "pupil.forenames*",
        "pupil.dob*",
        "pupil.sex*",
        "pupil.upn*",
        "pupil.year_group",
        "pupil.form",
        "pupil.admission",
        "pupil.address*",
        "pupil.ethnicity",
        "pupil.language",
    )


def _status() -> FormSection:
    return section(
        "Status",
        "status.lac",
        "status.cp",
        "status.cin",
        "status.ehcp",
        "status.sen",
        "status.yot",
        "status.missing_before",
        "status.social_worker",
    )


def _family() -> FormSection:
    return section(
        "Family",
        "family.lives_with*",
        "family.parents*",
        "family.emergency*",
        "family.siblings",
    )


def _enquiries() -> FormSection:
    return section("Attempts to find the child", "enquiries.made*", "enquiries.home_visit*")


def _sender() -> FormSection:
    return section(
        "Sent by",
        "school.name*",
        "school.urn",
        "school.dfe_number",
        "sender.name*",
        "sender.role*",
        "sender.telephone*",
        "sender.email*",
    )


_ATTENDANCE_RETURN = Form(
    "attendance_return",
    "Attendance return",
    "School Attendance (Pupil Registration) (England) Regulations 2024, regulation 13",
    (
        _pupil(),
        section(
            "Absence",
            "absence.first_day*",
            "absence.last_day*",
            "absence.school_days*",
            "absence.last_attended*",
            "absence.cause",
            *_YEAR,
        ),
        _status(),
        _family(),
        _enquiries(),
        section("Risk", "risk.lone_worker", "risk.concerns"),
        _sender(),
    ),
    source="SI 2024/208, regulation 13; the forms of Stockport and Hertfordshire",
)

_CME = Form(
    "cme",
    "Notification of a child missing education",
    "Education Act 1996, section 436A; Children missing education, statutory guidance",
    (
        _pupil(),
        section(
            "Leaving",
            "leaving.removed*",
            "leaving.last_attended*",
            "leaving.last_seen",
            "leaving.reason*",
            "leaving.history",
            *_YEAR,
        ),
        _status(),
        _family(),
        _enquiries(),
        section("Risk", "risk.appraisal*", "risk.mash"),
        section(
            "Where the child may be",
            "onward.destination",
            "onward.address",
            "onward.adult",
            "onward.school",
        ),
        _sender(),
    ),
    source="the forms of Birmingham, Gloucestershire, Ealing and Stockport",
)

NATIONAL_FORMS: Mapping[str, Form] = MappingProxyType(
    {form.kind: form for form in (_ATTENDANCE_RETURN, _CME)}
)
"""Forms by kind where no authority has set its own."""
