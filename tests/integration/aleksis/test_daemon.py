"""What a teacher does in AlekSIS becomes an alert, or the reason why there is none."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from mis_bridge.registers.codes import NOT_TAKEN

if TYPE_CHECKING:
    from .conftest import Bench, Teacher

pytestmark = [pytest.mark.peer, pytest.mark.xdist_group("aleksis")]


async def test_a_pupil_marked_absent_in_aleksis_becomes_an_alert(
    bench: Bench, teacher: Teacher
) -> None:
    """Present in P1, marked N in P2: after ten minutes the DSL is told, once, by reference."""
    day = date(2024, 11, 11)
    async with bench.daemon(day) as watched:
        teacher.open(day, 1)
        await watched.at("09:05")
        await watched.at("09:20")
        teacher.open(day, 2, Ben="N")
        await watched.at("10:05")
        assert watched.incidents("missing_during_day") == []
        await watched.at("10:16")
        (alert,) = watched.incidents("missing_during_day")
        assert alert.pupil == teacher.pupils["Ben"]
        assert alert.slot == "P2"
        posted = [str(post.content) for post in bench.webhook.posted]
        assert len([text for text in posted if alert.reference in text]) == 1
        assert "Samplechild" not in "".join(posted)
        await watched.at("10:30")
        assert len(watched.incidents("missing_during_day")) == 1


async def test_a_lesson_that_nobody_opened_is_a_register_not_taken(
    bench: Bench, teacher: Teacher
) -> None:
    """Fifteen minutes after P1 began the office hears of one register; opened, it is closed."""
    day = date(2024, 11, 12)
    async with bench.daemon(day) as watched:
        await watched.at("09:14")
        assert watched.incidents("register_not_taken") == []
        await watched.at("09:16")
        (alert,) = watched.incidents("register_not_taken")
        assert (alert.slot, alert.state) == ("P1", "open")
        assert watched.incidents("missing_during_day") == []
        teacher.open(day, 1)
        await watched.at("09:25")
        (alert,) = watched.incidents("register_not_taken")
        assert alert.state == "closed"


async def test_a_register_just_opened_is_not_presence_until_it_has_settled(
    bench: Bench, teacher: Teacher
) -> None:
    """P3 shows a missing child as present the moment it is opened: she counts as found at 11:23."""
    day = date(2024, 11, 13)
    async with bench.daemon(day) as watched:
        teacher.open(day, 1)
        await watched.at("09:05")
        teacher.open(day, 2, Cleo="N")
        await watched.at("10:05")
        await watched.at("10:16")
        (alert,) = watched.incidents("missing_during_day")
        assert alert.state == "open"

        teacher.open(day, 3)
        await watched.at("11:18")
        entry = watched.entry(teacher.pupils["Cleo"], "P3")
        assert entry is not None
        assert (chr(entry.code), entry.settled) == ("/", False)
        (alert,) = watched.incidents("missing_during_day")
        assert alert.state == "open"

        await watched.at("11:23")
        found = watched.incident(alert.reference)
        assert (found.state, found.trigger) == ("found", "internal_truancy")


async def test_an_absence_written_into_a_fresh_register_counts_at_once(
    bench: Bench, teacher: Teacher
) -> None:
    """What the teacher wrote is settled; what AlekSIS filled in beside it is not yet."""
    day = date(2024, 11, 14)
    async with bench.daemon(day) as watched:
        teacher.open(day, 1, Dai="N", Ebo="late 5")
        await watched.at("09:05")
        marks = {name: watched.entry(teacher.pupils[name], "P1") for name in ("Dai", "Ebo", "Fay")}
        assert {name: (chr(one.code), one.settled) for name, one in marks.items() if one} == {
            "Dai": ("N", True),
            "Ebo": ("L", True),
            "Fay": ("/", False),
        }
        blank = watched.entry(teacher.pupils["Dai"], "P2")
        assert blank is not None
        assert blank.code == NOT_TAKEN


async def test_a_session_that_ended_is_a_blind_feed_and_not_an_empty_school(
    bench: Bench, teacher: Teacher
) -> None:
    """Signed out in AlekSIS: 200 and empty lists become *auth failed*, an alarm, and no mark."""
    day = date(2024, 11, 15)
    async with bench.daemon(day, session=1) as watched:
        teacher.open(day, 1)
        await watched.at("09:05")
        assert watched.feed().state == "good"
        bench.end_session(bench.server.sessions["bridge"][1])
        for time in ("09:10", "09:20", "09:30", "09:40"):
            await watched.at(time)
        assert watched.feed().state == "auth_failed"
        (blind,) = watched.incidents("feed_blind")
        assert blind.state == "open"
        assert any(blind.reference in str(mail.message) for mail in bench.mails.mails)
        assert watched.incidents("missing_during_day") == []
        entry = watched.entry(teacher.pupils["Gil"], "P1")
        assert entry is not None
        assert chr(entry.code) == "/"
