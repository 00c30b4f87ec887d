"""One school as the daemon sees it: what is configured for it, put together once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mis_bridge.adapters.authorities import load_authority
from mis_bridge.adapters.vocabulary import STREAMS
from mis_bridge.incidents.rules import IncidentRules

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mis_bridge.registers.calendar import SchoolCalendar
    from mis_bridge.settings import Configuration, PollingSettings

__all__ = ["School", "schools_of"]


@dataclass(frozen=True, slots=True)
class School:
    """What the three transactions need to know of one school.

    Args:
        id: the name of its file in ``conf.d``.
        name: as messages print it.
        adapter: id of the MIS adapter.
        calendar: of the configured academic year.
        polling: when it is read, its own interval filled in.
        routes: channel names by audience, in the order in which they are tried.
        triggers: parameters by trigger id.
        rules: how its incidents behave.
        urn: its unique reference number, or empty.
        authority_name: its Local Authority as people call it, or empty.
        streams: the lists that are read, or None for all that the adapter has.
    """

    id: str
    name: str
    adapter: str
    calendar: SchoolCalendar
    polling: PollingSettings
    routes: Mapping[str, tuple[str, ...]]
    triggers: Mapping[str, Mapping[str, Any]]
    rules: IncidentRules
    urn: str = ""
    authority_name: str = ""
    streams: frozenset[str] | None = None


def schools_of(configuration: Configuration) -> dict[str, School]:
    """Put every configured school together, by id.

    Parameters of triggers are the school's own, else the installation's, else the authority's.

    Raises:
        SettingsError: the authority is not there, or its file has a mistake.
    """
    settings = configuration.settings
    authority = load_authority(settings.authority.id, settings.service.adapter_dirs)
    rules = IncidentRules(
        protocols=authority.protocols,
        damping_minutes=settings.incidents.damping_minutes,
        ack_minutes=settings.incidents.ack_minutes,
    )
    return {
        school: School(
            id=school,
            name=own.school.name,
            adapter=own.mis.adapter,
            calendar=configuration.calendar(school),
            polling=settings.polling.model_copy(
                update={"interval_seconds": configuration.poll_seconds(school)}
            ),
            routes={
                audience: tuple(names) for audience, names in configuration.routes(school).items()
            },
            triggers=_over(authority.triggers, configuration.triggers(school)),
            rules=rules,
            urn=own.school.urn,
            authority_name=settings.authority.name,
            streams=frozenset(STREAMS) - frozenset(own.mis.leave_out)
            if own.mis.leave_out
            else None,
        )
        for school, own in configuration.schools.items()
    }


def _over(
    general: Mapping[str, Mapping[str, Any]], own: Mapping[str, Mapping[str, Any]]
) -> dict[str, Mapping[str, Any]]:
    return {
        trigger: {**general.get(trigger, {}), **own.get(trigger, {})}
        for trigger in sorted({*general, *own})
    }
