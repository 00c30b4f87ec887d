"""A package after its approval: brought by hand, refused by the authority, sent by one way only."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from mis_bridge.errors import PackageRefused
from mis_bridge.incidents.model import PackagePlan
from mis_bridge.service.approving import approve, done
from mis_bridge.service.package_facts import Given
from mis_bridge.service.packages import prepare
from mis_bridge.service.requests import prepare_about_school
from mis_bridge.service.routing import deadlines_of
from mis_bridge.service.schools import schools_of
from mis_bridge.settings import load
from mis_bridge.store import audit, audit_proof, outbox, pupils

from .conftest import SCHOOL
from .test_packages import _approve, _packages, _ten_days_away

if TYPE_CHECKING:
    from pathlib import Path

    from mis_bridge.incidents.model import Incident

    from .conftest import Bench, Watched

REFERENCE = "CME-2026-0417"


def by_hand(bench: Bench) -> None:
    """Let packages go into a folder, for a person."""
    bench.edit(
        'authority = ["authority-mail"]',
        'authority = ["portal"]\n\n[channels.portal]\nkind = "folder"\npath = "portal"\n'
        'portal = "https://portal.la.example/form"',
    )


def upload_done(bench: Bench, watched: Watched, incident: Incident, reference: str) -> None:
    """What the command ``notify done`` does."""
    watched.store.run(
        done, incident.reference, "attendance_return", "Ola Testofficer", reference,
        bench.clock.now(),
    )  # fmt: skip


def reminders(bench: Bench) -> list[str]:
    """What the attendance officer was told about the upload."""
    return [
        " ".join(mail.part("plain").split())
        for mail in bench.mails_to("attendance")
        if "waits to be uploaded" in mail.message["Subject"]
    ]


async def test_files_in_a_folder_have_not_reached_the_authority(bench: Bench) -> None:
    """The officer hears of it at once, and how to end the waiting; the package is not sent yet."""
    by_hand(bench)
    _ten_days_away(bench)
    async with bench.daemon() as watched:
        await watched.at("13:31")
        (incident,) = watched.incidents("ten_day_absence")
        assert reminders(bench) == []
        _approve(bench, watched, incident)
        await watched.until("13:33", every=1)

        (folder,) = (bench.folder / "portal").iterdir()
        assert "https://portal.la.example/form" in (folder / "README.txt").read_text()
        (told,) = reminders(bench)
        assert f"mis-bridge notify done {incident.reference} --kind attendance_return" in told
        assert "Nothing has reached the authority" in told
        assert _packages(watched, "sent") == []
        assert len(_packages(watched, "to_upload")) == 1


async def test_a_package_that_a_person_asked_for_is_uploaded_by_a_person_too(bench: Bench) -> None:
    """Its request is over with the approval; that it has to be brought is told all the same."""
    by_hand(bench)
    configuration = load(bench.config)
    school = schools_of(configuration)[SCHOOL]
    deadlines = deadlines_of(configuration.settings)
    who, kind = "Ola Testofficer", "persistent_absence_list"
    async with bench.daemon() as watched:
        await watched.at("13:31")
        watched.store.run(
            prepare_about_school, kind, None, None, school, who, bench.clock.now(), deadlines,
            Given(),
        )  # fmt: skip
        (incident,) = watched.incidents("package_asked_for")
        watched.store.run(
            approve, incident.reference, kind, who, "", bench.clock.now(),
            schools={SCHOOL: school}, deadlines=deadlines,
        )  # fmt: skip
        await watched.until("13:33", every=1)

        assert len(_packages(watched, "to_upload")) == 1
        (told,) = reminders(bench)
        assert f"mis-bridge notify done {incident.reference} --kind {kind}" in told


@pytest.mark.thorough
async def test_somebody_is_reminded_every_school_day_until_it_is_done(bench: Bench) -> None:
    """Tuesday 17 November: then Wednesday to Friday, and not at the weekend."""
    by_hand(bench)
    _ten_days_away(bench)
    async with bench.daemon() as watched:
        await watched.at("13:31")
        (incident,) = watched.incidents("ten_day_absence")
        _approve(bench, watched, incident)
        await watched.until("13:33", every=1)
        for _ in range(5):  # until Sunday
            bench.clock.advance(minutes=24 * 60)
            await watched.daemon.settle()
            await watched.daemon.settle()
        assert len(reminders(bench)) == 4

        upload_done(bench, watched, incident, REFERENCE)
        for _ in range(3):
            bench.clock.advance(minutes=24 * 60)
            await watched.daemon.settle()
        assert len(reminders(bench)) == 4


async def test_the_portals_reference_stays_with_package_and_history(bench: Bench) -> None:
    """Who, when and the reference; the chain of the history holds; a second time is refused."""
    by_hand(bench)
    _ten_days_away(bench)
    async with bench.daemon() as watched:
        await watched.at("13:31")
        (incident,) = watched.incidents("ten_day_absence")
        with pytest.raises(PackageRefused, match="nobody has approved"):
            upload_done(bench, watched, incident, REFERENCE)
        _approve(bench, watched, incident)
        await watched.until("13:33", every=1)
        with pytest.raises(PackageRefused, match="write down the reference"):
            upload_done(bench, watched, incident, "  ")
        upload_done(bench, watched, incident, REFERENCE)

        (package,) = _packages(watched, "done")
        assert package.sent_at == bench.clock.now()
        assert package.proof == f"reference {REFERENCE}, brought by Ola Testofficer"
        with watched.store.reading() as tx:
            last = audit.history(tx, SCHOOL, incident.id)[-1]
            assert audit_proof.verify(tx) == []
        assert (last.actor, last.at) == ("Ola Testofficer", bench.clock.now())
        assert f"Reference {REFERENCE}." in last.body
        with pytest.raises(PackageRefused, match=f"is done already: reference {REFERENCE}"):
            upload_done(bench, watched, incident, "ANOTHER-1")


@pytest.mark.thorough
async def test_what_was_brought_by_hand_is_not_sent_as_well(bench: Bench) -> None:
    """The mail server was broken and the officer uploaded it: it must not become two cases."""
    _ten_days_away(bench)
    bench.mails.refused = frozenset({"welfare@la.example"})
    async with bench.daemon() as watched:
        await watched.at("13:31")
        (incident,) = watched.incidents("ten_day_absence")
        _approve(bench, watched, incident)
        await watched.until("13:35", every=1)
        upload_done(bench, watched, incident, REFERENCE)
        bench.mails.refused = frozenset()
        await watched.until("14:05", every=1)

        assert bench.mails_to("welfare") == []
        with watched.store.reading() as tx:
            (row,) = [
                one
                for one in outbox.of_incident(tx, SCHOOL, incident.id)
                if one.reason == "package_approved"
            ]
        assert (row.state, row.detail) == ("cancelled", "superseded")


@pytest.mark.parametrize("by_person", [False, True])
@pytest.mark.thorough
async def test_a_copy_goes_out_whatever_becomes_of_the_package(
    bench: Bench, *, by_person: bool
) -> None:
    """A looked-after child: the designated teacher gets the copy, sent or brought by hand."""
    bench.edit(
        'authority = ["authority-mail"]',
        'authority = ["authority-mail"]\ndesignated_teacher = ["dsl-mail"]',
    )
    _ten_days_away(bench)
    bench.mails.refused = frozenset({"dsl@samplewood.example"})
    if by_person:
        bench.mails.refused |= {"welfare@la.example"}
    async with bench.daemon() as watched:
        await watched.at("13:31")
        (incident,) = watched.incidents("ten_day_absence")
        with watched.store.transaction() as tx:
            record = pupils.load(tx, SCHOOL)[incident.pupil]
            pupils.upsert(tx, SCHOOL, [replace(record, flags=frozenset({"lac"}))])
        _approve(bench, watched, incident)
        await watched.until("13:35", every=1)
        if by_person:
            upload_done(bench, watched, incident, REFERENCE)
        state = "done" if by_person else "sent"
        assert len(_packages(watched, state)) == 1
        bench.mails.refused = frozenset()
        await watched.until("13:55", every=1)

        copies = [mail for mail in bench.mails_to("dsl") if any(mail.message.iter_attachments())]
        assert len(copies) == 1
        assert len(bench.mails_to("welfare")) == (0 if by_person else 1)
        assert len(_packages(watched, state)) == 1


def certificate(path: Path, last: datetime) -> None:
    """Write an authority's certificate that ends at a moment."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Invented Council")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2024, 1, 1, tzinfo=UTC))
        .not_valid_after(last)
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM))


def sealed(bench: Bench) -> None:
    """Let packages go out encrypted; nobody listens where they would go."""
    bench.edit(
        'authority = ["authority-mail"]',
        'authority = ["la-mail"]\n\n[channels.la-mail]\nkind = "secure-mail"\n'
        'host = "127.0.0.1"\nport = 9\nsender = "mis-bridge@samplewood.example"\n'
        'recipients = ["welfare@la.example"]\ncertificates = ["la.pem"]',
    )


async def test_it_hears_that_a_certificate_runs_out_before_it_has(bench: Bench) -> None:
    """Ten days before: which file, which day, what to do; with the new file the matter is over."""
    sealed(bench)
    certificate(bench.folder / "la.pem", bench.clock.now() + timedelta(days=10))
    async with bench.daemon() as watched:
        await watched.daemon.settle()
        (incident,) = watched.incidents("certificate_expiring")
        (mail,) = bench.mails_to("it")
        text = " ".join(mail.part("plain").split())
        assert "certificate la.pem of the authority expires on 27 November 2026" in text
        assert "ask the authority for its new certificate" in text

        certificate(bench.folder / "la.pem", bench.clock.now() + timedelta(days=400))
        await watched.until("09:40", every=10)
        (incident,) = watched.incidents("certificate_expiring")
        assert not incident.active


async def test_an_expired_certificate_stops_the_package_by_name(bench: Bench) -> None:
    """IT hears of the channel, the officer that it did not go out; mended, it is tried again."""
    sealed(bench)
    certificate(bench.folder / "la.pem", bench.clock.now() - timedelta(days=1))
    _ten_days_away(bench)
    async with bench.daemon() as watched:
        await watched.at("13:31")
        (incident,) = watched.incidents("ten_day_absence")
        _approve(bench, watched, incident)
        await watched.until("13:40", every=1)

        told = [" ".join(mail.part("plain").split()) for mail in bench.mails_to("attendance")]
        assert any(
            "The channel la-mail refused the notification to the authority: certificate la.pem of "
            "the authority expired on 16 November 2026, nothing was sent" in text
            for text in told
        )
        assert watched.incidents("channel_failing")
        assert len(_packages(watched, "approved")) == 1


@pytest.mark.thorough
async def test_a_package_that_is_refused_for_good_can_be_made_anew(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mail server takes no mail of that size: a person asks for another version."""
    _ten_days_away(bench)
    take = bench.mails.handle_DATA

    async def refuse(server: Any, session: Any, envelope: Any) -> str:
        if envelope.rcpt_tos == ["welfare@la.example"]:
            return "552 5.3.4 too big for us"
        return await take(server, session, envelope)

    monkeypatch.setattr(bench.mails, "handle_DATA", refuse)
    async with bench.daemon() as watched:
        await watched.at("13:31")
        (incident,) = watched.incidents("ten_day_absence")
        _approve(bench, watched, incident)
        await watched.until("13:40", every=1)

        (package,) = _packages(watched, "refused")
        assert package.decided_by == "Ola Testofficer"
        assert any(
            "refused the notification to the authority" in " ".join(mail.part("plain").split())
            for mail in bench.mails_to("attendance")
        )
        configuration = load(bench.config)
        watched.store.run(
            prepare,
            PackagePlan(incident, "attendance_return"),
            schools_of(configuration)[SCHOOL],
            bench.clock.now(),
            deadlines_of(configuration.settings),
            again=True,
        )
        (anew,) = _packages(watched, "pending")
        assert anew.id != package.id
