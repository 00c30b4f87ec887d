"""One pupil is taken out of a list about many, and nobody else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from mis_bridge.messages.package_model import Field, PackageData, Section, Table
from mis_bridge.service.pupil_lists import without
from mis_bridge.store.pupil_traces import Named

UPN = "Z801200001001"
OTHER_UPN = "A801200001002"
ADA = Named("p-1", UPN, "Marsh", "Ada")


def _list(*rows: tuple[str, ...], **fields: str) -> PackageData:
    columns = ("Surname", "Forenames", "UPN")
    return PackageData(
        kind="persistent_absence_list",
        title="List",
        basis="",
        reference="MB-0000-0000",
        version=1,
        prepared_at=datetime(2026, 3, 11, tzinfo=UTC),
        school_name="Oakfield",
        authority_name="",
        sections=(
            Section(
                "All",
                tuple(Field(key.replace("_", "."), key, said) for key, said in fields.items()),
            ),
        ),
        tables=(Table("pupils", "Pupils", columns, rows),),
    )


@pytest.mark.parametrize(
    ("row", "is_hers"),
    [
        (("Marsh", "Ada", UPN), True),
        (("Marsh", "Ada", UPN.lower()), True),
        (("Marsh-Hill", "Ada", UPN), True),
        (("MARSH", "Ada", "not known"), True),
        (("Marsh", "Ada", OTHER_UPN), False),
        (("Marsh", "Olive", "not known"), False),
        (("Hill", "Ada", "not known"), False),
    ],
)
def test_a_row_is_the_pupils_by_the_upn_or_by_both_names_where_it_has_none(
    row: tuple[str, str, str], is_hers: bool
) -> None:
    """A child of the same name with another UPN is another child, and so is a sibling."""
    other = ("Hill", "Tom", "B801200001003")

    assert without(_list(row, other), ADA).tables[0].rows == ((other,) if is_hers else (row, other))


def test_of_a_pupil_without_upn_and_without_name_nobodys_row_goes() -> None:
    """Nothing is known that could be looked for."""
    given = _list(("", "", "not known"), ("Marsh", "Ada", UPN))

    assert without(given, Named("p-1")) == given


def test_what_people_filled_in_loses_upn_and_name_and_no_word_more() -> None:
    """Who sent it is no pupil, whatever the name."""
    given = _list(
        meeting_agreed=f"Ada Marsh: a visit. Marsh, Ada ({UPN}): a call. Adam Marshall: nothing.",
        sender_name="Ada Marsh",
    )

    fields = {field.key: field.value for field in without(given, ADA).sections[0].fields}

    assert fields == {
        "meeting.agreed": "[erased]: a visit. [erased] ([erased]): a call. Adam Marshall: nothing.",
        "sender.name": "Ada Marsh",
    }


def test_a_list_that_does_not_name_the_pupil_is_as_it_was() -> None:
    """Nothing is drawn anew for nothing."""
    given = _list(("Hill", "Tom", OTHER_UPN), meeting_agreed="Tom Hill: a call.")

    assert without(given, replace(ADA, upn="")) == given
