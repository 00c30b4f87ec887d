"""``mis-bridge silences``: have people told later of one matter, with a reason and an end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mis_bridge.cli.opened import by_option, in_local_time, opened
from mis_bridge.cli.output import config_option, emit, format_option, tell

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from mis_bridge.cli.opened import Opened
    from mis_bridge.incidents.silences import Silence

__all__ = ["command"]

_COLUMNS = ("id", "school", "trigger", "of", "begins_at", "ends_at", "author", "why", "ended_by")


@click.group(name="silences", epilog="Example: mis-bridge silences list", no_args_is_help=True)
def command() -> None:
    """Have people told later of one matter, with a reason and an end."""


@command.command(
    "add",
    epilog="Example: mis-bridge silences add --trigger register_not_taken --until 2026-11-13T12:00 "
    '--by "A. Lead" --why "New MIS, cover registers come by paper"',
)
@click.option("--school", help="Whose; needed where there is more than one, and no --incident.")
@click.option("--trigger", default="", help="Of which trigger nobody is told.")
@click.option("--pupil", default="", help="Only of this pupil: the MIS's pupil id.")
@click.option("--incident", default="", help="Only of this incident: its reference.")
@click.option(
    "--until",
    required=True,
    help="When people are told again: 15:30 for today, or 2026-11-13T12:00.",
)
@by_option
@click.option("--why", required=True, help="Why; kept in the history. No names of pupils.")
@config_option
@format_option
def add(
    school: str | None,
    trigger: str,
    pupil: str,
    incident: str,
    until: str,
    who: str,
    why: str,
    config_path: Path | None,
    output_format: str,
) -> None:
    """Tell nobody of one matter until a time. It is noticed all the same, and told then.

    At most five school days; of a missing child, and of what is critical, until the end of the day.
    How a matter ends is always told to who was told of it.
    """
    from mis_bridge.messages.times import moment
    from mis_bridge.service.silencing import Wanted, silence

    with opened(config_path) as here:
        ends_at = _moment(until, here.now)
        of = _school(here, school, incident)
        wanted = Wanted(trigger, ends_at, who, why, pupil, incident)
        new, held = here.store.run(silence, of, here.schools[of].years, wanted, here.now)
        told = moment(new.ends_at, here.now)
    waits = (
        f" {held} that waited is held too." if held == 1 else f" {held} that waited are held too."
    )
    tell(
        f"{new.id}: nobody is told of {new.trigger} until {told}.{waits if held else ''}",
        _row(new) | {"held": held},
        output_format,
    )


@command.command("list", epilog="Example: mis-bridge silences list --all")
@click.option("--school", help="Only this school's.")
@click.option("--all", "everything", is_flag=True, help="Also those that have ended.")
@config_option
@format_option
def list_(
    school: str | None, everything: bool, config_path: Path | None, output_format: str
) -> None:
    """List who has silenced what, until when and why."""
    from mis_bridge.store import silences

    with opened(config_path) as here, here.store.reading() as tx:
        found = silences.known(tx, school, None if everything else here.now)
    rows = in_local_time([_row(one) for one in found], output_format)
    emit(rows, _COLUMNS, output_format, empty="Nothing is silenced.")


@command.command("end", epilog='Example: mis-bridge silences end S-0VQ2-9GK2 --by "A. Lead"')
@click.argument("name", metavar="ID")
@by_option
@config_option
@format_option
def end_(name: str, who: str, config_path: Path | None, output_format: str) -> None:
    """End a silence before its time: what it held, and is still true, is told now."""
    from mis_bridge.errors import IncidentError
    from mis_bridge.service.silencing import end
    from mis_bridge.store import silences

    with opened(config_path) as here:
        with here.store.reading() as tx:
            school = next((s.school for s in silences.known(tx) if s.id == name.upper()), None)
        if school is None:
            raise IncidentError(f"there is no silence {name}: see mis-bridge silences list --all")
        old, freed = here.store.run(end, school, name, who, here.now)
    tell(
        f"{old.id}: ended, and what it held goes out now ({freed}).",
        _row(old) | {"ended_by": who, "freed": freed},
        output_format,
    )


def _row(silence: Silence) -> dict[str, Any]:
    from mis_bridge.incidents.ids import reference

    of = f"pupil {silence.pupil}" if silence.pupil else ""
    return {
        "id": silence.id,
        "school": silence.school,
        "trigger": silence.trigger,
        "of": reference(silence.incident) if silence.incident else of,
        "begins_at": silence.begins_at,
        "ends_at": silence.ends_at,
        "author": silence.author,
        "why": silence.why,
        "ended_by": silence.ended_by,
    }


def _school(here: Opened, school: str | None, incident: str) -> str:
    """Find out which school is meant."""
    from mis_bridge.errors import IncidentError
    from mis_bridge.service.people import find

    if school is None and incident:
        with here.store.reading() as tx:
            school = find(tx, incident).school
    if school is None and len(here.configuration.schools) == 1:
        (school,) = here.configuration.schools
    if school is None:
        raise IncidentError("say which school is meant: --school ID")
    here.configuration.find_school(school)
    return school


def _moment(text: str, now: datetime) -> datetime:
    """Understand a time of today, or a date with a time, local to Europe/London."""
    from datetime import datetime, time

    from mis_bridge.registers.calendar import LONDON

    try:
        at = datetime.combine(now.astimezone(LONDON).date(), time.fromisoformat(text))
    except ValueError:
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            raise click.BadParameter(
                f"{text!r} is no time: write 15:30 for today, or 2026-11-13T12:00",
                param_hint="--until",
            ) from None
    return at if at.tzinfo else at.replace(tzinfo=LONDON)
