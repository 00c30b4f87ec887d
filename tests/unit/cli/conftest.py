"""A person at the command line of an installation with incidents, on a real, encrypted database."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from mis_bridge.adapters.records import PupilRecord
from mis_bridge.cli.incidents import command as incidents_command
from mis_bridge.cli.init import command as init
from mis_bridge.cli.notify import command as notify_command
from mis_bridge.incidents.model import Scope
from mis_bridge.incidents.reconcile import reconcile
from mis_bridge.incidents.rules import IncidentRules
from mis_bridge.io.secrets import Secrets
from mis_bridge.service import packages, routing
from mis_bridge.service.schools import schools_of
from mis_bridge.settings import load
from mis_bridge.store import audit, feeds, incidents, outbox, pupils
from mis_bridge.store.opening import open_configured
from mis_bridge.triggers.model import Assessment, Evidence, Finding, Kind, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import click

    from mis_bridge.incidents.model import Incident
    from mis_bridge.service.schools import School
    from mis_bridge.store.engine import Store

NOW = datetime(2026, 11, 12, 10, 15, tzinfo=UTC)
SCHOOL = "example-school"
DEADLINES = dict.fromkeys(Severity, timedelta(minutes=15))
NO_NAMES = ("Ada", "Testpupil", "A999")


@dataclass
class Desk:
    """A person at the command line of an installation with incidents."""

    config: Path
    store: Store
    missing: Incident
    ten_days: Incident
    school: School

    def run(self, command: click.Command, *arguments: str) -> Result:
        """Run a command; an error that the program raises on purpose comes out as it is."""
        given = [*arguments, "--config", str(self.config)]
        result = CliRunner().invoke(command, given)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def incidents(self, *arguments: str) -> Result:
        """Run ``mis-bridge incidents``."""
        return self.run(incidents_command, *arguments)

    def notify(self, *arguments: str) -> Result:
        """Run ``mis-bridge notify``."""
        return self.run(notify_command, *arguments)

    def stored(self, incident: Incident) -> Incident:
        """Read an incident back."""
        with self.store.reading() as tx:
            found = incidents.get(tx, incident.id)
        assert found is not None
        return found

    def rows(self, incident: Incident) -> list[Any]:
        """Read the messages about an incident."""
        with self.store.reading() as tx:
            return list(outbox.of_incident(tx, SCHOOL, incident.id))


def made_finding(trigger: str, pupil: str, **more: Any) -> Finding:
    """Give a finding of three minutes ago."""
    fired = NOW - timedelta(minutes=3)
    given: dict[str, Any] = {
        "day": date(2026, 11, 12),
        "slot": "P2",
        "level": 1,
        "evidence": (Evidence(fired, "P2", "marked N"),),
        "sentence": "In school at P1, marked absent in P2 (10:02).",
    }
    return Finding(
        trigger=trigger, pupil=pupil, fired_at=fired, raised_at=fired, **{**given, **more}
    )


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """One missing child, whose message went out, and one ten-day absence with its package."""
    monkeypatch.setenv("MIS_BRIDGE_REHEARSAL", f"{NOW.isoformat()}|0|1e-12")
    CliRunner().invoke(init, [str(tmp_path)], catch_exceptions=False)
    configuration = load(tmp_path / "config.toml")
    secrets = Secrets(configuration.settings.service.credentials_dir, {})
    store = open_configured(configuration, secrets, create=True)
    school = schools_of(configuration)[SCHOOL]
    record = PupilRecord("p-1", "A999000000001", "Testpupil", "Ada", form="8B", year_group=8)
    run = {"first_day": "2026-10-22", "last_day": "2026-11-11", "days": 10}
    looks = [
        (Kind.DAY, made_finding("missing_during_day", "p-1")),
        (Kind.STRIP, made_finding("ten_day_absence", "p-1", slot="", episode="e", facts=run)),
    ]
    with store.transaction() as tx:
        feeds.sync_schools(tx, [(SCHOOL, "csv", "Example School")], NOW)
        pupils.upsert(tx, SCHOOL, [record])
        made: list[Incident] = []
        for kind, finding in looks:
            decision = reconcile(
                SCHOOL,
                made,
                Assessment((finding,)),
                NOW,
                rules=IncidentRules(),
                data_as_of=NOW,
                scope=Scope(kind, date(2026, 11, 12)),
            )
            incidents.save(tx, decision.incidents)
            audit.append(tx, SCHOOL, decision.audit)
            made += decision.incidents
            for plan in decision.messages:
                outbox.insert(tx, routing.expand(tx, plan, school, NOW, DEADLINES))
            for plan_ in decision.packages:
                outbox.insert(tx, packages.prepare(tx, plan_, school, NOW, DEADLINES))
    yield Desk(tmp_path / "config.toml", store, made[0], made[1], school)
    store.close()


def json_lines(result: Result) -> list[dict[str, Any]]:
    """Read what a command printed with ``--format json``."""
    return [json.loads(line) for line in result.stdout.splitlines()]
