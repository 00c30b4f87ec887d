"""``mis-bridge check``: every mistake in the configuration, and what is wrong in its world."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import click

from mis_bridge.cli.output import config_option, emit_json, format_option

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection

    from mis_bridge.adapters.authorities import Authority
    from mis_bridge.adapters.registry import Adapter, Registry
    from mis_bridge.errors import MisBridgeError
    from mis_bridge.io.secrets import Secrets
    from mis_bridge.settings import Configuration, SchoolSettings

__all__ = ["command"]

_SHOWN = 5
# Of the rows in quarantine; what is wrong with one is most often wrong with all.

_WAYS = {
    "assisted": ("folder", "by its own form"),
    "secure_mail": ("secure-mail", "by secure mail"),
    "sftp": ("sftp", "by SFTP"),
    "https": ("https", "by HTTPS"),
}
# By how an authority wants to be told: the kind of channel that does it.

_EXAMPLE, _EXAMPLE_NAME = "example-school", "Example School"
# As school.example.toml has them; a test holds them equal.


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a person should know.

    Args:
        level: ``problem`` has to be put right, ``note`` may be as it should.
        text: what is wrong and what to do.
        file, line, key: where it stands, as far as it stands somewhere.
    """

    level: str
    text: str
    file: str = ""
    line: int | None = None
    key: str = ""

    def __str__(self) -> str:
        where = ":".join(str(part) for part in (self.file, self.line) if part)
        told = f"note: {self.text}" if self.level == "note" else self.text
        return ": ".join(part for part in (where, self.key, told) if part)


@click.command(
    "check", epilog="Example: mis-bridge check --config /etc/mis-bridge/config.toml --format json"
)
@config_option
@format_option
@click.option(
    "--schema",
    type=click.Choice(["config", "school"]),
    help="Print the JSON Schema of config.toml or of a school's file, for editors, and stop.",
)
def command(config_path: Path | None, output_format: str, schema: str | None) -> None:
    """Find every mistake in the configuration and its world.

    First the files: each mistake with file, line, key and the nearest right spelling. Then what
    they lead to: secrets, adapters, channels, school calendars, the database, how each feed was
    when it was last read, and rows that could not be used. Nothing is sent and no MIS is asked;
    `mis-bridge channels test` and `mis-bridge schools check` do that.

    Exit status 1 if there is a problem; notes alone are none.
    """
    if schema is not None:
        from mis_bridge.settings.schema import config_schema, school_schema

        made = config_schema() if schema == "config" else school_schema()
        click.echo(json.dumps(made, indent=2, ensure_ascii=False))
        return
    from mis_bridge.settings import SettingsProblems, find_config, load

    path = find_config(config_path)
    try:
        configuration = load(path)
    except SettingsProblems as error:
        _report([_finding(one) for one in error.problems], output_format, "")
    else:
        _report(list(_world(configuration)), output_format, _summary(configuration))


def _report(findings: list[Finding], output_format: str, summary: str) -> None:
    problems = sum(finding.level == "problem" for finding in findings)
    if output_format == "json":
        for finding in findings:
            emit_json(asdict(finding))
    else:
        for finding in findings:
            click.echo(str(finding))
        what = f"{problems} problem{'s'[: problems != 1]}" if problems else "No problem"
        click.echo(f"{what}{summary}.")
    if problems:
        sys.exit(1)


def _summary(configuration: Configuration) -> str:
    schools, channels = len(configuration.schools), len(configuration.settings.channels)
    return (
        f" in {configuration.path}: {schools} school{'s'[: schools != 1]}, "
        f"{channels} channel{'s'[: channels != 1]}"
    )


def _world(configuration: Configuration) -> Iterator[Finding]:
    from mis_bridge.io.secrets import Secrets

    secrets = Secrets(configuration.settings.service.credentials_dir, os.environ)
    yield from _emptiness(configuration)
    yield from _resting(configuration)
    yield from _left_over(configuration)
    yield from _authorities(configuration)
    yield from _heartbeat(configuration, secrets)
    yield from _channels(configuration, secrets)
    yield from _told(configuration, secrets)
    yield from _adapters(configuration, secrets)
    yield from _calendars(configuration)
    yield from _database(configuration, secrets)


def _emptiness(configuration: Configuration) -> Iterator[Finding]:
    if not configuration.schools and not configuration.resting:
        folder = configuration.settings.service.conf_dir
        yield Finding("problem", f"there is no school: write {folder}/ID.toml for each")
    if not configuration.settings.channels:
        text = "there is no channel: whatever is noticed would reach nobody"
        yield Finding("problem", text, file=str(configuration.path), key="channels")


def _resting(configuration: Configuration) -> Iterator[Finding]:
    if configuration.resting:
        count = len(configuration.resting)
        yield Finding(
            "note",
            f"{count} school{'s'[: count != 1]} rest{'s'[count != 1 :]} (enabled = false): nobody "
            "is told of missing children there",
        )


def _left_over(configuration: Configuration) -> Iterator[Finding]:
    """What init wrote and nobody has filled in yet."""
    from mis_bridge.settings.people import channels_of

    for school, own in configuration.schools.items():
        if school == _EXAMPLE or own.school.name == _EXAMPLE_NAME:
            text = "this is still the example: write the school's id, name, MIS and calendar"
            yield _at(configuration, Finding("note", text, key="school.name"), school)
    settings = configuration.settings
    unseen = [
        audience
        for audience, route in settings.routes.items()
        if audience != "authority"
        and all(
            settings.channels[one].kind == "folder" for one in channels_of(route, settings.people)
        )
    ]
    if unseen:
        text = (
            f"what {', '.join(unseen)} should know only goes into a folder: somebody has to look "
            "there, or name a channel of Teams or email"
        )
        yield _at(configuration, Finding("note", text, key="routes"))
    nameless = [
        school
        for school in configuration.schools
        if configuration.authority(school) == "national"
        and not configuration.authority_name(school)
    ]
    if nameless or not (configuration.schools or settings.authority.name):
        text = "not set: a return does not say to which authority it goes"
        yield _at(configuration, Finding("note", text, key="authority.name"))


def _authorities(configuration: Configuration) -> Iterator[Finding]:
    """Mistakes in the authorities that schools name, and in those of ours that nobody names yet."""
    from mis_bridge.adapters.authorities import authority_ids, load_authority
    from mis_bridge.errors import SettingsError
    from mis_bridge.service.authorities import authority_of
    from mis_bridge.settings import SettingsProblems

    told: dict[str, Authority | None] = {}
    for school in ("", *configuration.schools):
        name = configuration.authority(school) if school else configuration.settings.authority.id
        if name in told:
            continue
        told[name] = None
        try:
            told[name] = authority_of(configuration, school)
        except SettingsProblems as error:
            yield from map(_finding, error.problems)
        except SettingsError as error:
            yield _finding(error)
    yield from dict.fromkeys(
        finding
        for school in configuration.schools
        if (authority := told[configuration.authority(school)]) is not None
        for finding in _ways(configuration, school, authority)
    )
    dirs = configuration.settings.service.adapter_dirs
    for name in authority_ids(dirs):
        if name not in told:
            try:
                load_authority(name, dirs)
            except SettingsProblems as error:
                for problem in error.problems:
                    yield replace(_finding(problem), level="note")
            except SettingsError as error:
                yield replace(_finding(error), level="note")


def _ways(configuration: Configuration, school: str, authority: Authority) -> Iterator[Finding]:
    """How a school's authority wants to be told, where its route does not go that way."""
    wanted, channels = _WAYS.get(authority.route.kind), configuration.settings.channels
    route = configuration.channels(school).get("authority", [])
    if authority.id == "national" or wanted is None or not route:
        return
    kind, words = wanted
    of_school = school if "authority" in configuration.schools[school].routes else ""
    if not any(channels[name].kind == kind for name in route):
        text = f"{authority.name} wants to be told {words}: no {kind} channel is in this route"
        yield _at(configuration, Finding("note", text, key="routes.authority"), of_school)


def _heartbeat(configuration: Configuration, secrets: Secrets) -> Iterator[Finding]:
    from mis_bridge.errors import SecretMissing

    reference = configuration.settings.service.heartbeat_url
    if not reference:
        text = "not set: if this machine stops, nobody outside it will notice"
        yield _at(configuration, Finding("note", text, key="service.heartbeat_url"))
        return
    try:
        secrets.resolve(reference)
    except SecretMissing as error:
        yield _at(configuration, Finding("problem", str(error), key="service.heartbeat_url"))


def _channels(configuration: Configuration, secrets: Secrets) -> Iterator[Finding]:
    from mis_bridge.channels.build import review
    from mis_bridge.errors import SettingsError
    from mis_bridge.io.clock import clock_from

    settings = configuration.settings
    try:
        remarks = list(
            review(
                settings.channels,
                secrets,
                ca_bundle=settings.service.ca_bundle or None,
                clock=clock_from(os.environ),
            )
        )
    except SettingsError as error:
        yield _at(configuration, _finding(error))
        return
    for remark in remarks:
        level = "problem" if remark.fatal else "note"
        yield _at(configuration, Finding(level, remark.text, key=f"channels.{remark.channel}"))


def _told(configuration: Configuration, secrets: Secrets) -> Iterator[Finding]:
    """Duties, people and rules that lead to nobody; secrets of the MIS that end."""
    from mis_bridge.cli.check_routes import broken_channels, review
    from mis_bridge.cli.check_ways import mis_ends, only_extras
    from mis_bridge.errors import SettingsError
    from mis_bridge.io.clock import clock_from
    from mis_bridge.registers.calendar import local_minute
    from mis_bridge.settings import SettingsProblems

    today, _ = local_minute(clock_from(os.environ).now())
    try:
        remarks = (
            *only_extras(configuration),
            *mis_ends(configuration, today),
            *review(configuration, broken_channels(configuration, secrets), today),
        )
        for remark in remarks:
            finding = Finding(remark.level, remark.text, key=remark.key)
            yield _at(configuration, finding, remark.school)
    except (SettingsError, SettingsProblems):
        return  # the authority's own mistakes have been named


def _adapters(configuration: Configuration, secrets: Secrets) -> Iterator[Finding]:
    from mis_bridge.adapters import registry
    from mis_bridge.errors import AdapterInvalid, SettingsError

    service = configuration.settings.service
    try:
        adapters = registry.load(service.adapter_dirs, service.adapter_pins)
    except (AdapterInvalid, SettingsError) as error:
        yield _at(configuration, _finding(error))
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
                yield _at(configuration, finding, school)


def _school(own: SchoolSettings, adapters: Registry, secrets: Secrets) -> Iterator[Finding]:
    """What is wrong with a school's connection, and what its adapter can not do."""
    from mis_bridge.errors import SecretMissing, SettingsError
    from mis_bridge.settings import SettingsProblems

    try:
        adapter = adapters.find(own.mis.adapter)
        yield from _limits(adapter, own)
        adapter.connection(own.mis.connection, secrets)
    except SettingsProblems as error:
        yield from map(_finding, error.problems)
    except SettingsError as error:
        yield _finding(error)
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


def _calendars(configuration: Configuration) -> Iterator[Finding]:
    from mis_bridge.cli.calendars import review, tried_terms
    from mis_bridge.errors import SettingsError
    from mis_bridge.io.clock import clock_from
    from mis_bridge.registers.calendar import local_minute
    from mis_bridge.settings import SettingsProblems

    now = clock_from(os.environ).now()
    today, _ = local_minute(now)
    try:
        terms = tried_terms(configuration, now)
    except (SettingsError, SettingsProblems):
        return  # the authority's own mistakes have been named
    for remark in review(configuration, terms, today):
        yield _at(configuration, Finding(remark.level, remark.text, key=remark.key), remark.school)


def _database(configuration: Configuration, secrets: Secrets) -> Iterator[Finding]:
    from mis_bridge.errors import SecretMissing, StoreError
    from mis_bridge.store.opening import embedded_file, open_configured

    file = embedded_file(configuration)
    if not configuration.settings.store.url and not file.exists():
        yield Finding("note", f"there is no database yet: mis-bridge run makes {file}")
        return
    try:
        store = open_configured(configuration, secrets)
    except (SecretMissing, StoreError) as error:
        yield _at(configuration, Finding("problem", str(error), key="store"))
        return
    try:
        with store.reading() as tx:
            yield from _stored(tx, configuration)
    except StoreError as error:
        yield Finding("problem", str(error))
    finally:
        store.close()


def _stored(tx: Connection, configuration: Configuration) -> list[Finding]:
    """What the database knows: feeds and channels that fail, rows in quarantine, open ends."""
    from mis_bridge.store import channels, feeds, incidents, quarantine

    found = []
    for feed in feeds.all_feeds(tx):
        if feed.state not in {"new", "good"}:
            since = feed.state_since.isoformat(sep=" ", timespec="minutes")
            told = " ".join(f"{part.rstrip('.')}." for part in (feed.problem, feed.advice) if part)
            text = f"its feed is {feed.state} since {since}: {told}"
            found.append(Finding("problem", text, key=f"school {feed.school}"))
    for school, count in quarantine.counts(tx).items():
        rows = quarantine.load(tx, school, limit=_SHOWN)
        told = "; ".join(f"{row.stream}, {row.place}: {_in_words(row.problem)}" for row in rows)
        more = f"; and {count - len(rows)} more" if count > len(rows) else ""
        text = f"{count} row{'s'[: count != 1]} could not be used: {told}{more}"
        found.append(Finding("problem", text, key=f"school {school}"))
    found += _against_the_registers(tx, configuration)
    for (school, problem), who in quarantine.doubts(tx).items():
        found.append(_doubt(school, problem, who))
    for school, count in incidents.count_open(tx).items():
        if school not in configuration.schools:
            text = (
                f"it is not watched any more, and {count} of its incidents are open: see "
                f"'mis-bridge incidents list --school {school}' and close them"
            )
            found.append(Finding("note", text, key=f"school {school}"))
    for name, state in channels.load(tx).items():
        if state.config_alarm and name in configuration.settings.channels:
            text = f"it has to be mended: {state.last_detail}"
            found.append(Finding("problem", text, key=f"channel {name}"))
    found += _flows(tx, configuration)
    return found


def _flows(tx: Connection, configuration: Configuration) -> Iterator[Finding]:
    """Teams webhooks whose flows would soon be turned off for want of use."""
    from mis_bridge.io.clock import clock_from
    from mis_bridge.service.weekly import flow_life

    now = clock_from(os.environ).now()
    for name, channel in configuration.settings.channels.items():
        if channel.kind == "teams" and (life := flow_life(tx, name, now)).is_short:
            text = f"{life}: mis-bridge channels test {name}"
            yield Finding("note", text, key=f"channel {name}")


def _against_the_registers(tx: Connection, configuration: Configuration) -> Iterator[Finding]:
    """Where the registers of the year so far say that a calendar is wrong."""
    from datetime import timedelta

    from mis_bridge.cli.calendars import differences
    from mis_bridge.errors import MisBridgeError
    from mis_bridge.registers.calendar import local_minute
    from mis_bridge.service.schools import schools_of
    from mis_bridge.store import feeds

    read = {feed.school: feed.last_good_at for feed in feeds.all_feeds(tx)}
    try:
        schools = schools_of(configuration)
    except MisBridgeError:
        return  # the mistake of an adapter or the authority has been named
    for school, own in schools.items():
        last = read.get(school)
        if last is None:
            continue
        known, _ = local_minute(last)
        calendar = own.years.in_force(known)
        if calendar is not None:
            before = known - timedelta(days=1)
            for remark in differences(tx, school, calendar, before, presence=own.presence):
                yield Finding(remark.level, remark.text, key=remark.key)


def _in_words(problem: str) -> str:
    from mis_bridge.store.quarantine import NOT_ON_ROLL

    return "has marks and is not on the roll" if problem == NOT_ON_ROLL else problem


def _doubt(school: str, problem: str, who: list[str]) -> Finding:
    from mis_bridge.store.quarantine import SHARED_UPN

    more = f" and {len(who) - _SHOWN} more" if len(who) > _SHOWN else ""
    shown = f"{', '.join(who[:_SHOWN])}{more}"
    if problem == SHARED_UPN:
        text = (
            f"pupils with the UPN of another child: {shown}. Correct it in the MIS; packages for "
            "the authority leave the UPN empty meanwhile"
        )
        return Finding("problem", text, key=f"school {school}")
    text = (
        f"pupils with marks of days before admission or after leaving: {shown}. They are kept and "
        "not counted; correct the dates in the MIS, unless it was an earlier time on roll"
    )
    return Finding("note", text, key=f"school {school}")


def _finding(error: MisBridgeError) -> Finding:
    from mis_bridge.errors import SettingsError

    if isinstance(error, SettingsError):
        return Finding("problem", error.problem, error.file, error.line, error.key)
    return Finding("problem", str(error))


def _at(configuration: Configuration, finding: Finding, school: str = "") -> Finding:
    """The finding with the file and line of its key, where it does not carry them."""
    from mis_bridge.settings.loading import line_of

    if finding.file or not finding.key:
        return finding
    file = configuration.school_file(school) if school else configuration.path
    line = line_of(file, finding.key)
    return Finding(finding.level, finding.text, str(file), line, finding.key)
