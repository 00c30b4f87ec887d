"""``mis-bridge notify``: packages for the Local Authority; nothing is sent without a person."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mis_bridge.cli.opened import by_option, doubts, in_local_time, opened
from mis_bridge.cli.output import Given, config_option, emit, format_option, tell

if TYPE_CHECKING:
    from collections.abc import Callable

    from mis_bridge.store.notifications import Notification

__all__ = ["command"]

kind_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--kind",
    type=click.Choice(["attendance_return", "cme"]),
    default="attendance_return",
    show_default=True,
    help="Which package of the incident.",
)


@click.group(name="notify", epilog="Example: mis-bridge notify pending", no_args_is_help=True)
def command() -> None:
    """Approve or reject notifications to the authority."""


@command.command("pending", epilog="Example: mis-bridge notify pending --format json")
@click.option("--school", help="Only this school's.")
@config_option
@format_option
def pending(school: str | None, config_path: Path | None, output_format: str) -> None:
    """List the packages that wait for a person. No names are printed.

    Schools whose registers were not read lately are named on standard error: a return may be due
    there that nobody has prepared.
    """
    from mis_bridge.store import notifications

    with opened(config_path) as here, here.store.reading() as tx:
        waiting = notifications.in_state(tx, "pending", school)
        doubtful = doubts(here, tx, school, known=bool(waiting))
    emit(
        in_local_time([_row(package) for package in waiting], output_format),
        ("reference", "school", "kind", "prepared_at", "expires_at", "missing_fields"),
        output_format,
        empty="No package waits for approval.",
    )
    for doubt in doubtful:
        click.echo(doubt, err=True)


@command.command("approve", epilog='Example: mis-bridge notify approve MB-0VQ2-9GK2 --by "A. Lead"')
@click.argument("name", metavar="ID")
@by_option
@kind_option
@click.option("--why", default="", help="A remark for the history.")
@click.option("--incomplete", is_flag=True, help="Send it although fields are missing.")
@config_option
@format_option
def approve_(
    name: str,
    who: str,
    kind: str,
    why: str,
    incomplete: bool,
    config_path: Path | None,
    output_format: str,
) -> None:
    """Approve a package: it goes to the authority by the route of that name.

    A package with missing fields is only sent with --incomplete: the authority's own form asks for
    them again.
    """
    from mis_bridge.errors import PackageRefused
    from mis_bridge.service.people import approve, package_of

    with opened(config_path) as here:
        with here.store.reading() as tx:
            _, package = package_of(tx, name, kind)
        if (gaps := _missing(package)) and not incomplete:
            raise PackageRefused(
                f"{len(gaps)} fields are missing ({', '.join(gaps)}): look at it with mis-bridge "
                "notify package, then approve it with --incomplete or reject it"
            )
        here.store.run(
            approve,
            name,
            kind,
            who,
            why,
            here.now,
            schools=here.schools,
            deadlines=here.deadlines,
        )
    row = _row(package)
    told = f"{row['reference']}: approved by {who}, on its way to the authority."
    tell(told, row | {"state": "approved", "by": who}, output_format)


@command.command(
    "reject",
    epilog='Example: mis-bridge notify reject MB-0VQ2-9GK2 --by "A. Lead" --why "Back in school"',
)
@click.argument("name", metavar="ID")
@by_option
@kind_option
@click.option("--why", required=True, help="Why; kept in the history.")
@config_option
@format_option
def reject_(
    name: str, who: str, kind: str, why: str, config_path: Path | None, output_format: str
) -> None:
    """Reject a package; nothing is sent to the authority, and who was asked is told."""
    from mis_bridge.service.people import reject

    with opened(config_path) as here:
        package = here.store.run(
            reject,
            name,
            kind,
            who,
            why,
            here.now,
            schools=here.schools,
            deadlines=here.deadlines,
        )
    row = _row(package)
    told = f"{row['reference']}: rejected by {who}."
    tell(told, row | {"state": "rejected", "by": who}, output_format)


@command.command(
    "package", epilog="Example: mis-bridge notify package MB-0VQ2-9GK2 --to ./to-check"
)
@click.argument("name", metavar="ID")
@kind_option
@click.option(
    "--to",
    "folder",
    type=Given(file_okay=False, path_type=Path),
    default=Path(),
    help="Folder for the files.  [default: this one]",
)
@click.option(
    "--again", is_flag=True, help="Make it anew after the last was rejected or has expired."
)
@config_option
@format_option
def package_(
    name: str,
    kind: str,
    folder: Path,
    again: bool,
    config_path: Path | None,
    output_format: str,
) -> None:
    """Write a package's files to a folder, to be looked at; prepare it where there is none yet.

    The files hold a child's data: they are readable by you only, and yours to delete.
    """
    from mis_bridge.errors import PackageRefused
    from mis_bridge.service.people import package_of
    from mis_bridge.store import notifications

    with opened(config_path) as here:
        there = not again
        try:
            with here.store.reading() as tx:
                package_of(tx, name, kind)
        except PackageRefused:
            there = False
        if not there:
            here.store.run(_prepare, name, kind, here, again=again)
        with here.store.reading() as tx:
            incident, package = package_of(tx, name, kind)
            files = notifications.files(tx, incident.school, package.id)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for file in files:
        path = folder / file.name
        path.touch(mode=0o600)
        path.write_bytes(file.content)
        tell(str(path), {"reference": incident.reference, "file": str(path)}, output_format)


def _prepare(tx: Any, name: str, kind: str, here: Any, *, again: bool) -> None:
    from mis_bridge.errors import PackageRefused
    from mis_bridge.incidents.model import PackagePlan
    from mis_bridge.service.packages import prepare
    from mis_bridge.service.people import find
    from mis_bridge.store import outbox

    incident = find(tx, name)
    school = here.schools.get(incident.school)
    if school is None or not incident.pupil:
        raise PackageRefused("only an incident about a pupil of a configured school has a package")
    plan = PackagePlan(incident, kind)
    outbox.insert(tx, prepare(tx, plan, school, here.now, here.deadlines, again=again))


def _missing(package: Notification) -> list[str]:
    missing: list[str] = json.loads(package.data)["missing"]
    return missing


def _row(package: Notification) -> dict[str, Any]:
    data = json.loads(package.data)
    return {
        "reference": data["reference"],
        "school": package.school,
        "kind": package.kind,
        "prepared_at": package.created_at,
        "expires_at": package.expires_at,
        "missing_fields": len(data["missing"]),
    }
