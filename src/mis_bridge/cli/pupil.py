"""``mis-bridge pupil``: note something of a pupil, look at the notes, give out, erase."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mis_bridge.cli.opened import by_option, in_local_time, opened, or_login
from mis_bridge.cli.output import Given, config_option, emit, format_option, tell
from mis_bridge.cli.typed import typed
from mis_bridge.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from mis_bridge.cli.opened import Opened

__all__ = ["command"]

# As incidents.pupil_notes.NoteKind, which --help must not import; a test holds them equal.
_KINDS = (
    "tired",
    "new_belongings",
    "older_friend",
    "changed_mood",
    "looks_neglected",
    "injury",
    "home",
    "online",
    "bullying",
    "seen_elsewhere",
    "said_something",
    "other",
)

_pupil: Callable[[Callable[..., Any]], Callable[..., Any]] = click.argument("name", metavar="PUPIL")
_school: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--school", help="Whose pupil; needed where there is more than one school."
)


@click.group(name="pupil", epilog="Example: mis-bridge pupil notes 4711", no_args_is_help=True)
def command() -> None:
    """Note something of a pupil; give out or erase what is stored.

    PUPIL is the MIS's pupil id, the UPN, or the reference of an incident about the pupil.
    """


@command.command(
    "note",
    epilog="Example: mis-bridge pupil note 4711 --kind new_belongings "
    '"A new telephone, says it is a present" --by "T. Tutor"',
)
@_pupil
@click.argument("text", default="", callback=typed("What was noticed"))
@click.option("--kind", required=True, type=click.Choice(_KINDS), help="What it is about.")
@_school
@by_option
@config_option
@format_option
def note_(
    name: str,
    text: str,
    kind: str,
    school: str | None,
    who: str,
    config_path: Path | None,
    output_format: str,
) -> None:
    """Note something small: tired, new belongings, an older friend.

    It stands beside the next alert about the pupil: kind and date in a message, all of it in
    incidents show. The words are in no message. With - as TEXT they are asked for: a command line
    can be seen by others and is kept in logs.
    """
    from mis_bridge.service.pupil_files import note

    with opened(config_path) as here:
        one = _which(here, school, name)
        made = here.store.run(note, one, name, who, here.now, kind, text)
    tell("Noted.", {"school": one, "at": made.at, "kind": made.kind}, output_format)


@command.command("notes", epilog="Example: mis-bridge pupil notes MB-0VQ2-9GK2")
@_pupil
@_school
@config_option
@format_option
def notes_(name: str, school: str | None, config_path: Path | None, output_format: str) -> None:
    """List what was noted of a pupil, the newest first."""
    from mis_bridge.service.pupil_files import notes

    with opened(config_path) as here, here.store.reading() as tx:
        found = notes(tx, _which(here, school, name), name)
    rows = [
        {"at": one.at, "author": one.author, "kind": one.kind, "text": one.body} for one in found
    ]
    columns = ("at", "author", "kind", "text")
    emit(in_local_time(rows, output_format), columns, output_format, empty="Nothing was noted.")


@command.command(
    "export", epilog='Example: mis-bridge pupil export 4711 --to 4711.json --by "A. Lead"'
)
@_pupil
@_school
@click.option(
    "--to",
    "target",
    required=True,
    type=Given(dir_okay=False, path_type=Path),
    help="The file to write.",
)
@click.option("--by", "who", help="Who gives it out; kept in the history.  [default: the login]")
@config_option
@format_option
def export_(
    name: str,
    school: str | None,
    target: Path,
    who: str | None,
    config_path: Path | None,
    output_format: str,
) -> None:
    """Write all that is stored of a pupil into a JSON file, to answer a subject access request.

    Look at it before it is given out: notes and the history may speak of others.
    """
    import msgspec

    from mis_bridge.service.pupil_files import export

    if target.exists():
        raise OperatorError(f"{target} is there already: give it a new name")
    with opened(config_path) as here:
        one = _which(here, school, name)
        held = here.store.run(export, one, name, or_login(who), here.now)
    target.touch(mode=0o600)
    target.write_bytes(msgspec.json.format(msgspec.json.encode(held), indent=2) + b"\n")
    counts = {kind: len(rows) for kind, rows in held.items() if isinstance(rows, list)}
    tell(f"{target}: written. It names the child.", {"file": str(target), **counts}, output_format)


@command.command(
    "erase",
    epilog='Example: mis-bridge pupil erase 4711 --by "D. Officer" --why "Period is over"',
)
@_pupil
@_school
@by_option
@click.option("--why", required=True, help="Why; kept in the history, so no names.")
@click.option(
    "--although-listed",
    is_flag=True,
    help="Also a leaver whom the MIS still lists: the next reading brings the record back.",
)
@click.confirmation_option(
    "--yes", prompt="This can not be undone. Erase all that is stored of this pupil?"
)
@config_option
@format_option
def erase_(
    name: str,
    school: str | None,
    who: str,
    why: str,
    config_path: Path | None,
    output_format: str,
    *,
    although_listed: bool,
) -> None:
    """Erase all that is stored of a pupil who has left: record, marks, incidents, notes.

    The history keeps when something was done and by whom, without its words; audit verify still
    holds. Refused while the pupil is on roll, the MIS still lists the leaver, or something about
    the pupil is not over. Says what is in other hands: messages, files, backups.
    """
    from mis_bridge.cli.erased import clear_folders, row_of, told
    from mis_bridge.service.erasing import erase

    with opened(config_path) as here:
        one = _which(here, school, name)
        asked = (one, name, who, why, here.now)
        done = here.store.run(erase, *asked, although_listed=although_listed)
        folders = clear_folders(done, here.configuration)
        embedded = here.store.embedded
        said = "\n".join(told(done, here.configuration, folders, embedded=embedded))
    tell(said, {"school": one, **row_of(done, folders)}, output_format)


def _which(here: Opened, school: str | None, name: str) -> str:
    """The school that is meant."""
    from mis_bridge.service.people import find

    if school is not None:
        here.configuration.find_school(school)
        return school
    if name.upper().startswith("MB-"):
        with here.store.reading() as tx:
            return find(tx, name).school
    schools = list(here.configuration.schools)
    if len(schools) != 1:
        raise OperatorError(f"say which school's pupil: --school, one of {', '.join(schools)}")
    return schools[0]
