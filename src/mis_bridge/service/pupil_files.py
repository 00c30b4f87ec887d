"""What a person does with a pupil's file: note something, look at the notes, give it out."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from mis_bridge.errors import IncidentError
from mis_bridge.incidents.model import Act, AuditEntry
from mis_bridge.incidents.pupil_notes import KIND_WORDS, new_note
from mis_bridge.incidents.said import named
from mis_bridge.service import pupil_lists
from mis_bridge.service.people import find
from mis_bridge.store import audit, pupil_data, pupil_notes, pupil_traces, pupils

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from mis_bridge.incidents.pupil_notes import PupilNote

__all__ = ["export", "find_pupil", "note", "notes"]


def find_pupil(tx: Connection, school: str, name: str) -> str:
    """The MIS's id of a pupil, of one who is on no roll and has marks too.

    Args:
        tx: the transaction.
        school: the school's id.
        name: the id in the MIS, the UPN, or the reference of an incident about the pupil.

    Raises:
        IncidentError: nobody has this id, or two pupils share the UPN.
    """
    if name.upper().startswith("MB-"):
        incident = find(tx, name)
        if incident.school == school and incident.pupil:
            return incident.pupil
        raise IncidentError(f"{incident.reference} is about no pupil of {school}")
    called = pupils.called(tx, school, name)
    if len(called) > 1:
        raise IncidentError("two pupils have this UPN: name one by the MIS's pupil id")
    if not called and pupil_data.is_stored(tx, school, name):
        return name
    if not called:
        raise IncidentError(
            f"no pupil of {school} has this id or UPN; name the MIS's pupil id, the UPN, or the "
            "reference of an incident"
        )
    return called[0]


def note(
    tx: Connection, school: str, name: str, who: str, now: datetime, kind: str, text: str
) -> PupilNote:
    """Note something of a pupil; it stands beside the next alert, its kind and date only.

    Args:
        tx: the transaction.
        school: the school's id.
        name: as ``find_pupil``.
        who: who notes it.
        now: aware.
        kind: a value of ``NoteKind``.
        text: in the author's words; in no message.

    Raises:
        IncidentError: there is no such pupil, or the note makes no sense.
    """
    pupil = find_pupil(tx, school, name)
    beside = find(tx, name).id if name.upper().startswith("MB-") else ""
    made = new_note(uuid.uuid4().hex, pupil, who, now, kind, text, beside)
    pupil_notes.add(tx, school, made)
    body = f"Noted of a pupil: {KIND_WORDS[made.kind]}."
    _write(tx, school, made.author, now, Act.PUPIL_NOTED, body, beside)
    return made


def notes(tx: Connection, school: str, name: str) -> list[PupilNote]:
    """The notes on a pupil, the newest first; arguments as ``find_pupil``."""
    return pupil_notes.of_pupil(tx, school, find_pupil(tx, school, name))


def export(tx: Connection, school: str, name: str, who: str, now: datetime) -> dict[str, Any]:
    """All that is stored of a pupil; that it was given out is written in the history.

    Args:
        tx: the transaction.
        school: the school's id.
        name: as ``find_pupil``.
        who: who gives it out.
        now: aware.

    Raises:
        IncidentError: there is no such pupil, or nobody is named.
    """
    who = named(who, "say who gives it out: the history needs a person")
    pupil = find_pupil(tx, school, name)
    _write(tx, school, who, now, Act.EXPORTED, "All that is stored of a pupil was given out.")
    held = pupil_data.everything(tx, school, pupil)
    names = pupil_traces.named(tx, school, pupil)
    lists = [pupil_lists.said_in(one, names) for one in pupil_lists.naming(tx, school, names)]
    given = {"school": school, "pupil": pupil, "given_out_at": now, "given_out_by": who}
    return {**given, **held, "lists": lists}


def _write(
    tx: Connection, school: str, who: str, now: datetime, act: Act, body: str, incident: str = ""
) -> None:
    audit.append(tx, school, [AuditEntry(now, who, incident, act, "", body)])
