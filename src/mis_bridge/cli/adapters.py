"""``mis-bridge adapters``: list the adapters, show one, test a folder."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mis_bridge.cli.output import Given, config_option, emit, emit_json, format_option

if TYPE_CHECKING:
    from mis_bridge.adapters.registry import Adapter, Registry

__all__ = ["command"]


@click.group(
    name="adapters", epilog="Example: mis-bridge adapters show wonde", no_args_is_help=True
)
def command() -> None:
    """List, show and test the adapters to school MIS."""


@command.command("list", epilog="Example: mis-bridge adapters list --format json")
@config_option
@format_option
def list_adapters(config_path: Path | None, output_format: str) -> None:
    """List the adapters that came with mis-bridge and those of service.adapter_dirs.

    Exit status 1 where a folder is not a valid adapter; the others are listed all the same.
    """
    registry = _registry(config_path)
    emit(
        [_row(adapter) for adapter in registry.values()],
        ("id", "name", "version", "capabilities", "evidence"),
        output_format,
    )
    for problem in registry.broken.values():
        click.echo(str(problem), err=True)
    if registry.broken:
        sys.exit(1)


@command.command("show", epilog="Example: mis-bridge adapters show csv")
@click.argument("adapter_id", metavar="ID")
@config_option
@format_option
def show(adapter_id: str, config_path: Path | None, output_format: str) -> None:
    """Show what an adapter can tell, and what a school has to give for it."""
    adapter = _registry(config_path).find(adapter_id, key="")
    parameters = [
        {"parameter": name, **table.model_dump(exclude={"pattern"})}
        for name, table in adapter.manifest.connection.items()
    ]
    if output_format == "json":
        emit_json({**_row(adapter), "folder": str(adapter.folder), "connection": parameters})
        return
    identity = adapter.manifest.adapter
    click.echo(f"{identity.name} ({adapter.id}), version {identity.version}")
    click.echo(f"Vendor:   {identity.vendor}")
    click.echo(f"Evidence: {identity.evidence}")
    click.echo(f"Can tell: {', '.join(sorted(adapter.capabilities)) or 'nothing yet'}")
    click.echo(f"Folder:   {adapter.folder}\n")
    emit(
        parameters,
        ("parameter", "required", "secret", "default", "help"),
        output_format,
        title="A school's [mis.connection]",
        empty="A school has to give nothing.",
    )


@command.command("test", epilog="Example: mis-bridge adapters test adapters/mis/wonde")
@click.argument("folder", metavar="DIR", type=Given(exists=True, file_okay=False, path_type=Path))
@format_option
def test(folder: Path, output_format: str) -> None:
    """Run the bronze cases of the conformance kit on an adapter's folder.

    The folder's fixtures are read through the same engine as a school: they must give exactly what
    expect.json says, in whatever order the pages come, and no fault may go unnoticed or tell a
    secret or a pupil. An adapter.py of the folder is run.

    Exit status 1 if a case does not hold.
    """
    from mis_bridge.adapters.kit.bronze import run

    cases = run(folder.resolve())
    failed = [case for case in cases if case.problem]
    emit(
        [
            {
                "case": case.name,
                "result": "fails" if case.problem else "holds",
                "problem": case.problem,
            }
            for case in cases
        ],
        ("result", "case", "problem") if failed or output_format == "json" else ("result", "case"),
        output_format,
    )
    if output_format != "json":
        click.echo(
            f"{len(failed)} of {len(cases)} cases do not hold: below bronze."
            if failed
            else f"All {len(cases)} cases hold: bronze."
        )
    if failed:
        sys.exit(1)


def _row(adapter: Adapter) -> dict[str, Any]:
    identity = adapter.manifest.adapter
    return {
        "id": adapter.id,
        "name": identity.name,
        "vendor": identity.vendor,
        "version": identity.version,
        "capabilities": ", ".join(sorted(adapter.capabilities)),
        "evidence": identity.evidence,
    }


def _registry(config_path: Path | None) -> Registry:
    """Find the adapters; a machine without a configuration has those that came with us."""
    from mis_bridge.adapters import registry
    from mis_bridge.errors import OperatorError
    from mis_bridge.settings import find_config, load

    try:
        path = find_config(config_path)
    except OperatorError:
        if config_path is not None:
            raise
        return registry.load()
    service = load(path).settings.service
    return registry.load(service.adapter_dirs, service.adapter_pins)
