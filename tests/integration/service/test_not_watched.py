"""A school that can not be judged, or whose year is over, is never silently unwatched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mis_bridge.errors import StoreRefused
from mis_bridge.service import judge

from .conftest import SCHOOL

if TYPE_CHECKING:
    from .conftest import Bench


@pytest.mark.parametrize("fault", [RuntimeError("a fault"), StoreRefused("a fault")])
@pytest.mark.thorough
async def test_a_fault_in_judging_is_told_and_its_end_as_well(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    """The triggers fail for some minutes: IT and office hear of it, then of the absent child."""
    bench.session("AM", "08:50", **{bench.pupils[0]: "N"})
    async with bench.daemon() as watched:
        await watched.at("08:45")
        with monkeypatch.context() as broken:

            def fail(*_: object) -> None:
                raise fault

            broken.setattr(judge, "assess_day", fail)
            await watched.until("09:15", every=1)
            (told,) = watched.incidents("not_watched")
            assert told.state == "open"
            assert watched.incidents("unexplained_absence") == []
            assert bench.mails_to("it")
            assert bench.mails_to("office") or bench.webhook.posted
        await watched.until("09:25", every=1)

        (told,) = watched.incidents("not_watched")
        assert told.state == "closed"
        assert len(watched.incidents("unexplained_absence")) == 1


async def test_a_school_year_that_is_over_is_told(bench: Bench) -> None:
    """Last year's calendar is still configured in November: somebody has to put in this one."""
    school = bench.folder / "conf.d" / f"{SCHOOL}.toml"
    text = school.read_text("utf-8")
    lines = [
        {"first_day": "first_day = 2025-09-03", "last_day": "last_day = 2026-07-21"}.get(
            line.partition(" ")[0], line
        )
        for line in text.splitlines()
        if not line.startswith("year ")
    ]
    school.write_text("\n".join(lines), "utf-8")
    async with bench.daemon() as watched:
        await watched.at("09:15")

        (told,) = watched.incidents("not_watched")
        assert "21 July 2026" in told.sentence
        assert bench.mails_to("it")
