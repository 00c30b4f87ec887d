"""The day's one message: when it comes, to whom, and what it says of a real day."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from mis_bridge.registers.calendar import local_datetime
from mis_bridge.simulator.faults import Fault, FaultKind

from .conftest import DAY, SCHOOL, minutes
from .test_auditor import watch

if TYPE_CHECKING:
    from .conftest import Bench, Watched


@pytest.fixture
def daily(bench: Bench) -> Bench:
    """A school whose DSL reads mail, and that has the day's message on."""
    bench.edit("[daily]\nto = []", "[daily]")
    bench.edit('dsl = ["dsl-teams", "dsl-mail"]', 'dsl = ["dsl-mail"]')
    return bench


def titles(bench: Bench, who: str) -> list[str]:
    """Subjects of the day's messages that somebody got, without what is before and after."""
    subjects = [str(mail.message["Subject"]).split("] ")[1] for mail in bench.mails_to(who)]
    return [one for one in subjects if "today" in one]


def whole_day(bench: Bench) -> None:
    """Save every register of a day on which everybody is there."""
    bench.session("AM", "08:50")
    for period, at in (
        *(("P1", "09:10"), ("P2", "10:10"), ("P3", "11:25")),
        *(("P4", "13:30"), ("P5", "14:30")),
    ):
        bench.lesson(period, at)
    bench.session("PM", "13:10")


async def day_of(watched: Watched, *, until: str = "15:50", every: int = 9) -> None:
    """Let the day pass, by default until ten to four; ticks come without a long break."""
    while watched.clock.now() < local_datetime(DAY, minutes(until)):
        watched.clock.advance(minutes=every)
        await watched.daemon.tick()
        await watched.daemon.settle()


async def test_a_quiet_day_ends_with_one_message_to_the_dsl_and_to_it(daily: Bench) -> None:
    """It says that there was nothing to raise, and comes once, also after restarts."""
    whole_day(daily)
    async with daily.daemon() as watched:
        await day_of(watched)
        await watch(watched, 10)
    async with daily.daemon() as watched:
        await watch(watched, 10)

    assert titles(daily, "dsl") == ["All is well: no alerts today"]
    assert titles(daily, "it") == ["All is well: no alerts today"]
    (mail,) = daily.mails_to("dsl")
    text = " ".join(mail.part("plain").split())
    assert "24 on roll" in text
    assert "nothing to raise" in text
    for pupil in daily.state.school.pupils:
        assert pupil.surname not in text.replace("Samplewood", "")
        assert pupil.upn not in text


@pytest.mark.thorough
async def test_a_day_with_an_outage_and_a_register_not_taken_is_not_called_well(
    daily: Bench,
) -> None:
    """Both are listed with their times, and the title says the first."""
    daily.session("AM", "08:50")
    daily.lesson("P1", "09:10")
    for pupil in daily.pupils[: len(daily.pupils) * 2 // 3]:
        daily.state.save_session(pupil, DAY, pm=True, code="\\", minute=minutes("13:10"))
    async with daily.daemon() as watched:
        await day_of(watched, until="11:00")
        outage = daily.standin.faults.add(Fault(FaultKind.STATUS, status=401))
        await day_of(watched, until="11:40")
        daily.standin.faults.remove(outage)
        await day_of(watched)

    (title,) = titles(daily, "dsl")
    assert title == "Not all was watched today: the registers could not be read, and 1 more"
    text = " ".join(daily.mails_to("dsl")[-1].part("plain").split())
    assert re.search(r"the registers could not be read, 11:\d\d to 11:\d\d", text)
    assert re.search(r"\d+ registers? (was|were) not taken", text)


@pytest.mark.thorough
async def test_a_child_missing_since_yesterday_is_what_the_days_message_begins_with(
    daily: Bench,
) -> None:
    """Gone on Tuesday, marked N all Wednesday: that all was watched is no good news."""
    tomorrow, gone = DAY + timedelta(days=1), daily.pupils[0]
    daily.session("AM", "08:50")
    daily.lesson("P1", "09:00")
    daily.lesson("P2", "10:02", **{gone: "N"})
    async with daily.daemon() as watched:
        await watched.until("10:20", every=5)
        for pupil in daily.pupils:
            for pm, code, at in ((False, "/", "08:50"), (True, "\\", "13:10")):
                mark = "N" if pupil == gone else code
                daily.state.save_session(pupil, tomorrow, pm=pm, code=mark, minute=minutes(at))
        for hour in (9, 12, 14, 16):
            then = local_datetime(tomorrow, hour * 60)
            daily.clock.advance(seconds=(then - daily.clock.now()).total_seconds())
            await watched.daemon.settle()

    subjects = [" ".join(str(one.message["Subject"]).split()) for one in daily.mails_to("dsl")]
    assert sum("1 child is still missing since an earlier day" in one for one in subjects) == 1


async def test_on_a_day_without_school_nothing_is_sent(daily: Bench) -> None:
    """A Saturday, and a day of the holidays."""
    for day in (DAY + timedelta(days=4), DAY.replace(month=12, day=28)):
        daily.clock.set(local_datetime(day, minutes("15:40")))
        async with daily.daemon() as watched:
            await watch(watched, 10)
    assert [one for who in ("dsl", "it") for one in titles(daily, who)] == []


@pytest.mark.thorough
async def test_where_the_first_channel_refuses_the_next_one_brings_it(bench: Bench) -> None:
    """As with every other message."""
    bench.edit("[daily]\nto = []", "[daily]")
    whole_day(bench)
    bench.webhook.faults.add(Fault(FaultKind.STATUS, status=404))
    async with bench.daemon() as watched:
        await day_of(watched)
    assert titles(bench, "dsl") == ["All is well: no alerts today"]


@pytest.mark.thorough
async def test_a_days_message_that_its_only_channel_refuses_is_told_to_it_and_the_office(
    bench: Bench,
) -> None:
    """The channel works and this one message is too big for it: the next day nobody would ask.

    An incident names the duty that was not reached; the channel itself is not called broken.
    """
    bench.edit("[daily]\nto = []", "[daily]")
    bench.edit('dsl = ["dsl-teams", "dsl-mail"]', 'dsl = ["dsl-teams"]')
    whole_day(bench)
    bench.webhook.faults.add(Fault(FaultKind.STATUS, status=413))
    async with bench.daemon() as watched:
        await day_of(watched, until="16:10")

        (lost,) = watched.incidents("undelivered")
        assert lost.sentence == (
            "The day's message of Tue 17 Nov for DSL has reached nobody. No channel is tried any "
            "more. Tell DSL by telephone or in person."
        )
        assert watched.incidents("channel_failing") == []
    for who in ("it", "office"):
        subjects = [str(mail.message["Subject"]) for mail in bench.mails_to(who)]
        assert any(f"reached nobody {lost.reference}" in one for one in subjects), who


@pytest.mark.thorough
async def test_schools_that_share_it_are_told_of_in_one_message(daily: Bench) -> None:
    """And each school's DSL, who has a channel of their own, of their own school."""
    other = (daily.folder / "conf.d" / f"{SCHOOL}.toml").read_text("utf-8")
    other = other.replace(f'id = "{SCHOOL}"', 'id = "otherwood"')
    other = other.replace("credential:wonde-token", "credential:not-there")
    other += '\n[routes]\ndsl = ["office-mail"]\n'
    (daily.folder / "conf.d" / "otherwood.toml").write_text(other, "utf-8")
    whole_day(daily)
    async with daily.daemon() as watched:
        await day_of(watched)

    assert titles(daily, "dsl") == ["All is well: no alerts today"]
    (of_all,) = titles(daily, "it")
    assert of_all.startswith("Not all was watched today: ")
    (own,) = titles(daily, "office")
    assert "never read" in own
