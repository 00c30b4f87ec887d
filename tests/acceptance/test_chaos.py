"""A school morning in which every channel breaks and the daemon is killed again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mis_bridge.simulator.chaos.run import play
from mis_bridge.simulator.chaos.verdict import judge

if TYPE_CHECKING:
    from pathlib import Path

KILLS = 60
"""The week with a thousand is ``scripts/bench chaos``."""

pytestmark = pytest.mark.thorough


def test_every_finding_reaches_somebody_however_often_the_daemon_is_killed(tmp_path: Path) -> None:
    """Sixty kills and seeded faults: nothing unnoticed, unsaid, said twice too often, or unproved.

    The verdict itself is tried at the end: it has to complain of a message that did not arrive, and
    of a card that still says what it said when it was posted.
    """
    with play(tmp_path, kills=KILLS, days=1, begins=8 * 60 + 15, ends=12 * 60) as left:
        verdict = judge(left)
        told = next(one for one in left.arrivals if one.references)
        left.arrivals = [one for one in left.arrivals if not one.references & told.references]
        without = judge(left)
        changed = next(card for card in left.cards if card.shown_at != card.at)
        changed.shown, changed.shown_at = changed.posted, changed.at
        stale = judge(left)
    assert verdict.problems == []
    assert verdict.kills == KILLS
    assert verdict.incidents > 0
    assert any("heard nothing of it" in problem for problem in without.problems)
    assert any(problem.startswith("the card about MB-") for problem in stale.problems)
