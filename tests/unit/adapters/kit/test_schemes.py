"""The kit serves every way in which a manifest can ask: an adapter of each meets every case."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mis_bridge.adapters.kit import answers
from mis_bridge.adapters.kit.run import CASES, run
from mis_bridge.simulator.shelf import shelf

from .conftest import SCHEMES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


ANSWERS = {case.id for case in answers.CASES}
"""What one answer holds has nothing to do with how the next one is asked for."""


QUICK = {"page", "cursor"}
"""A second and more each: the others are proven in the strict run."""


@pytest.mark.parametrize(
    "way",
    [pytest.param(way, marks=[] if way in QUICK else [pytest.mark.thorough]) for way in SCHEMES],
)
def test_an_adapter_of_every_scheme_is_gold(way: str, made: Callable[[str], Path]) -> None:
    """Nothing in a case is made for one MIS only."""
    report = run(made(way), shelf, only=[case.id for case in CASES if case.id not in ANSWERS])

    assert not report.problem
    assert [(o.case.id, o.detail) for o in report.outcomes if not o.is_met] == []
