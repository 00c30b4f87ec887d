"""Reports about one pupil: a missing incident, an early help prompt, a looked-after child's copy.

Source: the missing incident, Cheshire East's guidance for schools on missing children (2017). The
other two are this product's own forms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mis_bridge.errors import PackageRefused
from mis_bridge.incidents.interviews import OUTCOME_WORDS
from mis_bridge.messages.package_form import package
from mis_bridge.messages.package_model import Field, Table
from mis_bridge.messages.package_sections import (
    day_text,
    marks_table,
    moment_text,
    pupil_section,
    sender_section,
    status_section,
    year_fields,
)
from mis_bridge.registers.absence import is_persistent_live, is_severe

if TYPE_CHECKING:
    from mis_bridge.messages.package_form import Case
    from mis_bridge.messages.package_model import PackageData
    from mis_bridge.registers.absence import SessionCounts

__all__ = ["absence_words", "early_help", "episode_tables", "looked_after_copy", "missing_incident"]

_MISSING = frozenset({"missing_during_day", "internal_truancy"})


def missing_incident(case: Case) -> PackageData:
    """Prepare the report of a missing incident: what happened, and each step with who and when.

    Raises:
        PackageRefused: the incident is about something else, or an answer to a field that the
            form does not have.
    """
    incident = case.incident
    if incident is None or incident.family not in _MISSING:
        raise PackageRefused(
            "only an incident about a child missing during the day has such a report: name its "
            "reference"
        )
    ended = moment_text(incident.closed_at) if incident.closed_at else ""
    sections = (
        pupil_section(case),
        case.section(
            "What happened",
            Field("incident.day", "Day", day_text(incident.day), True),
            Field("incident.noticed", "Noticed", moment_text(incident.opened_at), True),
            Field("incident.place", "Lesson or session", incident.slot),
            Field("incident.account", "What the registers say", incident.sentence, True),
            Field("incident.uncertain", "What is not certain", incident.uncertain),
            Field("incident.account_people", "What people say", hint="teacher, friends, family"),
            Field("incident.risk", "Why there was reason for concern, if any"),
        ),
        case.section(
            "How it ended",
            Field("incident.ended", "Ended", ended, True, "when the child was found"),
            Field("incident.ending", "How", incident.ending, True),
            Field("incident.where", "Where the child was", needed=True),
            Field("incident.police", "Police: reference, who reported it, who confirmed it"),
            Field("incident.interview", "Return interview: offered, and by whom", _offered(case)),
            Field("incident.pushed", "What pushed the child away", _of_talks(case, "pushed")),
            Field("incident.pulled", "What pulled the child there", _of_talks(case, "pulled")),
        ),
        status_section(case),
        sender_section(case),
    )
    happened = Table(
        "evidence",
        "What the registers show",
        ("When", "Where", "What"),
        tuple((moment_text(e.at) if e.at else "", e.slot, e.what) for e in incident.evidence),
    )
    steps = Table(
        "steps",
        "Steps taken",
        ("Step", "To be done by", "Done", "By whom", "Note"),
        tuple(
            (
                step.text,
                f"{step.who}, {moment_text(step.due_at)}" if step.due_at else step.who,
                moment_text(step.done_at) if step.done_at else "not recorded as done",
                step.done_by,
                step.note,
            )
            for step in incident.steps
        ),
    )
    return package("missing_incident", case, sections, (happened, steps))


def _offered(case: Case) -> str:
    """The return interview as far as a person has written down what came of it."""
    steps = case.incident.steps if case.incident else ()
    return "; ".join(
        f"{OUTCOME_WORDS.get(step.interview.outcome, step.interview.outcome)}, "
        f"{moment_text(step.done_at)}, {step.done_by}"
        for step in steps
        if step.id == "return_interview" and step.interview and step.done_at
    )


def _of_talks(case: Case, what: str) -> str:
    """What a child said in the talks that were held, each in its own words."""
    talks = [step.interview for step in (case.incident.steps if case.incident else ())]
    said = [getattr(talk, what) for talk in talks if talk]
    return "\n".join(dict.fromkeys(text for text in said if text))


def early_help(case: Case) -> PackageData:
    """Prepare a prompt for the needs assessment: what the registers show, and what they can not.

    Raises:
        PackageRefused: an answer to a field that the form does not have.
    """
    sections = (
        pupil_section(case),
        case.section("Attendance", *_attendance(case)),
        status_section(case),
        case.section(
            "What only people know",
            Field("help.child", "What the child says", needed=True),
            Field("help.parents", "What the parents say", needed=True),
            Field(
                "help.barriers",
                "What stands in the way",
                needed=True,
                hint="health, learning, friends, home, money, the way to school",
            ),
            Field("help.tried", "What was tried or offered, and what came of it", needed=True),
            Field("help.agreed", "Whether the parents agree to an assessment", needed=True),
            Field("help.lead", "Who leads the assessment"),
        ),
        sender_section(case),
    )
    return package("early_help", case, sections, (*episode_tables(case), marks_table(case)))


def looked_after_copy(case: Case) -> PackageData:
    """Prepare the copy for the designated teacher and the virtual school.

    Raises:
        PackageRefused: the MIS does not call the child looked after, or an answer to a field that
            the form does not have.
    """
    if "lac" not in case.pupil.flags:
        raise PackageRefused("the MIS does not say that this child is looked after")
    incident = case.incident
    sections = (
        pupil_section(case),
        case.section(
            "Care",
            Field("care.began", "In care since", day_text(case.pupil.care_began)),
            Field("care.authority", "Authority that looks after the child", needed=True),
            Field("status.social_worker", "Social worker, name and telephone", needed=True),
        ),
        case.section("Attendance", *_attendance(case)),
        case.section(
            "This matter",
            Field("incident.account", "What was noticed", incident.sentence if incident else ""),
            Field("incident.ending", "How it ended", incident.ending if incident else ""),
        ),
        case.section(
            "What was offered",
            Field("offered.support", "Support offered, and what came of it", needed=True),
            Field("offered.interview", "Return interviews offered and taken"),
        ),
        sender_section(case),
    )
    return package("looked_after_copy", case, sections, (*episode_tables(case), marks_table(case)))


def episode_tables(case: Case) -> tuple[Table, Table]:
    """What was noticed about the pupil this school year, and what people did."""
    noticed = Table(
        "episodes",
        "Noticed this school year",
        ("Day", "What", "How it ended"),
        tuple((day_text(e.day), e.what, e.ended or "not ended") for e in case.episodes),
    )
    done = Table(
        "actions",
        "What was done",
        ("When", "Who", "What"),
        tuple(
            (moment_text(step.at), step.who, step.what)
            for step in sorted(
                (step for e in case.episodes for step in e.done), key=lambda step: step.at
            )
        ),
    )
    return noticed, done


def absence_words(counts: SessionCounts) -> str:
    """Return ``severe``, ``persistent``, or empty; by the rule of live national data."""
    if is_severe(counts.possible, counts.absent) and is_persistent_live(
        counts.possible, counts.absent
    ):
        return "severe"
    return "persistent" if is_persistent_live(counts.possible, counts.absent) else ""


def _attendance(case: Case) -> tuple[Field, ...]:
    counts = case.absence.counts
    fields = year_fields(case.absence)
    if counts is None or counts.rate is None:
        return fields
    return (
        *fields,
        Field("year.rate", "Absence in per cent", f"{counts.rate:.1f}"),
        Field("year.level", "Level of absence", absence_words(counts) or "below persistent"),
        Field("absence.last_attended", "Last attended", day_text(case.absence.last_attended)),
    )
