"""What each reason means, in words for people."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from mis_bridge.incidents.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["BECAUSE", "because"]

BECAUSE: Final[Mapping[Reason, str]] = MappingProxyType(
    {
        Reason.OPENED: "an incident was opened",
        Reason.LEVEL_RAISED: "it became more serious",
        Reason.REOPENED: "it is true again after it had ended",
        Reason.FOUND: "the pupil was seen again",
        Reason.EXPLAINED: "it was explained",
        Reason.CORRECTED: "the marks were corrected",
        Reason.FEED_BACK: "the registers can be read again, or the channel delivers again",
        Reason.UNACKNOWLEDGED: "nobody acknowledged it in time",
        Reason.LAPSED: "an acknowledgement ran out and was not renewed",
        Reason.UNSEEN: "the same person again by the next channel, because nobody has "
        "acknowledged it",
        Reason.ACK_ENDING: "an acknowledgement runs out soon",
        Reason.STEP_OVERDUE: "the time for a step has passed, and nobody wrote down that it was "
        "done",
        Reason.CHANNEL_FAILED: "a channel that works refused this one message for good; to IT",
        Reason.PACKAGE_READY: "a package waits for a person",
        Reason.PACKAGE_APPROVED: "a person approved a package",
        Reason.PACKAGE_TO_UPLOAD: "an approved package waits for a person to upload it",
        Reason.PACKAGE_REJECTED: "a person rejected a package",
        Reason.PACKAGE_EXPIRED: "nobody decided on a package in time",
        Reason.CHANNEL_TEST: "somebody asked for a test",
        Reason.DAILY: "the school day is over: what was watched, and what was not",
        Reason.DAEMON_STUCK: "mis-bridge itself stands still; to IT, past the outbox",
        Reason.WEEKLY_CHECK: "it is Monday: the card that shows that a Teams channel works",
        Reason.SHOWN_ANEW: "the card that a bot has posted is changed, to say how it stands now",
        Reason.UNCHANGED: "something changed that nobody has to act on",
        Reason.DAMPED: "it had only just ended; told after all if it stays",
        Reason.ACKNOWLEDGED: "somebody sees to it already",
        Reason.STEPS_DONE: "the step that it reminds of was done meanwhile",
        Reason.NO_ROUTE: "nobody has this duty: no channel is configured for it",
        Reason.HAS_LEFT: "the person has left the school (last_day), and others are told",
        Reason.CLEARED_BEFORE_SENDING: "it was over before the message went out",
        Reason.SUPERSEDED: "the end of it waited, and it is true again by now; or the package has "
        "reached the authority in another way; or this channel has told of it meanwhile",
        Reason.SAME_CHANNEL: "another audience was told the same by the same channel",
        Reason.NOT_CONFIGURED: "the school is not configured any more",
        Reason.REGISTER_ANOMALY: "it rests on a register that marks nearly a whole class absent",
        Reason.FEED_BLIND: "the registers can not be read",
        Reason.DATA_TOO_OLD: "it is about a day gone by",
        Reason.TRIGGER_OFF: "the trigger is switched off",
        Reason.BACKFILL: "it was true before this school was watched",
        Reason.ENDED_QUIETLY: "it ended in a way that nobody waits for",
        Reason.GROUPED: "it waited a short time for others of the same cause, to come as one "
        "message",
        Reason.DIGEST: "it is not urgent, and comes with others at a fixed time of a school day",
        Reason.QUIET_HOURS: "it came during the quiet hours, and waits for the morning",
        Reason.SCHOOL_CLOSED: "it came at a weekend or in the holidays, and waits for the next "
        "school day",
        Reason.SILENCED: "a person has silenced it, with a reason and an end",
        Reason.LIMITED: "the channel had too many messages in an hour; it comes in a summary",
    }
)
"""Why people were told, or were not, in words that follow "because"."""


def because(reason: str) -> str:
    """Return the words of a reason as it is stored; one of an older version as it is."""
    return BECAUSE[Reason(reason)] if reason in set(Reason) else reason.replace("_", " ")
