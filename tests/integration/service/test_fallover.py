"""What becomes of a message whose channel fails: who is told instead, and who hears of the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from mis_bridge.incidents.model import Act, Outcome
from mis_bridge.service.people import acknowledge, close
from mis_bridge.service.routing import deadlines_of
from mis_bridge.service.self_check import Fault as Undone
from mis_bridge.settings import load
from mis_bridge.simulator.faults import Fault, FaultKind
from mis_bridge.store import audit, channels, outbox, suppressed
from mis_bridge.store.schema import metadata

from .conftest import SCHOOL

if TYPE_CHECKING:
    from mis_bridge.incidents.model import Incident

    from .conftest import Bench, Watched

ONLY_TEAMS = ('dsl = ["dsl-teams", "dsl-mail"]', 'dsl = ["dsl-teams"]')


def _gone_after_p1(bench: Bench) -> str:
    """One pupil (no flags, a secondary year) is in P1 and absent from P2."""
    pupil = next(
        one.id for one in bench.state.school.pupils if not one.flags and (one.year_group or 0) > 6
    )
    bench.session("AM", "08:50")
    bench.lesson("P1", "09:00")
    bench.lesson("P2", "10:02", **{pupil: "N"})
    return pupil


def _titles(bench: Bench) -> list[str]:
    """Headings of the cards that Teams took, in order."""
    return [posted.card["body"][0]["items"][0]["text"] for posted in bench.webhook.posted]


def _alarms(bench: Bench) -> list[str]:
    """The same without the reminders of what is left to do."""
    return [title for title in _titles(bench) if not title.startswith("Not written down")]


def _subjects(bench: Bench, who: str) -> list[str]:
    return [str(mail.message["Subject"]) for mail in bench.mails_to(who)]


def _rows(watched: Watched, incident: Incident) -> dict[str, tuple[str, str]]:
    with watched.store.reading() as tx:
        rows = outbox.of_incident(tx, incident.school, incident.id)
    return {f"{row.reason} {row.audience} {row.channel}": (row.state, row.detail) for row in rows}


@pytest.mark.thorough
async def test_an_alarm_whose_answer_was_lost_is_not_repeated_after_its_end(bench: Bench) -> None:
    """The connection broke at 10:12 and the mark was corrected: only that goes out at 10:14."""
    _gone_after_p1(bench)
    bench.webhook.faults.add(Fault(FaultKind.RESET, times=1))
    async with bench.daemon() as watched:
        await watched.at("10:12")
        bench.lesson("P2", "10:13")
        await watched.until("10:30", every=1)

        (incident,) = watched.incidents("missing_during_day")
        assert _titles(bench) == ["Corrected: missing during the day"]
        assert _rows(watched, incident)["opened dsl dsl-teams"] == (
            "cancelled",
            "cleared_before_sending",
        )


async def test_an_end_reaches_those_whom_a_lost_answer_may_have_reached(bench: Bench) -> None:
    """Lost at 10:12, refused for now at 10:14: what may have been read at first has to be ended."""
    bench.edit(*ONLY_TEAMS)
    _gone_after_p1(bench)
    bench.webhook.faults.add(Fault(FaultKind.RESET, times=1))
    down = bench.webhook.faults.add(Fault(FaultKind.STATUS, status=503))
    async with bench.daemon() as watched:
        await watched.at("10:12")
        await watched.until("10:16", every=1)
        bench.lesson("P2", "10:17")
        await watched.until("10:19", every=1)
        bench.webhook.faults.remove(down)
        await watched.until("10:30", every=1)

        assert _titles(bench) == ["Corrected: missing during the day"]


@pytest.mark.thorough
async def test_found_is_not_told_of_a_child_who_is_missing_again(bench: Bench) -> None:
    """Teams is down from 11:18 to 13:30; meanwhile the child came back and is gone once more."""
    pupil = _gone_after_p1(bench)
    bench.edit(*ONLY_TEAMS)
    bench.edit("ack_minutes = 30", "ack_minutes = 600\ndamping_minutes = 180")
    async with bench.daemon() as watched:
        await watched.at("10:12")
        down = bench.webhook.faults.add(Fault(FaultKind.STATUS, status=503))
        bench.lesson("P3", "11:18")
        await watched.at("11:20")
        bench.session("PM", "13:05", **{pupil: "N"})
        bench.lesson("P4", "13:14", **{pupil: "N"})
        await watched.until("13:30", every=5)
        bench.webhook.faults.remove(down)
        await watched.until("14:00", every=5)

        assert not [title for title in _titles(bench) if "Found" in title]
        # What is new since, that it is missing again and that it is level 2, is one message.
        assert _alarms(bench)[-1].startswith("Missing during the day, raised")
        (incident,) = watched.incidents("missing_during_day")
        assert _rows(watched, incident)["found dsl dsl-teams"] == ("cancelled", "superseded")


async def test_the_end_falls_over_too(bench: Bench) -> None:
    """Teams took the alarm and refuses the end: who is still searching hears of it by mail."""
    _gone_after_p1(bench)
    async with bench.daemon() as watched:
        await watched.at("10:12")
        bench.webhook.faults.add(Fault(FaultKind.STATUS, status=404))
        bench.lesson("P3", "11:18")
        await watched.at("11:20")

        assert _titles(bench) == ["Missing during the day"]
        assert ["Found" in subject for subject in _subjects(bench, "dsl")] == [True]


async def test_an_end_that_is_late_falls_over_at_its_deadline(bench: Bench) -> None:
    """503 for a quarter of an hour is too long for somebody who searches the site."""
    _gone_after_p1(bench)
    async with bench.daemon() as watched:
        await watched.at("10:12")
        bench.webhook.faults.add(Fault(FaultKind.STATUS, status=503))
        bench.lesson("P3", "11:18")
        await watched.at("11:20")
        await watched.until("11:36", every=1)

        assert ["Found" in subject for subject in _subjects(bench, "dsl")] == [True]


async def test_everyone_who_was_told_hears_of_the_end_whoever_told_them(bench: Bench) -> None:
    """Teams was too slow, mail took over, Teams came after all: both have it, both are told."""
    _gone_after_p1(bench)
    down = bench.webhook.faults.add(Fault(FaultKind.STATUS, status=503))
    async with bench.daemon() as watched:
        await watched.at("10:12")
        await watched.until("10:28", every=1)
        bench.webhook.faults.remove(down)
        await watched.until("10:40", every=2)
        bench.lesson("P3", "11:18")
        await watched.at("11:20")

        assert _titles(bench)[0] == "Missing during the day"
        assert _titles(bench)[-1].startswith("Found")
        assert _subjects(bench, "dsl")[-1].startswith("[mis-bridge] Found")


TWO_AUDIENCES = (
    'dsl = ["dsl-teams", "dsl-mail"]',
    'attendance = ["attendance-mail"]',
    'dsl = ["dsl-teams", "dsl-mail"]\nattendance = ["dsl-teams", "attendance-mail"]',
)


async def test_two_audiences_of_one_channel_get_one_message(bench: Bench) -> None:
    """An absence is told to DSL and attendance officer; in one Teams channel that is one card."""
    bench.session("AM", "08:50", **{bench.pupils[0]: "N"})
    bench.edit('\nattendance = ["attendance-mail"]', "")
    bench.edit(TWO_AUDIENCES[0], TWO_AUDIENCES[2])
    async with bench.daemon() as watched:
        await watched.at("09:15")
        bench.session("AM", "09:30")
        await watched.at("09:32")

        assert [title.partition(":")[0] for title in _titles(bench)] == [
            "Absent without explanation",
            "Found",
        ]
        (incident,) = watched.incidents("unexplained_absence")
        states = sorted(_rows(watched, incident).values())
        assert [state for state in states if state[0] == "cancelled"] == [
            ("cancelled", "same_channel"),
            ("cancelled", "same_channel"),
        ]


async def test_where_a_shared_channel_fails_each_audience_has_its_own_next_one(
    bench: Bench,
) -> None:
    """The DSL's mail does not stand in for the attendance officer's."""
    bench.session("AM", "08:50", **{bench.pupils[0]: "N"})
    bench.edit('\nattendance = ["attendance-mail"]', "")
    bench.edit(TWO_AUDIENCES[0], TWO_AUDIENCES[2])
    bench.webhook.faults.add(Fault(FaultKind.STATUS, status=404))
    async with bench.daemon() as watched:
        await watched.at("09:15")
        bench.session("AM", "09:30")
        await watched.at("09:32")

        for who in ("dsl", "attendance"):
            told = [subject.split()[1] for subject in _subjects(bench, who)]
            assert told == ["Absent", "Found:"], who


async def test_a_channel_that_only_asks_for_patience_is_told_when_the_deadline_passes(
    bench: Bench,
) -> None:
    """503 with Retry-After is no failure, until a message about a missing child is late."""
    _gone_after_p1(bench)
    slow = bench.webhook.faults.add(Fault(FaultKind.STATUS, status=503, retry_after=600))
    async with bench.daemon() as watched:
        await watched.at("10:12")
        await watched.until("10:21", every=1)
        assert bench.mails_to("it") == []
        await watched.until("10:24", every=1)  # it asks for patience beyond the deadline at 10:27

        assert len(bench.mails_to("dsl")) == 1
        (told,) = watched.incidents("channel_failing")
        assert "dsl-teams" in told.sentence
        assert len(bench.mails_to("it")) == 1

        bench.webhook.faults.remove(slow)
        await watched.until("10:45", every=1)
        (told,) = watched.incidents("channel_failing")
        assert told.state == "closed"


async def test_a_channel_that_says_when_it_takes_more_is_tried_then(bench: Bench) -> None:
    """429 with Retry-After 3: after three seconds the alert is out, and not before."""
    _gone_after_p1(bench)
    bench.webhook.faults.add(Fault(FaultKind.STATUS, status=429, retry_after=3, times=1))
    async with bench.daemon() as watched:
        await watched.at("10:12")
        watched.clock.advance(seconds=2)
        await watched.daemon.settle()
        assert bench.webhook.posted == []

        watched.clock.advance(seconds=1)
        await watched.daemon.settle()
        assert len(bench.webhook.posted) == 1


async def test_a_message_that_is_refused_for_itself_is_told_to_it_by_another_channel(
    bench: Bench,
) -> None:
    """The channel works and this one card is refused: the next channel has it, and IT hears why."""
    _gone_after_p1(bench)
    bench.edit('it = ["it-mail"]', 'it = ["dsl-teams", "it-mail"]')
    bench.webhook.faults.add(Fault(FaultKind.STATUS, status=413, times=2))
    async with bench.daemon() as watched:
        await watched.at("10:12")
        await watched.at("10:13")

        (incident,) = watched.incidents("missing_during_day")
        assert len(bench.mails_to("dsl")) == 1
        (mail,) = bench.mails_to("it")
        assert mail.message["Subject"] == (
            f"[mis-bridge] A message could not be delivered {incident.reference}"
        )
        text = " ".join(mail.part("plain").split())
        assert "The channel dsl-teams refused the alert: " in text
        assert "too big" in text
        assert "The channel dsl-mail has taken over." in text
        assert watched.incidents("channel_failing") == []


@pytest.mark.thorough
async def test_with_no_channel_left_it_is_tried_until_somebody_mends_one(bench: Bench) -> None:
    """The only channel is gone: what is still true in half an hour is told in half an hour.

    Meanwhile IT and the office hear that the DSL was not reached.
    """
    _gone_after_p1(bench)
    bench.edit(*ONLY_TEAMS)
    bench.edit("ack_minutes = 30", "ack_minutes = 600")
    gone = bench.webhook.faults.add(Fault(FaultKind.STATUS, status=404))
    async with bench.daemon() as watched:
        await watched.at("10:12")
        await watched.until("10:40", every=1)
        (missing,) = watched.incidents("missing_during_day")
        (lost,) = watched.incidents("undelivered")
        assert f"for DSL about {missing.reference} has reached nobody" in lost.sentence
        for who in ("it", "office"):
            assert any("reached nobody" in subject for subject in _subjects(bench, who)), who

        bench.webhook.faults.remove(gone)
        await watched.until("10:55", every=1)

        assert _alarms(bench) == ["Missing during the day"]
        assert [one.state for one in watched.incidents("undelivered")] == ["closed"]


@pytest.mark.thorough
async def test_with_no_channel_left_the_first_that_is_mended_says_the_end(bench: Bench) -> None:
    """Teams and mail both refuse that the child was found, and only Teams is mended again."""
    _gone_after_p1(bench)
    async with bench.daemon() as watched:
        await watched.at("10:12")
        gone = bench.webhook.faults.add(Fault(FaultKind.STATUS, status=404))
        bench.mails.faults.add(Fault(FaultKind.STATUS, status=550))
        bench.lesson("P3", "11:18")
        await watched.until("11:40", every=1)
        assert not [title for title in _titles(bench) if "Found" in title]

        bench.webhook.faults.remove(gone)
        await watched.until("12:00", every=1)

        assert ["Found" in title for title in _titles(bench)] == [False, True]


async def test_what_a_working_channel_refused_for_itself_stays_refused(bench: Bench) -> None:
    """Teams finds the card too big, and mail is broken: only the mail is tried again."""
    _gone_after_p1(bench)
    bench.webhook.faults.add(Fault(FaultKind.STATUS, status=413))
    bench.mails.faults.add(Fault(FaultKind.STATUS, status=550))
    async with bench.daemon() as watched:
        await watched.at("10:12")
        await watched.until("10:26", every=1)

        (incident,) = watched.incidents("missing_during_day")
        with watched.store.reading() as tx:
            rows = outbox.of_incident(tx, incident.school, incident.id)
            lines = audit.history(tx, incident.school, incident.id)
        tried = {row.channel: row.attempts for row in rows if row.reason == "opened"}
        assert tried == {"dsl-teams": 1, "dsl-mail": 2}
        # What is tried again and again is written into the history once.
        assert len([line for line in lines if line.act == Act.FAILED]) == 2


@pytest.mark.thorough
async def test_where_nobody_can_be_told_that_nobody_can_be_told_the_outside_monitor_says_it(
    bench: Bench,
) -> None:
    """All channels are gone: the auditor's look is not clean, so nothing calls the monitor."""
    _gone_after_p1(bench)
    gone = bench.webhook.faults.add(Fault(FaultKind.STATUS, status=404))
    bench.edit(*ONLY_TEAMS)
    bench.edit('it = ["it-mail"]', 'it = ["dsl-teams"]')
    bench.edit('office = ["office-mail"]', 'office = ["dsl-teams"]')
    async with bench.daemon() as watched:
        await watched.at("10:12")
        await watched.until("10:40", every=1)
        await watched.daemon.auditor.audit()
        assert Undone.NOBODY_REACHED in watched.daemon.auditor.last.faults

        bench.webhook.faults.remove(gone)
        await watched.until("10:55", every=1)
        await watched.daemon.auditor.audit()
        assert watched.daemon.auditor.last.clean


async def test_a_channel_that_can_not_be_set_up_says_why(bench: Bench) -> None:
    """Its address is not in the credentials: IT reads that, and not that it is not configured."""
    _gone_after_p1(bench)
    bench.edit('url = "credential:dsl-webhook"', 'url = "credential:lost-webhook"')
    async with bench.daemon() as watched:
        await watched.at("10:12")
        await watched.at("10:13")

        assert len(bench.mails_to("dsl")) == 1
        (told,) = watched.incidents("channel_failing")
        assert "there is no file lost-webhook" in told.sentence


async def test_a_channel_that_was_renamed_leaves_its_messages_to_the_present_route(
    bench: Bench,
) -> None:
    """What waits for a channel that is no longer configured goes by what is configured now."""
    _gone_after_p1(bench)
    bench.edit(*ONLY_TEAMS)
    bench.webhook.faults.add(Fault(FaultKind.STATUS, status=503, times=1))
    async with bench.daemon() as watched:
        await watched.at("10:12")
    bench.edit("[channels.dsl-teams]", "[channels.safeguarding]")
    bench.edit('dsl = ["dsl-teams"]', 'dsl = ["safeguarding"]')
    async with bench.daemon() as watched:
        await watched.until("10:15", every=1)

        (incident,) = watched.incidents("missing_during_day")
        assert _titles(bench) == ["Missing during the day"]
        assert _rows(watched, incident)["opened dsl safeguarding"][0] == "accepted"


async def test_a_school_that_was_removed_does_not_put_its_channels_to_blame(bench: Bench) -> None:
    """What was still to be said of it is dropped with a reason; other schools' channels work."""
    _gone_after_p1(bench)
    bench.webhook.faults.add(Fault(FaultKind.STATUS, status=503, times=1))
    async with bench.daemon() as watched:
        await watched.at("10:12")
        (incident,) = watched.incidents("missing_during_day")
    first = bench.folder / "conf.d" / f"{SCHOOL}.toml"
    text = first.read_text("utf-8").replace(f'id = "{SCHOOL}"', 'id = "other"')
    first.with_name("other.toml").write_text(text, "utf-8")
    first.unlink()
    async with bench.daemon() as watched:
        await watched.until("10:20", every=1)

        with watched.store.reading() as tx:
            rows = outbox.of_incident(tx, SCHOOL, incident.id)
            blamed = [one.channel for one in channels.load(tx).values() if one.failures]
        assert [(row.state, row.detail) for row in rows] == [("cancelled", "not_configured")]
        assert blamed == []


async def test_closing_what_belongs_to_a_removed_school_says_that_nobody_heard(
    bench: Bench,
) -> None:
    """There is no route any more by which those who were told could hear of it."""
    _gone_after_p1(bench)
    async with bench.daemon() as watched:
        await watched.at("10:12")
        (incident,) = watched.incidents("missing_during_day")
        deadlines = deadlines_of(load(bench.config).settings)
        watched.store.run(
            close,
            incident.reference,
            "A. Lead",
            bench.clock.now(),
            Outcome.FOUND,
            "In the library",
            schools={},
            deadlines=deadlines,
        )

        with watched.store.reading() as tx:
            unsaid = suppressed.of_incident(tx, SCHOOL, incident.id)
        assert [one.reason for one in unsaid] == ["not_configured"]


async def test_what_an_acknowledgement_keeps_unsaid_has_that_reason(bench: Bench) -> None:
    """Why was I not told? Because somebody sees to it."""
    _gone_after_p1(bench)
    async with bench.daemon() as watched:
        await watched.at("10:12")
        (incident,) = watched.incidents("missing_during_day")
        watched.store.run(acknowledge, incident.reference, "A. Lead", bench.clock.now(), 60)
        await watched.until("10:50", every=5)

        with watched.store.reading() as tx:
            unsaid = suppressed.of_incident(tx, SCHOOL, incident.id)
        assert [one.reason for one in unsaid] == ["acknowledged"]
        assert _alarms(bench) == ["Missing during the day"]


async def test_an_end_of_what_nobody_heard_of_has_that_reason_and_not_a_missing_route(
    bench: Bench,
) -> None:
    """Withdrawn before it was sent: the route is there, only nobody waits for the end."""
    _gone_after_p1(bench)
    bench.edit(*ONLY_TEAMS)
    bench.webhook.faults.add(Fault(FaultKind.STATUS, status=503))
    async with bench.daemon() as watched:
        await watched.at("10:12")
        bench.lesson("P2", "10:13")
        await watched.until("11:00", every=5)

        (incident,) = watched.incidents("missing_during_day")
        with watched.store.reading() as tx:
            unsaid = suppressed.of_incident(tx, SCHOOL, incident.id)
        assert [one.reason for one in unsaid] == []
        assert {detail for _, detail in _rows(watched, incident).values()} == {
            "cleared_before_sending"
        }


@pytest.mark.parametrize(
    "fault",
    [
        Fault(FaultKind.RESET, times=2),
        Fault(FaultKind.STATUS, status=404),
        Fault(FaultKind.STATUS, status=503, retry_after=30),
    ],
    ids=["reset", "404", "503"],
)
async def test_the_address_of_a_webhook_stays_out_of_the_log_and_the_database(
    bench: Bench, capfd: pytest.CaptureFixture[str], fault: Fault
) -> None:
    """The address is the secret: whatever goes wrong, only its host is written down."""
    address = "/workflows/0123456789abcdef/triggers/manual/paths/invoke?sv=1.0&sig=InventedSecret"
    credential = bench.folder / "credentials" / "dsl-webhook"
    credential.write_text(bench.webhook.url.rstrip("/") + address)
    _gone_after_p1(bench)
    bench.webhook.faults.add(fault)
    async with bench.daemon() as watched:
        await watched.at("10:12")
        await watched.until("10:20", every=1)

        with watched.store.reading() as tx:
            rows = [
                str(row)
                for table in metadata.sorted_tables
                for row in tx.execute(select(table)).all()
            ]
    said = capfd.readouterr()
    assert any("dsl-teams" in row for row in rows)
    for text in (said.out, said.err, *rows):
        assert "InventedSecret" not in text
        assert "0123456789abcdef" not in text
