"""``mis-bridge audit``: read and prove the history, accept a break, keep heads, take records."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mis_bridge.cli.opened import by_option, opened, or_login
from mis_bridge.cli.output import FILE, Given, config_option, emit, format_option, tell
from mis_bridge.errors import OperatorError

if TYPE_CHECKING:
    from mis_bridge.messages.model import Attachment

__all__ = ["command"]


@click.group(name="audit", epilog="Example: mis-bridge audit verify", no_args_is_help=True)
def command() -> None:
    """Read and check the history, accept a known break, take a record out of it."""


@command.command("list", epilog="Example: mis-bridge audit list --from 2026-11-16 --to 2026-11-20")
@click.option("--school", metavar="ID", help="Only this school's.")
@click.option(
    "--installation", is_flag=True, help="Only what is about no school: starts, channels, deletion."
)
@click.option("--from", "first", metavar="D", help="First day.  [default: the last one]")
@click.option("--to", "last", metavar="D", help="Last day.  [default: today]")
@config_option
@format_option
def list_(
    school: str | None,
    installation: bool,
    first: str | None,
    last: str | None,
    config_path: Path | None,
    output_format: str,
) -> None:
    """Print what was done in some days, by mis-bridge and by people, in the order of time.

    Each message that was sent or not sent, each step of an incident, each act of a person, each
    channel that was left alone; with who did it and why. No pupil is named, but notes that people
    wrote are printed as they are.
    """
    from mis_bridge.incidents.ids import reference
    from mis_bridge.registers.calendar import LONDON, local_datetime
    from mis_bridge.store import audit

    if school and installation:
        raise click.UsageError("either --school or --installation: they are two histories")
    with opened(config_path) as here, here.store.reading() as tx:
        end = _day("--to", last) or here.now.astimezone(LONDON).date()
        begin = _day("--from", first) or end
        if end < begin:
            raise click.UsageError(f"--to {end} is before --from {begin}")
        if school and school not in audit.heads(tx):
            here.configuration.find_school(school)
        since, until = local_datetime(begin, 0), local_datetime(end + timedelta(days=1), 0)
        found = audit.within(tx, since, until, audit.INSTALLATION if installation else school)
    rows = [
        {
            "at": link.entry.at.astimezone(LONDON),
            "school": chain,
            "line": link.number,
            "who": link.entry.actor,
            "act": str(link.entry.act),
            "incident": reference(link.entry.incident) if link.entry.incident else "",
            "reason": link.entry.reason,
            "what": link.entry.body,
        }
        for chain, link in found
    ]
    columns = ("at", "school", "who", "act", "incident", "reason", "what")
    days = f"on {begin}" if begin == end else f"from {begin} to {end}"
    emit(rows, columns, output_format, empty=f"Nothing is written in the history {days}.")


@command.command(
    "verify", epilog="Example: mis-bridge audit verify --against /media/safe/heads.jsonl"
)
@click.option(
    "--against",
    "kept",
    type=FILE,
    help="Heads that were kept elsewhere: what audit heads --format json printed.",
)
@config_option
@format_option
def verify(kept: Path | None, config_path: Path | None, output_format: str) -> None:
    """Check that no line of the history was changed, taken away or cut off.

    Exits 1 and names the school, the line and what is wrong, also where a school's whole history
    is gone and its incidents are there; @installation is the history of what is about no school.
    What a person has accepted (audit accept) is printed with who and why, and is no reason to exit
    with 1. The daemon looks each night by itself, and tells IT of what nobody has accepted.
    Somebody who can write to the database could write a whole chain anew: that is seen only beside
    heads that were kept where they can not reach them.
    """
    from mis_bridge.registers.calendar import LONDON
    from mis_bridge.store import audit, audit_proof

    heads = _read_heads(kept) if kept else {}
    with opened(config_path) as here, here.store.reading() as tx:
        chains = audit.heads(tx)
        proof = audit_proof.prove(tx)
        broken = [*proof.broken, *audit_proof.against(tx, heads)]
    bad = {one.school for one in broken}
    rows: list[dict[str, Any]] = [
        {
            "school": one.school,
            "good": False,
            "line": one.number,
            "break": one.name or None,
            "detail": f"{one.school} line {one.number}: {one.what}",
        }
        for one in broken
    ]
    rows += [
        {
            "school": one.school,
            "good": True,
            "line": one.number,
            "break": audit_proof.name_of(one.number, one.seal),
            "detail": f"accepted: {one.school} line {one.number}: {one.what}. {one.who} has "
            f"accepted it on {one.at.astimezone(LONDON):%Y-%m-%d %H:%M} (line {one.line}): "
            f"{one.why}",
            "accepted_by": one.who,
            "accepted_at": one.at,
            "accepted_in": one.line,
            "why": one.why,
        }
        for one in proof.accepted
    ]
    accepted = {one.school for one in proof.accepted}
    rows += [
        {
            "school": school,
            "good": True,
            "line": number,
            "break": None,
            "detail": f"{number} lines hold"
            + (", but for what was accepted" if school in accepted else "")
            + (", as they were kept" if school in heads else ""),
        }
        for school, (number, _) in chains.items()
        if school not in bad
    ]
    rows.sort(key=lambda row: row["school"])
    columns = ("school", "good", "line", "break", "detail")
    emit(rows, columns, output_format, empty="There is no history yet.")
    if broken:
        raise SystemExit(1)


@command.command(
    "accept",
    epilog='Example: mis-bridge audit accept oakfield --by "A. Admin" '
    '--why "Half of a backup was put back on 3 November"',
)
@click.argument("school", metavar="SCHOOL")
@click.option(
    "--break",
    "names",
    metavar="NAME",
    multiple=True,
    help="Which: its name, as audit verify prints it. Needed where there is more than one; may be "
    "given again.",
)
@click.option("--all", "everything", is_flag=True, help="All that audit verify finds now.")
@by_option
@click.option(
    "--why", required=True, help="How it came about; kept in the history. No names of pupils."
)
@config_option
@format_option
def accept_(
    school: str,
    names: tuple[str, ...],
    everything: bool,
    who: str,
    why: str,
    config_path: Path | None,
    output_format: str,
) -> None:
    """Accept that the history does not hold at a place: it is known how that came about.

    SCHOOL is a school's id, or @installation. Nothing of the history is changed. A new line in it
    says what was found, who has accepted it, when and why; audit verify prints that for ever. IT
    is not told of this break any more. A break is accepted as it stands: what is changed there
    later, or anywhere else, is found as before. Keep the heads anew afterwards (audit heads).
    """
    from mis_bridge.service.accepting import accept
    from mis_bridge.store import audit

    if names and everything:
        raise click.UsageError("either --break or --all")
    with opened(config_path) as here:
        with here.store.reading() as tx:
            known = school in audit.schools(tx)
        if not known:
            here.configuration.find_school(school)
        accepted = here.store.run(accept, school, who, why, here.now, names, everything=everything)
    for one in accepted:
        tell(
            f"{school} line {one.number}: {one.what}. Accepted; audit verify goes on showing it.",
            {
                "school": school,
                "line": one.number,
                "break": one.name,
                "kind": one.kind,
                "seal": one.seal,
                "by": who,
                "why": why,
            },
            output_format,
        )


@command.command(
    "heads", epilog="Example: mis-bridge audit heads --format json > /media/safe/heads.jsonl"
)
@config_option
@format_option
def heads_(config_path: Path | None, output_format: str) -> None:
    """Print the length and the last hash of each school's history, to keep elsewhere.

    They hold no data of anybody. Kept on another machine, in an e-mail or on paper, they prove
    later that nothing that was written until now was changed: audit verify --against.
    """
    from mis_bridge.store import audit

    with opened(config_path) as here, here.store.reading() as tx:
        chains = audit.heads(tx)
    rows = [
        {"school": school, "lines": number, "hash": link, "at": here.now}
        for school, (number, link) in chains.items()
    ]
    emit(rows, ("school", "lines", "hash"), output_format, empty="There is no history yet.")


@command.command(
    "export",
    epilog='Example: mis-bridge audit export MB-0VQ2-9GK2 --to /srv/child-files --by "A. Lead"',
)
@click.argument("name", metavar="ID")
@click.option(
    "--to",
    "folder",
    type=Given(file_okay=False, path_type=Path),
    default=".",
    show_default=True,
    help="Folder for the two files.",
)
@click.option("--by", "who", help="Who takes it out; kept in the history.  [default: the login]")
@config_option
@format_option
def export(
    name: str, folder: Path, who: str | None, config_path: Path | None, output_format: str
) -> None:
    """Write the record of an incident for the child's file: a PDF to read, a JSON file of it all.

    It names the child, and holds what was noticed and why, every message that was sent or not
    sent, every act with its time and actor, the talks with the child and the notes. That it was
    taken out is written in the history.
    """
    from mis_bridge.documents.record import render_record
    from mis_bridge.service.incident_record import take_out

    with opened(config_path) as here:
        record = here.store.run(take_out, name, or_login(who), here.now, schools=here.schools)
    files = [_write(folder, file) for file in render_record(record)]
    tell(
        f"{record.reference}: {', '.join(str(path) for path in files)}. It names the child: keep "
        "it in the child's file and nowhere else.",
        {"reference": record.reference, "files": [str(path) for path in files]},
        output_format,
    )


def _day(option: str, text: str | None) -> date | None:
    try:
        day = date.fromisoformat(text) if text else None
    except ValueError:
        raise click.UsageError(f"{option} {text}: write a day as 2026-11-16") from None
    if day == date.max:
        raise click.UsageError(f"{option} {text}: no day comes after it, write an earlier one")
    return day


def _write(folder: Path, file: Attachment) -> Path:
    """Write a file that only its owner may read."""
    path = folder / file.name
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(file.content)
    return path


def _read_heads(path: Path) -> dict[str, tuple[int, str]]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise OperatorError(
            f"{path}: it can not be read as text ({error}): give what audit heads --format json "
            "printed"
        ) from None
    heads = {}
    for place, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            heads[str(row["school"])] = (int(row["lines"]), str(row["hash"]))
        except (ValueError, TypeError, KeyError):
            raise OperatorError(
                f"{path}:{place}: this is no line of mis-bridge audit heads --format json"
            ) from None
    if not heads:
        raise OperatorError(f"{path}: it holds no head: write it by audit heads --format json")
    return heads
