"""What is counted while the daemon works: the closed list of metrics, and where they are counted.

Names, units and labels follow Prometheus' own advice (base units, ``_total`` for what only grows,
``_info`` for what is told by its labels). A label's values come from a closed set, written beside
it; there is never a pupil, a person or an address in one. Nothing is imported and nothing is kept
unless metrics are served: then ``serve_here`` is called once, and counting begins.

The only module that knows prometheus_client, with ``service.metrics``, which serves.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prometheus_client import CollectorRegistry, Counter, Histogram

__all__ = ["METRICS", "OTHER", "Kind", "Metric", "count", "observe", "serve_here", "stop_here"]

OTHER: Final = "other"
"""Stands for a value that is not of its label's set: a channel that was taken out since."""

_SECONDS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
_LATENCY: Final = (1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 900.0, 1800.0, 3600.0)


class Kind(StrEnum):
    """How a metric behaves."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric.

    Args:
        name: as it is scraped, ``mis_bridge_...``.
        kind: how it behaves.
        meaning: one sentence, for its HELP line and the reference page.
        labels: name of each label -> where its values come from.
        buckets: upper bounds of a histogram.
    """

    name: str
    kind: Kind
    meaning: str
    labels: Mapping[str, str]
    buckets: tuple[float, ...] = ()


_SCHOOL = {"school": "ids of the configured schools"}
_CHANNEL = {"channel": "names of the configured channels"}
_TRIGGER = {"trigger": "ids of the triggers"}


def _metric(
    name: str,
    kind: Kind,
    meaning: str,
    labels: Mapping[str, str] | None = None,
    buckets: tuple[float, ...] = (),
) -> tuple[str, Metric]:
    return name, Metric(name, kind, meaning, MappingProxyType(labels or {}), buckets)


_GAUGE, _COUNTER, _HISTOGRAM = Kind.GAUGE, Kind.COUNTER, Kind.HISTOGRAM

METRICS: Final[Mapping[str, Metric]] = MappingProxyType(
    dict(
        (
            # the watchman
            _metric(
                "mis_bridge_auditor_clean",
                _GAUGE,
                "1 where the auditor's last look found nothing undone, else 0.",
            ),
            _metric(
                "mis_bridge_auditor_last_clean_timestamp_seconds",
                _GAUGE,
                "When the auditor's last clean look was, in seconds since 1970; 0 for never.",
            ),
            _metric(
                "mis_bridge_auditor_faults",
                _GAUGE,
                "What the auditor's last look found undone.",
                {"fault": "the faults of the auditor"},
            ),
            _metric(
                "mis_bridge_build_info",
                _GAUGE,
                "1; the version is in its label.",
                {"version": "the version of mis-bridge that runs"},
            ),
            _metric(
                "mis_bridge_tick_seconds",
                _HISTOGRAM,
                "How long a round of the main loop took that was done, in seconds.",
                buckets=_SECONDS,
            ),
            _metric(
                "mis_bridge_ticks_failed_total",
                _COUNTER,
                "Rounds of the main loop that ended with an error.",
            ),
            # reading
            _metric("mis_bridge_schools", _GAUGE, "Schools that are watched."),
            _metric(
                "mis_bridge_feed_good",
                _GAUGE,
                "1 where a school was read well the last time that anybody tried, else 0.",
                _SCHOOL,
            ),
            _metric(
                "mis_bridge_feed_state_info",
                _GAUGE,
                "1 for the state that a school's feed is in.",
                {**_SCHOOL, "state": "the states of a feed"},
            ),
            _metric(
                "mis_bridge_feed_last_good_timestamp_seconds",
                _GAUGE,
                "When a school was last read to the end, in seconds since 1970; 0 for never.",
                _SCHOOL,
            ),
            _metric(
                "mis_bridge_feed_due_timestamp_seconds",
                _GAUGE,
                "When a school is to be read next, in seconds since 1970.",
                _SCHOOL,
            ),
            _metric(
                "mis_bridge_feed_readings_total",
                _COUNTER,
                "Readings that ended, by the state that they left the feed in.",
                {**_SCHOOL, "state": "the states of a feed"},
            ),
            _metric(
                "mis_bridge_feed_reading_seconds",
                _HISTOGRAM,
                "How long a reading took that came to its end, in seconds.",
                buckets=_SECONDS,
            ),
            _metric(
                "mis_bridge_feed_records_total",
                _COUNTER,
                "Records that were read.",
                _SCHOOL,
            ),
            _metric(
                "mis_bridge_quarantined_rows",
                _GAUGE,
                "Rows that can not be used, and wait for a person.",
                _SCHOOL,
            ),
            # deciding
            _metric(
                "mis_bridge_decisions_failing",
                _GAUGE,
                "Days and years of schools that could not be judged.",
            ),
            _metric(
                "mis_bridge_decisions_total",
                _COUNTER,
                "Days and years that were judged.",
                {"scope": "day, year", "result": "done, failed"},
            ),
            _metric(
                "mis_bridge_decision_seconds",
                _HISTOGRAM,
                "How long it took to judge a day or a year, in seconds.",
                {"scope": "day, year"},
                _SECONDS,
            ),
            _metric(
                "mis_bridge_incidents_open",
                _GAUGE,
                "Incidents that are open, or that somebody sees to.",
                {**_TRIGGER, "state": "open, acknowledged"},
            ),
            # telling
            _metric(
                "mis_bridge_outbox_messages",
                _GAUGE,
                "Messages that are not out yet.",
                {**_CHANNEL, "state": "pending, sending"},
            ),
            _metric(
                "mis_bridge_outbox_oldest_seconds",
                _GAUGE,
                "How long the oldest message that is not out has waited, in seconds.",
            ),
            _metric(
                "mis_bridge_dead_letters",
                _GAUGE,
                "Messages of these days that have reached nobody, on any channel of their route.",
                _SCHOOL,
            ),
            _metric(
                "mis_bridge_channel_good",
                _GAUGE,
                "1 where a channel took the last message that it was given, else 0.",
                _CHANNEL,
            ),
            _metric(
                "mis_bridge_channel_failures",
                _GAUGE,
                "Attempts of a channel that failed since it last took one.",
                _CHANNEL,
            ),
            _metric(
                "mis_bridge_channel_paused",
                _GAUGE,
                "1 where a channel rests: it asked for patience, or failed again and again.",
                _CHANNEL,
            ),
            _metric(
                "mis_bridge_channel_expires_timestamp_seconds",
                _GAUGE,
                "When the first certificate or secret of a channel runs out, in seconds since "
                "1970.",
                _CHANNEL,
            ),
            _metric(
                "mis_bridge_message_attempts_total",
                _COUNTER,
                "Attempts to send a message, by what became of them.",
                {
                    **_CHANNEL,
                    "reason": "the reasons of messages",
                    "result": "sent, accepted, retry, permanent, unknown",
                },
            ),
            _metric(
                "mis_bridge_message_attempt_seconds",
                _HISTOGRAM,
                "How long an attempt to send took, in seconds.",
                _CHANNEL,
                _SECONDS,
            ),
            _metric(
                "mis_bridge_messages_dropped_total",
                _COUNTER,
                "Messages that were not sent after all, by why.",
                {"reason": "the reasons of messages"},
            ),
            _metric(
                "mis_bridge_message_delay_seconds",
                _HISTOGRAM,
                "Time from the decision that somebody has to be told to a channel that took it, in "
                "seconds.",
                {"severity": "critical, high, normal, low"},
                _LATENCY,
            ),
            # the machine
            _metric(
                "mis_bridge_database_bytes",
                _GAUGE,
                "Size of the embedded database with its log, in bytes.",
            ),
        )
    )
)
"""Name -> metric, in the order of the reference page."""


@dataclass(slots=True)
class _Here:
    """Where this process counts, once it does."""

    counters: dict[str, Counter]
    histograms: dict[str, Histogram]


_here: _Here | None = None


def serve_here(registry: CollectorRegistry) -> None:
    """Begin to count in this process."""
    global _here  # noqa: PLW0603 - one process counts once, as in prometheus_client itself
    from prometheus_client import Counter, Histogram, disable_created_metrics

    # They would double the series, and tell when this process began to count.
    disable_created_metrics()  # type: ignore[no-untyped-call]
    _here = _Here(
        {
            one.name: Counter(one.name, one.meaning, list(one.labels), registry=registry)
            for one in METRICS.values()
            if one.kind is Kind.COUNTER
        },
        {
            one.name: Histogram(
                one.name, one.meaning, list(one.labels), buckets=one.buckets, registry=registry
            )
            for one in METRICS.values()
            if one.kind is Kind.HISTOGRAM
        },
    )


def stop_here() -> None:
    """Count no more."""
    global _here  # noqa: PLW0603 - as above
    _here = None


def count(name: str, *, by: float = 1, **labels: str) -> None:
    """Add to a counter of ``METRICS``."""
    if _here is not None:
        found = _here.counters[name]
        (found.labels(**labels) if labels else found).inc(by)


def observe(name: str, value: float, **labels: str) -> None:
    """Add a value to a histogram of ``METRICS``."""
    if _here is not None:
        found = _here.histograms[name]
        (found.labels(**labels) if labels else found).observe(value)
