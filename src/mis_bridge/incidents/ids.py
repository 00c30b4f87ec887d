"""Names that follow from content: the same episode always has the same id and reference.

Deciding twice about the same registers therefore finds the incident it made the first time, and
inserting an outbox row twice inserts it once.
"""

from __future__ import annotations

import hashlib
import json

__all__ = ["REFERENCE_PATTERN", "incident_id", "outbox_id", "reference"]

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # no I, L, O, U: it is read out over telephones
_GROUP = 4
REFERENCE_PATTERN = rf"MB-[{_ALPHABET}]{{{_GROUP}}}-[{_ALPHABET}]{{{_GROUP}}}"


def _digest(*parts: str) -> str:
    # A JSON list keeps ("a", "bc") and ("ab", "c") apart, whatever the parts hold.
    return hashlib.sha256(json.dumps(parts, ensure_ascii=True).encode("ascii")).hexdigest()


def incident_id(school: str, family: str, pupil: str, key: str) -> str:
    """Return the id of an episode: 64 hexadecimal digits."""
    return _digest("incident", school, family, pupil, key)


def reference(identity: str) -> str:
    """Return what people call an incident, ``MB-XXXX-XXXX``, from its id.

    Forty bits: in a school with 10,000 incidents a year the chance that any two share a reference
    is one in 20,000; the id stays the key.
    """
    number = int(identity[:10], 16)
    letters = "".join(
        _ALPHABET[(number >> shift) & 0x1F] for shift in range(5 * (2 * _GROUP - 1), -1, -5)
    )
    return f"MB-{letters[:_GROUP]}-{letters[_GROUP:]}"


def outbox_id(about: str, reason: str, audience: str, channel: str, revision: int) -> str:
    """Return the id of one message to one channel; the same over every attempt to send it.

    Args:
        about: the incident's id, or the id of its package where the message is about that.
        reason: why the message is sent, a value of ``incidents.reasons.Reason``.
        audience: who is told.
        channel: name of the channel in the settings.
        revision: the incident's revision that the message tells of.
    """
    return _digest("outbox", about, reason, audience, channel, str(revision))
