"""What is said of a package, to the school's people and to the authority."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mis_bridge.incidents.families import ASKED_FOR
from mis_bridge.incidents.reasons import ABOUT_PACKAGES, Reason
from mis_bridge.messages.build import build
from mis_bridge.messages.compose import compose


def test_the_authority_reads_what_kind_of_notification_it_gets(missing: Any, context: Any) -> None:
    """A child missing education is another desk than an attendance return."""
    kind = "Notification of a child missing education"
    message = build(missing, Reason.PACKAGE_APPROVED, "id", replace(context, detail=kind))

    assert message.subject == f"[mis-bridge] {kind} {missing.reference}"


@pytest.mark.parametrize("reason", [Reason.PACKAGE_REJECTED, Reason.PACKAGE_EXPIRED])
def test_a_package_that_is_over_asks_for_no_approval(
    missing: Any, context: Any, reason: Any
) -> None:
    """It can not be approved any more; what is said is that nothing was sent."""
    content = compose(missing, reason, context)

    assert "nothing was sent" in content.lead.lower()
    assert content.steps == ()


@pytest.mark.parametrize("reason", sorted(ABOUT_PACKAGES))
def test_what_a_person_asked_for_is_not_called_a_notification_to_the_authority(
    missing: Any, context: Any, reason: Any
) -> None:
    """It may be for the virtual school, or for a person; what the registers ask for is one."""
    asked_for = replace(missing, family=ASKED_FOR.id, trigger=ASKED_FOR.id)

    assert "Local Authority" not in compose(asked_for, reason, context).title
    assert "Local Authority" in compose(missing, reason, context).title


def test_the_authority_hears_in_its_own_words(missing: Any, context: Any) -> None:
    """School, document, reference and authority are put in; nothing of the child can be."""
    letter = "OFFICIAL-SENSITIVE. {title} {reference} of {school} for {authority}. {pupil}"
    own = replace(context, letter=letter, detail="Attendance return")

    content = compose(missing, Reason.PACKAGE_APPROVED, own)

    assert content.lead == (
        f"OFFICIAL-SENSITIVE. Attendance return {missing.reference} of Hilltop Invented School for "
        "Invented Council. {pupil}"
    )
    usual = compose(missing, Reason.PACKAGE_APPROVED, replace(own, letter=""))
    assert "sends the attached notification" in usual.lead
