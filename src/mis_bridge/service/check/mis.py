"""The way to each school's MIS: its adapter, its connection, and the end of its credential."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from mis_bridge.adapters import registry
from mis_bridge.channels.examination import EXPIRES_SOON
from mis_bridge.errors import AdapterInvalid, SecretMissing, SettingsError
from mis_bridge.service.check.model import Finding, note, of_error, placed
from mis_bridge.settings import SettingsProblems

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from mis_bridge.adapters.registry import Adapter, Registry
    from mis_bridge.io.secrets import Secrets
    from mis_bridge.settings import Configuration, SchoolSettings

__all__ = ["review"]


def review(configuration: Configuration, secrets: Secrets, today: date) -> Iterator[Finding]:
    """Look at the adapters, and at each school's connection; no MIS is asked.

    Args:
        configuration: as loaded.
        secrets: what the connections sign in with.
        today: local date.
    """
    yield from _ends(configuration, today)
    service = configuration.settings.service
    try:
        adapters = registry.load(service.adapter_dirs, service.adapter_pins)
    except (AdapterInvalid, SettingsError) as error:
        yield from (placed(configuration, finding) for finding in of_error(error))
        return
    used = {own.mis.adapter for own in configuration.schools.values()}
    for name, broken in adapters.broken.items():
        # An adapter that nobody uses stops nobody.
        level = "problem" if name in used else "note"
        for line in str(broken).splitlines():
            yield Finding(level, line)
    for school, own in configuration.schools.items():
        if own.mis.adapter not in adapters.broken:
            for finding in _school(own, adapters, secrets):
                yield placed(configuration, finding, school)


def _ends(configuration: Configuration, today: date) -> Iterator[Finding]:
    """Schools whose MIS will soon not know them any more, or knows them no more."""
    for school, own in configuration.schools.items():
        day = own.mis.secret_expires
        if day is None or today < day - EXPIRES_SOON + timedelta(days=1):
            continue
        happens = "ended" if day <= today else "ends"
        text = (
            f"the credential for {own.mis.adapter} {happens} on {day.day} {day:%B %Y}: get a new "
            "one, store it, and write its day here"
        )
        yield note(configuration, text, "mis.secret_expires", school)


def _school(own: SchoolSettings, adapters: Registry, secrets: Secrets) -> Iterator[Finding]:
    """What is wrong with a school's connection, and what its adapter can not do."""
    try:
        adapter = adapters.find(own.mis.adapter)
        yield from _limits(adapter, own)
        adapter.connection(own.mis.connection, secrets)
    except (SettingsError, SettingsProblems) as error:
        yield from of_error(error)
    except SecretMissing as error:
        yield Finding("problem", str(error), key="mis.connection")


def _limits(adapter: Adapter, own: SchoolSettings) -> Iterator[Finding]:
    """What this school's MIS can not tell, and what follows from it."""
    if "presence" not in adapter.capabilities:
        text = (
            f"{adapter.id} sends absences only: no rate of absence is worked out "
            "(persistent_absence, severe_absence, approaching_persistent_absence), and a child "
            "without a mark is taken neither for present nor for absent"
        )
        yield Finding("note", text, key="mis.adapter")
    timed = own.calendar.periods or not adapter.manifest.capabilities.needs_periods
    if "lesson" in adapter.capabilities and not timed and "lessons" not in own.mis.leave_out:
        text = (
            f"lesson marks of {adapter.id} name a period and no time: write the times of the "
            "school's periods, or no lesson mark can be used"
        )
        yield Finding("note", text, key="calendar.periods")
