"""The steps people take, with their deadlines and sources, as data.

None of the minutes is national law: each is what a named school or authority has published for
itself, or follows from one, and an authority's own protocol takes their place
(``adapters/la/<id>/authority.toml``). mis-bridge informs; a person searches, calls and decides.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from mis_bridge.incidents.model import StepState
from mis_bridge.incidents.protocol_roll import OF_THE_ROLL
from mis_bridge.incidents.protocol_strips import OF_STRIPS
from mis_bridge.incidents.steps import OWN_STEP, WTTISA, Clock, Recipient, Step
from mis_bridge.registers.school_years import SchoolYears

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

__all__ = [
    "NATIONAL",
    "Clock",
    "Recipient",
    "Step",
    "found_steps",
    "protocol_of",
    "start_steps",
]

_NO_CALENDAR = SchoolYears()
_SOUTHGATE = "Practice: Southgate School, missing pupil procedure"
_CHESHIRE_EAST = "Cheshire East, guidance for schools on missing children (2017)"
_CALDERDALE = "Practice: Calderdale, first day calling (minutes counted from the register's close)"
_BEFORE_POLICE = "Practice: protocol of police and schools, what to do before calling the police"
_RMFHC = "Children who run away or go missing (DfE, January 2014)"

_MISSING = (
    Step(
        "check_register",
        "Ask the teacher, then check sign-out, appointments, toilets, library and trips.",
        "office",
        5,
        "Practice: SHE, missing child policy for seniors",
    ),
    Step("search_site", "Search the site.", "staff on call", 10, _SOUTHGATE),
    Step(
        "contact_parent",
        "Not found: call the parents, and the social worker if there is one.",
        "DSL",
        15,
        f"{_SOUTHGATE} (at once when not found); {_CHESHIRE_EAST}",
        tells=(Recipient.PARENTS, Recipient.SOCIAL_WORKER),
    ),
    Step(
        "ask_around",
        "Ring or text the pupil; ask friends, and whoever works with the family.",
        "DSL",
        None,
        _BEFORE_POLICE,
    ),
    Step(
        "police_by_parent",
        "Ask the parent to tell the police (101, in danger 999). No parent reached: call yourself.",
        "DSL",
        20,
        f"{_SOUTHGATE} (20 minutes, sooner by risk); {_CHESHIRE_EAST}",
        tells=(Recipient.POLICE,),
    ),
    Step(
        "police_confirmed",
        "Confirm with the police that it was reported.",
        "DSL",
        30,
        f"{_CHESHIRE_EAST} (no time is given; 30 minutes is this product's choice)",
    ),
    Step(
        "stand_down",
        "Tell everyone who is looking, and the parents and police if they were told.",
        "DSL",
        5,
        OWN_STEP,
        Clock.FOUND,
    ),
    Step(
        "talk_on_return",
        "Talk with the pupil about what was missed and why, and record it.",
        "DSL",
        None,
        _CHESHIRE_EAST,
        Clock.FOUND,
    ),
    Step(
        "return_interview",
        "If the pupil was away from the site: check that a return interview is offered.",
        "Local Authority",
        72 * 60,
        f"{_RMFHC}: within 72 hours of the return; the authority's duty",
        Clock.FOUND,
    ),
    Step(
        "report_incident",
        "Write down what happened, and report it to whom your authority says.",
        "DSL",
        None,
        f"{_CHESHIRE_EAST}: every missing incident in the school day",
        Clock.FOUND,
    ),
)

_FIRST_DAY = (
    Step(
        "call_parent",
        "Call the first parent.",
        "office",
        15,
        _CALDERDALE,
        tells=(Recipient.PARENTS,),
    ),
    Step(
        "all_contacts",
        "No answer: call every contact, one of them outside the household.",
        "office",
        30,
        _CALDERDALE,
    ),
    Step(
        "tell_dsl",
        "Still nothing known: tell the DSL.",
        "office",
        30,
        _CALDERDALE,
    ),
    Step(
        "tell_workers",
        "Is there a social worker or a youth offending team worker? Tell them today.",
        "DSL",
        None,
        f"{WTTISA}, paragraph 52",
        tells=(Recipient.SOCIAL_WORKER, Recipient.YOT_WORKER),
    ),
    Step(
        "home_visit",
        "Nobody reached: consider a home visit this morning, then a welfare check by 101.",
        "DSL",
        None,
        _CALDERDALE,
    ),
)

NATIONAL: Mapping[str, tuple[Step, ...]] = MappingProxyType(
    {
        "missing_during_day": _MISSING,
        "missed_lesson": (
            Step(
                "talk",
                "Talk with the pupil about the lesson that was missed, and record it.",
                "tutor or pastoral lead",
                None,
                _CHESHIRE_EAST,
            ),
            Step(
                "tell_parents",
                "Tell the parents today.",
                "office",
                None,
                _CHESHIRE_EAST,
                tells=(Recipient.PARENTS,),
            ),
            Step(
                "again",
                "Not the first time: look at what the missed lessons have in common.",
                "DSL",
                None,
                "Keeping children safe in education (DfE): repeated absence is a warning sign",
            ),
        ),
        "first_day_calling": _FIRST_DAY,
        "channel_failing": (
            Step(
                "read_what_waits",
                "Look at what was said by the other channels: mis-bridge incidents list.",
                "IT",
                15,
                OWN_STEP,
            ),
            Step(
                "mend_channel",
                "Mend the channel, then prove it: mis-bridge channels test NAME.",
                "IT",
                60,
                OWN_STEP,
            ),
        ),
        "undelivered": (
            Step(
                "tell_them",
                "Tell those who should have got the message, by telephone or in person: mis-bridge "
                "incidents show REFERENCE.",
                "office",
                15,
                OWN_STEP,
            ),
            Step(
                "mend_channel",
                "Mend the channels of the route, then prove them: mis-bridge channels test NAME.",
                "IT",
                60,
                OWN_STEP,
            ),
        ),
        "self_check_failed": (
            Step(
                "run_doctor",
                "Run mis-bridge doctor, and do what it says; then look at the log.",
                "IT",
                15,
                OWN_STEP,
            ),
            Step(
                "look_yourself",
                "Where work is not done, let the office look at the registers in the MIS until it "
                "is.",
                "IT",
                30,
                OWN_STEP,
            ),
        ),
        "certificate_expiring": (
            Step(
                "get_certificate",
                "Get the new certificate or secret: from the authority, or for the school's own "
                "from whoever issued it.",
                "IT",
                None,
                OWN_STEP,
            ),
            Step(
                "put_in_place",
                "Put it in the place of the old one, write its day if it has one, then prove it: "
                "mis-bridge channels test NAME, or mis-bridge schools check ID.",
                "IT",
                None,
                OWN_STEP,
            ),
        ),
        "not_watched": (
            Step(
                "look_yourself",
                "Look at the registers in the MIS yourself until this is mended.",
                "office",
                15,
                OWN_STEP,
            ),
            Step(
                "mend_it",
                "Run mis-bridge check, and mend what it names; then look at the log.",
                "IT",
                60,
                OWN_STEP,
            ),
        ),
        "calendar_wrong": (
            Step(
                "is_it_open",
                "Say whether the school is open today, and on which days of this term it is not.",
                "office",
                60,
                OWN_STEP,
            ),
            Step(
                "correct_calendar",
                "Correct the calendar, then run mis-bridge check and reload.",
                "IT",
                24 * 60,
                OWN_STEP,
            ),
        ),
        "register_not_taken": (
            Step(
                "take_register", "Ask the teacher to take the register now.", "office", 5, OWN_STEP
            ),
            Step(
                "count_heads",
                "Can not be taken: have the room counted. Until then nobody can say who is there.",
                "office",
                15,
                OWN_STEP,
            ),
        ),
        "register_anomaly": (
            Step(
                "ask_teacher",
                "Ask where the class is: trip, other room, fire drill, or the wrong group?",
                "office",
                5,
                OWN_STEP,
            ),
            Step(
                "correct_register",
                "Correct the register in the MIS. Until then nobody of this class is reported "
                "missing from it.",
                "office",
                15,
                OWN_STEP,
            ),
        ),
        "marks_disagree": (
            Step(
                "ask_who_saw",
                "Ask the teacher who marked the pupil present whether they saw the pupil.",
                "office",
                None,
                OWN_STEP,
            ),
            Step(
                "correct_mark",
                "Correct the mark in the MIS: L before the register closes, U after. mis-bridge "
                "never writes a mark.",
                "office",
                None,
                WTTISA,
            ),
        ),
        "feed_blind": (
            Step(
                "watch_by_hand",
                "Watch the registers in the MIS itself: no alert can be raised until this is over.",
                "office",
                None,
                OWN_STEP,
            ),
            Step(
                "mend_feed",
                "See to the connection; mis-bridge check says what is wrong and what to do.",
                "IT",
                None,
                OWN_STEP,
            ),
        ),
        **OF_STRIPS,
        **OF_THE_ROLL,
    }
)
"""Steps by protocol id where no authority has set its own."""


def protocol_of(protocols: Mapping[str, tuple[Step, ...]] | None, name: str) -> tuple[Step, ...]:
    """Return the steps of a protocol, the national ones where ``protocols`` is None; or none."""
    return (protocols or NATIONAL).get(name, ())


def start_steps(
    steps: Sequence[Step], opened: datetime, years: SchoolYears = _NO_CALENDAR
) -> tuple[StepState, ...]:
    """Copy a protocol into an incident.

    Args:
        steps: the protocol.
        opened: when people are first told, aware; deadlines after opening count from it.
        years: the school's calendars, for deadlines in school days.
    """
    return tuple(
        StepState(
            step.id,
            step.text,
            step.who,
            step.due_at(opened, years) if step.after is Clock.OPENED else None,
            step.source,
            step.after.value,
        )
        for step in steps
    )


def found_steps(
    states: Sequence[StepState],
    steps: Sequence[Step],
    found: datetime,
    years: SchoolYears = _NO_CALENDAR,
) -> tuple[StepState, ...]:
    """Give the steps that count from the return their deadlines.

    Args:
        states: the incident's steps.
        steps: the protocol that they were copied from.
        found: when the pupil was seen again, aware.
        years: the school's calendars, for deadlines in school days.
    """
    due = {step.id: step.due_at(found, years) for step in steps if step.after is Clock.FOUND}
    return tuple(
        replace(state, due_at=due_at)
        if (due_at := due.get(state.id)) is not None and state.done_at is None
        else state
        for state in states
    )
