"""People, duties and rules with the daemon's own parts: who is told, when, by which channel."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest

from mis_bridge.incidents.model import MessagePlan
from mis_bridge.incidents.reasons import ASKS, Reason
from mis_bridge.registers.calendar import local_datetime
from mis_bridge.service import routing
from mis_bridge.service.people import acknowledge
from mis_bridge.service.preview import Pupil, preview
from mis_bridge.service.schools import schools_of
from mis_bridge.service.silencing import Wanted, silence
from mis_bridge.settings import load
from mis_bridge.simulator.faults import Fault, FaultKind
from mis_bridge.store import audit, outbox, owed, suppressed
from mis_bridge.triggers.model import Severity

from .conftest import DAY, SCHOOL, minutes

if TYPE_CHECKING:
    from mis_bridge.incidents.model import Incident

    from .conftest import Bench, Watched

MAIL = """
[channels.{name}-mail]
kind = "smtp"
host = "127.0.0.1"
port = {port}
security = "none"
sender = "mis-bridge@samplewood.example"
recipients = ["{name}@samplewood.example"]
"""
AMINA = """
[people.amina]
name = "Amina Okoro"
channels = ["dsl-teams", { channel = "amina-mail", after_minutes = 5 }]
"""
BEN = """
[people.ben]
name = "Ben Doyle"
channels = ["ben-mail"]
"""
RULE = """
[[escalation]]
name = "missing"
triggers = ["missing_during_day"]
steps = [
  { tell = ["dsl"] },
  { tell = ["deputy", "head_of_year"], after_minutes = 10 },
]
"""


REMINDS = "Not written down"


def told(bench: Bench, *people: str, routes: str = "", more: str = "") -> None:
    """Let people with a mail channel each be told, under routes and rules of a test's own."""
    port = next(line for line in bench.config.read_text("utf-8").splitlines() if "port = " in line)
    mails = "".join(
        MAIL.format(name=name, port=port.partition("= ")[2])
        for name in ("amina", "ben", "chloe", "dev")
    )
    bench.edit('dsl = ["dsl-teams", "dsl-mail"]', routes or 'dsl = ["amina"]')
    bench.edit("\n[incidents]", f"{mails}{''.join(people)}{more}\n[incidents]")


def gone_after_p1(bench: Bench, *flags: str) -> str:
    """One pupil, with these flags and no other, is in P1 and absent from P2."""
    pupil = next(one.id for one in bench.state.school.pupils if one.flags == set(flags))
    bench.session("AM", "08:50")
    bench.lesson("P1", "09:00")
    bench.lesson("P2", "10:02", **{pupil: "N"})
    return pupil


def titles(bench: Bench) -> list[str]:
    """Headings of the cards that Teams took, in order, without reminders of steps."""
    found = [posted.card["body"][0]["items"][0]["text"] for posted in bench.webhook.posted]
    return [title for title in found if not title.startswith(REMINDS)]


def subjects(bench: Bench, who: str) -> list[str]:
    """Subjects of the mails to somebody, without prefix and reference, nor reminders of steps."""
    found = [" ".join(str(mail.message["Subject"]).split()) for mail in bench.mails_to(who)]
    plain = [subject.removeprefix("[mis-bridge] ").rpartition(" ")[0] for subject in found]
    return [subject for subject in plain if not subject.startswith(REMINDS)]


def missing(watched: Watched) -> Incident:
    """The one incident of a child who is, or was, missing."""
    (incident,) = (one for one in watched.incidents() if one.family == "missing_during_day")
    return incident


def rows(watched: Watched, incident: Incident) -> dict[str, tuple[str, str]]:
    """State and detail of every message, by reason, audience and channel."""
    with watched.store.reading() as tx:
        found = outbox.of_incident(tx, incident.school, incident.id)
    return {f"{row.reason} {row.audience} {row.channel}": (row.state, row.detail) for row in found}


def unsaid(watched: Watched, incident: Incident) -> list[str]:
    """Why somebody was not told."""
    with watched.store.reading() as tx:
        return [one.reason for one in suppressed.of_incident(tx, SCHOOL, incident.id)]


async def test_accepted_is_not_seen(bench: Bench) -> None:
    """Teams took the card and nobody answered: mail follows after five minutes, and then the end.

    While it waits for its time nothing is late.
    """
    told(bench, AMINA)
    gone_after_p1(bench)
    async with bench.daemon() as watched:
        await watched.at("10:12")
        await watched.at("10:16")
        assert subjects(bench, "amina") == []
        with watched.store.reading() as tx:
            assert owed.waiting(tx, bench.clock.now()) == (0, 0.0)
        await watched.at("10:17")
        assert titles(bench) == ["Missing during the day"]
        assert subjects(bench, "amina") == ["Nobody has answered: missing during the day"]

        bench.lesson("P3", "11:18")
        await watched.at("11:20")
        assert titles(bench)[-1].startswith("Found")
        assert subjects(bench, "amina")[-1].startswith("Found")


async def test_an_acknowledgement_drops_what_was_to_follow(bench: Bench) -> None:
    """It has its reason, and the end goes to the channel that was used."""
    told(bench, AMINA)
    gone_after_p1(bench)
    async with bench.daemon() as watched:
        await watched.at("10:12")
        incident = missing(watched)
        watched.store.run(acknowledge, incident.reference, "A. Okoro", bench.clock.now(), 120)
        await watched.until("10:25", every=1)
        bench.lesson("P3", "11:18")
        await watched.at("11:20")

        assert rows(watched, incident)["unseen dsl amina-mail"] == ("cancelled", "acknowledged")
        assert rows(watched, incident)["found dsl dsl-teams"][0] == "accepted"
        assert subjects(bench, "amina") == []


async def test_a_child_who_was_found_meanwhile_is_not_told_as_missing(bench: Bench) -> None:
    """The mark was corrected at 10:14: nothing follows at 10:17."""
    told(bench, AMINA)
    gone_after_p1(bench)
    async with bench.daemon() as watched:
        await watched.at("10:12")
        bench.lesson("P2", "10:13")
        await watched.until("10:30", every=1)

        incident = missing(watched)
        assert titles(bench)[-1].startswith("Corrected")
        assert subjects(bench, "amina") == []
        assert rows(watched, incident)["unseen dsl amina-mail"] == (
            "cancelled",
            "cleared_before_sending",
        )


async def test_a_channel_that_fails_does_not_wait_for_the_minutes(bench: Bench) -> None:
    """Teams is gone: the same person's mail has it at once, and not a second time."""
    told(bench, AMINA)
    gone_after_p1(bench)
    bench.webhook.faults.add(Fault(FaultKind.STATUS, status=404))
    async with bench.daemon() as watched:
        await watched.at("10:12")
        await watched.until("10:25", every=1)

        incident = missing(watched)
        assert subjects(bench, "amina") == ["Missing during the day"]
        assert rows(watched, incident)["unseen dsl amina-mail"] == ("cancelled", "superseded")


async def test_a_person_who_does_not_answer_gives_way_to_the_next_of_the_route(
    bench: Bench,
) -> None:
    """Both of Amina's channels are behind her when the route climbs: Ben is told, not her again."""
    told(bench, AMINA, BEN, routes='dsl = ["amina", "ben"]')
    gone_after_p1(bench)
    async with bench.daemon() as watched:
        await watched.at("10:12")
        await watched.until("10:45", every=1)

        assert len(titles(bench)) == 1
        assert len(subjects(bench, "amina")) == 1
        assert subjects(bench, "ben") == ["Nobody has answered: missing during the day"]


def head_of_year(bench: Bench, pupil: str) -> str:
    """The duty of the head of a pupil's year."""
    year = next(one.year_group for one in bench.state.school.pupils if one.id == pupil)
    return f"head_of_year_{year}"


async def test_nobody_answering_walks_the_steps_of_the_rule(bench: Bench) -> None:
    """At 10:22 the deputy and the head of the pupil's own year; found goes to all three."""
    pupil = gone_after_p1(bench)
    others = "head_of_year_7" if head_of_year(bench, pupil) != "head_of_year_7" else "headteacher"
    told(
        bench,
        BEN,
        routes='dsl = ["dsl-teams", "dsl-mail"]\ndeputy = ["ben"]\n'
        f'{head_of_year(bench, pupil)} = ["chloe-mail"]\n{others} = ["dev-mail"]',
        more=RULE,
    )
    async with bench.daemon() as watched:
        await watched.at("10:12")
        await watched.at("10:21")
        assert subjects(bench, "ben") == subjects(bench, "chloe") == []
        await watched.at("10:22")
        bench.lesson("P3", "11:18")
        await watched.at("11:20")

        answered = "Nobody has answered: missing during the day"
        for who in ("ben", "chloe"):
            first, last = subjects(bench, who)
            assert first == answered
            assert last.startswith("Found")
        assert subjects(bench, "dev") == []
        assert titles(bench)[-1].startswith("Found")
        incident = missing(watched)
        with watched.store.reading() as tx:
            bodies = [line.body for line in audit.history(tx, SCHOOL, incident.id)]
        assert any(body.startswith("Told by the rule missing: DSL at once") for body in bodies)


@pytest.mark.thorough
async def test_what_routes_test_says_is_what_happens(bench: Bench) -> None:
    """Minute by minute, channel by channel, until nobody is told any more."""
    pupil = gone_after_p1(bench)
    heads = f'{head_of_year(bench, pupil)} = ["chloe-mail", "dev-mail"]'
    told(bench, AMINA, BEN, routes=f'dsl = ["amina", "ben"]\ndeputy = ["ben"]\n{heads}', more=RULE)
    configuration = load(bench.config)
    school = schools_of(configuration, today=DAY)[SCHOOL]
    year = next(one.year_group for one in bench.state.school.pupils if one.id == pupil)
    raised = local_datetime(DAY, 612)
    said = preview(school, "missing_during_day", 1, Pupil(frozenset(), year), raised)

    async with bench.daemon() as watched:
        await watched.at("10:12")
        await watched.until("12:30", every=1)

        with watched.store.reading() as tx:
            sent = outbox.of_incident(tx, SCHOOL, missing(watched).id)
        happened = {
            (round((row.finished_at - raised).total_seconds() / 60), row.channel)
            for row in sent
            if row.state in {"sent", "accepted"} and row.finished_at and row.reason in ASKS
        }
    assert {(one.minutes, one.channel) for one in said.told} == happened


async def test_an_edit_does_not_touch_an_escalation_that_is_under_way(bench: Bench) -> None:
    """The rule is taken out at 10:15 and the daemon started again: the deputy is told at 10:22."""
    pupil = gone_after_p1(bench)
    duties = f'dsl = ["dsl-teams", "dsl-mail"]\ndeputy = ["ben"]\n{head_of_year(bench, pupil)} = []'
    told(bench, BEN, routes=duties, more=RULE)
    async with bench.daemon() as watched:
        await watched.at("10:12")
    bench.edit(RULE, "")
    async with bench.daemon() as watched:
        await watched.until("10:25", every=1)

        assert subjects(bench, "ben") == ["Nobody has answered: missing during the day"]


async def test_who_has_left_is_passed_over(bench: Bench) -> None:
    """Amina left on Friday; Ben is the next in the route and is told at once."""
    left = AMINA + "last_day = 2026-11-13\n"
    told(bench, left, BEN, routes='dsl = ["amina", "ben"]')
    gone_after_p1(bench)
    async with bench.daemon() as watched:
        await watched.at("10:12")

        incident = missing(watched)
        assert subjects(bench, "ben") == ["Missing during the day"]
        assert subjects(bench, "amina") == []
        assert titles(bench) == []
        assert unsaid(watched, incident) == ["has_left"]


async def test_where_everybody_of_a_duty_has_left_it_is_told(bench: Bench) -> None:
    """Nobody replaced the safeguarding lead: somebody hears of the child all the same."""
    told(bench, AMINA + "last_day = 2026-11-13\n")
    gone_after_p1(bench)
    async with bench.daemon() as watched:
        await watched.at("10:12")
        bench.lesson("P3", "11:18")
        await watched.at("11:20")

        incident = missing(watched)
        first, last = subjects(bench, "it")
        assert first == "Missing during the day"
        assert last.startswith("Found")
        assert unsaid(watched, incident)[0] == "has_left"
        assert incident.told == ("it",)


async def test_what_is_held_over_somebodys_last_day_goes_to_who_is_there_then(
    bench: Bench,
) -> None:
    """Friday evening, Amina's last day: what waits for Monday morning is for Ben, not for her."""
    friday = date(2026, 11, 20)
    bench.edit('office = ["office-mail"]', 'office = ["amina", "ben"]')
    told(bench, AMINA + "last_day = 2026-11-20\n", BEN)
    gone_after_p1(bench)
    async with bench.daemon() as watched:
        await watched.at("10:12")
        incident = replace(missing(watched), severity=Severity.NORMAL, family="register_not_taken")
        plan = MessagePlan(incident, Reason.OPENED, "office", Severity.NORMAL, 1)
        configuration = load(bench.config)
        school = schools_of(configuration, today=friday)[SCHOOL]
        deadlines = routing.deadlines_of(configuration.settings)
        at = {}
        with watched.store.transaction() as tx:
            for clock in ("15:00", "19:00"):
                now = local_datetime(friday, minutes(clock))
                at[clock] = routing.expand(tx, plan, school, now, deadlines)

    told_today, held = at["15:00"][0], at["19:00"][0]
    assert told_today.channel == "dsl-teams"
    assert (held.channel, held.route, held.held) == ("ben-mail", (), "school_closed")
    assert held.due_at == local_datetime(date(2026, 11, 23), 7 * 60)


async def test_reminders_that_a_silence_holds_give_nobody_more_time_to_answer(bench: Bench) -> None:
    """Silenced until noon, three steps late meanwhile: half an hour after noon the next hear."""
    gone_after_p1(bench)
    async with bench.daemon() as watched:
        await watched.at("10:13")
        school = schools_of(load(bench.config), today=DAY)[SCHOOL]
        noon = local_datetime(DAY, 12 * 60)
        wanted = Wanted("", noon, "A. Lead", "With me", incident=missing(watched).id)
        watched.store.run(silence, SCHOOL, school.years, wanted, bench.clock.now())

        await watched.until("11:58", every=2)
        before = subjects(bench, "dsl")
        await watched.until("12:34", every=2)

    assert before == []
    assert subjects(bench, "dsl") == ["Nobody has answered: missing during the day"]


async def test_a_package_whose_duty_nobody_has_any_more_is_told_to_it(bench: Bench) -> None:
    """The attendance officer left and nobody took over: somebody has to look at it in time."""
    bench.edit('attendance = ["attendance-mail"]', 'attendance = ["ben"]')
    told(bench, AMINA, BEN + "last_day = 2026-11-13\n")
    gone_after_p1(bench)
    async with bench.daemon() as watched:
        await watched.at("10:12")
        incident = missing(watched)
        plan = MessagePlan(
            incident, Reason.PACKAGE_READY, "attendance", incident.severity, incident.revision
        )
        configuration = load(bench.config)
        school = schools_of(configuration, today=DAY)[SCHOOL]
        deadlines = routing.deadlines_of(configuration.settings)
        with watched.store.transaction() as tx:
            made = routing.expand(tx, plan, school, bench.clock.now(), deadlines)

    assert [(row.audience, row.channel) for row in made] == [("attendance", "it-mail")]


async def test_a_schools_own_rule_for_some_pupils_comes_first(bench: Bench) -> None:
    """A child in need, by the flag that the MIS gives: the deputy, before the general rule."""
    gone_after_p1(bench, "cin")
    told(
        bench,
        BEN,
        routes='dsl = ["dsl-teams", "dsl-mail"]\ndeputy = ["ben"]',
        more='\n[[escalation]]\nsteps = [{ tell = ["it"] }]\n',
    )
    school = bench.folder / "conf.d" / f"{SCHOOL}.toml"
    rule = """
[[escalation]]
triggers = ["missing_during_day"]
flags = ["lac", "cin"]
days = ["tue"]
term = true
hours = "10:00-11:00"
steps = [{ tell = ["deputy"] }]
"""
    school.write_text(school.read_text("utf-8") + rule, "utf-8")
    async with bench.daemon() as watched:
        await watched.at("10:06")
        await watched.at("10:12")

        assert len(subjects(bench, "ben")) == 1
        assert titles(bench) == []
        assert subjects(bench, "it") == []


async def test_a_school_that_names_people_needs_no_rule(bench: Bench) -> None:
    """The deputy hears with the DSL's next channel, and of the end; the office when it always did.

    Nobody is head of year or headteacher here, and no word is lost on it.
    """
    gone_after_p1(bench)
    told(bench, BEN, routes='dsl = ["dsl-teams", "dsl-mail"]\ndeputy = ["ben"]')
    async with bench.daemon() as watched:
        await watched.at("10:12")
        await watched.at("10:41")
        assert subjects(bench, "ben") == []
        await watched.at("10:42")
        assert subjects(bench, "ben") == ["Nobody has answered: missing during the day"]
        assert subjects(bench, "office") == []
        await watched.until("11:12")
        assert subjects(bench, "office") == []
        await watched.at("11:42")
        assert subjects(bench, "office")[-1] == "Nobody has answered: missing during the day"
        bench.lesson("P4", "13:20")
        await watched.at("13:25")

        assert subjects(bench, "ben")[-1].startswith("Found")
        assert unsaid(watched, missing(watched)) == []
