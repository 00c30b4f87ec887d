"""One CME package, from the register's leaver to the authority, by each of the four ways."""

from __future__ import annotations

import base64
import datetime as dt
import email
import email.policy
import json
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from mis_bridge.adapters.records import PupilRecord
from mis_bridge.cli.init import command as init
from mis_bridge.incidents.model import PackagePlan, Scope
from mis_bridge.incidents.reconcile import reconcile
from mis_bridge.incidents.rules import IncidentRules
from mis_bridge.io.notify import Notifier
from mis_bridge.io.secrets import Secrets
from mis_bridge.service import packages
from mis_bridge.service.approving import approve
from mis_bridge.service.assembly import assembled
from mis_bridge.service.routing import deadlines_of
from mis_bridge.service.schools import schools_of
from mis_bridge.settings import load
from mis_bridge.store import audit, feeds, incidents, notifications, pupils
from mis_bridge.store.opening import open_configured
from mis_bridge.triggers.model import Assessment, Evidence, Finding, Kind

from .conftest import NOW
from .test_secure_mail import files_in, make_holder, opened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_httpserver import HTTPServer

    from mis_bridge.incidents.model import Incident
    from mis_bridge.io.clock import ManualClock
    from mis_bridge.settings import Configuration
    from mis_bridge.store.engine import Store

    from .peers import Postfix, Sshd

SCHOOL = "example-school"
LEAVER = PupilRecord(
    "p-1",
    "A999000000001",
    "Testpupil",
    "Ada",
    form="8B",
    year_group=8,
    dob=dt.date(2013, 10, 9),
    leaving=dt.date(2026, 11, 13),
)


@dataclass
class House:
    """An installation with one leaver, whose package waits for approval."""

    folder: Path
    config: Path
    store: Store
    clock: ManualClock

    @property
    def configuration(self) -> Configuration:
        return load(self.config)

    def secret(self, name: str, value: str) -> None:
        """Store a credential."""
        (self.folder / "credentials").mkdir(exist_ok=True)
        path = self.folder / "credentials" / name
        path.touch(mode=0o600)
        path.write_text(value)

    def lead_to(self, channel: str, table: str = "") -> None:
        """Let the authority's route lead to one channel."""
        text = self.config.read_text().replace(
            'authority = ["folder"]', f'authority = ["{channel}"]'
        )
        self.config.write_text(f"{text}\n{table}\n")

    def prepare_and_approve(self) -> Incident:
        """What the daemon does for the leaver, and what a named person does then."""
        configuration = self.configuration
        school, deadlines = schools_of(configuration)[SCHOOL], deadlines_of(configuration.settings)
        finding = Finding(
            trigger="ten_day_absence",
            pupil="p-1",
            day=dt.date(2026, 11, 23),
            slot="",
            level=1,
            fired_at=NOW,
            raised_at=NOW,
            evidence=(Evidence(NOW, "", "marked N"),),
            sentence="Absent for ten school days in a row.",
            facts={"first_day": "2026-11-02", "last_day": "2026-11-13", "days": 10},
            episode="2026-11-02",
        )
        with self.store.transaction() as tx:
            feeds.sync_schools(tx, [(SCHOOL, "csv", "Example School")], NOW)
            pupils.upsert(tx, SCHOOL, [LEAVER])
            decision = reconcile(
                SCHOOL,
                [],
                Assessment((finding,)),
                NOW,
                rules=IncidentRules(),
                data_as_of=NOW,
                scope=Scope(Kind.STRIP, dt.date(2026, 11, 23)),
            )
            incidents.save(tx, decision.incidents)
            audit.append(tx, SCHOOL, decision.audit)
            (incident,) = decision.incidents
            packages.prepare(tx, PackagePlan(incident, "cme"), school, NOW, deadlines)
            approve(
                tx,
                incident.reference,
                "cme",
                "Ola Testofficer",
                "",
                NOW,
                schools={SCHOOL: school},
                deadlines=deadlines,
            )
        return incident

    async def run(self) -> None:
        """Let the daemon do what is due."""
        configuration = self.configuration
        secrets = Secrets(configuration.settings.service.credentials_dir, {})
        async with AsyncExitStack() as stack:
            daemon = await stack.enter_async_context(
                assembled(
                    configuration,
                    self.store,
                    clock=self.clock,
                    secrets=secrets,
                    notifier=stack.enter_context(Notifier("")),
                )
            )
            stack.push_async_callback(daemon.stop)
            await daemon.settle()

    def package(self, state: str) -> tuple[Any, dict[str, bytes]]:
        """The one package in this state, and its files as they were approved."""
        with self.store.reading() as tx:
            (package,) = notifications.in_state(tx, state)
            files = notifications.files(tx, SCHOOL, package.id)
        return package, {file.name: file.content for file in files}


@pytest.fixture
def house(
    tmp_path: Path, clock: ManualClock, ca_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[House]:
    """What ``mis-bridge init`` writes, trusting the tests' authority."""
    CliRunner().invoke(init, [str(tmp_path)], catch_exceptions=False)
    config = tmp_path / "config.toml"
    text = config.read_text().replace("[service]\n", f'[service]\nca_bundle = "{ca_bundle}"\n', 1)
    config.write_text(text)
    store = open_configured(load(config), Secrets(None, {}), create=True)
    yield House(tmp_path, config, store, clock)
    store.close()


def kinds(files: dict[str, bytes]) -> list[str]:
    """The endings of the files' names."""
    return sorted(name.rpartition(".")[2] for name in files)


@pytest.mark.peer
async def test_by_sftp(house: House, sshd: Sshd) -> None:
    """Debian's sshd holds what was approved; the proof has every file's digest."""
    house.secret("la-key", sshd.user_key)
    house.lead_to(
        "la-sftp",
        f'[channels.la-sftp]\nkind = "sftp"\nhost = "localhost"\nport = {sshd.port}\n'
        f'username = "{sshd.user}"\nkey = "credential:la-key"\nfolder = "inbox"\n'
        f'host_keys = ["{sshd.host_key}"]',
    )
    house.prepare_and_approve()

    await house.run()

    package, files = house.package("sent")
    assert kinds(files) == ["csv", "json", "pdf"]
    assert {path.name: path.read_bytes() for path in (sshd.root / "inbox").iterdir()} == files
    assert package.proof.count("SHA-256") == 3


@pytest.mark.peer
@pytest.mark.thorough
async def test_by_secure_mail(house: House, postfix: Postfix, tmp_path: Path) -> None:
    """Postfix delivers it sealed; the authority opens it and knows the school's signature."""
    authority = make_holder(tmp_path, "la", "cme@la.example")
    school = make_holder(tmp_path, "school", "mis-bridge@school.example")
    house.secret("smime", school.identity.reveal())
    house.lead_to(
        "la-mail",
        f'[channels.la-mail]\nkind = "secure-mail"\nhost = "localhost"\nport = {postfix.port}\n'
        'sender = "mis-bridge@school.example"\nrecipients = ["cme@la.example"]\n'
        'certificates = ["la.pem"]\nsigning = "credential:smime"',
    )
    incident = house.prepare_and_approve()

    await house.run()

    package, files = house.package("sent")
    message_id, _, rest = package.proof.partition(" queued as ")
    assert "status=sent" in postfix.fate_of(rest.partition(" ")[0])
    (raw,) = [one for one in postfix.raw_mails() if message_id.encode() in one]
    assert email.message_from_bytes(raw)["X-Mis-Bridge-Id"] == incident.reference
    assert files_in(opened(raw, authority, school, tmp_path)) == files


async def test_by_https(house: House, web: HTTPServer) -> None:
    """The portal holds what was approved; its reference is the proof."""
    web.expect_request("/token").respond_with_json({"access_token": "invented-token"})
    web.expect_request("/packages").respond_with_json({"reference": "CME-2026-0417"}, status=201)
    house.secret("la-secret", "invented-client-secret")
    house.lead_to(
        "la-portal",
        f'[channels.la-portal]\nkind = "https"\nurl = "https://localhost:{web.port}/packages"\n'
        f'token_url = "https://localhost:{web.port}/token"\nclient_id = "school"\n'
        'client_secret = "credential:la-secret"',
    )
    incident = house.prepare_and_approve()

    await house.run()

    package, files = house.package("sent")
    posted = json.loads(web.log[-1][0].get_data())
    assert {file["name"]: base64.b64decode(file["base64"]) for file in posted["files"]} == files
    assert (posted["id"], posted["reference"]) == (package.id, incident.reference)
    assert package.proof.startswith("reference CME-2026-0417, HTTP 201")


async def test_by_a_persons_hands(house: House) -> None:
    """The folder holds what was approved, and every field of the form to copy."""
    house.lead_to("folder")
    incident = house.prepare_and_approve()

    await house.run()

    package, files = house.package("to_upload")
    folders = [path for path in (house.folder / "outbox").iterdir() if any(path.glob("*.pdf"))]
    (folder,) = folders
    found = {path.name: path.read_bytes() for path in folder.iterdir()}
    readme = found.pop("README.txt").decode()
    assert found == files
    for section in json.loads(package.data)["sections"]:
        for field in section["fields"]:
            assert field["label"] in readme
            assert (field["value"] or "not known") in readme
    assert f"mis-bridge notify done {incident.reference} --kind cme --reference" in readme
