"""``mis-bridge routes``: who is told of what, when, by which channel and why."""

from __future__ import annotations

import os
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from mis_bridge.cli.output import config_option, emit, emit_json, format_option
from mis_bridge.cli.rules_shown import print_rules

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mis_bridge.incidents.chain import Rule, Staff
    from mis_bridge.service.preview import Preview
    from mis_bridge.service.schools import School
    from mis_bridge.settings import Configuration

__all__ = ["command"]

# As rules ask for them, which --help must not import; a test holds them equal.
_FLAGS = ("lac", "cp", "cin", "ehcp", "sen", "send_risk", "yot", "missing_before")
_WHEN = {"opened": "at once"}
_HELD = {
    "quiet_hours": "held: quiet hours",
    "school_closed": "held: no school",
    "digest": "with the digest",
}


@click.group(
    name="routes",
    epilog="Example: mis-bridge routes test --trigger missing_during_day",
    no_args_is_help=True,
)
def command() -> None:
    """Show who is told of what, and try a case."""


@command.command(
    "test",
    epilog="Example: mis-bridge routes test --trigger missing_during_day --pupil-flags lac "
    "--year-group 8 --at 10:17",
)
@click.option("--trigger", required=True, help="Id of the trigger; see docs/reference/triggers.md.")
@click.option("--school", "school_id", help="Which school; not needed where there is only one.")
@click.option("--pupil-flags", metavar="FLAGS", default="", help="Of the pupil, joined by commas.")
@click.option("--year-group", type=click.IntRange(-3, 14), help="Of the pupil; 0 for Reception.")
@click.option("--level", default=1, show_default=True, type=click.IntRange(1, 3), help="Its level.")
@click.option("--at", metavar="HH:MM", help="When it would be raised; now, if not given.")
@click.option(
    "--on",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="On which day; today, if not given.",
)
@config_option
@format_option
def test(
    trigger: str,
    school_id: str | None,
    pupil_flags: str,
    year_group: int | None,
    level: int,
    at: str | None,
    on: datetime | None,
    config_path: Path | None,
    output_format: str,
) -> None:
    """Say who would be told of an alert, when, by which channel and why. Nothing is sent.

    The times are those at which nobody acknowledges and every channel works; "if it fails" names
    the channels that take over. Exit status 1 if nobody would be told at once.
    """
    from mis_bridge.service.preview import Pupil, preview

    configuration = _load(config_path)
    moment = _moment(at, on)
    _known_trigger(trigger)
    school = _school(configuration, school_id, moment)
    pupil = Pupil(_flags(pupil_flags), year_group)
    found = preview(school, trigger, level, pupil, moment)
    rows = _rows(found, school, configuration, moment)
    late = bool(found.told) and found.told[0].minutes > 0
    if output_format == "json":
        for row in rows:
            emit_json(row)
    else:
        _explain(found, school, configuration, moment)
        emit(
            [
                {
                    **row,
                    "who": _called(row, school.rules.staff),
                    "when": _HELD.get(row["held"]) or _WHEN.get(row["reason"], "nobody answered"),
                }
                for row in rows
            ],
            ("minutes", "at", "who", "channel", "when", "if_it_fails"),
            "table",
            empty="\nNobody would be told: name a channel or a person in [routes].",
        )
        if rows and found.hourly_from is not None:
            click.echo(
                f"From minute {found.hourly_from} on all of them are told again every hour of the "
                "school day, and when each school day after it opens, until somebody answers."
            )
        if rows and late:
            click.echo(
                f"Nobody would be told before minute {found.told[0].minutes}: name a channel or a "
                "person for the duties at once, in [routes]."
            )
    if not rows or late:
        sys.exit(1)


@command.command("show", epilog="Example: mis-bridge routes show --school hilltop")
@click.option("--school", "school_id", help="Which school; not needed where there is only one.")
@config_option
@format_option
def show(school_id: str | None, config_path: Path | None, output_format: str) -> None:
    """Show a school's duties, people and rules, with the file that each rule stands in."""
    configuration = _load(config_path)
    now = _moment(None, None)
    school = _school(configuration, school_id, now)
    duties = _duties(school, configuration, now)
    people = _people(school, configuration, now)
    rules = [_rule(rule, school, configuration) for rule in school.rules.escalation]
    if output_format == "json":
        for kind, rows in (("duty", duties), ("person", people), ("rule", rules)):
            for row in rows:
                emit_json({"kind": kind, **row})
        return
    emit(duties, ("duty", "told_by", "until"), "table", title="Duties")
    click.echo()
    if people:
        emit(people, ("id", "name", "role", "channels", "last_day"), "table", title="People")
        click.echo()
    if rules:
        print_rules(rules, configuration.path.parent)
    else:
        click.echo("No rules: those are told whom the trigger names (docs/reference/triggers.md).")


def _load(config_path: Path | None) -> Configuration:
    from mis_bridge.settings import find_config, load

    return load(find_config(config_path))


def _moment(at: str | None, on: datetime | None) -> datetime:
    """The moment that is asked about, aware; what is not given is as it is now.

    Raises:
        click.UsageError: the time is not written HH:MM.
    """
    from mis_bridge.io.clock import clock_from
    from mis_bridge.registers.calendar import local_datetime, local_minute

    day, minute = local_minute(clock_from(os.environ).now())
    if at is not None:
        try:
            time = datetime.strptime(at, "%H:%M")  # noqa: DTZ007 - a time of day, without a day
        except ValueError:
            raise click.UsageError('write --at as HH:MM, for example "10:17"') from None
        minute = time.hour * 60 + time.minute
    return local_datetime(on.date() if on else day, minute)


def _known_trigger(name: str) -> None:
    from mis_bridge.settings.problems import nearest
    from mis_bridge.triggers.catalogue import TRIGGERS

    if name not in TRIGGERS:
        raise click.UsageError(f'there is no trigger "{name}": {nearest(name, TRIGGERS)}')


def _flags(text: str) -> frozenset[str]:
    from mis_bridge.settings.problems import nearest

    flags = [flag.strip() for flag in text.replace(";", ",").split(",") if flag.strip()]
    for flag in flags:
        if flag not in _FLAGS:
            raise click.UsageError(f'there is no flag "{flag}": {nearest(flag, _FLAGS)}')
    return frozenset(flags)


def _school(configuration: Configuration, name: str | None, now: datetime) -> School:
    from mis_bridge.errors import OperatorError
    from mis_bridge.registers.calendar import local_minute
    from mis_bridge.service.schools import schools_of
    from mis_bridge.settings.problems import nearest

    schools = list(configuration.schools)
    if not schools:
        folder = configuration.settings.service.conf_dir
        raise OperatorError(f"no school is watched: write {folder}/ID.toml for each")
    if name is None and len(schools) != 1:
        raise click.UsageError(f"name one of the {len(schools)} schools with --school")
    chosen = name or schools[0]
    if chosen not in schools:
        raise OperatorError(f'there is no school "{chosen}": {nearest(chosen, schools)}')
    return schools_of(configuration, today=local_minute(now)[0])[chosen]


def _rows(
    found: Preview, school: School, configuration: Configuration, at: datetime
) -> list[dict[str, Any]]:
    people = configuration.people(school.id)
    rule = _where(found.chosen.rule, school, configuration) if found.chosen.chain else {}
    return [
        {
            "minutes": int((told.at - at).total_seconds() // 60),
            "at": _clock(told.at, at),
            "duty": told.duty,
            "person": told.person or None,
            "name": people[told.person].name if told.person in people else None,
            "channel": told.channel,
            "reason": told.why,
            "held": told.held or None,
            "if_it_fails": ", ".join(told.instead) or None,
            "passed_over": dict(found.chosen.passed_over),
            **rule,
        }
        for told in found.told
    ]


def _clock(moment: datetime, since: datetime) -> str:
    """A local time of day, with the day where it is another one."""
    from mis_bridge.registers.calendar import LONDON

    local = moment.astimezone(LONDON)
    same = local.date() == since.astimezone(LONDON).date()
    return local.strftime("%H:%M" if same else "%Y-%m-%d %H:%M")


def _called(row: dict[str, Any], staff: Staff | None) -> str:
    from mis_bridge.incidents.chain_words import listed

    duty = listed([row["duty"]], staff)
    return duty if row["name"] in {None, duty} else f"{duty}: {row['name']}"


def _where(rule: Rule | None, school: School, configuration: Configuration) -> dict[str, Any]:
    """A rule's name, whose it is where it is an authority's, and its file and line."""
    if rule is None:
        return {}
    from mis_bridge.adapters.authorities import NATIONAL_ID, national_file
    from mis_bridge.incidents.chain import Origin
    from mis_bridge.service.authorities import authority_of
    from mis_bridge.settings.loading import line_of

    if rule.origin is Origin.SCHOOL:
        file = configuration.school_file(school.id)
    elif rule.origin is Origin.INSTALLATION:
        file = configuration.path
    elif rule.origin is Origin.AUTHORITY:
        file = authority_of(configuration, school.id).folder / "authority.toml"
    else:
        file = national_file()
    line = line_of(file, f"escalation[{rule.place + 1}]")
    authority = {
        Origin.AUTHORITY: configuration.authority(school.id),
        Origin.NATIONAL: NATIONAL_ID,
    }.get(rule.origin)
    return {"rule": rule.name, "authority": authority, "file": str(file), "line": line}


def _place(where: Mapping[str, Any]) -> str:
    """Where a rule stands, in words."""
    line = f":{where['line']}" if where["line"] else ""
    whose = f"authority {where['authority']}, " if where["authority"] else ""
    return f"{whose}{where['file']}{line}"


def _explain(found: Preview, school: School, configuration: Configuration, at: datetime) -> None:
    """In front of the table: which rule fits, and who is passed over."""
    from mis_bridge.incidents.chain_words import criteria, passed_over
    from mis_bridge.triggers.catalogue import all_parameters

    facts, chosen, staff = found.facts, found.chosen, school.rules.staff
    pupil = ", ".join(
        [*sorted(facts.flags), *([] if facts.year_group is None else [f"Year {facts.year_group}"])]
    )
    what = f"{facts.trigger}, level {facts.level}, {facts.severity}"
    term = "term" if facts.term else "holidays"
    click.echo(f"Alert   {what}{f', pupil: {pupil}' if pupil else ''}")
    click.echo(f"Raised  {at:%A %-d %B %Y, %H:%M} ({term}), {school.name}")
    if not all_parameters(school.triggers)[facts.trigger].get("enabled", True):
        click.echo("Note    this trigger is switched off at this school")
    if chosen.rule is None:
        click.echo("Rule    none fits: those are told whom the trigger names")
    else:
        where = _where(chosen.rule, school, configuration)
        click.echo(f"Rule    {where['rule']} ({_place(where)})")
        click.echo(f"        for {criteria(chosen.rule)}")
        if not chosen.chain:
            click.echo("        it leads to nobody: those are told whom the trigger names")
    for name, why_not in chosen.passed_over.items():
        click.echo(f"Passed  {passed_over(name, why_not, staff)}")
    click.echo()


def _rule(rule: Rule, school: School, configuration: Configuration) -> dict[str, Any]:
    from mis_bridge.incidents.chain_words import criteria, whom

    where = _where(rule, school, configuration)
    return {
        "rule": rule.name,
        "authority": where["authority"],
        "where": _place(where),
        "file": where["file"],
        "line": where["line"],
        "for": criteria(rule),
        "steps": whom(rule, school.rules.staff),
    }


def _duties(school: School, configuration: Configuration, now: datetime) -> list[dict[str, Any]]:
    from mis_bridge.registers.calendar import local_minute

    today, _ = local_minute(now)
    people, staff = configuration.people(school.id), school.rules.staff
    rows = []
    for duty, entries in configuration.routes(school.id).items():
        told_by = [people[entry].name if entry in people else entry for entry in entries]
        last = staff.until.get(duty) if staff else None
        nobody = not school.ways_to(duty, today)
        rows.append(
            {"duty": duty, "told_by": ", ".join(told_by) or "nobody", "until": last}
            | ({"told_by": "nobody is left"} if nobody and told_by else {})
        )
    return rows


def _people(school: School, configuration: Configuration, now: datetime) -> list[dict[str, Any]]:
    from mis_bridge.registers.calendar import local_minute

    today, _ = local_minute(now)
    return [
        {
            "id": person,
            "name": table.name,
            "role": table.role or None,
            "channels": ", ".join(
                f"{way.channel} after {way.after_minutes} min" if way.after_minutes else way.channel
                for way in table.channels
            ),
            "last_day": table.last_day,
            "has_left": table.last_day is not None and table.last_day < today,
        }
        for person, table in configuration.people(school.id).items()
    ]
