"""The list of metrics: its names follow one rule, and the rules for alerts use no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mis_bridge.io.metrics import METRICS, Kind, Metric

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("metric", METRICS.values(), ids=list(METRICS))
def test_a_name_says_what_it_is_and_its_unit(metric: Metric) -> None:
    """As Prometheus advises: prefix, base unit, _total for what only grows, no pupil's label."""
    assert re.fullmatch(r"mis_bridge_[a-z_]+", metric.name)
    assert metric.name.endswith("_total") is (metric.kind is Kind.COUNTER)
    if metric.kind is Kind.HISTOGRAM:
        assert metric.name.endswith("_seconds")
        assert list(metric.buckets) == sorted(set(metric.buckets))
    assert metric.meaning.endswith(".")
    assert set(metric.labels) <= {
        *("school", "channel", "trigger", "fault", "reason", "result"),
        *("scope", "severity", "state", "version"),
    }


def test_the_rules_for_alerts_use_metrics_that_there_are() -> None:
    """And labels that they have."""
    text = (ROOT / "docs" / "how-to" / "mis-bridge-alerts.yml").read_text("utf-8")
    used = {name.removesuffix("_bucket") for name in re.findall(r"mis_bridge_[a-z_]+", text)}
    assert used <= set(METRICS)
    for rule in text.split("- alert:")[1:]:
        names = [one for one in METRICS if re.search(rf"\b{one}(_bucket)?\b", rule)]
        labels = {label for name in names for label in METRICS[name].labels}
        assert set(re.findall(r"\$labels\.(\w+)", rule)) <= labels
