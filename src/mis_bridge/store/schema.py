"""All tables. Every key starts with the school, so that they can be partitioned by it.

Three tables belong to the installation and not to a school: ``channel_state``, ``meta`` and
Alembic's own. Rows about schools that an installation no longer watches stay until they are erased.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    false,
)

from mis_bridge.store.columns import Instant

__all__ = ["HEAD", "metadata"]

HEAD = "0006"
"""Revision of the schema below; the newest file in ``migrations/versions``."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# Most rows are small and read by key: on SQLite they live in the key's own tree (WITHOUT ROWID).
_BY_KEY: dict[str, Any] = {"sqlite_with_rowid": False}

# ---- what is watched

schools = Table(
    "schools",
    metadata,
    Column("school", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("adapter", Text, nullable=False),
    Column("watched", Boolean, nullable=False),
    **_BY_KEY,
)

feeds = Table(
    "feeds",
    metadata,
    Column("school", Text, ForeignKey("schools.school"), primary_key=True),
    Column("state", Text, nullable=False),
    Column("state_since", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("sweep_at", Instant),
    Column("last_good_at", Instant),
    Column("last_attempt_at", Instant),
    Column("failures", Integer, nullable=False),
    Column("problem", Text, nullable=False),
    Column("advice", Text, nullable=False),
    Column("resume", Text, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("holder", Text, nullable=False),
    Column("lease_until", Instant),
    Index(None, "due_at"),
    **_BY_KEY,
)

pupils = Table(
    "pupils",
    metadata,
    Column("school", Text, primary_key=True),
    Column("pupil", Text, primary_key=True),
    Column("upn", Text, nullable=False),
    Column("surname", Text, nullable=False),
    Column("forename", Text, nullable=False),
    Column("dob", Date),
    Column("sex", Text, nullable=False),
    Column("year_group", SmallInteger),
    Column("form", Text, nullable=False),
    Column("admission", Date),
    Column("leaving", Date),
    Column("destination", Text, nullable=False),
    Column("flags", Text, nullable=False),
    Column("care_began", Date),
    Column("gone_at", Instant),
    Index(None, "upn"),
    **_BY_KEY,
)

# ---- marks

strips = Table(
    "strips",
    metadata,
    Column("school", Text, primary_key=True),
    Column("year", SmallInteger, primary_key=True),
    Column("pupil", Text, primary_key=True),
    Column("marks", LargeBinary, nullable=False),
    **_BY_KEY,
)

day_plan = Table(
    "day_plan",
    metadata,
    Column("school", Text, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("slots", Text, nullable=False),
    Column("registers", Text, nullable=False),
    **_BY_KEY,
)

day_sheet = Table(
    "day_sheet",
    metadata,
    Column("school", Text, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("pupil", Text, primary_key=True),
    Column("entries", LargeBinary, nullable=False),
    Column("saved", LargeBinary, nullable=False),
    **_BY_KEY,
)

day_event = Table(
    "day_event",
    metadata,
    Column("school", Text, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("pupil", Text, primary_key=True),
    Column("at", Instant, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("reason", Text, nullable=False),
    **_BY_KEY,
)

mark_change = Table(
    "mark_change",
    metadata,
    Column("school", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("pupil", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("slot", Text, nullable=False),
    Column("old", SmallInteger, nullable=False),
    Column("new", SmallInteger, nullable=False),
    Column("recorded", Instant),
    Column("seen_at", Instant, nullable=False),
    Index(None, "school", "day"),
    **_BY_KEY,
)

register_seen = Table(
    "register_seen",
    metadata,
    Column("school", Text, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("slot", Text, primary_key=True),
    Column("register", Text, primary_key=True),
    Column("seen_at", Instant, nullable=False),
    Column("taken_at", Instant),
    **_BY_KEY,
)

sweep_seen = Table(
    "sweep_seen",
    metadata,
    Column("school", Text, primary_key=True),
    Column("stream", Text, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("pupil", Text, primary_key=True),
    Column("seen", LargeBinary, nullable=False),
    **_BY_KEY,
)

page_digest = Table(
    "page_digest",
    metadata,
    Column("school", Text, primary_key=True),
    Column("page", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("seen_at", Instant, nullable=False),
    **_BY_KEY,
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("school", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("stream", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("problem", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("read_from", Date),
    Column("resolved_at", Instant),
    **_BY_KEY,
)

dirty = Table(
    "dirty",
    metadata,
    Column("school", Text, primary_key=True),
    Column("scope", Text, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("due_at", Instant),
    Column("failing_since", Instant),
    Index(None, "due_at"),
    **_BY_KEY,
)

# ---- what was noticed

incidents = Table(
    "incidents",
    metadata,
    Column("school", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("reference", Text, nullable=False),
    Column("pupil", Text, nullable=False),
    Column("family", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("level", SmallInteger, nullable=False),
    Column("trigger", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("audience", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("slot", Text, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("closed_at", Instant),
    Column("revision", Integer, nullable=False),
    Column("owner", Text, nullable=False),
    Column("ack_expires_at", Instant),
    Column("escalate_at", Instant),
    Column("outcome", Text, nullable=False),
    Column("body", Text, nullable=False),
    Index(None, "reference"),
    Index(None, "state", "school"),
    Index(None, "school", "day"),
    **_BY_KEY,
)

audit = Table(
    "audit",
    metadata,
    Column("school", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("actor", Text, nullable=False),
    Column("incident", Text, nullable=False),
    Column("act", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("prev", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Index(None, "school", "incident"),
    **_BY_KEY,
)

audit_head = Table(
    "audit_head",
    metadata,
    Column("school", Text, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("hash", Text, nullable=False),
    **_BY_KEY,
)

pupil_notes = Table(
    "pupil_notes",
    metadata,
    Column("school", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("pupil", Text, nullable=False),
    Column("incident", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("author", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("body", Text, nullable=False),
    Index(None, "school", "pupil"),
    **_BY_KEY,
)

# ---- who is told

outbox = Table(
    "outbox",
    metadata,
    Column("school", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("incident", Text, nullable=False),
    Column("notification", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("route", Text, nullable=False),
    Column("audience", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("bundle", Text, nullable=False, server_default=""),
    Column("held", Text, nullable=False, server_default=""),
    Column("held_until", Instant),
    Column("state", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("due_at", Instant),
    Column("deadline_at", Instant),
    Column("attempts", Integer, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("holder", Text, nullable=False),
    Column("lease_until", Instant),
    Column("finished_at", Instant),
    Column("result", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("proof", Text, nullable=False),
    Column("broken", Boolean, nullable=False, server_default=false()),
    Index(None, "state", "due_at"),
    Index(None, "lease_until"),
    Index(None, "deadline_at"),
    Index(None, "school", "incident"),
    **_BY_KEY,
)

attempts = Table(
    "attempts",
    metadata,
    Column("school", Text, primary_key=True),
    Column("outbox", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("message", Text, nullable=False, server_default=""),
    Column("channel", Text, nullable=False),
    Column("holder", Text, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("finished_at", Instant),
    Column("result", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("proof", Text, nullable=False),
    ForeignKeyConstraint(["school", "outbox"], ["outbox.school", "outbox.id"], ondelete="CASCADE"),
    Index(None, "channel", "started_at"),
    **_BY_KEY,
)

silences = Table(
    "silences",
    metadata,
    Column("school", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("trigger", Text, nullable=False),
    Column("pupil", Text, nullable=False),
    Column("incident", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("begins_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("ended_by", Text, nullable=False),
    Index(None, "ends_at"),
    **_BY_KEY,
)

suppressed = Table(
    "suppressed",
    metadata,
    Column("school", Text, primary_key=True),
    Column("incident", Text, primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("reason", Text, primary_key=True),
    Column("reference", Text, nullable=False),
    Column("seen_at", Instant, nullable=False),
    **_BY_KEY,
)

notifications = Table(
    "notifications",
    metadata,
    Column("school", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("incident", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("data", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("decided_at", Instant),
    Column("decided_by", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("sent_at", Instant),
    Column("proof", Text, nullable=False),
    Column("remind_at", Instant),
    Column("given", Text, nullable=False, server_default=""),
    Index(None, "state"),
    **_BY_KEY,
)

notification_files = Table(
    "notification_files",
    metadata,
    Column("school", Text, primary_key=True),
    Column("notification", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("content_type", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    ForeignKeyConstraint(
        ["school", "notification"],
        ["notifications.school", "notifications.id"],
        ondelete="CASCADE",
    ),
)

# ---- the installation

channel_state = Table(
    "channel_state",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("paused_until", Instant),
    Column("failures", Integer, nullable=False),
    Column("last_at", Instant),
    Column("last_result", Text, nullable=False),
    Column("last_detail", Text, nullable=False),
    Column("config_alarm", Boolean, nullable=False),
    Column("expires_at", Instant),
    Column("expires_what", Text),
    Column("expires_then", Text),
    **_BY_KEY,
)

meta = Table(
    "meta",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    **_BY_KEY,
)
