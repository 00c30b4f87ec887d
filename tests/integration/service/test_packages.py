"""A return to the Local Authority: prepared, looked at by a person, and only then sent."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from mis_bridge.service.approving import approve, reject
from mis_bridge.service.package_facts import package_data
from mis_bridge.service.routing import deadlines_of
from mis_bridge.service.schools import schools_of
from mis_bridge.settings import load
from mis_bridge.store import dirty, notifications, pupils

from .conftest import DAY, SCHOOL

if TYPE_CHECKING:
    from mis_bridge.incidents.model import Incident
    from mis_bridge.store.notifications import Notification

    from .conftest import Bench, Watched


def _ten_days_away(bench: Bench) -> None:
    """Everybody is here for eleven school days; one pupil of compulsory age misses the last ten."""
    school = bench.state.school
    pupil = next(one for one in school.pupils if one.year_group in (8, 9, 10))
    days = school.calendar.school_days(last=DAY)[-11:]
    for day in days:
        for pm in (False, True):
            for one in school.pupils:
                away = one is pupil and day != days[0]
                code = "O" if away else "\\" if pm else "/"
                bench.state.save_session(
                    one.id, day, pm=pm, code=code, minute=13 * 60 if pm else 8 * 60 + 50
                )


def _approve(bench: Bench, watched: Watched, incident: Incident) -> None:
    configuration = load(bench.config)
    watched.store.run(
        approve,
        incident.reference,
        "attendance_return",
        "Ola Testofficer",
        "",
        bench.clock.now(),
        schools=schools_of(configuration),
        deadlines=deadlines_of(configuration.settings),
    )


def _packages(watched: Watched, state: str) -> list[Notification]:
    with watched.store.reading() as tx:
        return notifications.in_state(tx, state)


async def test_a_return_waits_for_a_named_person_and_then_goes_out_whole(bench: Bench) -> None:
    """Day ten: the officer is asked; nothing reaches the authority before the approval."""
    _ten_days_away(bench)
    async with bench.daemon() as watched:
        await watched.until("09:00", every=10)
        await watched.at("13:31")
        (package,) = _packages(watched, "pending")
        (incident,) = watched.incidents("ten_day_absence")
        asked = [mail.message["Subject"] for mail in bench.mails_to("attendance")]
        assert any("approval" in subject and incident.reference in subject for subject in asked)
        assert bench.mails_to("welfare") == []

        _approve(bench, watched, incident)
        await watched.until("13:40", every=1)
        (mail,) = bench.mails_to("welfare")
        names = sorted(str(part.get_filename()) for part in mail.message.iter_attachments())
        assert [name.rpartition(".")[2] for name in names] == ["csv", "json", "pdf"]
        with watched.store.reading() as tx:
            files = {file.name: file.content for file in notifications.files(tx, *_key(package))}
        for part in mail.message.iter_attachments():
            assert part.get_payload(decode=True) == files[str(part.get_filename())]
        assert [one.id for one in _packages(watched, "sent")] == [package.id]


async def test_a_mark_of_last_year_ends_nothing_of_this_year(bench: Bench) -> None:
    """Last year is looked at again because a mark of it was corrected: the run goes on."""
    _ten_days_away(bench)
    async with bench.daemon() as watched:
        await watched.at("13:31")
        (before,) = watched.incidents("ten_day_absence")
        watched.store.run(dirty.mark_years, SCHOOL, [2025], bench.clock.now())
        await watched.at("13:40")

        (after,) = watched.incidents("ten_day_absence")
        assert before.active
        assert after == before


async def test_a_package_that_nobody_decided_on_expires_and_somebody_is_told(bench: Bench) -> None:
    """Ten days without a decision: it is out of date, and the officer hears of it."""
    _ten_days_away(bench)
    async with bench.daemon() as watched:
        await watched.at("13:31")
        before = len(bench.mails_to("attendance"))
        bench.clock.advance(minutes=timedelta(days=10, minutes=5) / timedelta(minutes=1))
        await watched.daemon.settle()
        assert _packages(watched, "pending") == []
        (told,) = [
            mail
            for mail in bench.mails_to("attendance")[before:]
            if "not approved in time" in mail.message["Subject"]
        ]
        (incident,) = watched.incidents("ten_day_absence")
        text = " ".join(told.part("plain").split())
        assert "nothing was sent" in text
        assert f"mis-bridge notify package {incident.reference} --again" in text
        assert "Approve it" not in text


async def test_a_rejection_is_told_to_who_was_asked(bench: Bench) -> None:
    """Nobody goes on completing a package that somebody else has rejected; why is in no mail."""
    _ten_days_away(bench)
    async with bench.daemon() as watched:
        await watched.at("13:31")
        (incident,) = watched.incidents("ten_day_absence")
        before = len(bench.mails_to("attendance"))
        configuration = load(bench.config)
        watched.store.run(
            reject,
            incident.reference,
            "",
            "Ola Testofficer",
            "Ada is back",
            bench.clock.now(),
            schools=schools_of(configuration),
            deadlines=deadlines_of(configuration.settings),
        )
        await watched.until("13:35", every=1)

        (told,) = bench.mails_to("attendance")[before:]
        assert "was rejected" in told.message["Subject"]
        assert "nothing was sent" in " ".join(told.part("plain").split())
        assert "Ada" not in told.part("plain")
        assert bench.mails_to("welfare") == []


async def test_a_package_can_not_be_sent_without_a_name(bench: Bench) -> None:
    """An approval by nobody is refused."""
    _ten_days_away(bench)
    async with bench.daemon() as watched:
        await watched.at("13:31")
        (package,) = _packages(watched, "pending")
        with pytest.raises(ValueError, match="named person"), watched.store.transaction() as tx:
            notifications.decide(tx, package, approve=True, by=" ", why="", now=bench.clock.now())


def _key(package: Notification) -> tuple[str, str]:
    return package.school, package.id


async def test_who_approved_a_package_hears_that_it_did_not_go_out(bench: Bench) -> None:
    """The authority's mail server refuses the address: IT mends it, the officer has to know."""
    _ten_days_away(bench)
    bench.mails.refused = frozenset({"welfare@la.example"})
    async with bench.daemon() as watched:
        await watched.at("13:31")
        (incident,) = watched.incidents("ten_day_absence")
        before = len(bench.mails_to("attendance"))
        _approve(bench, watched, incident)
        await watched.until("13:40", every=1)

        (mail,) = bench.mails_to("attendance")[before:]
        assert mail.message["Subject"] == (
            f"[mis-bridge] A message could not be delivered {incident.reference}"
        )
        text = " ".join(mail.part("plain").split())
        assert "The channel authority-mail refused the notification to the authority: " in text
        assert "tried again until the channel is mended" in text
        assert len(_packages(watched, "approved")) == 1

        bench.mails.refused = frozenset()
        await watched.until("13:55", every=1)
        assert len(bench.mails_to("welfare")) == 1
        assert len(_packages(watched, "sent")) == 1


async def test_a_upn_that_two_children_have_is_left_to_a_person(bench: Bench) -> None:
    """By it the authority would file the return with the wrong child; the form says why."""
    _ten_days_away(bench)
    async with bench.daemon() as watched:
        await watched.until("09:00", every=10)
        await watched.at("13:31")
        (incident,) = watched.incidents("ten_day_absence")
        school = schools_of(load(bench.config))[SCHOOL]

        def upn() -> tuple[str, str, bool]:
            with watched.store.reading() as tx:
                form = package_data(tx, incident, "attendance_return", school, bench.clock.now())
            (field,) = [
                one for part in form.sections for one in part.fields if one.key == "pupil.upn"
            ]
            return field.value, field.hint, field.missing

        with watched.store.transaction() as tx:
            record = pupils.one(tx, SCHOOL, incident.pupil)
            assert record is not None
            other = next(one for one in bench.pupils if one != incident.pupil)
            wrong = pupils.one(tx, SCHOOL, other)
            assert wrong is not None
            assert upn() == (record.upn, "", False)
            pupils.upsert(tx, SCHOOL, [replace(wrong, upn=record.upn)])

        value, hint, missing = upn()
        assert (value, missing) == ("", True)
        assert "two children have one UPN" in hint
