"""``mis-bridge schools``: the configured schools, their import, and how each stands."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mis_bridge.cli.calendars import command as calendar_command
from mis_bridge.cli.looks import look_at
from mis_bridge.cli.output import Given, config_option, emit, format_option

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mis_bridge.settings import Configuration, SchoolSettings
    from mis_bridge.store.feeds import Feed

__all__ = ["command"]


@click.group(
    name="schools", epilog="Example: mis-bridge schools check example-high", no_args_is_help=True
)
def command() -> None:
    """List and import schools, see how their feeds are, try a school's MIS."""


command.add_command(calendar_command)


@command.command("list", epilog="Example: mis-bridge schools list --format json")
@config_option
@format_option
def list_schools(config_path: Path | None, output_format: str) -> None:
    """List the configured schools and how each feed was when it was last read.

    A school whose file says enabled = false is listed as resting: it is not read.
    """
    from mis_bridge.settings import find_config, load

    configuration = load(find_config(config_path))
    feeds = _feeds(configuration)
    every = {**configuration.schools, **configuration.resting}
    emit(
        [_row(school, own, feeds.get(school)) for school, own in sorted(every.items())],
        ("school", "name", "adapter", "state", "last_good_at", "due_at", "problem", "advice"),
        output_format,
        empty=f"No school yet: write {configuration.settings.service.conf_dir}/ID.toml for each, "
        "or import them: mis-bridge schools import --help",
    )


@command.command(
    "import",
    epilog="Example: mis-bridge schools import edubasealldata.csv --la 895 --template t.toml",
)
@click.argument("file", metavar="CSV", type=Given(dir_okay=False, path_type=Path))
@click.option(
    "--la", "authority", required=True, metavar="NUMBER", help="The Local Authority's number, 895."
)
@click.option(
    "--template",
    type=Given(dir_okay=False, path_type=Path),
    help="A school's file that the others are made like: {id}, {urn} and {dfe} in it stand for "
    "each school's own.  [default: the example that comes with mis-bridge]",
)
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
@config_option
@format_option
def import_schools(
    file: Path,
    authority: str,
    template: Path | None,
    config_path: Path | None,
    output_format: str,
    *,
    dry_run: bool,
) -> None:
    """Write a commented file under conf.d for each open school of a Local Authority.

    CSV is "All establishment data" as it is downloaded from Get information about schools. A
    school that has a file already, whatever its name, is left as it is. New files say
    enabled = false: nothing is read until a person has filled them in and set it to true. They name
    the authority whose file has this number, if there is one; else the command says that it is
    missing, and whose rules hold.

    Exit status 1 if a row of the authority can not be used, or there is none.
    """
    from mis_bridge.cli.whose_rules import whose_rules
    from mis_bridge.errors import OperatorError
    from mis_bridge.io.shipped import shipped
    from mis_bridge.settings import find_config, load
    from mis_bridge.settings.gias import read_establishments
    from mis_bridge.settings.school_file import plan, text_of, write

    configuration = load(find_config(config_path))
    folder = configuration.settings.service.conf_dir
    schools, bad = read_establishments(file, authority)
    source = template or shipped("school.example.toml")
    try:
        text = source.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise OperatorError(f"{source}: can not be read as UTF-8 text ({error})") from None
    planned = plan(schools, folder)
    new = [one for one in planned if one.action == "write"]
    rules, said = whose_rules(authority, text, configuration) if new else ("", [])
    for one in new:
        text_of(text, one, rules)  # a template with a mistake writes nothing at all
    if not dry_run:
        folder.mkdir(parents=True, exist_ok=True)
        for one in new:
            write(one, text, rules)
    emit(
        [
            {
                "school": one.id,
                "urn": one.school.urn,
                "name": one.school.name,
                "action": _DONE[one.action] if not dry_run else f"would be {_DONE[one.action]}",
            }
            for one in planned
        ],
        ("school", "urn", "name", "action"),
        output_format,
        empty=f"No school of the authority {authority} is in {file}.",
    )
    for line in (*said, *map(str, bad)):
        click.echo(line, err=True)
    if bad or not schools:
        sys.exit(1)


_DONE = {"write": "written", "keep": "left as it is", "closed": "left, although it has closed"}


@command.command("check", epilog="Example: mis-bridge schools check --all")
@click.argument("school", metavar="[ID]", required=False)
@click.option("--all", "every", is_flag=True, help="Look at every school that is enabled.")
@config_option
@format_option
def check(school: str | None, config_path: Path | None, output_format: str, *, every: bool) -> None:
    """Look at a school's MIS and say in one line how it stands. Nothing is stored.

    Whether it can be reached and lets us in; how many pupils; how fresh today's registers are;
    which lists are really granted; which codes nobody knows; what to ask the vendor or the school
    for. A school that rests (enabled = false) can be looked at before it is enabled.

    Exit status 1 where something has to be asked for.
    """
    import asyncio
    import os

    from mis_bridge.io.clock import clock_from
    from mis_bridge.io.secrets import Secrets
    from mis_bridge.settings import find_config, load

    if bool(school) == every:
        raise click.UsageError("name a school, or write --all")
    configuration = load(find_config(config_path))
    if school:
        configuration.find_school(school)
    names = [school] if school else sorted(configuration.schools)
    secrets = Secrets(configuration.settings.service.credentials_dir, os.environ)
    looks = asyncio.run(look_at(configuration, names, secrets, clock_from(os.environ)))
    if output_format == "json":
        emit([look.row() for look in looks], ("school", "state"), output_format)
    else:
        for look in looks:
            click.echo(look.line())
    if any(look.asks for look in looks):
        sys.exit(1)


def _feeds(configuration: Configuration) -> Mapping[str, Feed]:
    """Look the feeds up, if there is a database yet; listing schools never makes one."""
    import os

    from mis_bridge.io.secrets import Secrets
    from mis_bridge.store import feeds
    from mis_bridge.store.opening import embedded_file, open_configured

    url = configuration.settings.store.url
    if not url and not embedded_file(configuration).exists():
        return {}
    secrets = Secrets(configuration.settings.service.credentials_dir, os.environ)
    store = open_configured(configuration, secrets)
    try:
        with store.transaction() as tx:
            return {feed.school: feed for feed in feeds.all_feeds(tx)}
    finally:
        store.close()


def _row(school: str, own: SchoolSettings, feed: Feed | None) -> dict[str, Any]:
    return {
        "school": school,
        "name": own.school.name,
        "adapter": own.mis.adapter,
        "state": (feed.state if feed else "new") if own.school.enabled else "resting",
        "state_since": feed.state_since if feed else None,
        "last_good_at": feed.last_good_at if feed else None,
        "due_at": feed.due_at if feed else None,
        "problem": feed.problem if feed else "",
        "advice": feed.advice if feed else "",
    }
