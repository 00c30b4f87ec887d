"""The record of an incident as a document: what a DSL puts into the child's file.

What happened comes first, then what was done, then who was told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mis_bridge.incidents.chain_words import listed
from mis_bridge.incidents.reason_words import because
from mis_bridge.messages.package_model import Field, PackageData, Section, Table
from mis_bridge.messages.package_sections import day_text, moment_text, year_group_text

if TYPE_CHECKING:
    from datetime import datetime

    from mis_bridge.messages.record_model import IncidentRecord

__all__ = ["KIND", "record_document"]

KIND: Final = "incident_record"
_DIGITS: Final = 8
"""Of each hash so many hexadecimal digits are printed; the JSON file has all of them."""

_WORDS: Final = {
    "accepted": "accepted: the channel took it, nobody knows that a person saw it",
    "cancelled": "not sent any more",
    "failed": "refused",
    "pending": "waits",
    "sending": "being sent",
}


def record_document(record: IncidentRecord) -> PackageData:
    """Lay a record out as sections and tables for ``documents.pdf``."""
    sections = (*_child(record), _noticed(record), _ended(record), _why(record), _proof(record))
    tables = (
        _evidence(record),
        _marks(record),
        _steps(record),
        _talks(record),
        _notes(record),
        _history(record),
        _messages(record),
        _unsent(record),
    )
    return PackageData(
        kind=KIND,
        title=f"Record of an incident: {record.title}",
        basis=(
            "Written by mis-bridge from what it has stored. It is confidential, and belongs into "
            "the child's file and nowhere else."
        ),
        reference=record.reference,
        version=1,
        prepared_at=record.taken_at,
        school_name=record.school_name,
        authority_name="",
        recipient=f"the child's file, taken out by {record.taken_by}",
        sections=sections,
        tables=tuple(table for table in tables if table.rows),
    )


def _child(record: IncidentRecord) -> tuple[Section, ...]:
    child = record.child
    if child is None:
        return ()
    return (
        Section(
            "Child",
            (
                Field("child.surname", "Surname", child.surname),
                Field("child.forename", "Forename", child.forename),
                Field("child.dob", "Date of birth", day_text(child.dob)),
                Field("child.upn", "UPN", child.upn),
                Field("child.form", "Form", child.form),
                Field("child.year", "Year group", year_group_text(child.year_group)),
            ),
        ),
    )


def _noticed(record: IncidentRecord) -> Section:
    place = f"{day_text(record.day)}{f', {record.slot}' if record.slot else ''}"
    return Section(
        "What was noticed",
        (
            Field("noticed.what", "What", record.sentence),
            Field("noticed.uncertain", "What is not certain", record.uncertain or "nothing noted"),
            Field("noticed.when", "Day, lesson or session", place),
            Field("noticed.raised", "Raised", moment_text(record.opened_at)),
            Field("noticed.severity", "Severity", f"{record.severity}, level {record.level}"),
        ),
    )


def _ended(record: IncidentRecord) -> Section:
    over = moment_text(record.closed_at) if record.closed_at else "not ended"
    fields = [Field("ended.at", "Ended", over)]
    if record.closed_at:
        fields += [
            Field("ended.how", "How", record.ending or record.outcome.replace("_", " ")),
            Field("ended.by", "Ended by", record.closed_by),
        ]
    if record.owner:
        fields.append(Field("ended.owner", "Seen to by", record.owner))
    return Section("How it stands", tuple(fields))


def _why(record: IncidentRecord) -> Section:
    rule = record.rule
    numbers = "\n".join(f"{name} = {_value(value)}" for name, value in rule.parameters.items())
    facts = "\n".join(f"{name.replace('_', ' ')}: {value}" for name, value in record.facts.items())
    return Section(
        "Why it was noticed",
        (
            Field("why.rule", "Rule", rule.meaning or rule.trigger),
            Field("why.source", "Its source", rule.source or "none is recorded"),
            Field("why.numbers", "Settings in force today", numbers or "none"),
            Field("why.facts", "Numbers behind it", facts or "none"),
        ),
    )


def _value(value: object) -> str:
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(sorted(map(str, value)))
    return str(value)


def _proof(record: IncidentRecord) -> Section:
    if not record.chain_holds:
        holds = "NO: a line was changed or taken away, see mis-bridge audit verify"
    elif record.chain_accepted:
        holds = "yes, but for what a person has accepted"
    else:
        holds = "yes: no line was changed or taken away"
    return Section(
        "Proof",
        (
            Field("proof.holds", "The school's history holds", holds),
            *(
                Field(
                    f"proof.accepted.{place}",
                    f"Line {one.number}",
                    f"{one.what}. Accepted by {one.who} on {moment_text(one.at)}: {one.why}",
                )
                for place, one in enumerate(record.chain_accepted, 1)
            ),
            Field("proof.lines", "Lines in it", str(record.chain_lines)),
            Field("proof.hash", "Hash of its last line", record.chain_hash),
        ),
    )


def _evidence(record: IncidentRecord) -> Table:
    rows = tuple((_at(at), where, what) for at, where, what in record.evidence)
    return Table("evidence", "What the registers showed", ("When", "Where", "What"), rows)


def _marks(record: IncidentRecord) -> Table:
    rows = tuple((mark.when, mark.marks, mark.meaning, mark.known) for mark in record.marks)
    columns = ("When", "Mark", "Meaning", "Saved at")
    return Table("marks", "Marks as they stand now", columns, rows)


def _steps(record: IncidentRecord) -> Table:
    rows = tuple(
        (
            step.text,
            step.who,
            _at(step.due_at),
            f"{_at(step.done_at)}, {step.done_by}" if step.done_at else "not recorded as done",
            step.note,
        )
        for step in record.steps
    )
    return Table("steps", "Steps", ("Step", "Who", "By", "Done", "Remark"), rows)


def _talks(record: IncidentRecord) -> Table:
    rows = tuple(
        (step.text, step.talk.outcome, step.talk.pushed, step.talk.pulled)
        for step in record.steps
        if step.talk
    )
    columns = ("Talk", "What came of it", "What pushed the child", "What pulled the child")
    return Table("talks", "Talks with the child", columns, rows)


def _notes(record: IncidentRecord) -> Table:
    rows = tuple((_at(note.at), note.author, note.kind, note.text) for note in record.notes)
    return Table("notes", "Noted of the child", ("When", "Who", "Kind", "What"), rows)


def _history(record: IncidentRecord) -> Table:
    rows = tuple(
        (
            str(line.number),
            _at(line.at),
            line.actor,
            _plain(line.act) + (f" ({_plain(line.reason)})" if line.reason else ""),
            line.body,
            line.hash[:_DIGITS],
        )
        for line in record.history
    )
    columns = ("Line", "When", "Who", "Act", "What", "Hash")
    return Table("history", "Every act", columns, rows)


def _messages(record: IncidentRecord) -> Table:
    rows = tuple(
        (
            _at(one.at),
            _plain(one.reason),
            listed((one.audience,), None),
            one.channel,
            _WORDS.get(one.state, one.state)
            + (f", {_at(one.finished_at)}" if one.finished_at else ""),
            str(len(one.tries)),
        )
        for one in record.messages
    )
    columns = ("Decided", "Why", "To", "By", "Outcome", "Tries")
    return Table("messages", "Messages", columns, rows)


def _unsent(record: IncidentRecord) -> Table:
    rows = tuple((_at(one.at), because(one.reason)) for one in record.unsent)
    return Table("unsent", "Not sent, and why", ("When", "Why not"), rows)


def _plain(name: str) -> str:
    return name.replace("_", " ")


def _at(moment: datetime | None) -> str:
    return moment_text(moment) if moment else ""
