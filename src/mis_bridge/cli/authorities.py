"""``mis-bridge authorities``: list the Local Authorities, show one, compare two, begin one."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mis_bridge.cli.output import config_option, emit, emit_json, format_option

if TYPE_CHECKING:
    from mis_bridge.adapters.authorities import Authority
    from mis_bridge.messages.form import Form

__all__ = ["adapter_dirs", "command"]


@click.group(
    name="authorities", epilog="Example: mis-bridge authorities show ealing", no_args_is_help=True
)
def command() -> None:
    """List, show, compare and write what Local Authorities ask for."""


@command.command("list", epilog="Example: mis-bridge authorities list --format json")
@config_option
@format_option
@click.pass_context
def list_authorities(ctx: click.Context, config_path: Path | None, output_format: str) -> None:
    """List the authorities that came with mis-bridge and those of service.adapter_dirs.

    Exit status 1 where one has a mistake in its file; the others are listed all the same.
    """
    from mis_bridge.adapters.authorities import authority_ids, load_authority
    from mis_bridge.errors import SettingsError
    from mis_bridge.settings import SettingsProblems

    dirs = adapter_dirs(config_path)
    rows, broken = [], []
    for name in authority_ids(dirs):
        try:
            rows.append(_row(load_authority(name, dirs)))
        except (SettingsProblems, SettingsError) as error:
            broken.append(str(error))
    emit(
        rows,
        ("id", "name", "la_number", "route", "enquiries_day", "home_visit_day", "refer_day"),
        output_format,
    )
    for problem in broken:
        click.echo(problem, err=True)
    if broken:
        ctx.exit(1)


@command.command("show", epilog="Example: mis-bridge authorities show cheshire-east")
@click.argument("authority_id", metavar="ID")
@config_option
@format_option
def show(authority_id: str, config_path: Path | None, output_format: str) -> None:
    """Show what holds in an authority, and whose rule it is.

    Its contacts, the days on which something is due, how it wants to be told, thresholds that
    differ from the usual ones, the steps that it sets itself, whom they tell, and its forms with
    what is checked before approving. ID may be the path of a folder with an authority.toml.
    """
    from mis_bridge.adapters.authorities import NATIONAL_ID, find_authority

    authority = find_authority(authority_id, adapter_dirs(config_path))
    if output_format == "json":
        emit_json(_object(authority))
        return
    _show_head(authority)
    _show_people(authority)
    _show_days(authority)
    _show_protocols(authority)
    for form in authority.forms.values():
        _show_form(form, is_national=authority.id == NATIONAL_ID)


@command.command("diff", epilog="Example: mis-bridge authorities diff national ealing")
@click.argument("first_id", metavar="A")
@click.argument("second_id", metavar="B")
@config_option
@format_option
def diff(first_id: str, second_id: str, config_path: Path | None, output_format: str) -> None:
    """Show how two authorities differ, a line each; what only one of them has is - in the other.

    A and B may be paths of folders with an authority.toml.
    """
    from mis_bridge.adapters.authorities import find_authority
    from mis_bridge.adapters.authority.comparing import differences

    dirs = adapter_dirs(config_path)
    first, second = (
        find_authority(first_id, dirs, key="A"),
        find_authority(second_id, dirs, key="B"),
    )
    one, other = first.id, second.id if second.id != first.id else f"{second.id} (B)"
    emit(
        [
            {"what": found.what, one: found.first, other: found.second}
            for found in differences(first, second)
        ],
        ("what", one, other),
        output_format,
        empty=f"{first.name} and {second.name} do not differ.",
    )


@command.command(
    "new",
    epilog='Example: mis-bridge authorities new exampleshire --name "Exampleshire" --dir ours',
)
@click.argument("authority_id", metavar="ID")
@click.option("--name", default="", help="What messages call it.  [default: the id]")
@click.option(
    "--dir",
    "place",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="One of service.adapter_dirs; the folder is la/ID in it.  [default: the present folder]",
)
@config_option
def new(authority_id: str, name: str, place: Path, config_path: Path | None) -> None:
    """Write the folder of a new authority: a copy of the national one, to be changed into yours.

    Nothing that is there already is touched.
    """
    from mis_bridge.adapters.authorities import authority_ids
    from mis_bridge.adapters.authority.scaffold import new_authority

    folder = new_authority(
        authority_id,
        name or authority_id.replace("-", " ").title(),
        place,
        authority_ids(adapter_dirs(config_path)),
    )
    click.echo(f"Wrote {folder}. It changes nothing yet:\n")
    click.echo(f"  mis-bridge authorities diff national {folder}\n")
    click.echo("Now change it, a table at a time: docs/how-to/write-an-authority.md")


def adapter_dirs(config_path: Path | None) -> list[Path]:
    """Give ``service.adapter_dirs``; a machine without a configuration has what came with us."""
    from mis_bridge.errors import OperatorError
    from mis_bridge.settings import find_config, load

    try:
        path = find_config(config_path)
    except OperatorError:
        if config_path is not None:
            raise
        return []
    return load(path).settings.service.adapter_dirs


def _row(authority: Authority) -> dict[str, Any]:
    days = {f"{name}_day": due.day for name, due in authority.cme.items()}
    return {
        "id": authority.id,
        "name": authority.name,
        "la_number": authority.la_number or None,
        "route": authority.route.kind,
        **{name: days.get(name) for name in ("enquiries_day", "home_visit_day", "refer_day")},
    }


def _object(authority: Authority) -> dict[str, Any]:
    plain = {
        name: getattr(authority, name)
        for name in ("id", "name", "la_number", "url", "letter", "told", "triggers", "sources")
    }
    return {
        **plain,
        "folder": str(authority.folder),
        "escalation": _rules(authority),
        "contacts": [asdict(contact) for contact in authority.contacts],
        "cme": {name: asdict(due) for name, due in authority.cme.items()},
        "route": asdict(authority.route),
        "protocols": {
            name: [asdict(step) for step in steps] for name, steps in authority.protocols.items()
        },
        "forms": {kind: asdict(form) for kind, form in authority.forms.items()},
    }


def _show_head(authority: Authority) -> None:
    number = f", DfE number {authority.la_number}" if authority.la_number else ""
    click.echo(f"{authority.name} ({authority.id}){number}")
    route = authority.route
    portal = f", {route.portal}" if route.portal else ""
    for name, text in (
        ("Rules", authority.url),
        ("Route", f"{route.kind}{portal}"),
        ("Letter", authority.letter),
        ("Folder", str(authority.folder)),
    ):
        if text:
            click.echo(f"{name + ':':<8} {text}")


def _show_people(authority: Authority) -> None:
    emit(
        [
            {
                "for": contact.role.replace("_", " "),
                "name": contact.name,
                "telephone": contact.telephone or None,
                "email": contact.email or None,
                "source": contact.source,
            }
            for contact in authority.contacts
        ],
        ("for", "name", "telephone", "email", "source"),
        "table",
        title="\nContacts",
        empty="\nNo contacts: put yours in, as [[contact]].",
    )
    emit(
        [
            {"trigger": trigger, "people": ", ".join(told)}
            for trigger, told in authority.told.items()
        ],
        ("trigger", "people"),
        "table",
        title="\nTold in the school, where that is not as usual",
    )
    emit(
        _rules(authority),
        ("for", "steps", "source"),
        "table",
        title="\nWho is told in which order, where the school has no rule of its own",
    )


def _rules(authority: Authority) -> list[dict[str, str]]:
    from mis_bridge.incidents.chain_words import criteria, whom

    return [
        {
            "name": rule.name,
            "for": criteria(rule),
            "steps": whom(rule, None),
            "source": source,
        }
        for rule, source in zip(authority.escalation, authority.escalation_sources, strict=True)
    ]


def _show_days(authority: Authority) -> None:
    from mis_bridge.adapters.authority.comparing import DUE, own_thresholds

    emit(
        [
            {"school day": due.day, "due": DUE[name], "source": due.source}
            for name, due in authority.cme.items()
        ],
        ("school day", "due", "source"),
        "table",
        title="\nDue in an absence with whereabouts unknown",
        empty="\nNo days for an absence with whereabouts unknown.",
    )
    emit(
        own_thresholds(authority),
        ("trigger", "parameter", "value", "usual", "source"),
        "table",
        title="\nThresholds that are not the usual ones",
        empty="\nAll thresholds are the usual ones.",
    )


def _show_protocols(authority: Authority) -> None:
    from mis_bridge.adapters.authority.comparing import within
    from mis_bridge.incidents.protocol import NATIONAL

    for name, steps in authority.protocols.items():
        if steps == NATIONAL[name]:
            continue
        emit(
            [
                {
                    "step": step.id,
                    "what": step.text,
                    "who": step.who,
                    "within": within(step) or None,
                    "source": step.source,
                }
                for step in steps
            ],
            ("step", "what", "who", "within", "source"),
            "table",
            title=f"\nSteps of its own: {name}",
        )
    emit(
        [
            {
                "in": name,
                "whom": ", ".join(one.replace("_", " ") for one in step.tells),
                "step": step.text,
            }
            for name, steps in authority.protocols.items()
            for step in steps
            if step.tells
        ],
        ("in", "whom", "step"),
        "table",
        title="\nWhom people tell",
    )


def _show_form(form: Form, *, is_national: bool) -> None:
    from mis_bridge.adapters.authority.comparing import asked
    from mis_bridge.messages.national_forms import NATIONAL_FORMS

    if form == NATIONAL_FORMS[form.kind] and not is_national:
        click.echo(f"\nForm: {form.title} ({form.kind}), as usual: see authorities show national")
        return
    emit(
        [
            {
                "section": section.title if place == 0 else "",
                "field": field.key,
                "label": field.label,
                "": asked(field),
            }
            for section in form.sections
            for place, field in enumerate(section.fields)
        ],
        ("section", "field", "label", ""),
        "table",
        title=f"\nForm: {form.title} ({form.kind}), after {form.source}",
    )
    for check in form.checklist:
        click.echo(f"  before approving: {check.text} ({check.source})")
