"""``mis-bridge notify``: packages for the Local Authority; nothing is sent without a person."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mis_bridge.cli.notify_prepare import command as prepare
from mis_bridge.cli.opened import by_option, doubts, in_local_time, opened
from mis_bridge.cli.output import FILE, Given, config_option, emit, format_option, tell
from mis_bridge.cli.packages import KINDS, kept_row, kept_said, kind_option, package_row

if TYPE_CHECKING:
    from mis_bridge.store.notifications import Notification

__all__ = ["command"]

_SHOWN = 40  # of a proof, in a table


@click.group(name="notify", epilog="Example: mis-bridge notify pending", no_args_is_help=True)
def command() -> None:
    """Prepare notifications to the authority; approve or reject them."""


command.add_command(prepare)


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
        in_local_time([package_row(package) for package in waiting], output_format),
        ("reference", "school", "kind", "due", "prepared_at", "expires_at", "missing_fields"),
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
@click.option("--checked", is_flag=True, help="What the authority's checklist says is true.")
@config_option
@format_option
def approve_(
    name: str,
    who: str,
    kind: str | None,
    why: str,
    incomplete: bool,
    checked: bool,
    config_path: Path | None,
    output_format: str,
) -> None:
    """Approve a package: it goes out by the route of whom it is for.

    Some kinds are for a person: their files are kept as approved, and nothing is sent. A package
    with missing fields is only sent with --incomplete: the authority's own form asks for them
    again. Where the authority has a checklist, you say with --checked that you went through it.
    """
    from mis_bridge.errors import PackageRefused
    from mis_bridge.messages.package_kinds import is_for_a_person
    from mis_bridge.service.approving import approve, package_of
    from mis_bridge.service.packages import drawn, files_of

    with opened(config_path) as here:
        with here.store.reading() as tx:
            _, package = package_of(tx, name, kind or "")
            kept = files_of(tx, package)
        if (gaps := _missing(package)) and not incomplete:
            raise PackageRefused(
                f"{len(gaps)} fields are missing ({', '.join(gaps)}): look at it with mis-bridge "
                "notify package, then approve it with --incomplete or reject it"
            )
        if (checklist := json.loads(package.data).get("checklist")) and not checked:
            raise PackageRefused(
                "go through the authority's checklist, then approve it with --checked: "
                + " ".join(checklist)
            )
        here.store.run(
            approve,
            name,
            package.kind,
            who,
            why,
            here.now,
            schools=here.schools,
            deadlines=here.deadlines,
            looked_at=package,
            files=kept or drawn(package),
        )
    row = package_row(package)
    then = "on its way"
    if is_for_a_person(package.kind):
        then = "nothing is sent: its files are for you, by notify package"
    told = f"{row['reference']}: approved by {who}, {then}."
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
    name: str, who: str, kind: str | None, why: str, config_path: Path | None, output_format: str
) -> None:
    """Reject a package; nothing is sent to the authority, and who was asked is told."""
    from mis_bridge.service.approving import reject

    with opened(config_path) as here:
        package = here.store.run(
            reject,
            name,
            kind or "",
            who,
            why,
            here.now,
            schools=here.schools,
            deadlines=here.deadlines,
        )
    row = package_row(package)
    told = f"{row['reference']}: rejected by {who}."
    tell(told, row | {"state": "rejected", "by": who}, output_format)


@command.command(
    "done",
    epilog='Example: mis-bridge notify done MB-0VQ2-9GK2 --reference "CME-0417" --by "A. Lead"',
)
@click.argument("name", metavar="ID")
@by_option
@kind_option
@click.option(
    "--reference", required=True, help="What the authority's portal gave; kept in the history."
)
@config_option
@format_option
def done_(
    name: str,
    who: str,
    kind: str | None,
    reference: str,
    config_path: Path | None,
    output_format: str,
) -> None:
    """Write down that a package was brought to the authority by hand, and its reference there.

    Nobody is reminded of it any more, and no channel sends it.
    """
    from mis_bridge.service.approving import done

    with opened(config_path) as here:
        package = here.store.run(done, name, kind or "", who, reference, here.now)
    row = package_row(package)
    told = f"{row['reference']}: brought to the authority by {who}, reference {reference}."
    tell(told, row | {"state": "done", "by": who, "proof": reference}, output_format)


def _shortened(proof: str) -> str:
    return proof if len(proof) <= _SHOWN else f"{proof[:_SHOWN]}…"


@command.command("list", epilog="Example: mis-bridge notify list --format json")
@click.option("--school", help="Only this school's.")
@click.option("--all", "every", is_flag=True, help="Also those that are over.")
@config_option
@format_option
def list_(school: str | None, every: bool, config_path: Path | None, output_format: str) -> None:
    """List the packages that have not reached the authority, and where each of them stands.

    With --all also those that have, with the proof (the whole of it with --format json): a
    reference, a Message-ID, files with their digests. No names of pupils are printed.
    """
    from mis_bridge.messages.package_kinds import is_for_a_person
    from mis_bridge.store import notifications

    states = notifications.NOTIFICATION_STATES if every else notifications.ON_ITS_WAY | {"pending"}
    with opened(config_path) as here, here.store.reading() as tx:
        found = notifications.in_state(tx, states, school)
    rows = [
        package_row(package)
        | {"state": package.state, "by": package.decided_by, "sent_at": package.sent_at}
        | {"proof": package.proof if output_format == "json" else _shortened(package.proof)}
        for package in found
        # What is for a person has got where it belongs once it is approved.
        if every or package.state == "pending" or not is_for_a_person(package.kind)
    ]
    emit(
        in_local_time(rows, output_format),
        ("reference", "school", "kind", "state", "by", "prepared_at", "sent_at", "proof"),
        output_format,
        empty="Every package has reached the authority." if not every else "There is no package.",
    )


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
@click.option(
    "--answers",
    "answers_file",
    type=FILE,
    help="With --again: TOML file with the answers that have changed.",
)
@config_option
@format_option
def package_(
    name: str,
    kind: str | None,
    folder: Path,
    again: bool,
    answers_file: Path | None,
    config_path: Path | None,
    output_format: str,
) -> None:
    """Write a package's files to a folder, to be looked at; prepare it where there is none yet.

    Made anew, it keeps what people filled in before, and says which fields those are. --answers
    gives some of them anew; an empty text takes an answer back.

    The files hold a child's data: they are readable by you only, and yours to delete.
    """
    from mis_bridge.service.answers import read_answers
    from mis_bridge.service.approving import package_of
    from mis_bridge.service.package_facts import Given as Added
    from mis_bridge.service.packages import drawn, files_of, kept
    from mis_bridge.service.people import find
    from mis_bridge.store import notifications

    if answers_file and not again:
        raise click.UsageError("--answers goes with --again; else: mis-bridge notify prepare")
    given = read_answers(answers_file, "") if answers_file else Added()
    with opened(config_path) as here:
        with here.store.reading() as tx:
            about = find(tx, name)
            made = notifications.of_incident(tx, about.school, about.id)
            there = any(one.kind == kind for one in made) if kind else bool(made)
            kind = package_of(tx, name, kind or "")[1].kind if there else kind or KINDS[0]
        if again or not there:
            here.store.run(_prepare, name, kind, here, given, again=again)
        with here.store.reading() as tx:
            incident, package = package_of(tx, name, kind)
            files = files_of(tx, package)
            stayed = kept(tx, incident, kind, given) if again else None
    files = files or drawn(package)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for file in files:
        path = folder / file.name
        path.touch(mode=0o600)
        path.write_bytes(file.content)
        row = {"reference": incident.reference, "file": str(path)}
        tell(str(path), row | kept_row(stayed) if stayed else row, output_format)
    if stayed and output_format != "json":
        click.echo(kept_said(stayed))


def _prepare(tx: Any, name: str, kind: str, here: Any, given: Any, *, again: bool) -> None:
    from mis_bridge.errors import PackageRefused
    from mis_bridge.incidents.model import PackagePlan
    from mis_bridge.service.packages import prepare
    from mis_bridge.service.people import find
    from mis_bridge.store import outbox

    incident = find(tx, name)
    school = here.schools.get(incident.school)
    if school is None:
        raise PackageRefused(f"school {incident.school} is not configured any more")
    plan = PackagePlan(incident, kind)
    rows = prepare(tx, plan, school, here.now, here.deadlines, again=again, given=given)
    outbox.insert(tx, rows)


def _missing(package: Notification) -> list[str]:
    missing: list[str] = json.loads(package.data)["missing"]
    return missing
