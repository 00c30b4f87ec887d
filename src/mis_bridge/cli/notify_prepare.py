"""``mis-bridge notify prepare``: a person asks for a package, or completes one that waits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from mis_bridge.cli.opened import by_option, opened
from mis_bridge.cli.output import FILE, config_option, format_option, tell
from mis_bridge.cli.packages import KINDS, kept_row, kept_said, package_row

if TYPE_CHECKING:
    from datetime import date, datetime
    from pathlib import Path

    from mis_bridge.service.kept_answers import Kept
    from mis_bridge.store.notifications import Notification

__all__ = ["command"]


@click.command(
    "prepare",
    epilog="Example: mis-bridge notify prepare deletion_return --school hilltop --pupil P-1042 "
    '--by "A. Office" --answers ./answers.toml',
)
@click.argument("kind", type=click.Choice(KINDS), metavar="KIND")
@click.argument("name", metavar="[ID]", default="")
@by_option
@click.option("--school", help="For a pupil without an incident, or for a whole school.")
@click.option("--pupil", help="The pupil's id in the MIS, or the UPN.")
@click.option("--from", "first", type=click.DateTime(["%Y-%m-%d"]), help="A report's first day.")
@click.option("--to", "last", type=click.DateTime(["%Y-%m-%d"]), help="Its last day.")
@click.option(
    "--answers", "answers_file", type=FILE, help="TOML file with what the registers do not say."
)
@click.option("--authority-asks", is_flag=True, help="Also where the rule leaves this pupil out.")
@config_option
@format_option
def command(
    kind: str,
    name: str,
    who: str,
    school: str | None,
    pupil: str | None,
    first: datetime | None,
    last: datetime | None,
    answers_file: Path | None,
    authority_asks: bool,
    config_path: Path | None,
    output_format: str,
) -> None:
    """Prepare a package that no trigger asked for, or a new version with a person's answers.

    Say what it is about: the ID of an incident, --school and --pupil, or --school alone for a
    report on many pupils. A version that still waits is replaced. What was filled in before stays
    where it is not given anew; an empty text takes an answer back.

    KIND is attendance_return, sickness_return, new_pupil_return, deletion_return, cme,
    missing_incident, early_help, persistent_absence_list, looked_after_copy, looked_after_report
    or ctf_data.
    """
    from mis_bridge.service.answers import read_answers
    from mis_bridge.service.package_facts import Given

    if bool(name) == bool(school) or (name and pupil):
        raise click.UsageError("name either the ID of an incident, or --school")
    given = read_answers(answers_file, who) if answers_file else Given.by(who)
    given = replace(given, authority_asks=authority_asks)
    span = (first and first.date(), last and last.date())
    with opened(config_path) as here:
        package, stayed = here.store.run(_ask, kind, (name, school, pupil), span, who, here, given)
    row = package_row(package) | (kept_row(stayed) if str(stayed) else {})
    told = (
        f"{row['reference']}: {kind} prepared, {row['missing_fields']} fields to be filled in. "
        f"Look at it: mis-bridge notify package {row['reference']} --kind {kind}"
    )
    tell(f"{told}\n{kept_said(stayed)}" if str(stayed) else told, row, output_format)


def _ask(
    tx: Any,
    kind: str,
    about: tuple[str, str | None, str | None],
    span: tuple[date | None, date | None],
    who: str,
    here: Any,
    given: Any,
) -> tuple[Notification, Kept]:
    from mis_bridge.service.packages import kept
    from mis_bridge.service.people import find

    package = _prepared(tx, kind, about, span, who, here, given)
    return package, kept(tx, find(tx, package.incident), kind, given)


def _prepared(
    tx: Any,
    kind: str,
    about: tuple[str, str | None, str | None],
    span: tuple[date | None, date | None],
    who: str,
    here: Any,
    given: Any,
) -> Notification:
    from mis_bridge.service import requests
    from mis_bridge.service.people import find

    name, school_id, pupil = about
    incident = find(tx, name, to_change=True) if name else None
    of = incident.school if incident else str(school_id)
    here.configuration.find_school(of)
    school = here.schools[of]
    rest = (school, who, here.now, here.deadlines, given)
    if incident:
        return requests.prepare_about_incident(tx, kind, incident, *rest)
    if pupil:
        return requests.prepare_about_pupil(tx, kind, pupil, *rest)
    first, last = span
    return requests.prepare_about_school(tx, kind, first, last, *rest)
