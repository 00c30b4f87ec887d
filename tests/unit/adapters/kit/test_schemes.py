"""The kit serves every way in which a manifest can ask: a whole adapter of each is gold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mis_bridge.adapters.kit.model import Tier
from mis_bridge.adapters.kit.run import run
from mis_bridge.simulator.shelf import shelf

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_an_adapter_of_every_scheme_is_gold(scheme: str, made: Callable[[str], Path]) -> None:
    """Nothing in a case is made for one MIS only."""
    report = run(made(scheme), shelf)

    assert not report.problem
    assert [(o.case.id, o.detail) for o in report.outcomes if not o.is_met] == []
    assert report.grade is Tier.GOLD
    assert report.is_as_recorded
