"""What a stream can be made of: its fields, their types, and which it can not be without."""

from __future__ import annotations

from typing import Final

__all__ = ["FIELDS", "JOINS", "LOOKUPS", "REQUIRED", "STREAMS"]

_PUPIL: Final = {
    "upn": "text", "surname": "text", "forename": "text", "dob": "date", "sex": "text",
    "year_group": "year", "form": "text", "admission": "date", "leaving": "date",
    "destination": "text", "lac": "flag", "cp": "flag", "cin": "flag", "ehcp": "flag",
    "sen": "flag", "send_risk": "flag", "yot": "flag", "missing_before": "flag",
    "care_began": "date",
}  # fmt: skip

FIELDS: Final[dict[str, dict[str, str]]] = {
    "codes": {"id": "text", "code": "text", "meaning": "text"},
    "periods": {
        "id": "text", "name": "text", "starts": "clock", "ends": "clock", "weekday": "weekday",
    },
    "timetable": {
        "id": "text", "day": "date", "starts": "clock", "ends": "clock", "period": "text",
        "register": "text", "session": "session",
    },
    "details": {"id": "text", **_PUPIL},
    "pupils": {"pupil": "text", **_PUPIL},
    "history": {"pupil": "text", "first_day": "date", "last_day": "date", "marks": "packed"},
    "sessions": {
        "pupil": "text", "day": "date", "session": "session", "code": "text",
        "recorded": "datetime", "meaning": "text", "event": "text",
    },
    "lessons": {
        "pupil": "text", "code": "text", "lesson": "text", "day": "date", "starts": "clock",
        "ends": "clock", "period": "text", "recorded": "datetime", "register": "text",
        "meaning": "text", "completed": "datetime",
    },
    "events": {"pupil": "text", "at": "datetime", "kind": "text", "reason": "text"},
    "deletions": {"stream": "text", "key": "text", "restored": "datetime"},
}  # fmt: skip
"""Stream -> field -> type of its values. The streams stand in the order in which they are read."""

LOOKUPS: Final = ("codes", "periods", "timetable", "details")
"""Streams that are read for the joins of others and give out no records."""

STREAMS: Final = ("pupils", "history", "sessions", "lessons", "events", "deletions")
"""Streams that give out records, in the order in which they are read."""

REQUIRED: Final[dict[str, tuple[str, ...]]] = {
    "pupils": ("pupil",),
    "details": ("id",),
    "codes": ("id", "code"),
    "periods": ("id",),
    "timetable": ("id",),
    "history": ("pupil", "first_day", "marks"),
    "sessions": ("pupil", "code"),
    "lessons": ("pupil", "code"),
    "events": ("pupil", "at", "kind"),
    "deletions": ("stream", "key"),
}
"""Stream -> fields without which a record is nothing."""

JOINS: Final = {
    ("history", "marks"): "codes",
    ("sessions", "code"): "codes",
    ("sessions", "event"): "timetable",
    ("lessons", "code"): "codes",
    ("lessons", "lesson"): "timetable",
    ("lessons", "period"): "periods",
    ("timetable", "period"): "periods",
}
"""(stream, field) -> the lookup that its values may be ids of."""
