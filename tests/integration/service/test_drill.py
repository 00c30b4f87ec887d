"""Bad days: every register of a lesson says that nobody is there, and some really are not."""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from mis_bridge.registers.calendar import local_datetime

from .conftest import DAY, bench_of, minutes

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from pathlib import Path

    from mis_bridge.incidents.model import Incident

    from .conftest import Bench

QUARTER = timedelta(minutes=15)
P2 = 1
"""Place of the lesson in the day."""

AT_ONCE = frozenset({"lac", "cp", "cin"})
"""What this MIS says of a child who is acted on without grace."""


@pytest.mark.thorough
async def test_four_hundred_marked_absent_in_a_minute_hide_nobody(tmp_path: Path) -> None:
    """A drill at 10:02: P2's registers are saved with N for all 400; in P3 five are still missing.

    Expected: no telephone rings 400 times. The office is asked about every register, and what it is
    asked counts every child as held back. Of the registers with a child who is acted on at once the
    DSL hears at once, of the others when they were not put right for 15 minutes. The five are named
    to the DSL within 15 minutes of P3's registers and the grace: nothing hides them.
    """
    with bench_of(tmp_path, 400) as bench:
        pupils = [one for one in bench.state.school.pupils if one.on_roll(DAY)]
        register = {one.id: bench.state.school.lesson_of(one.number, DAY, P2).id for one in pupils}
        # Each of another register: a fifth of one would be as odd as the drill.
        gone = list({register[one.id]: one.id for one in pupils if not one.flags}.values())[:5]
        bench.session("AM", "08:50")
        bench.lesson("P1", "09:00")
        bench.lesson("P2", "10:02", "N")
        bench.lesson("P3", "11:18", **dict.fromkeys(gone, "N"))
        async with bench.daemon() as watched:
            await watched.at("10:00")
            await watched.until("10:32", every=2)

            odd = watched.incidents()
            assert {one.trigger for one in odd} == {"register_anomaly"}
            assert {_register(one): _held(one) for one in odd} == Counter(register.values())
            assert _asked(bench, "office", odd) - moment("10:12") <= QUARTER
            assert len(bench.mails_to("office")) <= 5
            at_once = {register[one.id] for one in pupils if one.flags & AT_ONCE}
            assert at_once
            soon = [one for one in odd if _register(one) in at_once]
            assert _carded(bench, soon) - moment("10:02") <= timedelta(minutes=3)
            assert _carded(bench, odd) - moment("10:27") <= QUARTER
            assert len(bench.webhook.posted) <= 5

            await watched.until("11:18", every=14)
            await watched.until("11:32", every=2)
            missing = watched.incidents("missing_during_day")
            assert {one.pupil for one in missing} == set(gone)
            assert _carded(bench, missing) - moment("11:28") <= QUARTER
            assert len(bench.webhook.posted) <= 10


def moment(time: str) -> datetime:
    """A time of the day."""
    return local_datetime(DAY, minutes(time))


def _register(anomaly: Incident) -> str:
    """The MIS's id of the register that is odd."""
    return anomaly.key.rpartition("/")[2]


def _held(anomaly: Incident) -> int:
    """How many children it says that it holds back."""
    found = re.search(r"Alerts about these (\d+) .* are held until", anomaly.sentence)
    assert found, anomaly.sentence
    return int(found[1])


def _asked(bench: Bench, who: str, incidents: Iterable[Incident]) -> datetime:
    """When the last of these incidents was first told to somebody by mail."""
    mails = [(mail.at, mail.part("plain")) for mail in bench.mails_to(who)]
    return max(min(at for at, text in mails if one.reference in text) for one in incidents)


def _carded(bench: Bench, incidents: Iterable[Incident]) -> datetime:
    """When the last of these incidents was first on a card in Teams."""
    cards = [(posted.at, " ".join(posted.texts)) for posted in bench.webhook.posted]
    return max(min(at for at, text in cards if one.reference in text) for one in incidents)
