"""The fields that forms for a Local Authority are made of: the union of what was read of them.

Sources: attendance return, regulation 13 of SI 2024/208 and the forms of Stockport and
Hertfordshire; children missing education (CME), "Children missing education" (DfE, 2016, re-issued
August 2024) and the forms of Birmingham, Gloucestershire, Ealing, Stockport and of Southend, Essex
and Thurrock.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from mis_bridge.messages.form import FormField, FormSection

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FIELDS", "asked", "section"]

_LABELS: Mapping[str, str | tuple[str, str]] = {
    "pupil.surname": "Surname",
    "pupil.forenames": "Forenames",
    "pupil.dob": "Date of birth",
    "pupil.sex": "Sex",
    "pupil.upn": "UPN",
    "pupil.year_group": "Year group",
    "pupil.form": "Form",
    "pupil.admission": "On roll since",
    "pupil.address": "Address and postcode, last known",
    "pupil.ethnicity": "Ethnicity",
    "pupil.language": "First language",
    "absence.first_day": "First day of this absence",
    "absence.last_day": "Last day counted",
    "absence.school_days": "School days in a row",
    "absence.last_attended": "Last attended",
    "absence.cause": "Cause, if known",
    "year.possible": "Possible sessions this school year",
    "year.attended": "of these attended",
    "year.authorised": "authorised absence",
    "year.unauthorised": "unauthorised absence",
    "leaving.removed": "Last day on roll",
    "leaving.last_attended": "Last attended",
    "leaving.last_seen": "Last seen, and by whom",
    "leaving.reason": (
        "Reason for this notification",
        "all contact failed; moved, no destination; or did not take up the place",
    ),
    "leaving.history": "History of absence and term-time leave",
    "leaving.term_time_leave": "Pattern of term-time leave without permission",
    "status.lac": "Looked after by a local authority",
    "status.cp": "Child protection plan",
    "status.cin": "Child in need",
    "status.ehcp": "Education, health and care plan",
    "status.sen": "Special educational needs",
    "status.yot": "Youth offending team",
    "status.missing_before": "Missing before",
    "status.social_worker": "Social worker, name and telephone",
    "status.social_care": "Known to children's social care",
    "status.traveller": "Traveller",
    "status.private_fostering": "Private fostering",
    "family.lives_with": "Who the child lives with",
    "family.parents": "Parents' names, telephones and emails",
    "family.emergency": "Other emergency contacts",
    "family.siblings": "Siblings of school age and their schools",
    "family.friends": "Friends",
    "enquiries.made": ("Enquiries made", "date, who, how, outcome"),
    "enquiries.first_day": ("First-day call", "made by a person if it was automated before"),
    "enquiries.telephone": (
        "All emergency numbers",
        "dates and times, at different times of the day; outcome of each",
    ),
    "enquiries.letter": "Letter to the last known address",
    "enquiries.siblings": "Siblings' schools asked",
    "enquiries.friends": "Friends and staff asked",
    "enquiries.agencies": "Other agencies asked",
    "enquiries.social_media": "Social media",
    "enquiries.home_visit": (
        "Home visit",
        "date and who was spoken to; or why there was none",
    ),
    "risk.lone_worker": "Risks for a lone worker visiting the home",
    "risk.concerns": "Safeguarding concerns and who has been told",
    "risk.appraisal": "DSL's appraisal of risk",
    "risk.mash": "Date referred to children's social care, and outcome",
    "risk.mash_outcome": "Outcome of the referral to children's social care",
    "risk.circumstances": "Circumstances of the child's going missing",
    "risk.documents": "Supporting documents",
    "onward.destination": "Destination recorded in the MIS",
    "onward.address": "New address",
    "onward.adult": "Adult the child will live with",
    "onward.school": "New school and how it was confirmed",
    "onward.admitted": "Confirmation that the new school has admitted the child",
    "school.name": "School",
    "school.urn": "URN",
    "school.dfe_number": "DfE number",
    "sender.name": "Sender's name",
    "sender.role": "Sender's role",
    "sender.telephone": "Sender's telephone",
    "sender.email": "Sender's email",
    "sender.date": "Date",
}


def _plain(key: str, words: str | tuple[str, str]) -> FormField:
    label, hint = (words, "") if isinstance(words, str) else words
    return FormField(key, label, hint=hint)


FIELDS: Mapping[str, FormField] = MappingProxyType(
    {key: _plain(key, words) for key, words in _LABELS.items()}
)
"""Field key -> the field as it stands in a form that has no words of its own for it."""


def asked(key: str, *, needed: bool = False) -> FormField:
    """Give a field of the vocabulary as a form asks for it.

    Raises:
        KeyError: no such field.
    """
    plain = FIELDS[key]
    return FormField(key, plain.label, needed, plain.hint)


def section(title: str, *keys: str) -> FormSection:
    """Give a section; a key that ends with ``*`` is needed.

    Raises:
        KeyError: no such field.
    """
    return FormSection(
        title, tuple(asked(key.removesuffix("*"), needed=key.endswith("*")) for key in keys)
    )
