"""Who a pupil is, as far as a message may need it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mis_bridge.messages.model import PupilIdentity
from mis_bridge.messages.pupil_label import pupil_label
from mis_bridge.registers.calendar import LONDON
from mis_bridge.store import pupils

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from mis_bridge.adapters.records import PupilRecord
    from mis_bridge.messages.model import Disclosure

__all__ = ["identity_of", "known_as"]


def identity_of(record: PupilRecord) -> PupilIdentity:
    """Give of what the MIS says of a pupil as much as a message may need."""
    return PupilIdentity(
        pupil=record.pupil,
        surname=record.surname,
        forename=record.forename,
        form=record.form,
        year_group=record.year_group,
    )


def known_as(
    tx: Connection, school: str, record: PupilRecord | None, disclosure: Disclosure, now: datetime
) -> PupilIdentity | None:
    """Say who a pupil is, and how many of the form a message would call the same.

    Args:
        tx: to read in.
        school: whose pupil it is.
        record: what the MIS says, or None where it says nothing.
        disclosure: what the message may say.
        now: aware.
    """
    if record is None:
        return None
    who = identity_of(record)
    called = pupil_label(who, disclosure)
    mates = pupils.of_form(tx, school, record.form, now.astimezone(LONDON).date())
    alike = sum(
        pupil_label(identity_of(mate), disclosure) == called
        for mate in mates
        if mate.pupil != record.pupil
    )
    return replace(who, alike=alike) if called else who
