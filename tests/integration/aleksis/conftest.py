"""A real AlekSIS with an invented class, its teacher, and the daemon's parts around it."""

from __future__ import annotations

import json
import os
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

import pytest
from tests.peers.aleksis.server import MissingPeer, Running
from tests.peers.aleksis.server import aleksis as running_aleksis

from mis_bridge.adapters import registry
from mis_bridge.io.clock import ManualClock
from mis_bridge.io.http import Transport
from mis_bridge.io.notify import Notifier
from mis_bridge.io.secrets import Secret, Secrets
from mis_bridge.registers.calendar import AcademicYear, SchoolCalendar, local_datetime
from mis_bridge.service.assembly import assembled
from mis_bridge.settings import load
from mis_bridge.simulator.demo_setup import SCHOOL, Peers, write_configuration
from mis_bridge.simulator.sinks import MailSink, WebhookSink
from mis_bridge.store import feeds, incidents, sheets
from mis_bridge.store.opening import open_configured

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from mis_bridge.adapters.source import Source
    from mis_bridge.incidents.model import Incident
    from mis_bridge.registers.day_sheet import Entry
    from mis_bridge.service.daemon import Daemon
    from mis_bridge.store.engine import Store
    from mis_bridge.store.feeds import Feed

CODES = {"kr": "I", "SV": "V"}
"""What this school calls its absences."""

_CALENDAR = SchoolCalendar(AcademicYear(2024), date(2024, 9, 3), date(2025, 7, 22))

_REGISTERS = """query($day: Date!) {
  documentationsForCoursebook(own: false, dateStart: $day, dateEnd: $day) { id datetimeStart }
}"""
_OPEN = """mutation($id: ID!) {
  touchDocumentation(documentationId: $id) {
    documentation { participations { id person { id } } }
  }
}"""
_MARK = """mutation($input: [BatchPatchParticipationStatusInput]!) {
  updateParticipationStatuses(input: $input) { participationStatuses { id } }
}"""
_ABSENT = """mutation($persons: [ID]!, $start: DateTime!, $end: DateTime!, $reason: ID!) {
  createAbsencesForPersons(
    persons: $persons, start: $start, end: $end, reason: $reason, comment: "telephoned"
  ) { ok }
}"""
_PEOPLE = """{
  groups { shortName members { id firstName } }
  coursebookAbsenceReasons { id shortName }
}"""


def minutes(text: str) -> int:
    """``"10:05"`` as minutes after midnight."""
    hours, _, rest = text.partition(":")
    return int(hours) * 60 + int(rest)


class Teacher:
    """The class's teacher, who works in AlekSIS through its own GraphQL.

    Args:
        server: the running AlekSIS.
    """

    def __init__(self, server: Running) -> None:
        self._server = server
        people = self.ask(_PEOPLE, user="bridge")
        (own,) = (group for group in people["groups"] if group["shortName"] == "9A")
        self.pupils: dict[str, str] = {m["firstName"]: m["id"] for m in own["members"]}
        self._reasons = {one["shortName"]: one["id"] for one in people["coursebookAbsenceReasons"]}

    def ask(self, query: str, user: str = "tutor", **variables: Any) -> Any:
        """Send a query or a mutation as a user; gives its data."""
        request = Request(
            f"http://{self._server.host}/graphql/",
            json.dumps({"query": query, "variables": variables}).encode(),
            {
                "Content-Type": "application/json",
                "Cookie": f"sessionid={self._server.sessions[user][0]}",
            },
        )
        with urlopen(request, timeout=60) as answer:  # noqa: S310 - as above
            body = json.load(answer)
        assert not body.get("errors"), body["errors"]
        return body["data"]

    def open(self, day: date, lesson: int, **marks: str) -> None:
        """Open the register of a day's lesson, from 1; keyword arguments: reasons by forename."""
        shown = self.ask(_REGISTERS, day=day.isoformat())["documentationsForCoursebook"]
        lessons = sorted(shown, key=lambda one: one["datetimeStart"])
        opened = self.ask(_OPEN, id=lessons[lesson - 1]["id"])["touchDocumentation"]
        places = {
            one["person"]["id"]: one["id"] for one in opened["documentation"]["participations"]
        }
        for forename, reason in marks.items():
            change: dict[str, Any] = {"id": places[self.pupils[forename]]}
            if reason.startswith("late "):
                change["tardiness"] = int(reason.removeprefix("late "))
            else:
                change["absenceReason"] = self._reasons[reason]
            self.ask(_MARK, input=[change])

    def enter_absence(self, day: date, forename: str, reason: str) -> None:
        """Enter an absence of the whole day before any register is opened, as an office does."""
        self.ask(
            _ABSENT,
            persons=[self.pupils[forename]],
            start=local_datetime(day, 0).isoformat(),
            end=local_datetime(day, 23 * 60 + 59).isoformat(),
            reason=self._reasons[reason],
        )


@dataclass
class Watched:
    """A daemon that watches AlekSIS, its database and its clock."""

    daemon: Daemon
    store: Store
    clock: ManualClock
    day: date

    async def at(self, time: str) -> None:
        """Let it be this time of the day, and the daemon do what is due."""
        moment = local_datetime(self.day, minutes(time))
        self.clock.advance(seconds=(moment - self.clock.now()).total_seconds())
        await self.daemon.settle()

    def incidents(self, trigger: str) -> list[Incident]:
        """All incidents of one trigger."""
        with self.store.reading() as tx:
            return [one for one in incidents.recent(tx) if one.trigger == trigger]

    def incident(self, reference: str) -> Incident:
        """One incident, whatever its trigger has become."""
        with self.store.reading() as tx:
            (found,) = (one for one in incidents.recent(tx) if one.reference == reference)
        return found

    def entry(self, pupil: str, period: str) -> Entry | None:
        """A pupil's mark of a lesson, as it is stored."""
        with self.store.reading() as tx:
            days = sheets.load_day(tx, SCHOOL, self.day, _CALENDAR)
        (found,) = (one for one in days if one.pupil == pupil)
        return found.sheet.entry(period)

    def feed(self) -> Feed:
        """The state of the connection."""
        with self.store.reading() as tx:
            (feed,) = feeds.all_feeds(tx)
        return feed


@dataclass
class Bench:
    """Everything around the daemon but the daemon."""

    folder: Path
    server: Running
    clock: ManualClock
    webhook: WebhookSink
    mails: MailSink

    def end_session(self, session: str) -> None:
        """Sign out in AlekSIS, by the page that a browser would ask for."""
        connection = HTTPConnection(self.server.host, timeout=60)
        connection.request(
            "GET", "/django/accounts/logout/", headers={"Cookie": f"sessionid={session}"}
        )
        assert connection.getresponse().status in {200, 302}
        connection.close()

    @asynccontextmanager
    async def daemon(self, day: date, session: int = 0) -> AsyncIterator[Watched]:
        """The daemon's parts at half past eight of a day, signed in with one of the sessions."""
        peers = Peers("unused", "unused", "unused", self.webhook.url, self.mails.port)
        config = write_configuration(self.folder, "Invented School", _CALENDAR, peers)
        key = self.server.sessions["bridge"][session]
        credential = self.folder / "credentials" / "aleksis-session"
        credential.touch(mode=0o600)
        credential.write_text(key, "utf-8")
        school = self.folder / "conf.d" / f"{SCHOOL}.toml"
        head, _, rest = school.read_text("utf-8").partition("[mis]")
        codes = "\n".join(f'{short} = "{code}"' for short, code in CODES.items())
        school.write_text(
            f'{head}[mis]\nadapter = "aleksis"\n\n[mis.connection]\nscheme = "http"\n'
            f'host = "{self.server.host}"\nsession = "credential:aleksis-session"\n\n'
            f"[codes]\n{codes}\n\n[calendar]{rest.partition('[calendar]')[2]}",
            "utf-8",
        )
        config.write_text(
            config.read_text("utf-8").replace("timeout_seconds = 5", "timeout_seconds = 60"),
            "utf-8",
        )
        configuration = load(config)
        secrets = Secrets(configuration.settings.service.credentials_dir, os.environ)
        start = local_datetime(day, minutes("08:30"))
        self.clock.advance(seconds=(start - self.clock.now()).total_seconds())
        async with AsyncExitStack() as stack:
            store = open_configured(configuration, secrets, create=True)
            stack.callback(store.close)
            daemon = await stack.enter_async_context(
                assembled(
                    configuration, store, clock=self.clock, secrets=secrets, notifier=Notifier()
                )
            )
            yield Watched(daemon, store, self.clock, day)


@pytest.fixture(scope="session")
def aleksis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """AlekSIS with the class 9A; everybody in it is invented, and no register is open."""
    strict = os.environ.get("MIS_BRIDGE_STRICT") == "1"
    if not strict and os.environ.get("MIS_BRIDGE_ALEKSIS") != "1":
        pytest.skip("set MIS_BRIDGE_ALEKSIS=1 to install (600 MB) and run a real AlekSIS")
    try:
        with running_aleksis(tmp_path_factory.mktemp("aleksis")) as server:
            yield server
    except MissingPeer as error:
        if strict:
            pytest.fail(f"a real peer is missing and MIS_BRIDGE_STRICT=1: {error}")
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def teacher(aleksis: Running) -> Teacher:
    """The teacher of 9A."""
    return Teacher(aleksis)


@pytest.fixture
def bench(aleksis: Running, tmp_path: Path) -> Iterator[Bench]:
    """Webhook and mail server around AlekSIS; time stands still until it is moved."""
    clock = ManualClock(local_datetime(date(2024, 11, 10), 0))
    with WebhookSink(clock) as webhook, MailSink(clock) as mails:
        yield Bench(tmp_path, aleksis, clock, webhook, mails)


@dataclass
class Opened:
    """Opens the shipped adapter on the running AlekSIS."""

    server: Running
    transport: Transport

    def __call__(self, user: str = "bridge", *, now: datetime, session: str = "") -> Source:
        """Open it as a user."""
        key = session or self.server.sessions[user][0]
        return registry.load()["aleksis"].open(
            {"host": self.server.host, "scheme": "http", "session": Secret(key)},
            transport=self.transport,
            clock=ManualClock(now),
            codes=CODES,
            patient=False,
        )


@pytest.fixture
async def opened(aleksis: Running) -> AsyncIterator[Opened]:
    """``opened("bridge", now=...)``: the adapter, signed in as that user."""
    async with Transport(timeout=60) as transport:
        yield Opened(aleksis, transport)
