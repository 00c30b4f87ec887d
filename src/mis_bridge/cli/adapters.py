"""``mis-bridge adapters``: list the adapters, show one, begin a new one, test a folder."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mis_bridge.cli.output import Given, config_option, emit, emit_json, format_option
from mis_bridge.errors import AdapterInvalid

if TYPE_CHECKING:
    from mis_bridge.adapters.describe import StreamTold
    from mis_bridge.adapters.kit.model import Report
    from mis_bridge.adapters.registry import Adapter, Registry

__all__ = ["command"]


@click.group(
    name="adapters", epilog="Example: mis-bridge adapters show wonde", no_args_is_help=True
)
def command() -> None:
    """List, show, write and test the adapters to school MIS."""


@command.command("list", epilog="Example: mis-bridge adapters list --format json")
@config_option
@format_option
def list_adapters(config_path: Path | None, output_format: str) -> None:
    """List the adapters that came with mis-bridge and those of service.adapter_dirs.

    Each with what it was built from, the grade of the conformance kit that its manifest records,
    and the cases that it is exempt from, with the reason.

    Exit status 1 where a folder is not a valid adapter; the others are listed all the same.
    """
    registry = _registry(config_path)
    emit(
        [_row(adapter) for adapter in registry.values()],
        ("id", "name", "version", "grade", "capabilities", "evidence"),
        output_format,
    )
    if output_format != "json":
        for adapter in registry.values():
            for case, reason in adapter.manifest.exempt.items():
                click.echo(f"{adapter.id} is exempt from {case}: {reason}")
    for problem in registry.broken.values():
        click.echo(str(problem), err=True)
    if registry.broken:
        sys.exit(1)


@command.command("show", epilog="Example: mis-bridge adapters show csv")
@click.argument("adapter_id", metavar="ID")
@config_option
@format_option
def show(adapter_id: str, config_path: Path | None, output_format: str) -> None:
    """Show what an adapter asks for, and where, and what a school has to give for it.

    Each list with its address, how its pages go on, how changes are asked for, and where each field
    of a record comes from. Nothing is asked of the MIS.
    """
    from mis_bridge.adapters import describe

    adapter = _registry(config_path).find(adapter_id, key="ID")
    told = describe.streams(adapter.manifest)
    if output_format == "json":
        emit_json(
            {
                **_row(adapter),
                "folder": str(adapter.folder),
                "connection": _parameters(adapter),
                "limits": describe.limits(adapter.manifest),
                "streams": [asdict(stream) for stream in told],
                "codes": adapter.manifest.codes,
                "meanings": adapter.manifest.meanings,
            }
        )
        return
    _show_head(adapter)
    emit(
        _parameters(adapter),
        ("parameter", "required", "secret", "default", "help"),
        output_format,
        title="A school's [mis.connection]",
        empty="A school has to give nothing.",
    )
    for stream in told:
        _show_stream(stream)
    if adapter.is_code:
        click.echo(f"\nRead by its own code, {adapter.folder / 'adapter.py'}; see README.md there.")
    for title, codes in (("Marks", adapter.manifest.codes), ("Words", adapter.manifest.meanings)):
        rows = [{"of the MIS": mark, "is": code} for mark, code in codes.items()]
        emit(rows, ("of the MIS", "is"), output_format, title=f"\n{title}")


def _show_head(adapter: Adapter) -> None:
    from mis_bridge.adapters import describe

    identity = adapter.manifest.adapter
    click.echo(f"{identity.name} ({adapter.id}), version {identity.version}")
    click.echo(f"Vendor:   {identity.vendor}")
    click.echo(f"Evidence: {identity.evidence}")
    click.echo(f"Grade:    {identity.grade or 'not graded'}")
    for case, reason in adapter.manifest.exempt.items():
        click.echo(f"          exempt from {case}: {reason}")
    click.echo(f"Can tell: {', '.join(sorted(adapter.capabilities)) or 'nothing yet'}")
    for limit in describe.limits(adapter.manifest):
        click.echo(f"Limits:   {limit}")
    click.echo(f"Folder:   {adapter.folder}\n")


def _show_stream(stream: StreamTold) -> None:
    click.echo(f"\n{stream.name}: {stream.method} {stream.address}")
    asked = ", ".join(f"{name} = {text}" for name, text in stream.query.items())
    for name, text in (
        ("asks", asked),
        ("sends", " ".join(stream.body.split())),
        ("records", stream.records),
        ("pages", stream.pages),
        ("parts", stream.parts),
        ("changes", stream.changes),
        ("only if", "; ".join(stream.choice)),
        *(("note", note) for note in stream.notes),
    ):
        if text:
            click.echo(f"  {name:<8} {text}")
    emit(
        [{"field": one.name, "from": one.source, "as": one.meaning} for one in stream.fields],
        ("field", "from", "as"),
        "table",
    )


def _parameters(adapter: Adapter) -> list[dict[str, Any]]:
    return [
        {"parameter": name, **table.model_dump(exclude={"pattern"})}
        for name, table in adapter.manifest.connection.items()
    ]


@command.command("new", epilog="Example: mis-bridge adapters new larkfield --dir adapters")
@click.argument("adapter_id", metavar="ID")
@click.option("--name", default="", help="What people call the MIS.  [default: the id]")
@click.option(
    "--dir",
    "place",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="Folder that gets the new one.  [default: the present folder]",
)
@config_option
def new(adapter_id: str, name: str, place: Path, config_path: Path | None) -> None:
    """Write the folder of a new adapter: a small one that works, to be changed into yours.

    It has a manifest, a README, invented fixtures and what must come out of them, and passes the
    conformance kit as it is. Nothing that is there already is touched.
    """
    from mis_bridge.adapters.scaffold import new_adapter

    registry = _registry(config_path)
    known = {*registry, *registry.broken}
    folder = new_adapter(adapter_id, name or adapter_id.replace("-", " ").title(), place, known)
    click.echo(f"Wrote {folder}. It passes as it is:\n")
    click.echo(f"  mis-bridge adapters test {folder}\n")
    click.echo("Now change it, a table at a time: docs/how-to/write-an-adapter.md")


@command.command("test", epilog="Example: mis-bridge adapters test adapters/mis/wonde")
@click.argument("folder", metavar="DIR", type=Given(exists=True, file_okay=False, path_type=Path))
@click.option("--case", "only", metavar="ID", multiple=True, help="Try this case only; repeatable.")
@format_option
def test(folder: Path, only: tuple[str, ...], output_format: str) -> None:
    """Run the conformance kit on an adapter's folder, and say which grade it has.

    The folder's fixtures are read through the same engine as a school, from a stand-in that pages,
    fails and changes as MIS do, into a store that is thrown away. An adapter.py of the folder is
    run. A case that the adapter can not meet is exempted in adapter.toml, under [exempt], with the
    reason.

    Exit status 1 if the adapter is below bronze, has another grade than adapter.toml records, or is
    exempt from a case that it meets; with --case, if one of those cases fails.
    """
    from mis_bridge.adapters.kit.model import Result
    from mis_bridge.adapters.kit.run import run
    from mis_bridge.simulator.shelf import shelf

    report = run(folder.resolve(), shelf, only=only)
    if report.problem:
        raise AdapterInvalid(report.problem)
    emit(
        [
            {
                "tier": outcome.case.tier.value,
                "case": outcome.case.id,
                "result": outcome.result.value,
                "what": outcome.detail or outcome.case.sentence,
                "sentence": outcome.case.sentence,
                "detail": outcome.detail,
            }
            for outcome in report.outcomes
        ],
        ("tier", "case", "result", "what"),
        output_format,
    )
    failed = sum(not outcome.is_met for outcome in report.outcomes)
    if only:
        sys.exit(1 if failed else 0)
    if output_format != "json":
        click.echo(_verdict(report, failed))
    wrongly = any(outcome.result is Result.WRONGLY_EXEMPT for outcome in report.outcomes)
    as_recorded = report.recorded is None or report.is_as_recorded
    if report.grade is None or wrongly or not as_recorded:
        sys.exit(1)


def _verdict(report: Report, failed: int) -> str:
    found = report.grade.value if report.grade is not None else "below bronze"
    told = f"\n{found.capitalize()}: {failed} of {len(report.outcomes)} cases fail."
    if report.recorded is None:
        return f'{told} adapter.toml records no grade: write grade = "{found}" under [adapter].'
    if not report.is_as_recorded:
        return f"{told} adapter.toml records {report.recorded.value}."
    return told


def _row(adapter: Adapter) -> dict[str, Any]:
    identity = adapter.manifest.adapter
    return {
        "id": adapter.id,
        "name": identity.name,
        "vendor": identity.vendor,
        "version": identity.version,
        "grade": identity.grade or "not graded",
        "capabilities": ", ".join(sorted(adapter.capabilities)),
        "evidence": identity.evidence,
        "exempt": adapter.manifest.exempt,
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
