"""``mis-bridge incidents``: see what is open, why, and act on it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from mis_bridge.cli.incident_lines import (
    called,
    details_of,
    escalation_of,
    is_late,
    print_evidence,
    print_head,
    print_who,
    row_of,
    talks_of,
)
from mis_bridge.cli.opened import by_option, doubts, in_local_time, opened
from mis_bridge.cli.output import config_option, emit, emit_json, format_option, tell
from mis_bridge.cli.told import messages_of, print_messages, unsent_of
from mis_bridge.cli.typed import typed

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["command"]

# As incidents.actions.CLOSING_OUTCOMES, which --help must not import; a test holds them equal.
_OUTCOMES = ("found", "explained", "corrected", "dealt_with", "false_alarm")
# As incidents.interviews.InterviewOutcome, likewise.
_TALKED = ("offered", "held", "declined", "not_reached", "not_needed")
_LAST, _MOST = 100, 10_000
_COLUMNS = ("reference", "school", "state", "severity", "title", "day", "slot", "since", "owner")


@click.group(name="incidents", epilog="Example: mis-bridge incidents list", no_args_is_help=True)
def command() -> None:
    """List incidents, explain them, act on them."""


@command.command("list", epilog="Example: mis-bridge incidents list --school hilltop --all")
@click.option("--school", help="Only this school's.")
@click.option("--all", "everything", is_flag=True, help="Also what was found or closed.")
@click.option(
    "--limit",
    type=click.IntRange(1, _MOST),
    help=f"List so many.  [default: all that is open; with --all the last {_LAST}]",
)
@config_option
@format_option
def list_(
    school: str | None,
    everything: bool,
    limit: int | None,
    config_path: Path | None,
    output_format: str,
) -> None:
    """List what is open, missing children and the most severe first. No names are printed.

    With --all the latest change is first. Where --limit leaves something out, standard error says
    so. It also names schools whose registers were not read lately: of those, nothing open does not
    mean nothing wrong.
    """
    from mis_bridge.store import incidents

    with opened(config_path) as here, here.store.reading() as tx:
        most = limit or (_LAST if everything else _MOST)
        found = incidents.recent(tx, most + 1, school=school, active_only=not everything)
        doubtful = doubts(here, tx, school, known=bool(found))
    rows = in_local_time([row_of(incident) for incident in found[:most]], output_format)
    emit(rows, _COLUMNS, output_format, empty="Nothing is open.")
    if len(found) > most:
        click.echo(f"There are more than these {most:,}: --limit {_MOST} lists them.", err=True)
    for doubt in doubtful:
        click.echo(doubt, err=True)


@command.command("show", epilog="Example: mis-bridge incidents show MB-0VQ2-9GK2")
@click.argument("name", metavar="ID")
@click.option("--full", is_flag=True, help="Print the pupil's name; without it initials and form.")
@config_option
@format_option
def show(name: str, full: bool, config_path: Path | None, output_format: str) -> None:
    """Show one incident: what happened, the protocol's steps, the history, who was told and not."""
    from mis_bridge.service.incident_record import notes_on
    from mis_bridge.service.people import find
    from mis_bridge.store import audit

    with opened(config_path) as here, here.store.reading() as tx:
        incident = find(tx, name)
        pupil = called(tx, incident, full=full)
        history = audit.history(tx, incident.school, incident.id)
        noted = [asdict(line) for line in notes_on(tx, incident)]
        school = here.schools.get(incident.school)
        staff = school.rules.staff if school else None
        messages = messages_of(tx, incident, here.now)
        not_sent = unsent_of(tx, incident)
    steps = [
        {
            "id": step.id,
            "text": step.text,
            "who": step.who,
            "due_at": step.due_at,
            "late": is_late(incident, step, here.now),
            "done_at": step.done_at,
            "done_by": step.done_by,
            "note": step.note,
            "reminded_at": step.reminded_at,
            "interview": asdict(step.interview) if step.interview else None,
            "source": step.source,
        }
        for step in incident.steps
    ]
    lines = [
        {"at": e.at, "actor": e.actor, "act": e.act, "reason": e.reason, "body": e.body}
        for e in history
    ]
    if output_format == "json":
        emit_json(
            {**row_of(incident), **details_of(incident), "pupil": pupil, "steps": steps}
            | {"history": lines, "told": incident.told, "escalation": escalation_of(incident)}
            | {"messages": messages, "not_sent": not_sent, "noted": noted}
        )
        return
    print_head(incident, pupil, here.now)
    print_who(incident, staff, here.now)
    print_evidence(incident)
    noted = in_local_time(noted, "table")
    emit(noted, ("at", "author", "kind", "text"), "table", title="\nNoted of the pupil")
    talks = list(talks_of(incident))
    steps, lines = in_local_time(steps, "table"), in_local_time(lines, "table")
    for step in steps:
        step["due_at"] = f"{step['due_at']}, late" if step["late"] else step["due_at"]
    shown = ("id", "text", "who", "due_at", "done_at", "done_by")
    emit(steps, shown, "table", title="\nSteps")
    if talks:
        emit(talks, ("step", "outcome", "pushed", "pulled"), "table", title="\nTalks")
    emit(lines, ("at", "actor", "act", "reason", "body"), "table", title="\nHistory")
    print_messages(messages, not_sent)


@command.command("explain", epilog="Example: mis-bridge incidents explain MB-0VQ2-9GK2")
@click.argument("name", metavar="ID")
@config_option
@format_option
def explain(name: str, config_path: Path | None, output_format: str) -> None:
    """Say why it was raised: rule and source, numbers, marks; who was told, who not and why."""
    from mis_bridge.service.incident_record import rule_behind
    from mis_bridge.service.marks_behind import marks_behind
    from mis_bridge.service.people import find

    with opened(config_path) as here, here.store.reading() as tx:
        incident = find(tx, name)
        messages = messages_of(tx, incident, here.now)
        not_sent = unsent_of(tx, incident)
        marks = [line._asdict() for line in marks_behind(tx, incident)]
        school = here.schools.get(incident.school)
    behind = rule_behind(incident, school)
    rule = {**asdict(behind), "trigger": incident.trigger}
    if output_format == "json":
        emit_json(
            {**row_of(incident), **details_of(incident), "rule": rule, "marks": marks}
            | {"messages": messages, "not_sent": not_sent}
        )
        return
    print_head(incident, "", here.now)
    click.echo(f"\nRule    {behind.trigger}: {rule['meaning']}")
    if rule["never_for"]:
        click.echo(f"Never   {rule['never_for']}")
    click.echo(f"Source  {rule['source']}")
    for key, value in rule["parameters"].items():
        click.echo(f"        {key} = {value}")
    for key, value in incident.facts.items():
        click.echo(f"{'Numbers' if key == next(iter(incident.facts)) else '':<8}{key} = {value}")
    print_evidence(incident)
    shown = [name for name in ("when", "marks", "meaning", "known") if any(m[name] for m in marks)]
    emit(marks, shown, "table", title="\nMarks as they stand now")
    for message in messages:
        if message["state"] == "accepted" and incident.state == "open":
            message["state"] = "accepted, not confirmed"
    print_messages(messages, not_sent)


@command.command(
    "ack", epilog='Example: mis-bridge incidents ack MB-0VQ2-9GK2 --by "A. Lead" --minutes 60'
)
@click.argument("names", metavar="ID...", nargs=-1, required=True)
@by_option
@click.option(
    "--minutes",
    default=120,
    show_default=True,
    type=click.IntRange(1, 24 * 60),
    help="How long it holds before the next people are told.",
)
@config_option
@format_option
def ack(
    names: tuple[str, ...],
    who: str,
    minutes: int,
    config_path: Path | None,
    output_format: str,
) -> None:
    """Say that somebody sees to it, or to several; nobody else is rung meanwhile.

    Of several each is taken on for itself. Exit status 1 if one could not be; the others are.
    """
    from mis_bridge.errors import IncidentError
    from mis_bridge.messages.times import moment
    from mis_bridge.service.people import acknowledge

    refused = 0
    with opened(config_path) as here:
        for name in dict.fromkeys(names):
            try:
                incident = here.store.run(acknowledge, name, who, here.now, minutes)
            except IncidentError as error:
                click.echo(str(error), err=True)
                refused += 1
                continue
            until = moment(incident.ack_expires_at, here.now) if incident.ack_expires_at else ""
            tell(
                f"{incident.reference}: {incident.owner} sees to it until {until}.",
                row_of(incident) | {"ack_expires_at": incident.ack_expires_at},
                output_format,
            )
    if refused:
        raise SystemExit(1)


@command.command(
    "note",
    epilog='Example: mis-bridge incidents note MB-0VQ2-9GK2 "Site searched" --by "A. Lead" '
    "--step search_site",
)
@click.argument("name", metavar="ID")
@click.argument("text", callback=typed("What happened"))
@by_option
@click.option("--step", "step_id", help="The step of the protocol that this was; see show.")
@config_option
@format_option
def note_(
    name: str,
    text: str,
    who: str,
    step_id: str | None,
    config_path: Path | None,
    output_format: str,
) -> None:
    """Add a line to the history, or tick a step. The text is in no message.

    With - as TEXT it is asked for: a command line can be seen by others and is kept in logs.
    """
    from mis_bridge.service.people import note, step_done

    with opened(config_path) as here:
        if step_id:
            incident = here.store.run(step_done, name, who, here.now, step_id, text)
        else:
            incident = here.store.run(note, name, who, here.now, text)
    tell(
        f"{incident.reference}: {'step done' if step_id else 'noted'}.",
        row_of(incident) | {"step": step_id},
        output_format,
    )


@command.command(
    "step",
    epilog="Example: mis-bridge incidents step MB-0VQ2-9GK2 return_interview --outcome held "
    '--pushed "Trouble in the lesson before" --pulled "Friends in the park" --by "A. Lead"',
)
@click.argument("name", metavar="ID")
@click.argument("step_id", metavar="STEP")
@click.argument("text", default="", callback=typed("What was done"))
@click.option(
    "--outcome", type=click.Choice(_TALKED), help="Of a talk with the child: what came of it."
)
@click.option(
    "--pushed",
    default="",
    callback=typed("What drove the child away"),
    help="Of a talk that was held: what drove the child away.",
)
@click.option(
    "--pulled",
    default="",
    callback=typed("What drew the child there"),
    help="Of a talk that was held: what drew the child there.",
)
@by_option
@config_option
@format_option
def step_(
    name: str,
    step_id: str,
    text: str,
    outcome: str | None,
    pushed: str,
    pulled: str,
    who: str,
    config_path: Path | None,
    output_format: str,
) -> None:
    """Tick a step of the protocol; of a talk with the child, write down what came of it.

    What the child said is in no message and not in the history: it is shown by show and by the
    record for the child's file. With - as TEXT, --pushed or --pulled it is asked for: a command
    line can be seen by others and is kept in logs.
    """
    from mis_bridge.service.people import step_done

    said = {"outcome": outcome or "", "pushed": pushed, "pulled": pulled}
    with opened(config_path) as here:
        incident = here.store.run(step_done, name, who, here.now, step_id, text, **said)
    tell(
        f"{incident.reference}: {step_id} done{f', {outcome}' if outcome else ''}.",
        row_of(incident) | {"step": step_id, "step_outcome": outcome},
        output_format,
    )


@command.command(
    "close",
    epilog="Example: mis-bridge incidents close MB-0VQ2-9GK2 --outcome found "
    '--by "A. Lead" "In the library"',
)
@click.argument("name", metavar="ID")
@click.argument("text", callback=typed("What happened"))
@click.option("--outcome", required=True, type=click.Choice(_OUTCOMES), help="How it ended.")
@by_option
@config_option
@format_option
def close_(
    name: str, text: str, outcome: str, who: str, config_path: Path | None, output_format: str
) -> None:
    """Close it, with what happened. Whoever was told of a missing child hears that it is over.

    With - as TEXT it is asked for: a command line can be seen by others and is kept in logs.
    """
    from mis_bridge.incidents.model import Outcome
    from mis_bridge.service.people import close

    with opened(config_path) as here:
        incident = here.store.run(
            close,
            name,
            who,
            here.now,
            Outcome(outcome),
            text,
            schools=here.schools,
            deadlines=here.deadlines,
        )
    told = f"{incident.reference}: closed, {incident.outcome.replace('_', ' ')}."
    tell(told, row_of(incident) | {"outcome": incident.outcome}, output_format)
