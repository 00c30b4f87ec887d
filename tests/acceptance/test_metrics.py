"""What Prometheus gets from a daemon that is a process of its own."""

from __future__ import annotations

import socket
import urllib.request
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families

from mis_bridge import __version__
from mis_bridge.channels.outcome import Result
from mis_bridge.incidents.reasons import Reason
from mis_bridge.io.metrics import METRICS, OTHER, Kind
from mis_bridge.service.self_check import Fault
from mis_bridge.settings import load
from mis_bridge.simulator.demo_setup import SCHOOL
from mis_bridge.store.feeds import FEED_STATES
from mis_bridge.triggers.catalogue import TRIGGERS
from mis_bridge.triggers.model import Severity

from .conftest import wait_for

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

    from .conftest import World


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _scraped(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        return str(answer.read().decode())


def _value(families: dict[str, Metric], name: str) -> float:
    return float(families[name.removesuffix("_total")].samples[0].value)


@pytest.mark.thorough
def test_a_scrape_names_no_pupil_and_every_label_is_of_its_closed_set(world: World) -> None:
    """A school day with alerts: numbers of all parts, and nothing of any child."""
    port = _free_port()
    text = world.config.read_text("utf-8")
    world.config.write_text(
        text.replace("[service]\n", f'[service]\nmetrics_listen = "127.0.0.1:{port}"\n'), "utf-8"
    )
    with world.daemon() as process:
        wait_for(lambda: world.webhook.posted and world.mails.mails, "messages arrive", world)
        scraped = ""

        def audited() -> bool:
            nonlocal scraped
            scraped = _scraped(port)
            return "mis_bridge_auditor_clean 1.0" in scraped and "_attempts_total{" in scraped

        wait_for(audited, "the auditor has looked", world)
        assert world.stop(process) == 0

    families = {one.name: one for one in text_string_to_metric_families(scraped)}
    known = {one.name.removesuffix("_total"): one for one in METRICS.values()}
    assert set(families) <= set(known)
    always = {name for name, one in known.items() if one.kind is not Kind.GAUGE}
    assert always <= set(families), "what was not counted yet stands there as 0"
    assert _value(families, "mis_bridge_schools") == 1
    assert _value(families, "mis_bridge_feed_good") == 1
    assert _value(families, "mis_bridge_decisions_total") >= 1

    allowed = _closed_sets(world)
    for name, family in families.items():
        for sample in family.samples:
            labels = {key: value for key, value in sample.labels.items() if key != "le"}
            assert set(labels) == set(known[name].labels), name
            for key, value in labels.items():
                assert value in allowed[key], f"{name}: {key}={value}"

    for pupil in world.rehearsal.school.pupils:
        assert pupil.upn not in scraped
        assert pupil.surname not in scraped
        assert f'"{pupil.id}"' not in scraped
    for secret in (world.config.parent / "credentials").iterdir():
        assert secret.read_text("utf-8") not in scraped


def _closed_sets(world: World) -> dict[str, set[str]]:
    settings = load(world.config).settings
    return {
        "school": {SCHOOL},
        "channel": {*settings.channels, OTHER},
        "trigger": {*TRIGGERS, OTHER},
        "fault": set(Fault),
        "reason": set(Reason),
        "result": {*Result, "done", "failed"},
        "scope": {"day", "year"},
        "severity": set(Severity),
        "state": {*FEED_STATES, "open", "acknowledged", "pending", "sending"},
        "version": {__version__},
    }


@pytest.mark.thorough
def test_a_port_that_is_taken_keeps_nobody_from_watching(world: World) -> None:
    """The log says it, and messages go out all the same."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        text = world.config.read_text("utf-8")
        listen = f'[service]\nmetrics_listen = "127.0.0.1:{taken.getsockname()[1]}"\n'
        world.config.write_text(text.replace("[service]\n", listen), "utf-8")
        with world.daemon() as process:
            wait_for(lambda: world.webhook.posted, "a message arrives", world)
            assert world.stop(process) == 0
    assert "metrics_not_served" in world.log()
