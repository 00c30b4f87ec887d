"""``mis-bridge notify prepare``: a person asks for a package, completes it, and decides on it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import update

from mis_bridge.adapters.records import PupilRecord
from mis_bridge.channels import outcome
from mis_bridge.cli.init import command as init
from mis_bridge.cli.notify import command
from mis_bridge.cli.packages import KINDS
from mis_bridge.errors import OperatorError, PackageRefused, SettingsError
from mis_bridge.incidents.model import PackagePlan
from mis_bridge.io.secrets import Secrets
from mis_bridge.messages.model import Disclosure, Message
from mis_bridge.messages.package_kinds import KINDS as KINDS_OF_PACKAGE
from mis_bridge.registers.calendar import AcademicYear
from mis_bridge.registers.strip import Strip
from mis_bridge.service import approving, deliver, packages, people, writing
from mis_bridge.service.routing import deadlines_of
from mis_bridge.service.schools import schools_of
from mis_bridge.settings import load
from mis_bridge.store import audit, feeds, incidents, notifications, outbox, pupils, strips
from mis_bridge.store.opening import open_configured
from mis_bridge.store.schema import notifications as notifications_table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mis_bridge.incidents.model import Incident
    from mis_bridge.store.engine import Store
    from mis_bridge.store.notifications import Notification

NOW = datetime(2026, 11, 12, 10, 15, tzinfo=UTC)
SCHOOL = "example-school"
ADA = PupilRecord(
    "p-1",
    "A999000000001",
    "Testpupil",
    "Ada",
    dob=date(2013, 3, 5),
    year_group=8,
    form="8B",
    admission=date(2026, 9, 7),
)
BEN = replace(ADA, pupil="p-2", upn="A999000000002", forename="Ben", flags=frozenset({"lac"}))
BY = ("--by", "A. Office")


@dataclass
class Office:
    """A person at the command line of a school with two pupils."""

    config: Path
    store: Store

    def notify(self, *arguments: str) -> Result:
        """Run ``mis-bridge notify``; an error that the program raises comes out as it is."""
        result = CliRunner().invoke(command, [*arguments, "--config", str(self.config)])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def prepare(self, kind: str, *arguments: str) -> dict[str, Any]:
        """Run ``mis-bridge notify prepare`` and give what it says."""
        done = self.notify("prepare", kind, *arguments, *BY, "--format", "json")
        assert done.exit_code == 0, done.output
        return dict(json.loads(done.stdout))

    def roll(self, *records: PupilRecord) -> None:
        """Store what the MIS says of pupils."""
        self.store.run(pupils.upsert, SCHOOL, records)

    def marks(self, pupil: str, *days: tuple[date, str, str]) -> None:
        """Store a pupil's marks."""
        year = AcademicYear(2026)
        strip = Strip.from_days(year, days)
        self.store.run(strips.save_raw, SCHOOL, year, {pupil: strip.marks})

    def package(self, reference: str, kind: str) -> tuple[Incident, Notification]:
        """Read the last version of a package back."""
        with self.store.reading() as tx:
            incident = incidents.get(tx, reference)
            assert incident is not None
            _, found = packages.latest(tx, incident, kind)
        assert found is not None
        return incident, found

    def values(self, reference: str, kind: str) -> dict[str, str | None]:
        """The fields of a package."""
        body = json.loads(self.package(reference, kind)[1].data)
        return {f["key"]: f["value"] for s in body["sections"] for f in s["fields"]}


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    """Two pupils on roll, of one of whom the MIS says that he is looked after."""
    monkeypatch.setenv("MIS_BRIDGE_REHEARSAL", f"{NOW.isoformat()}|0|1e-12")
    CliRunner().invoke(init, [str(tmp_path)], catch_exceptions=False)
    configuration = load(tmp_path / "config.toml")
    secrets = Secrets(configuration.settings.service.credentials_dir, {})
    store = open_configured(configuration, secrets, create=True)
    here = Office(tmp_path / "config.toml", store)
    store.run(feeds.sync_schools, [(SCHOOL, "csv", "Example School")], NOW)
    here.roll(ADA, BEN)
    yield here
    store.close()


def test_the_kinds_of_the_command_are_those_that_there_are() -> None:
    """They stand twice so that --help stays fast; here they are held equal."""
    assert list(KINDS) == list(KINDS_OF_PACKAGE)


def test_a_package_about_a_pupil_has_a_reference_and_waits(office: Office) -> None:
    """Nobody was alarmed; the request is an incident of its own, and the officer is asked."""
    said = office.prepare("new_pupil_return", "--school", SCHOOL, "--pupil", "p-1")

    incident, package = office.package(said["reference"], "new_pupil_return")
    assert (incident.family, incident.state, package.state) == (
        "package_asked_for",
        "open",
        "pending",
    )
    with office.store.reading() as tx:
        (row,) = outbox.of_incident(tx, SCHOOL, incident.id)
        raised, prepared = audit.history(tx, SCHOOL, incident.id)
        assert notifications.files(tx, SCHOOL, package.id) == []
    assert (row.reason, row.audience) == ("package_ready", "attendance")
    assert (raised.actor, prepared.actor) == ("A. Office", "A. Office")
    assert said["reference"] in office.notify("pending").output
    # The fifth day after the name was entered on the roll, 7 September.
    assert said["due"] == "2026-09-12"


def test_a_pupil_may_be_called_by_the_upn_unless_two_share_it(office: Office) -> None:
    """Two pupils with one UPN are a mistake in the MIS: nothing is prepared about either."""
    by_upn = office.prepare("new_pupil_return", "--school", SCHOOL, "--pupil", "A999000000002")
    assert office.package(by_upn["reference"], "new_pupil_return")[0].pupil == "p-2"

    office.roll(replace(BEN, upn=ADA.upn))
    with pytest.raises(PackageRefused, match="2 pupils of example-school have this UPN"):
        office.prepare("new_pupil_return", "--school", SCHOOL, "--pupil", "A999000000001")


def test_nobody_of_that_name_is_said_without_the_name(office: Office) -> None:
    """A UPN that was mistyped stands in no error and in no log."""
    with pytest.raises(PackageRefused, match="no pupil of this id or UPN") as refused:
        office.prepare("new_pupil_return", "--school", SCHOOL, "--pupil", "A123456789012")
    assert "A123456789012" not in str(refused.value)
    with pytest.raises(SettingsError, match="did you mean"):
        office.prepare("new_pupil_return", "--school", "exampel-school", "--pupil", "p-1")


ANSWERS = """
[answers]
"pupil.address" = "1 Invented Lane"
"deletion.ground" = "g"

[sender]
role = "Attendance officer"

[[enquiries]]
at = 2026-11-11T09:20:00
who = "B. Office"
what = "Rang both numbers: no answer."
"""


def test_a_persons_answers_make_a_new_version_in_place_of_the_one_that_waits(
    office: Office, tmp_path: Path
) -> None:
    """The first can not be approved any more; what was missing is filled in."""
    first = office.prepare("deletion_return", "--school", SCHOOL, "--pupil", "p-1")
    reference = first["reference"]
    file = tmp_path / "answers.toml"
    file.write_text(ANSWERS, encoding="utf-8")
    second = office.prepare("deletion_return", reference, "--answers", str(file))

    values = office.values(reference, "deletion_return")
    assert second["missing_fields"] < first["missing_fields"]
    assert values["pupil.address"] == "1 Invented Lane"
    assert values["deletion.ground"] == "(g) no longer lives a reasonable distance away"
    assert (values["sender.name"], values["sender.role"]) == ("A. Office", "Attendance officer")
    incident, package = office.package(reference, "deletion_return")
    (log,) = json.loads(package.data)["tables"]
    assert log["rows"] == [["Wed 11 Nov 2026 09:20", "B. Office", "Rang both numbers: no answer."]]
    with office.store.reading() as tx:
        states = [one.state for one in notifications.of_incident(tx, SCHOOL, incident.id)]
    assert sorted(states) == ["pending", "rejected"]


def _again(office: Office, reference: str, folder: Path, *arguments: str) -> Result:
    """Have a rejected return made anew."""
    office.notify("reject", reference, "--by", "B. Head", "--why", "The wrong surname")
    return office.notify(
        "package",
        reference,
        "--kind",
        "deletion_return",
        "--again",
        "--to",
        str(folder),
        *arguments,
    )


def _log(office: Office, reference: str) -> list[list[str]]:
    tables = json.loads(office.package(reference, "deletion_return")[1].data)["tables"]
    return [row for table in tables for row in table["rows"]]


def test_a_package_made_anew_keeps_what_a_person_filled_in_and_says_so(
    office: Office, tmp_path: Path
) -> None:
    """The keys are printed, and of the answers nothing; the marks and the roll are as they are."""
    file = tmp_path / "answers.toml"
    file.write_text(ANSWERS, encoding="utf-8")
    about = ("--school", SCHOOL, "--pupil", "p-1", "--answers", str(file))
    reference = office.prepare("deletion_return", *about)["reference"]
    before, log = office.values(reference, "deletion_return"), _log(office, reference)
    office.roll(replace(ADA, surname="Testpupil-Smith"))

    said = _again(office, reference, tmp_path / "a").output

    after = office.values(reference, "deletion_return")
    assert after == before | {"pupil.surname": "Testpupil-Smith"}
    assert _log(office, reference) == log != []
    assert "pupil.address, deletion.ground; 1 enquiry; whom the authority calls back" in said
    assert "Lane" not in said
    (row, *_) = [
        json.loads(line)
        for line in _again(
            office, reference, tmp_path / "b", "--format", "json"
        ).stdout.splitlines()
    ]
    assert row["kept"] == ["pupil.address", "deletion.ground"]
    assert office.values(reference, "deletion_return") == after, "and so does the third version"


@pytest.mark.parametrize("how", ["package --again", "prepare"])
def test_an_answer_is_given_anew_and_one_is_taken_back(
    office: Office, tmp_path: Path, how: str
) -> None:
    """All others stay: whoever mends the address need not write down the rest once more."""
    file = tmp_path / "answers.toml"
    file.write_text(ANSWERS, encoding="utf-8")
    about = ("--school", SCHOOL, "--pupil", "p-1", "--answers", str(file))
    reference = office.prepare("deletion_return", *about)["reference"]
    before = office.values(reference, "deletion_return")
    file.write_text(
        """
        [answers]
        "pupil.address" = "2 Invented Lane"
        "deletion.ground" = ""
        [[enquiries]]
        at = 2026-11-11T09:20:00
        who = "B. Office"
        what = "Rang both numbers: an aunt answered."
        [[enquiries]]
        at = 2026-11-12T08:00:00
        who = "C. Welfare"
        what = "Called at the house."
        """,
        encoding="utf-8",
    )

    if how == "prepare":
        office.prepare("deletion_return", reference, "--answers", str(file))
    else:
        _again(office, reference, tmp_path / "a", "--answers", str(file))

    after = office.values(reference, "deletion_return")
    assert after == before | {"pupil.address": "2 Invented Lane", "deletion.ground": None}
    assert [row[1:] for row in _log(office, reference)] == [
        ["B. Office", "Rang both numbers: an aunt answered."],
        ["C. Welfare", "Called at the house."],
    ]


def test_of_another_sender_nothing_is_kept_of_the_first(office: Office, tmp_path: Path) -> None:
    """The authority must not call one person by the number of another."""
    file = tmp_path / "answers.toml"
    file.write_text('[sender]\nrole = "Officer"\ntelephone = "01632 960001"\n', encoding="utf-8")
    about = ("--school", SCHOOL, "--pupil", "p-1", "--answers", str(file))
    reference = office.prepare("deletion_return", *about)["reference"]

    office.prepare("deletion_return", reference)
    kept = office.values(reference, "deletion_return")
    assert (kept["sender.name"], kept["sender.telephone"]) == ("A. Office", "01632 960001")
    office.notify("prepare", "deletion_return", reference, "--by", "D. Deputy")
    kept = office.values(reference, "deletion_return")
    assert (kept["sender.name"], kept["sender.telephone"]) == ("D. Deputy", None)


def test_an_answer_that_the_form_does_not_ask_for_any_more_is_named_and_not_kept(
    office: Office, tmp_path: Path
) -> None:
    """The school has another authority by now, or its form has changed: nothing is refused."""
    file = tmp_path / "answers.toml"
    file.write_text(ANSWERS, encoding="utf-8")
    about = ("--school", SCHOOL, "--pupil", "p-1", "--answers", str(file))
    reference = office.prepare("deletion_return", *about)["reference"]
    with office.store.transaction() as tx:
        tx.execute(
            update(notifications_table).values(
                given=json.dumps({"answers": {"pupil.shoe_size": "4", "pupil.address": "here"}})
            )
        )

    said = _again(office, reference, tmp_path / "a").output

    assert "Kept from the last version: pupil.address. Not kept: the form no longer asks for " in (
        " ".join(said.split())
    )
    assert "pupil.shoe_size" in said
    file.write_text('[answers]\n"pupil.shoe_size" = "4"\n', encoding="utf-8")
    with pytest.raises(PackageRefused, match=r"no field 'pupil\.shoe_size'"):
        _again(office, reference, tmp_path / "b", "--answers", str(file))


def test_answers_without_again_are_refused_with_what_to_call(
    office: Office, tmp_path: Path
) -> None:
    """Nobody believes that the files that were written have the new answers."""
    file = tmp_path / "answers.toml"
    file.write_text(ANSWERS, encoding="utf-8")
    result = office.notify("package", "MB-0000-0000", "--answers", str(file))
    assert result.exit_code == 2
    assert "mis-bridge notify prepare" in result.output


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('[answers]\n"pupil.address" = 7', r"Expected `str`, got `int`.*answers"),
        ("[answer]", "unknown field `answer`"),
        ("[[enquiries]]\nwho = 'x'", "missing required field `at`"),
        ("answers =", "Invalid value"),
    ],
)
def test_a_mistake_in_the_answers_is_named_and_nothing_prepared(
    office: Office, tmp_path: Path, text: str, why: str
) -> None:
    """The file and the key; never what stands there, which is a child's data."""
    file = tmp_path / "answers.toml"
    file.write_text(text, encoding="utf-8")

    with pytest.raises(OperatorError, match=why):
        office.prepare(
            "deletion_return", "--school", SCHOOL, "--pupil", "p-1", "--answers", str(file)
        )
    assert "No package waits" in office.notify("pending").output


def test_the_decision_ends_the_request(office: Office) -> None:
    """Approved, it goes by the authority's route with the files as they were approved."""
    reference = office.prepare("deletion_return", "--school", SCHOOL, "--pupil", "p-1")["reference"]
    office.notify("approve", reference, "--by", "B. Head", "--incomplete")

    incident, package = office.package(reference, "deletion_return")
    assert (incident.state, incident.outcome, incident.closed_by) == (
        "closed",
        "dealt_with",
        "B. Head",
    )
    with office.store.reading() as tx:
        rows = outbox.of_incident(tx, SCHOOL, incident.id)
        kept = notifications.files(tx, SCHOOL, package.id)
    assert [row.audience for row in rows if row.reason == "package_approved"] == ["authority"]
    assert sorted(kept, key=lambda file: file.name) == sorted(
        packages.drawn(package), key=lambda file: file.name
    )


def test_what_is_for_a_person_is_approved_and_not_sent(office: Office, tmp_path: Path) -> None:
    """The data for a Common Transfer File is filed by a person; the files are theirs."""
    office.roll(replace(ADA, leaving=date(2026, 11, 6)))
    reference = office.prepare("ctf_data", "--school", SCHOOL, "--pupil", "p-1")["reference"]
    said = office.notify("approve", reference, "--by", "B. Head", "--incomplete")

    assert "nothing is sent" in said.output
    assert reference not in office.notify("list").output
    assert reference in office.notify("list", "--all").output
    incident, _ = office.package(reference, "ctf_data")
    with office.store.reading() as tx:
        rows = outbox.of_incident(tx, SCHOOL, incident.id)
    assert not [row for row in rows if row.reason == "package_approved"]
    office.notify("package", reference, "--to", str(tmp_path / "files"))
    assert len(list((tmp_path / "files").iterdir())) == 3


def test_the_copy_for_a_looked_after_child_needs_a_route_of_its_own(office: Office) -> None:
    """It goes to the designated teacher and the virtual school, and to no authority instead."""
    reference = office.prepare("looked_after_copy", "--school", SCHOOL, "--pupil", "p-2")[
        "reference"
    ]
    approve = ("approve", reference, "--by", "B. Head", "--incomplete")
    with pytest.raises(PackageRefused, match=r"\[routes\] designated_teacher"):
        office.notify(*approve)

    text = office.config.read_text(encoding="utf-8")
    office.config.write_text(
        text.replace("[routes]\n", '[routes]\nvirtual_school = ["folder"]\n'), encoding="utf-8"
    )
    office.notify(*approve)

    incident, _ = office.package(reference, "looked_after_copy")
    with office.store.reading() as tx:
        rows = outbox.of_incident(tx, SCHOOL, incident.id)
    assert [row.audience for row in rows if row.reason == "package_approved"] == ["virtual_school"]


def test_of_a_looked_after_child_the_virtual_school_gets_a_copy(office: Office) -> None:
    """Of whatever goes to the authority; whom no route reaches is named in the history."""
    text = office.config.read_text(encoding="utf-8")
    office.config.write_text(
        text.replace("[routes]\n", '[routes]\nvirtual_school = ["folder"]\n'), encoding="utf-8"
    )
    reference = office.prepare("deletion_return", "--school", SCHOOL, "--pupil", "p-2")["reference"]
    office.notify("approve", reference, "--by", "B. Head", "--incomplete")

    incident, package = office.package(reference, "deletion_return")
    with office.store.reading() as tx:
        rows = outbox.of_incident(tx, SCHOOL, incident.id)
        history = [line.body for line in audit.history(tx, SCHOOL, incident.id)]
    sent = {row.audience: row for row in rows if row.reason == "package_approved"}
    assert sent.keys() == {"authority", "virtual_school"}
    assert (
        "Looked-after child: no route leads to the designated teacher. Give them a copy." in history
    )

    # The copy has arrived; whom the package is for has not got it yet.
    later = NOW + timedelta(minutes=1)
    leased = {row.id: row for row in office.store.run(deliver.claim, later, "test")}
    configuration = load(office.config)
    for audience, state in (("virtual_school", "approved"), ("authority", "sent")):
        # By the same channel, too: the copy is not what the authority gets.
        school = schools_of(configuration)[SCHOOL]
        given = (leased[sent[audience].id], school, Disclosure.FULL, writing.Sender(), later)
        assert isinstance(office.store.run(writing.compose, *given), Message)
        office.store.run(
            deliver.record,
            leased[sent[audience].id],
            outcome.Outcome(outcome.Result.SENT, "there"),
            later,
            deadlines_of(configuration.settings),
            schools_of(configuration),
        )
        assert office.package(reference, "deletion_return")[1].state == state
    assert package.state == "approved"


def test_an_authoritys_form_is_not_approved_without_what_it_is_refused_without(
    office: Office, tmp_path: Path
) -> None:
    """Ealing takes no referral without a home visit, and has a checklist to go through."""
    text = office.config.read_text(encoding="utf-8")
    office.config.write_text(text.replace('# id = "national"', 'id = "ealing"'), encoding="utf-8")
    office.roll(replace(ADA, leaving=date(2026, 11, 6)))
    reference = office.prepare("cme", "--school", SCHOOL, "--pupil", "p-1")["reference"]
    approve = ("approve", reference, "--by", "B. Head", "--incomplete")
    with pytest.raises(PackageRefused, match=r"checklist.*The home was visited"):
        office.notify(*approve)
    with pytest.raises(PackageRefused, match=r"without enquiries\.home_visit"):
        office.notify(*approve, "--checked")

    file = tmp_path / "answers.toml"
    file.write_text('[answers]\n"enquiries.home_visit" = "11 Nov: nobody in"\n', encoding="utf-8")
    office.prepare("cme", reference, "--answers", str(file))
    office.notify(*approve, "--checked")

    assert office.package(reference, "cme")[1].state == "approved"
    assert "pupil.ethnicity" not in office.values(reference, "cme")


def test_a_report_on_the_school_counts_its_own_days(office: Office) -> None:
    """From and to are included; a span of two school years is refused."""
    office.marks(
        "p-1",
        *((date(2026, 10, day), "/", "\\") for day in (5, 6, 7, 8, 9)),
        (date(2026, 10, 12), "O", "O"),
        (date(2026, 11, 2), "O", "O"),
    )
    said = office.prepare(
        "persistent_absence_list", "--school", SCHOOL, "--from", "2026-10-05", "--to", "2026-10-12"
    )
    (table,) = json.loads(office.package(said["reference"], "persistent_absence_list")[1].data)[
        "tables"
    ]

    assert [row[4:7] for row in table["rows"]] == [["12", "2", "16.7"]]
    with pytest.raises(PackageRefused, match="two academic years"):
        office.prepare(
            "looked_after_report", "--school", SCHOOL, "--from", "2026-07-01", "--to", "2026-10-12"
        )


def test_a_return_that_a_person_asks_for_counts_the_absence_as_it_stands(office: Office) -> None:
    """Before the tenth day: the run that goes on, but not one that the pupil came back from."""
    away = [(date(2026, 11, day), "O", "N") for day in (9, 10, 11)]
    office.marks("p-1", (date(2026, 11, 6), "/", "\\"), *away)
    office.marks("p-2", *away, (date(2026, 11, 12), "/", "#"))
    found = {}
    for pupil in ("p-1", "p-2"):
        said = office.prepare("attendance_return", "--school", SCHOOL, "--pupil", pupil)
        values = office.values(said["reference"], "attendance_return")
        found[pupil] = (values["absence.first_day"], values["absence.school_days"])

    assert found == {"p-1": ("Mon 9 Nov 2026", "3"), "p-2": (None, None)}


@pytest.mark.parametrize(
    ("kind", "about", "why"),
    [
        ("persistent_absence_list", ("--pupil", "p-1"), "about the whole school"),
        ("deletion_return", (), "about one pupil"),
    ],
)
def test_a_kind_that_does_not_fit_what_it_is_about_is_refused(
    office: Office, kind: str, about: tuple[str, ...], why: str
) -> None:
    """One list a school, one return a pupil."""
    with pytest.raises(PackageRefused, match=why):
        office.prepare(kind, "--school", SCHOOL, *about)


def test_an_id_or_a_school_has_to_be_named(office: Office) -> None:
    """Wrong usage, and not a problem of the world."""
    assert office.notify("prepare", "early_help", *BY).exit_code == 2
    assert office.notify("prepare", "early_help", "MB-1", "--school", SCHOOL, *BY).exit_code == 2


def test_a_child_whom_the_mis_has_dropped_is_notified_with_what_it_last_said(
    office: Office,
) -> None:
    """Some MIS simply no longer list a leaver: that is the child whom nobody would notice."""
    office.store.run(pupils.mark_gone, SCHOOL, ["p-1"], NOW)
    reference = office.prepare("cme", "--school", SCHOOL, "--pupil", "p-1")["reference"]

    assert office.values(reference, "cme")["pupil.upn"] == "A999000000001"
    assert office.values(reference, "cme")["leaving.removed"] is None


def test_a_request_that_nobody_decides_on_expires_and_says_so(office: Office) -> None:
    """After ten days it is out of date: closed, told, and made anew when it is asked for again."""
    reference = office.prepare("deletion_return", "--school", SCHOOL, "--pupil", "p-1")["reference"]
    configuration = load(office.config)
    schools, deadlines = schools_of(configuration), deadlines_of(configuration.settings)
    later = NOW + timedelta(days=10, minutes=1)
    assert office.store.run(packages.expire, later, schools, deadlines) == 1

    incident, package = office.package(reference, "deletion_return")
    assert (incident.state, incident.outcome, package.state) == ("closed", "cleared", "expired")
    with office.store.reading() as tx:
        told = outbox.of_incident(tx, SCHOOL, incident.id)
    assert [row.audience for row in told if row.reason == "package_expired"] == ["attendance"]
    office.prepare("deletion_return", reference)
    assert office.package(reference, "deletion_return")[1].state == "pending"


def test_who_approves_has_seen_the_version_that_is_sent(office: Office) -> None:
    """A version that was made while somebody read the last one is not approved unseen."""
    reference = office.prepare("deletion_return", "--school", SCHOOL, "--pupil", "p-1")["reference"]
    _, seen = office.package(reference, "deletion_return")
    office.prepare("deletion_return", reference)
    configuration = load(office.config)

    with pytest.raises(PackageRefused, match="newer version"):
        office.store.run(
            approving.approve,
            reference,
            "",
            "B. Head",
            "",
            NOW,
            schools=schools_of(configuration),
            deadlines=deadlines_of(configuration.settings),
            looked_at=seen,
        )


def test_what_became_of_a_package_is_heard_although_its_incident_went_on(office: Office) -> None:
    """Between the rejection and its message somebody adds a line: it is news all the same."""
    reference = office.prepare("deletion_return", "--school", SCHOOL, "--pupil", "p-1")["reference"]
    office.notify("reject", reference, "--by", "B. Head", "--why", "Stays after all")
    office.store.run(people.note, reference, "B. Head", NOW, "The parents rang.")
    later = NOW + timedelta(minutes=2)
    school = schools_of(load(office.config))[SCHOOL]

    rows = {row.reason: row for row in office.store.run(deliver.claim, later, "test")}
    said = office.store.run(
        writing.compose,
        rows["package_rejected"],
        school,
        Disclosure.REFERENCE,
        writing.Sender(),
        later,
    )

    assert isinstance(said, Message)
    assert said.subject == f"[mis-bridge] A package was rejected {reference}"


def test_a_form_that_does_not_fit_stops_no_alarm(office: Office) -> None:
    """A trigger asks for a package that the rules refuse: the history says why, and all goes on."""
    reference = office.prepare("early_help", "--school", SCHOOL, "--pupil", "p-1")["reference"]
    incident, _ = office.package(reference, "early_help")
    configuration = load(office.config)
    rows = office.store.run(
        packages.prepare_planned,
        PackagePlan(incident, "cme"),
        schools_of(configuration)[SCHOOL],
        NOW,
        deadlines_of(configuration.settings),
    )

    with office.store.reading() as tx:
        last = audit.history(tx, SCHOOL, incident.id)[-1]
    assert rows == []
    assert last.body.startswith("No package was prepared: children on roll are not CME")


def test_one_return_an_episode_whoever_asked_for_it_first(office: Office) -> None:
    """A person sent it on day three; on day ten the trigger finds it, and says so."""
    away = [(date(2026, 11, day), "O", "N") for day in (9, 10, 11)]
    office.marks("p-1", (date(2026, 11, 6), "/", "\\"), *away)
    about = ("attendance_return", "--school", SCHOOL, "--pupil", "p-1")
    reference = office.prepare(*about)["reference"]
    incident, _ = office.package(reference, "attendance_return")
    configuration = load(office.config)
    tenth = replace(incident, id="t" * 64, reference="MB-0000-0010", family="ten_day_absence")
    plan = PackagePlan(replace(tenth, facts={"first_day": "2026-11-09"}), "attendance_return")

    def planned() -> list[outbox.OutboxRow]:
        return office.store.run(
            packages.prepare_planned,
            plan,
            schools_of(configuration)[SCHOOL],
            NOW,
            deadlines_of(configuration.settings),
        )

    office.notify("approve", reference, "--by", "B. Head", "--incomplete")
    assert planned() == []
    with office.store.reading() as tx:
        (line,) = audit.history(tx, SCHOOL, tenth.id)
    assert line.body == (
        "No package was prepared: a return on this absence was made on Thu 12 Nov 2026."
    )

    plan = replace(plan, incident=replace(plan.incident, facts={"first_day": "2026-11-16"}))
    assert len(planned()) == 1, "the pupil came back, and another absence began"
