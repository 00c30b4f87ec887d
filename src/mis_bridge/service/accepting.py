"""A person accepts that the history does not hold at a place, and says why.

Nothing of the history is mended or deleted for it: the school's chain gets a line that names the
break as it stands (``store.audit_proof``). From then on nobody is told of it, and everybody who
looks sees it with who accepted it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mis_bridge.errors import OperatorError
from mis_bridge.incidents.model import Act, AuditEntry
from mis_bridge.incidents.said import named, worded
from mis_bridge.store import audit, audit_proof, self_check

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from mis_bridge.store.audit_proof import Break

__all__ = ["accept"]

_LISTED: Final = 5


def accept(
    tx: Connection,
    school: str,
    who: str,
    why: str,
    now: datetime,
    names: Collection[str] = (),
    *,
    everything: bool = False,
) -> list[Break]:
    """Accept breaks of a school's history as they stand now.

    Args:
        tx: the transaction.
        school: whose history, or ``audit.INSTALLATION``.
        who: who accepts them.
        why: how they came about; no name of a pupil.
        now: aware.
        names: which (``Break.name``); may be empty where there is only one.
        everything: all that there are.

    Returns:
        What was accepted, by line.

    Raises:
        IncidentError: nobody is named, or what is said can not be kept (``incidents.said``).
        OperatorError: no reason is given, there is no such break any more, or
            there are more and it was not said which.
    """
    who = named(who, "say who accepts it: the history needs a person")
    why = worded(why, "the reason")
    if not why:
        raise OperatorError("say why it is accepted: the history keeps the reason")
    audit.hold(tx, school)
    chosen = _chosen(school, audit_proof.verify(tx, school), names, everything=everything)
    lines = [
        AuditEntry(now, who, "", Act.BREAK_ACCEPTED, "", audit_proof.acceptance_body(one, why))
        for one in chosen
    ]
    if any(one.kind is audit_proof.Kind.TAKEN_AWAY for one in chosen):
        # A line of its own for each incident: it is seen in its record, and found lost no more.
        body = f"The history of its beginning is lost. Accepted: {why}"
        lines += [
            AuditEntry(now, who, incident, Act.BREAK_ACCEPTED, "", body)
            for incident in audit_proof.untold(tx, school).get(school, ())
        ]
    audit.append(tx, school, lines)
    self_check.settle(tx, [one.seal for one in chosen])
    return chosen


def _chosen(
    school: str, found: Sequence[Break], names: Collection[str], *, everything: bool
) -> list[Break]:
    """Find out which breaks are meant."""
    if not found:
        raise OperatorError(f"{school}: its history holds, there is nothing to accept")
    listed = "; ".join(f"{one.name} (line {one.number}: {one.what})" for one in found[:_LISTED])
    if len(found) > _LISTED:
        listed += f"; and {len(found) - _LISTED} more, see mis-bridge audit verify"
    by_name = {one.name: one for one in found}
    gone = sorted({name.lower() for name in names} - set(by_name))
    if gone:
        raise OperatorError(
            f"{school}: there is no break {', '.join(gone)}; look again at what there is now: "
            f"{listed}"
        )
    if names:
        return [one for one in found if one.name in {name.lower() for name in names}]
    if len(found) > 1 and not everything:
        raise OperatorError(
            f"{school}: say by --break which of {len(found)} is accepted, or --all: {listed}"
        )
    return list(found)
