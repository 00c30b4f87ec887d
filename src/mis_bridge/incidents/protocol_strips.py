"""The steps after findings about a pupil's year: slow matters, of which most have no deadline."""

from __future__ import annotations

from typing import Final

from mis_bridge.incidents.steps import OWN_STEP, WTTISA, Recipient, Step

__all__ = ["OF_STRIPS"]

OF_STRIPS: Final[dict[str, tuple[Step, ...]]] = {
    "absence_level": (
        Step(
            "listen",
            "Talk with the pupil and the parents about what stands in the way.",
            "attendance officer",
            None,
            WTTISA,
        ),
        Step(
            "plan",
            "Agree what helps and when to look again; severe absence: with the authority.",
            "attendance officer",
            None,
            WTTISA,
        ),
    ),
    "whereabouts_unknown": (
        Step(
            "danger_first",
            "Any sign of danger: children's social care at once. It goes before every day here.",
            "DSL",
            None,
            OWN_STEP,
            tells=(Recipient.SOCIAL_CARE,),
        ),
        Step(
            "enquire",
            "Enquire: all numbers at other times of day, a letter, siblings' schools, friends.",
            "attendance officer",
            None,
            "Practice: missing pupil checklist for schools (Southend, Essex, Thurrock)",
        ),
        Step(
            "home_visit",
            "Visit the home, and write down when and who was spoken to.",
            "attendance officer",
            None,
            "Practice: Gloucestershire, Ealing and Birmingham, forms on children missing education",
        ),
        Step(
            "tell_workers",
            "Looked after, protection plan or EHCP: tell virtual school, social worker, SEN.",
            "DSL",
            None,
            "Practice: Ealing, leavers' tasks",
            tells=(
                Recipient.VIRTUAL_SCHOOL,
                Recipient.SOCIAL_WORKER,
                Recipient.SEN_CASEWORKER,
            ),
        ),
        Step(
            "refer",
            "On the authority's day: tell it by its own form. mis-bridge sends no child on roll as "
            "missing education.",
            "attendance officer",
            None,
            "The authority's own rules: mis-bridge authorities show",
            tells=(Recipient.AUTHORITY,),
        ),
    ),
    "attendance_return": (
        Step(
            "complete_return",
            "Complete what the return lists as missing: address, contacts, enquiries made.",
            "attendance officer",
            None,
            "Attendance return: SI 2024/208, regulation 13",
        ),
        Step(
            "approve_return",
            "Approve it, or say why not. Nothing goes to the authority without that.",
            "attendance officer",
            24 * 60,
            "SI 2024/208, regulation 13; many authorities ask for it on day 10",
        ),
    ),
    "joint_enquiries": (
        Step(
            "agree_enquiries",
            "Agree with the authority who enquires where; a home visit belongs to it.",
            "attendance officer",
            None,
            "SI 2024/208, regulation 9(1)(i): joint reasonable enquiries",
        ),
        Step(
            "ask_professionals",
            "Looked after, protection plan or EHCP: ask virtual school, social worker, SEN.",
            "DSL",
            None,
            "Practice: Ealing, leavers' tasks",
            tells=(
                Recipient.VIRTUAL_SCHOOL,
                Recipient.SOCIAL_WORKER,
                Recipient.SEN_CASEWORKER,
            ),
        ),
        Step(
            "write_down",
            "Write down each enquiry with its date and what came of it.",
            "attendance officer",
            None,
            "SI 2024/208, regulation 9(1)(i): sickness and unavoidable causes are ruled out",
        ),
    ),
    "not_returned_from_leave": (
        Step(
            "reach_family",
            "Reach the family: every contact, also those abroad and at the siblings' schools.",
            "attendance officer",
            None,
            "SI 2024/208, regulation 9(1)(h): joint enquiries before anything follows",
        ),
        Step(
            "judge_risk",
            "Judge the risk: was the return planned, and is anything else known?",
            "DSL",
            None,
            "Keeping children safe in education (DfE): unexplainable absences",
        ),
    ),
    "early_word": (
        Step(
            "listen",
            "Talk with the pupil and the parents about what stands in the way.",
            "attendance officer",
            None,
            WTTISA,
        ),
        Step(
            "tell_welfare",
            "Have an early word with education welfare.",
            "attendance officer",
            None,
            "The Children's Society, Lessons to Learn (2012): at 20 half days",
            tells=(Recipient.AUTHORITY,),
        ),
    ),
    "sickness": (
        Step(
            "ask_parents",
            "Ask the parents how long it will last, and what helps the pupil meanwhile.",
            "attendance officer",
            None,
            OWN_STEP,
        ),
        Step(
            "decide_return",
            "15 days to be expected: make the sickness return. A run of small ailments: decide.",
            "attendance officer",
            None,
            "SI 2024/208, regulation 13; practice: Hertfordshire and Derbyshire",
        ),
    ),
    "penalty_threshold": (
        Step(
            "check_codes",
            "Check the codes behind it; an N has to become another code.",
            "attendance officer",
            None,
            "SI 2024/208, regulation 10(7) to (9)",
        ),
        Step(
            "support_first",
            "Offer support first; then the school considers whether a notice would help.",
            "attendance officer",
            None,
            "National framework for penalty notices (August 2024)",
        ),
    ),
    "reason_overdue": (
        Step(
            "ask_reason",
            "Ask for the reason once more.",
            "attendance officer",
            None,
            WTTISA,
        ),
        Step(
            "correct_code",
            "Enter the code in the MIS: O where no reason was found. mis-bridge writes no mark.",
            "attendance officer",
            None,
            "SI 2024/208, regulation 10(7) to (9)",
        ),
    ),
    "pattern": (
        Step(
            "look",
            "Look at the days: a club, a carer, a lesson or a bus may be behind them.",
            "attendance officer",
            None,
            OWN_STEP,
        ),
        Step(
            "listen",
            "Talk with the pupil, and with the parents.",
            "attendance officer",
            None,
            OWN_STEP,
        ),
    ),
}
"""Steps by protocol id."""
