"""Write the reference pages that are drawn from the program: settings, command line, schemas.

Run it after a change (``python docs/make_reference.py``); a test fails while a page is stale.
"""

from __future__ import annotations

import json
import sys
import typing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from pydantic import BaseModel

from mis_bridge.cli.main import COMMANDS, cli
from mis_bridge.documents.json_file import package_schema
from mis_bridge.incidents.families import FAMILIES
from mis_bridge.io.metrics import METRICS, OTHER
from mis_bridge.messages.package_kinds import KINDS
from mis_bridge.messages.roll_returns import GROUNDS
from mis_bridge.settings.model import SchoolSettings, Settings
from mis_bridge.settings.schema import config_schema, school_schema

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo

REFERENCE = Path(__file__).resolve().parent / "reference"
_WRITTEN = "<!-- Written by docs/make_reference.py: change the program, not this page. -->\n"


def pages() -> dict[str, str]:
    """Every drawn page: file name under ``docs/reference`` to its text."""
    return {
        "settings.md": "".join(_settings()),
        "command-line.md": "".join(_command_line()),
        "config.schema.json": _json(config_schema()),
        "school.schema.json": _json(school_schema()),
        "packages.md": "".join(_packages()),
        "package.schema.json": _json(package_schema()),
        "metrics.md": "".join(_metrics()),
    }


def _metrics() -> Iterator[str]:
    yield f"""# Metrics

{_WRITTEN}
Where `service.metrics_listen` names an address, Prometheus finds these there, under `/metrics`.
Times are in seconds, sizes in bytes. Every label has a closed set of values; none ever holds a
pupil, a person or an address. `{OTHER}` stands for a channel or trigger that is not configured any
more. How to scrape them, and rules for alerts: [see that it works](../how-to/monitor.md).

| metric | kind | what it says | labels |
|---|---|---|---|
"""
    for metric in METRICS.values():
        labels = "; ".join(f"`{name}`: {values}" for name, values in metric.labels.items())
        yield f"| `{metric.name}` | {metric.kind} | {metric.meaning} | {labels or '-'} |\n"
    yield """
Counters begin at 0 with each start of the daemon; gauges are read from the database at the scrape.
What the faults of the auditor mean stands in
[how we know that it works](../explanation/how-we-know-that-it-works.md), the reasons of messages in
[incidents](incidents.md).
"""


def _packages() -> Iterator[str]:
    yield f"""# Packages

{_WRITTEN}
A package is what goes to a Local Authority, or to a person, after a named person approved it: a PDF
(tagged, PDF/UA-1), a CSV and a JSON file with the same content. The tables of a report on many
pupils are CSV files of their own, too. The JSON file is described by
[package.schema.json](package.schema.json). How to ask for one, complete it and send it is told in
[Notify the authority](../how-to/notify-the-authority.md).

What the registers and the MIS do not say is listed as missing and never made up. Deadlines that the
law gives in days are counted in days, the earlier date, and printed in the package.

| kind | what it is | made | when it is due | never for | goes to |
|---|---|---|---|---|---|
"""
    made_for = {family.package: family for family in FAMILIES.values() if family.package}
    for kind in KINDS.values():
        family = made_for.get(kind.id)
        made = f"by `{family.id}`, or asked for" if family else "asked for by a person"
        to = ", ".join(f"`{audience}`" for audience in kind.audiences) or "a person; it is not sent"
        yield (
            f"| `{kind.id}` | {kind.title} | {made} | {kind.when} | {kind.never_for or '-'} | "
            f"{to} |\n"
        )
    yield """
*Goes to* names the audience in `[routes]`. A kind that is not sent waits for approval too: its
files are then kept as they were approved, and `mis-bridge notify package` writes them to a folder.

## What each is made under

"""
    for kind in KINDS.values():
        yield f"- `{kind.id}`: {kind.basis}.\n"
    yield """
## Grounds of deletion

The answer to `deletion.ground` is one letter of regulation 9(1). The words here are shortened; the
regulation's own count.

"""
    for letter, words in GROUNDS.items():
        yield f"- ({letter}) {words}\n"
    yield """
Ground (i) is refused where the register does not show 20 school days in a row with every session
coded G, N or O, up to the last mark. That the register shows them is a fact, never a verdict:
grounds (h) and (i) need reasonable enquiries together with the authority.
"""


def _json(schema: dict[str, Any]) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _settings() -> Iterator[str]:
    yield f"""# Settings

{_WRITTEN}
`config.toml` holds what is general, `conf.d/<school>.toml` one school. Every mistake in them is
named by `mis-bridge check`, with file, line and the nearest right spelling. Editors that know JSON
Schema complete and check them as you write: [config.schema.json](config.schema.json),
[school.schema.json](school.schema.json).

A value of `config.toml` can come from the environment: `MIS_BRIDGE_`, the section, two underscores,
the key, all in capitals, as in `MIS_BRIDGE_POLLING__WORKERS=4`.

A *secret* is never written in a file: `credential:NAME` names a file of the credentials folder (or
what systemd passes under that name), `env:VARIABLE` an environment variable. Times of day are
written `"HH:MM"` and are local to Europe/London.

## config.toml

"""
    yield from _table("", Settings, only_values=True)
    for name, field in Settings.model_fields.items():
        yield from _section(name, field)
    yield "\n## conf.d/<school>.toml\n"
    for name, field in SchoolSettings.model_fields.items():
        yield from _section(name, field)
    yield """
## Triggers

In both files, one table a trigger: `[triggers.<id>]`. The page [triggers](triggers.md) has every
trigger with its parameters.
"""


def _section(name: str, field: FieldInfo) -> Iterator[str]:
    if name == "triggers":
        return
    annotation = field.annotation
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield from _table(name, annotation)
        for inner, inner_field in annotation.model_fields.items():
            deeper = inner_field.annotation
            if isinstance(deeper, type) and issubclass(deeper, BaseModel):
                yield from _table(f"{name}.{inner}", deeper)
            elif (items := _models(deeper)) and typing.get_origin(deeper) is list:
                yield from _table(
                    f"{name}.{inner}", items[0], opening=f"{name}.{inner} = [{{...}}]"
                )
    elif (models := _models(annotation)) and typing.get_origin(annotation) not in {dict, list}:
        yield from _table(name, models[0])
    elif models:
        yield from _several(name, field, models)
    elif typing.get_origin(annotation) is dict:
        yield f"\n### [{name}]\n\n{field.description}\n"


def _listed(model: type[BaseModel]) -> Iterator[str]:
    """The keys of tables of one kind, and of the tables that they hold."""
    yield "\n"
    yield from _table("", model)
    for inner, field in model.model_fields.items():
        for deeper in _models(field.annotation):
            yield from _table(inner, deeper, level=4, opening=f"{inner} = [{{...}}]")


def _several(name: str, field: FieldInfo, models: list[type[BaseModel]]) -> Iterator[str]:
    listed = typing.get_origin(field.annotation) is list
    heading = f"[[{name}]]" if listed else f"[{name}.NAME]"
    yield f"\n### {heading}\n\n{field.description}\n"
    for model in models:
        if "kind" not in model.model_fields:
            yield from _listed(model)
            continue
        kind = typing.get_args(model.model_fields["kind"].annotation)[0]
        yield from _table(f'{name}.NAME, kind = "{kind}"', model, level=4)


def _table(
    name: str,
    model: type[BaseModel],
    *,
    only_values: bool = False,
    level: int = 3,
    opening: str = "",
) -> Iterator[str]:
    if name:
        yield f"\n{'#' * level} {opening or f'[{name}]'}\n\n{(model.__doc__ or '').strip()}\n\n"
    yield "| key | type | default | meaning |\n|---|---|---|---|\n"
    for key, field in model.model_fields.items():
        if only_values and (_is_table(field.annotation) or not field.description):
            continue
        if _models(field.annotation) and not field.description:
            continue
        yield f"| `{key}` | {_type(field)} | {_default(field)} | {field.description} |\n"


def _is_table(annotation: Any) -> bool:
    return typing.get_origin(annotation) is dict or bool(_models(annotation))


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in typing.get_args(annotation) for model in _models(part)]


def _type(field: FieldInfo) -> str:
    schema = str(field.annotation) + str(field.metadata)
    if "_secret_ref" in schema:
        return "secret"
    if "_minute_of_day" in schema:
        listed = typing.get_origin(field.annotation) is list
        return "list of times of day" if listed else "time of day"
    if "_span" in schema:
        return "span of time"
    for part in (field.annotation, *typing.get_args(field.annotation)):
        if typing.get_origin(part) is typing.Literal:
            return " ".join(f"`{choice}`" for choice in typing.get_args(part) if choice)
    for part, words in (
        ("list", "list"),
        ("dict", "table"),
        ("Path", "path"),
        ("date", "date"),
        ("bool", "true or false"),
        ("float", "number"),
        ("int", "whole number"),
        ("Settings", "table"),
    ):
        if part in str(field.annotation):
            return words
    return "text"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    value = field.get_default(call_default_factory=True)
    if value is None:
        return "-"
    if isinstance(value, BaseModel):
        value = value.model_dump(exclude_none=True)
        if not value:
            return "-"
        return f"`{_toml({inner: _clock(number) for inner, number in value.items()})}`"
    if "_minute_of_day" in str(field.annotation) + str(field.metadata):
        value = [_clock(one) for one in value] if isinstance(value, list) else _clock(value)
    return f"`{_toml(value)}`"


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, Path):
        value = str(value)
    return json.dumps(value)


def _command_line() -> Iterator[str]:
    yield f"""# Command line

{_WRITTEN}
Exit status: 0 success, 1 a problem in your data or world (one line each on standard error), 2 wrong
usage. `--format json` prints one JSON object a line and nothing else on standard output.

"""
    root = _context(cli, "mis-bridge", None)
    yield _help(root)
    for name in COMMANDS:
        command = cli.get_command(root, name)
        if command is not None:
            yield from _command(_context(command, name, root), level=2)


def _command(context: click.Context, *, level: int) -> Iterator[str]:
    yield f"\n{'#' * level} {context.command_path}\n\n"
    yield _help(context)
    if isinstance(context.command, click.Group):
        for name, inner in context.command.commands.items():
            yield from _command(_context(inner, name, context), level=level + 1)


def _context(command: click.Command, name: str, parent: click.Context | None) -> click.Context:
    settings = {**command.context_settings, "terminal_width": 100, "max_content_width": 100}
    return click.Context(command, info_name=name, parent=parent, **settings)


def _help(context: click.Context) -> str:
    return f"```\n{context.get_help().rstrip()}\n```\n"


def main() -> None:
    """Write every page and print those that changed; with --check only say which are stale."""
    only_check = sys.argv[1:] == ["--check"]
    REFERENCE.mkdir(exist_ok=True)
    stale = [
        (file, text)
        for name, text in pages().items()
        if not (file := REFERENCE / name).exists() or file.read_text(encoding="utf-8") != text
    ]
    for file, text in stale:
        if not only_check:
            file.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{'stale:' if only_check else 'wrote'} {file.name}\n")
    if only_check and stale:
        sys.exit(1)


if __name__ == "__main__":
    main()
