"""The closed set of reasons for every message that is sent, or not sent.

Code, database, metrics, messages and the incident's history share these names, so that every "why
was I told?" and "why was I not?" has one answer.
"""

from __future__ import annotations

from enum import StrEnum

__all__ = [
    "ABOUT_CHANNELS",
    "ABOUT_PACKAGES",
    "ASKS",
    "CLIMBS",
    "DECIDED",
    "ENDINGS",
    "REMINDERS",
    "WAITS",
    "Reason",
]


class Reason(StrEnum):
    """Why a message was sent or was not."""

    # sent
    OPENED = "opened"
    LEVEL_RAISED = "level_raised"
    REOPENED = "reopened"
    FOUND = "found"
    EXPLAINED = "explained"
    CORRECTED = "corrected"
    FEED_BACK = "feed_back"
    UNACKNOWLEDGED = "unacknowledged"
    LAPSED = "lapsed"
    UNSEEN = "unseen"
    ACK_ENDING = "ack_ending"
    STEP_OVERDUE = "step_overdue"
    CHANNEL_FAILED = "channel_failed"
    PACKAGE_READY = "package_ready"
    PACKAGE_APPROVED = "package_approved"
    PACKAGE_TO_UPLOAD = "package_to_upload"
    PACKAGE_REJECTED = "package_rejected"
    PACKAGE_EXPIRED = "package_expired"
    CHANNEL_TEST = "channel_test"
    WEEKLY_CHECK = "weekly_check"
    DAILY = "daily"
    DAEMON_STUCK = "daemon_stuck"
    SHOWN_ANEW = "shown_anew"
    # not sent
    UNCHANGED = "unchanged"
    DAMPED = "damped"
    ACKNOWLEDGED = "acknowledged"
    STEPS_DONE = "steps_done"
    NO_ROUTE = "no_route"
    HAS_LEFT = "has_left"
    CLEARED_BEFORE_SENDING = "cleared_before_sending"
    SUPERSEDED = "superseded"
    SAME_CHANNEL = "same_channel"
    NOT_CONFIGURED = "not_configured"
    REGISTER_ANOMALY = "register_anomaly"
    FEED_BLIND = "feed_blind"
    DATA_TOO_OLD = "data_too_old"
    TRIGGER_OFF = "trigger_off"
    BACKFILL = "backfill"
    ENDED_QUIETLY = "ended_quietly"
    # sent later, or together with others
    GROUPED = "grouped"
    DIGEST = "digest"
    QUIET_HOURS = "quiet_hours"
    SCHOOL_CLOSED = "school_closed"
    SILENCED = "silenced"
    LIMITED = "limited"


ENDINGS = frozenset({Reason.FOUND, Reason.EXPLAINED, Reason.CORRECTED, Reason.FEED_BACK})
"""Reasons of messages that say that a matter is over: everybody who was told is told."""

CLIMBS = frozenset({Reason.UNACKNOWLEDGED, Reason.LAPSED, Reason.UNSEEN})
"""Reasons of messages that go further because nobody sees to a matter."""

ASKS = CLIMBS | {Reason.OPENED, Reason.LEVEL_RAISED, Reason.REOPENED}
"""Reasons of messages that ask somebody to see to a matter."""

REMINDERS = frozenset({Reason.ACK_ENDING, Reason.STEP_OVERDUE})
"""Reasons of messages that remind those who were told of what is left to do."""

DECIDED = frozenset(
    {
        Reason.PACKAGE_APPROVED,
        Reason.PACKAGE_TO_UPLOAD,
        Reason.PACKAGE_REJECTED,
        Reason.PACKAGE_EXPIRED,
    }
)
"""Reasons of messages about a package on which somebody has decided, or nobody in time."""

ABOUT_PACKAGES = DECIDED | {Reason.PACKAGE_READY}
"""Reasons of messages about a package, and not about the incident behind it."""

ABOUT_CHANNELS = frozenset({Reason.CHANNEL_FAILED, Reason.CHANNEL_TEST})
"""Reasons of messages about a channel, and not about what it had to tell."""

WAITS = frozenset(
    {
        Reason.GROUPED,
        Reason.DIGEST,
        Reason.QUIET_HOURS,
        Reason.SCHOOL_CLOSED,
        Reason.SILENCED,
        Reason.LIMITED,
    }
)
"""Why a message waits, or comes together with others. What waits is sent in the end, or over."""
