"""What a record of an incident holds: everything that is stored of it, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

__all__ = [
    "RECORD_VERSION",
    "Child",
    "HistoryLine",
    "IncidentRecord",
    "MarkRow",
    "NoteLine",
    "Rule",
    "SentMessage",
    "TalkLine",
    "TaskLine",
    "Try",
    "Unsent",
]

RECORD_VERSION: Final = 1
"""Of the record's JSON form; one more where a field changes its meaning or goes away."""


@dataclass(frozen=True, slots=True)
class Child:
    """Whom the incident is about, as the MIS last said; empty or None where it did not."""

    upn: str = ""
    surname: str = ""
    forename: str = ""
    dob: date | None = None
    form: str = ""
    year_group: int | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """Why it was noticed: the trigger's meaning, its source, and the numbers that were in force."""

    trigger: str
    meaning: str = ""
    never_for: str = ""
    source: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MarkRow:
    """A mark behind it; see ``service.marks_behind.MarkLine``."""

    when: str
    marks: str
    meaning: str = ""
    known: str = ""


@dataclass(frozen=True, slots=True)
class Try:
    """One attempt to send a message; ``finished_at`` is None while it is under way."""

    number: int
    started_at: datetime
    finished_at: datetime | None
    result: str
    detail: str


@dataclass(frozen=True, slots=True)
class SentMessage:
    """One message to one channel: why, to whom, and what became of it."""

    at: datetime
    reason: str
    audience: str
    channel: str
    state: str
    finished_at: datetime | None
    detail: str
    tries: tuple[Try, ...] = ()


@dataclass(frozen=True, slots=True)
class Unsent:
    """That nobody was told, and why."""

    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class TalkLine:
    """What came of a talk with the child, in words, and what pushed and pulled the child."""

    outcome: str
    pushed: str = ""
    pulled: str = ""


@dataclass(frozen=True, slots=True)
class TaskLine:
    """A step of the protocol."""

    id: str
    text: str
    who: str
    due_at: datetime | None
    done_at: datetime | None
    done_by: str
    note: str
    reminded_at: datetime | None
    source: str
    talk: TalkLine | None = None


@dataclass(frozen=True, slots=True)
class NoteLine:
    """What somebody noted of the child, before or after."""

    at: datetime
    author: str
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """A line of the history with its place in the school's chain, and the chain's hashes."""

    number: int
    at: datetime
    actor: str
    act: str
    reason: str
    body: str
    prev: str
    hash: str


@dataclass(frozen=True, slots=True)
class AcceptedLine:
    """A place where the history is not as it was written, who has accepted it, when and why."""

    number: int
    what: str
    at: datetime
    who: str
    why: str


@dataclass(frozen=True, slots=True)
class IncidentRecord:
    """The whole record.

    Args:
        taken_at, taken_by: when and by whom it was taken out.
        school, school_name: id and name.
        reference, id: of the incident.
        title: what it is called.
        child: whom it is about, None where it is about a register or a feed.
        state, severity, level, owner: as it stands.
        day, slot: the school day, and the session or lesson.
        opened_at: when it was raised.
        closed_at, closed_by, outcome, ending: how it ended, empty or None while it has not.
        sentence: what was noticed; ``uncertain`` what made it less than certain.
        facts: the numbers behind it.
        evidence: (when, where, what) in time order.
        rule: why it was noticed.
        marks: as they stand now.
        steps, messages, unsent, notes, history: see there.
        chain_lines, chain_hash: the school's chain when the record was taken: its length and the
            hash of its last line.
        chain_holds: whether the whole chain was found as it was written, but for what was accepted.
        chain_accepted: where it was not, and a person has accepted it.
    """

    taken_at: datetime
    taken_by: str
    school: str
    school_name: str
    reference: str
    id: str
    title: str
    child: Child | None
    state: str
    severity: str
    level: int
    owner: str
    day: date
    slot: str
    opened_at: datetime
    closed_at: datetime | None
    closed_by: str
    outcome: str
    ending: str
    sentence: str
    uncertain: str
    facts: Mapping[str, int | str]
    evidence: tuple[tuple[datetime | None, str, str], ...]
    rule: Rule
    marks: tuple[MarkRow, ...]
    steps: tuple[TaskLine, ...]
    messages: tuple[SentMessage, ...]
    unsent: tuple[Unsent, ...]
    notes: tuple[NoteLine, ...]
    history: tuple[HistoryLine, ...]
    chain_lines: int
    chain_hash: str
    chain_holds: bool
    chain_accepted: tuple[AcceptedLine, ...] = ()
