"""The kinds of package: what each is for, for whom it is never made, and which way it goes.

Sources: SI 2024/208 regulation 13 (returns); "Children missing education" (DfE, 2016, re-issued
August 2024); Cheshire East, guidance for schools on missing children (2017). What has no source
says that it is this product's own form.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["KINDS", "PackageKind", "is_for", "is_for_a_person"]


@dataclass(frozen=True, slots=True)
class PackageKind:
    """One kind of package.

    Args:
        id: stable name.
        title: heading of the document.
        basis: law or guidance that it is made under.
        when: by when it is due, one sentence.
        never_for: for whom it is refused, one sentence, or empty.
        whole_school: about many pupils rather than one.
        audiences: whose routes take it once it is approved; none: it is for a person, and nothing
            is sent.
        recipient: to whom, where that is not the authority.
    """

    id: str
    title: str
    basis: str
    when: str
    never_for: str = ""
    whole_school: bool = False
    audiences: tuple[str, ...] = ("authority",)
    recipient: str = ""


_REGULATION_13 = "School Attendance (Pupil Registration) (England) Regulations 2024, regulation 13"
_OWN_FORM = "This product's own form: no law or guidance sets what is in it"

_ALL = (
    PackageKind(
        "attendance_return",
        "Attendance return",
        _REGULATION_13,
        "At intervals agreed with the authority, at least monthly; many want it on day 10.",
        "Pupils who are not of compulsory school age.",
    ),
    PackageKind(
        "sickness_return",
        "Sickness return",
        _REGULATION_13,
        "As soon as there are reasonable grounds to believe that 15 days will be missed; one for "
        "each continuous period of sickness in a school year.",
        "Pupils who are not of compulsory school age, and pupils without any session of I.",
    ),
    PackageKind(
        "new_pupil_return",
        "New pupil return",
        _REGULATION_13,
        "By the end of the fifth day after the name was entered on the roll.",
        "The most junior class on the first day of the school year, unless the authority asks.",
    ),
    PackageKind(
        "deletion_return",
        "Deletion return",
        _REGULATION_13,
        "As soon as the ground is met, and no later than the deletion.",
        "Pupils who leave at the end of the most senior class, unless the authority asks.",
    ),
    PackageKind(
        "cme",
        "Notification of a child missing education",
        "Education Act 1996, section 436A; Children missing education, statutory guidance",
        "On the day or days that the authority's own profile sets.",
        "Children on roll, however long they have been absent, and children who are not of "
        "compulsory school age.",
    ),
    PackageKind(
        "missing_incident",
        "Report of a missing incident in the school day",
        "Cheshire East, guidance for schools on missing children (2017): record and report every "
        "missing incident in the school day",
        "When the child is found, or when the authority asks.",
        "Incidents that are not about a child missing during the day.",
    ),
    PackageKind(
        "early_help",
        "Prompt for an early help needs assessment",
        _OWN_FORM,
        "When a person thinks that help is needed before things become worse.",
        audiences=(),
        recipient="whoever leads the needs assessment",
    ),
    PackageKind(
        "persistent_absence_list",
        "Persistent absence: list for the termly targeting meeting",
        _OWN_FORM,
        "Before the meeting of the term with the authority.",
        "Pupils with 10 possible sessions or fewer, and those who were not aged 5 to 15 on the 31 "
        "August before the school year, whom the national figures leave out.",
        whole_school=True,
    ),
    PackageKind(
        "looked_after_copy",
        "Looked-after child: copy of the attendance record",
        _OWN_FORM,
        "Whenever something is sent or noticed about a looked-after child.",
        "Pupils whom the MIS does not call looked after.",
        audiences=("designated_teacher", "virtual_school"),
        recipient="the designated teacher and the virtual school",
    ),
    PackageKind(
        "looked_after_report",
        "Looked-after children: report for governors and trust",
        _OWN_FORM,
        "Once a term.",
        whole_school=True,
        audiences=(),
        recipient="the governors and the trust",
    ),
    PackageKind(
        "ctf_data",
        "Data for a Common Transfer File to School to School",
        "Common Transfer File by School to School (S2S): a child whose destination is not known is "
        "filed under XXX/XXXX, one child a file",
        "Within 15 days after the child ceased to be registered.",
        "Children on roll.",
        audiences=(),
        recipient="whoever files it on School to School; the MIS writes the file itself",
    ),
)

KINDS: Mapping[str, PackageKind] = MappingProxyType({kind.id: kind for kind in _ALL})
"""Every kind, by its id, in the order of the documentation."""


def is_for(kind: str, audience: str) -> bool:
    """Whether a kind is meant for an audience, which is more than to get a copy of it.

    What another version of the program knows is for the authority.
    """
    return audience in (KINDS[kind].audiences if kind in KINDS else ("authority",))


def is_for_a_person(kind: str) -> bool:
    """Whether a kind is never sent: whoever approved it takes its files."""
    return kind in KINDS and not KINDS[kind].audiences
