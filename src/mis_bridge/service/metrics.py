"""Serve the metrics to Prometheus: what was counted, and how things stand at the scrape.

Off unless ``service.metrics_listen`` names an address. The numbers that are stored are read from
the database at the scrape, over a connection of its own: they are true whatever the main loop does.
A port that is taken, or a database that does not answer, keeps nobody from watching.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

from mis_bridge import __version__
from mis_bridge.errors import StoreError
from mis_bridge.io import metrics
from mis_bridge.io.logs import get_logger
from mis_bridge.io.metrics import METRICS, OTHER
from mis_bridge.service.self_check import Fault
from mis_bridge.store import dead_letters, quarantine, standing
from mis_bridge.store.feeds import FEED_STATES
from mis_bridge.triggers.catalogue import TRIGGERS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime

    from prometheus_client.core import GaugeMetricFamily
    from sqlalchemy import Connection

    from mis_bridge.io.clock import Clock
    from mis_bridge.service.auditor import Auditor
    from mis_bridge.store.engine import Store
    from mis_bridge.store.standing import Standing

__all__ = ["Metrics", "gauges"]

Values = dict[str, dict[tuple[str, ...], float]]
"""Metric -> values of its labels, in their order -> number."""


class Metrics:
    """The metrics of one process; a context manager.

    Args:
        store, clock: as everywhere.
        listen: ``host:port``, or empty for none.
    """

    def __init__(self, store: Store, clock: Clock, listen: str) -> None:
        self._store = store
        self._clock = clock
        self._listen = listen
        self._auditor: Auditor | None = None
        self._schools: Collection[str] = ()
        self._channels: Collection[str] = ()
        self._server: _Server | None = None

    @property
    def port(self) -> int | None:
        """The port that is listened on; None where nothing is served."""
        return self._server.port if self._server else None

    def watch(self, auditor: Auditor, schools: Collection[str], channels: Collection[str]) -> None:
        """From now on these are the configured ones."""
        self._auditor, self._schools, self._channels = auditor, schools, channels

    def __enter__(self) -> Self:
        if self._listen:
            try:
                self._server = _Server(self._listen, self)
            except OSError as error:
                get_logger(__name__).error(
                    "metrics_not_served", listen=self._listen, problem=error.strerror or ""
                )
        return self

    def __exit__(self, *_: object) -> None:
        if self._server:
            self._server.close()
            self._server = None

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The gauges, as prometheus_client asks for them at a scrape."""
        from prometheus_client.core import GaugeMetricFamily

        for name, values in self._gauges().items():
            one = METRICS[name]
            family = GaugeMetricFamily(name, one.meaning, labels=list(one.labels))
            for labels, value in values.items():
                family.add_metric(labels, value)
            yield family

    def _gauges(self) -> Values:
        now = self._clock.now()
        found: Values = {"mis_bridge_build_info": {(__version__,): 1}}
        if self._auditor is not None:
            run = self._auditor.last
            clean_at = run.clean_at
            found["mis_bridge_auditor_clean"] = {(): float(run.clean and clean_at is not None)}
            found["mis_bridge_auditor_last_clean_timestamp_seconds"] = {
                (): clean_at.timestamp() if clean_at else 0
            }
            found["mis_bridge_auditor_faults"] = {
                (fault,): run.faults.get(fault, 0) for fault in Fault
            }
        with suppress(StoreError), self._store.reading() as tx:
            found |= gauges(tx, now, self._schools, self._channels)
        if self._store.embedded:
            found["mis_bridge_database_bytes"] = {(): _size(str(self._store.url.database))}
        return found


class _Server:
    """The HTTP server, in a thread of its own.

    Raises:
        OSError: the address can not be listened on.
    """

    def __init__(self, listen: str, source: Metrics) -> None:
        from prometheus_client import CollectorRegistry, start_http_server

        registry = CollectorRegistry()
        host, _, port = listen.rpartition(":")
        self._server, self._thread = start_http_server(
            int(port), addr=host.strip("[]"), registry=registry
        )
        self.port = self._server.server_port
        metrics.serve_here(registry)
        registry.register(source)

    def close(self) -> None:
        """Serve no more."""
        metrics.stop_here()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def gauges(
    tx: Connection, now: datetime, schools: Collection[str], channels: Collection[str]
) -> Values:
    """How things stand, by metric.

    Args:
        tx: a snapshot.
        now: aware.
        schools: the configured ones; nothing is told of others.
        channels: the configured ones; what waits for others counts as ``other``.
    """
    seen = standing.read(tx, now)
    found = _of_feeds(seen, schools) | _of_channels(seen, channels, now)
    letters = Counter(school for school, _ in dead_letters.of_schools(tx, list(schools), now))
    rows = quarantine.counts(tx)
    found["mis_bridge_dead_letters"] = {(one,): letters[one] for one in schools}
    found["mis_bridge_quarantined_rows"] = {(one,): rows.get(one, 0) for one in schools}
    found["mis_bridge_decisions_failing"] = {(): seen.failing_keys}
    found["mis_bridge_outbox_oldest_seconds"] = {(): seen.oldest_wait if seen.waiting else 0}
    found["mis_bridge_incidents_open"] = _summed(
        ((trigger if trigger in TRIGGERS else OTHER, state), number)
        for (trigger, state), number in standing.open_incidents(tx).items()
    )
    return found


def _of_feeds(seen: Standing, schools: Collection[str]) -> Values:
    feeds = [feed for feed in seen.feeds if feed.school in schools]
    return {
        "mis_bridge_schools": {(): len(feeds)},
        "mis_bridge_feed_good": {(one.school,): float(one.state == "good") for one in feeds},
        "mis_bridge_feed_state_info": {
            (one.school, one.state if one.state in FEED_STATES else OTHER): 1 for one in feeds
        },
        "mis_bridge_feed_last_good_timestamp_seconds": {
            (one.school,): one.last_good_at.timestamp() if one.last_good_at else 0 for one in feeds
        },
        "mis_bridge_feed_due_timestamp_seconds": {
            (one.school,): one.due_at.timestamp() for one in feeds
        },
    }


def _of_channels(seen: Standing, channels: Collection[str], now: datetime) -> Values:
    states = {name: state for name, state in seen.channels.items() if name in channels}
    return {
        "mis_bridge_outbox_messages": _summed(
            ((channel if channel in channels else OTHER, state), number)
            for (channel, state), number in seen.messages.items()
        ),
        "mis_bridge_channel_good": {
            (name,): float(not state.failures) for name, state in states.items() if state.last_at
        },
        "mis_bridge_channel_failures": {(name,): state.failures for name, state in states.items()},
        "mis_bridge_channel_paused": {
            (name,): float(bool(state.paused_until and state.paused_until > now))
            for name, state in states.items()
        },
        "mis_bridge_channel_expires_timestamp_seconds": {
            (name,): state.expires_at.timestamp()
            for name, state in states.items()
            if state.expires_at
        },
    }


def _summed(rows: Iterator[tuple[tuple[str, ...], int]]) -> dict[tuple[str, ...], float]:
    found: dict[tuple[str, ...], float] = {}
    for labels, number in rows:
        found[labels] = found.get(labels, 0) + number
    return found


def _size(file: str) -> float:
    parts = (Path(file), Path(f"{file}-wal"))
    return float(sum(part.stat().st_size for part in parts if part.exists()))
