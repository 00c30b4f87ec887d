"""One school as the daemon sees it: what is configured for it, put together once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from mis_bridge.adapters import registry
from mis_bridge.adapters.authorities import NATIONAL_ID
from mis_bridge.adapters.vocabulary import STREAMS
from mis_bridge.incidents.chain import Origin
from mis_bridge.incidents.choosing import within
from mis_bridge.incidents.rules import IncidentRules
from mis_bridge.incidents.timing import Quiet, Timing
from mis_bridge.registers.school_years import SchoolYears
from mis_bridge.service.authorities import authorities_of
from mis_bridge.service.calendars import calendar_in_force, terms_of_schools
from mis_bridge.service.ways import Way, staff_of, ways_of
from mis_bridge.settings.escalation import rules_of
from mis_bridge.triggers.catalogue import TRIGGERS
from mis_bridge.triggers.certificate_expiring import Ending
from mis_bridge.triggers.model import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from mis_bridge.adapters.authorities import Authority
    from mis_bridge.adapters.registry import Registry
    from mis_bridge.calendars.terms import Terms
    from mis_bridge.incidents.chain import Rule, Staff
    from mis_bridge.messages.form import Form
    from mis_bridge.registers.calendar import AcademicYear, SchoolCalendar
    from mis_bridge.settings import Configuration, PollingSettings
    from mis_bridge.settings.model import MisSettings
    from mis_bridge.triggers.model import TriggerInfo

__all__ = ["School", "escalation_of", "schools_of"]

_WITHOUT_PRESENCE: Final = {"register_anomaly": {"enabled": False}}
"""Where absences alone are sent every register is one in which everybody is absent."""


@dataclass(frozen=True, slots=True)
class School:
    """What the three transactions need to know of one school.

    Args:
        id: the name of its file in ``conf.d``.
        name: as messages print it.
        adapter: id of the MIS adapter.
        calendar: the one that is in force.
        polling: when it is read, its own interval filled in.
        routes: channel names by duty, in the order in which they are tried, whoever they lead to.
        triggers: parameters by trigger id.
        rules: how its incidents behave.
        ways: how each duty and each person is reached; a duty that is not in it, by its route.
        urn: its unique reference number, or empty.
        dfe_number: its DfE number, or empty.
        authority_name: its Local Authority as people call it, or empty.
        forms: that authority's own forms, by kind of package; for another kind it has none.
        portal: address of that authority's form, or empty.
        letter: that authority's words for the message that carries a package to it, or empty.
        streams: the lists that are read, or None for all that the adapter has.
        presence: the MIS sends the marks of those who are present too.
        delay: how old an answer of the MIS may be when it comes.
        years: all calendars that are known of it.
        term_dates_failing_since: since when its iCalendar file can not be read, or None.
        mis_ends: when what the MIS knows us by ends, where somebody wrote it down.
        timing: when its people may be interrupted.
    """

    id: str
    name: str
    adapter: str
    calendar: SchoolCalendar
    polling: PollingSettings
    routes: Mapping[str, tuple[str, ...]]
    triggers: Mapping[str, Mapping[str, Any]]
    rules: IncidentRules
    ways: Mapping[str, tuple[Way, ...]] = field(default_factory=dict)
    urn: str = ""
    dfe_number: str = ""
    authority_name: str = ""
    portal: str = ""
    letter: str = ""
    forms: Mapping[str, Form] = field(default_factory=dict)
    streams: frozenset[str] | None = None
    presence: bool = True
    delay: timedelta = timedelta()
    years: SchoolYears = field(default=SchoolYears())
    term_dates_failing_since: datetime | None = None
    mis_ends: Ending | None = None
    timing: Timing = field(default=Timing())

    @property
    def channels(self) -> frozenset[str]:
        """All channels by which somebody of this school is told."""
        by_duty = {name for route in self.routes.values() for name in route}
        return frozenset(by_duty | {way.channel for to in self.ways.values() for way in to})

    def ways_to(self, name: str, day: date) -> tuple[Way, ...]:
        """Give how a duty or a person is reached on a day, without those who have left."""
        ways = self.ways.get(name) or tuple(map(Way, self.routes.get(name, ())))
        return tuple(way for way in ways if way.is_open(day))

    def route_to(self, name: str, day: date) -> tuple[str, ...]:
        """Give the channels of a duty or a person on a day, each once, in order."""
        return tuple(dict.fromkeys(way.channel for way in self.ways_to(name, day)))

    def calendar_of(self, year: AcademicYear) -> SchoolCalendar:
        """Give the calendar of an academic year; where there is none, the one in force."""
        return self.years.of(year) or self.calendar

    def known_until(self, read_at: datetime | None) -> datetime | None:
        """Give the moment up to which the registers are known, from when they were read."""
        return read_at and read_at - self.delay


def schools_of(
    configuration: Configuration,
    adapters: Registry | None = None,
    *,
    today: date | None = None,
    terms: Mapping[str, Terms] | None = None,
) -> dict[str, School]:
    """Put every configured school together, by id.

    Parameters of triggers are the school's own, else the installation's, else the authority's.

    Args:
        configuration: what is configured.
        adapters: as ``registry.load`` gives them; None has them found.
        today: local date, for the calendar in force; None for the newest that is known.
        terms: every school's calendars; None has them put together.

    Raises:
        AdapterInvalid: two adapters have one id.
        SettingsError: an authority is not there.
        SettingsProblems: an authority's file has mistakes.
    """
    settings = configuration.settings
    if adapters is None:
        adapters = registry.load(settings.service.adapter_dirs, settings.service.adapter_pins)
    authorities = authorities_of(configuration)
    rules = {
        name: IncidentRules(
            protocols=authority.protocols,
            damping_minutes=settings.incidents.damping_minutes,
            ack_minutes=settings.incidents.ack_minutes,
            triggers=_told(authority),
        )
        for name, authority in authorities.items()
    }
    if terms is None:
        terms = terms_of_schools(configuration)
    general = rules_of(settings.escalation, Origin.INSTALLATION)
    ways = {school: ways_of(configuration, school) for school in configuration.schools}
    staff = {school: staff_of(configuration, school, ways[school]) for school in ways}
    return {
        school: School(
            id=school,
            name=own.school.name,
            adapter=own.mis.adapter,
            calendar=calendar_in_force(terms[school], own.calendar, today),
            polling=settings.polling.model_copy(
                update={"interval_seconds": configuration.poll_seconds(school)}
            ),
            routes={duty: tuple(names) for duty, names in configuration.channels(school).items()},
            triggers=_over(
                authority.triggers,
                configuration.triggers(school),
                {} if _sends_presence(adapters, own.mis.adapter) else _WITHOUT_PRESENCE,
            ),
            rules=replace(
                rules[authority.id],
                years=terms[school].years,
                escalation=_at_school(
                    escalation_of(configuration, school, authority, general),
                    staff[school],
                    authority,
                ),
                staff=staff[school],
            ),
            ways=ways[school],
            urn=own.school.urn,
            dfe_number=own.school.dfe_number,
            authority_name=_name(configuration, school, authority),
            forms=authority.own_forms,
            portal=authority.route.portal,
            letter=authority.letter,
            streams=frozenset(STREAMS) - frozenset(own.mis.leave_out)
            if own.mis.leave_out
            else None,
            presence=_sends_presence(adapters, own.mis.adapter),
            delay=adapters[own.mis.adapter].delay if own.mis.adapter in adapters else timedelta(),
            years=terms[school].years,
            term_dates_failing_since=terms[school].failing_since,
            mis_ends=_mis_ends(own.mis),
            timing=_timing(configuration, school),
        )
        for school, own in configuration.schools.items()
        for authority in (authorities[configuration.authority(school)],)
    }


def _mis_ends(mis: MisSettings) -> Ending | None:
    """Say when what the MIS knows the school by ends, where somebody wrote it down."""
    day = mis.secret_expires
    if day is None:
        return None
    return Ending(
        "",
        datetime(day.year, day.month, day.day, tzinfo=UTC),
        f"the credential for {mis.adapter}",
        "get a new one from the MIS or its vendor, store it with mis-bridge credentials, and write "
        "its day as secret_expires under [mis]",
    )


def escalation_of(
    configuration: Configuration, school: str, authority: Authority, general: Iterable[Rule]
) -> tuple[Rule, ...]:
    """Give the rules of a school in the order in which they are asked.

    Args:
        configuration: what is configured.
        school: its id.
        authority: its authority.
        general: those of ``config.toml``, made once for all schools.
    """
    own = rules_of(configuration.schools[school].escalation, Origin.SCHOOL)
    return (*own, *general, *authority.escalation)


def _at_school(rules: Iterable[Rule], staff: Staff, authority: Authority) -> tuple[Rule, ...]:
    """Give the rules as far as there is somebody in the school for them to tell."""
    usual = {
        name: frozenset[str](authority.told.get(name, trigger.INFO.audience))
        for name, trigger in TRIGGERS.items()
    }
    found = (
        within(rule, staff, frozenset.intersection(*map(usual.__getitem__, rule.triggers or usual)))
        for rule in rules
    )
    return tuple(rule for rule in found if rule)


def _timing(configuration: Configuration, school: str) -> Timing:
    quiet, telling = configuration.quiet(school), configuration.settings.telling
    return Timing(
        quiet=Quiet(
            begins=quiet.begins,
            ends=quiet.ends,
            weekends=quiet.weekends,
            holidays=quiet.holidays,
            holds=frozenset(Severity(name) for name in quiet.holds),
        ),
        digest_at=tuple(sorted(set(telling.digest_at))),
        group_wait=timedelta(seconds=telling.group_seconds),
        group_again=timedelta(seconds=telling.again_seconds),
    )


def _name(configuration: Configuration, school: str, authority: Authority) -> str:
    given = configuration.authority_name(school)
    return given or ("" if authority.id == NATIONAL_ID else authority.name)


def _told(authority: Authority) -> Mapping[str, TriggerInfo] | None:
    """Give the triggers with the people whom this authority wants told, None where as usual."""
    if not authority.told:
        return None
    return {
        name: replace(trigger.INFO, audience=authority.told.get(name, trigger.INFO.audience))
        for name, trigger in TRIGGERS.items()
    }


def _sends_presence(adapters: Registry, adapter: str) -> bool:
    # A school without a valid adapter is not read at all; that is told elsewhere.
    return adapter not in adapters or "presence" in adapters[adapter].capabilities


def _over(*layers: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Lay parameters over each other, the later ones above."""
    merged: dict[str, Mapping[str, Any]] = {}
    for layer in layers:
        for trigger, values in layer.items():
            merged[trigger] = {**merged.get(trigger, {}), **values}
    return dict(sorted(merged.items()))
