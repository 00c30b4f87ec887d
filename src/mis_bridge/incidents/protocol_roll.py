"""The steps after findings about the roll, and about what happened before."""

from __future__ import annotations

from typing import Final

from mis_bridge.incidents.steps import OWN_STEP, WTTISA, Recipient, Step

__all__ = ["OF_THE_ROLL"]

_CHESHIRE_EAST: Final = "Cheshire East, guidance for schools on missing children (2017)"
_CME: Final = "Children missing education (DfE, statutory guidance)"

OF_THE_ROLL: Final[dict[str, tuple[Step, ...]]] = {
    "left_without_destination": (
        Step(
            "ask_family",
            "Ask the family where the child goes to school from now on, and record it in the MIS.",
            "attendance officer",
            24 * 60,
            f"{_CME}; the 24 hours are this product's choice",
        ),
        Step(
            "deletion_return",
            "Check that the authority has the deletion return: ground, new address, new school.",
            "attendance officer",
            None,
            "SI 2024/208, regulation 13: no later than the deletion",
        ),
        Step(
            "confirm_new_school",
            "Have the new school confirm that the child is on its roll, within five school days.",
            "attendance officer",
            None,
            OWN_STEP,
        ),
        Step(
            "tell_authority",
            "No school found: tell the authority (CME), and virtual school, social worker or SEN.",
            "DSL",
            None,
            f"{_CME}; practice: Ealing, leavers' tasks",
            tells=(
                Recipient.AUTHORITY,
                Recipient.VIRTUAL_SCHOOL,
                Recipient.SOCIAL_WORKER,
                Recipient.SEN_CASEWORKER,
            ),
        ),
        Step(
            "transfer_file",
            "Send the Common Transfer File; destination unknown: to XXX, XXXX.",
            "office",
            None,
            "School-to-School guide (DfE); lost pupils one to a file",
        ),
    ),
    "newly_in_care": (
        Step(
            "agree_who_is_called",
            "Agree with the social worker and the carer who is called first, day and night; "
            "tell the designated teacher and the virtual school.",
            "DSL",
            24 * 60,
            f"{WTTISA}, paragraph 52; the 24 hours are this product's choice",
            tells=(Recipient.SOCIAL_WORKER, Recipient.DESIGNATED_TEACHER, Recipient.VIRTUAL_SCHOOL),
        ),
        Step(
            "philomena_form",
            "Ask the carer for part 1 of the Philomena Protocol's form.",
            "DSL",
            None,
            "Philomena Protocol (police forces, Cheshire among them): filled in beforehand",
        ),
    ),
    "repeat_missing": (
        Step(
            "look_at_all",
            "Look at the days together: when, which lessons, with whom. Talk with the pupil.",
            "DSL",
            None,
            f"{_CHESHIRE_EAST}; Keeping children safe in education (DfE)",
        ),
        Step(
            "tell_workers",
            "Tell the social worker or the youth offending team's worker, if there is one.",
            "DSL",
            None,
            f"{WTTISA}, paragraph 52",
            tells=(Recipient.SOCIAL_WORKER, Recipient.YOT_WORKER),
        ),
        Step(
            "needs_assessment",
            "Consider early help or a referral: repeat occasions are a warning sign.",
            "DSL",
            None,
            "Keeping children safe in education (DfE)",
        ),
    ),
}
