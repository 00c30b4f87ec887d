"""``mis-bridge simulate``: invented schools for some weeks, and how well they would be watched."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import click

from mis_bridge.cli.output import emit, emit_json, format_option

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mis_bridge.simulator.quality.run import Simulation
    from mis_bridge.simulator.quality.scoring import Row

__all__ = ["command"]

_SCORE: Final = (
    "trigger", "level", "alerts", "precision", "on_record", "due", "recall", "median", "p95",
    "unit",
)  # fmt: skip
_COMPARED: Final = ("phase", "pupils", "figure", "simulated", "published")
_RAISED: Final = ("level_2", "alerts", "precision", "on_record", "median", "p95")
_WRONG: Final = ("trigger", "level", "wrong_because", "alerts")

_FLOORS: Final = {
    "recall": "of missing_during_day, unexplained_absence and every return, each",
    "level-1": "precision of all alerts about a child at level 1",
    "level-2": "likewise at level 2",
    "record-1": "share of them at level 1 that was called for by what was on record",
    "record-2": "likewise at level 2",
}


def _floors(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> dict[str, float]:
    """Understand ``NAME=SHARE``."""
    floors: dict[str, float] = {}
    for text in value:
        name, _, share = text.partition("=")
        try:
            floors[name] = float(share)
        except ValueError:
            floors[name] = -1.0
        if name not in _FLOORS or not 0 <= floors[name] <= 1:
            raise click.BadParameter(
                f"{text!r} is not NAME=SHARE with a share from 0 to 1 and a name of "
                f"{', '.join(_FLOORS)}",
                ctx=ctx,
                param=param,
            )
    return floors


@click.command(
    epilog="Example: mis-bridge simulate --schools 10 --days 20 --seed 7 --score --floor recall=1"
)
@click.option(
    "--schools", type=click.IntRange(1, 1000), default=10, show_default=True, help="How many."
)
@click.option(
    "--days",
    type=click.IntRange(1, 120),
    default=20,
    show_default=True,
    help="School days in a row.",
)
@click.option("--seed", default=7, show_default=True, help="Another number, other schools.")
@click.option(
    "--size",
    type=click.FloatRange(0.05, 5),
    default=1.0,
    show_default=True,
    help="So many times the published average size of a school.",
)
@click.option(
    "--score", is_flag=True, help="Watch the days, and compare the alerts with what was true."
)
@click.option(
    "--noise",
    "factor",
    type=click.FloatRange(0, 100),
    default=1.0,
    show_default=True,
    help="So many times the usual mistakes in the registers; 0 for none.",
)
@click.option(
    "--floor",
    "floors",
    multiple=True,
    metavar="NAME=SHARE",
    callback=_floors,
    help="Exit 1 if less is reached; NAME is recall, level-1, level-2 (of what was true), record-1 "
    "or record-2 (of what was on record). May be repeated.",
)
@format_option
@click.pass_context
def command(
    ctx: click.Context,
    schools: int,
    days: int,
    seed: int,
    size: float,
    score: bool,
    factor: float,
    floors: Mapping[str, float],
    output_format: str,
) -> None:
    """Simulate invented schools for some weeks, and score what would have been told.

    Absence follows the published figures of England by phase; both are shown side by side. With
    --score every minute of the days is lived, people write registers and err, the daemon's own
    judgement watches, and its alerts are compared with where the pupils were (precision) and with
    what was written down at that minute (on_record).
    """
    from mis_bridge.simulator.quality.calibration import compare
    from mis_bridge.simulator.quality.england import source
    from mis_bridge.simulator.quality.rates import Noise
    from mis_bridge.simulator.quality.run import draw, simulate

    if floors and not score:
        raise click.UsageError("--floor needs --score: without it nothing is scored")
    simulation = (
        simulate(schools, days, seed, noise=Noise().scaled(factor), size=size)
        if score
        else draw(schools, days, seed, size=size)
    )
    rows = simulation.rows() if score else []
    _Printer(output_format).everything(
        simulation, rows, [asdict(one) for one in compare(simulation.schools)], source()
    )
    missed = list(_below(rows, floors))
    for line in missed:
        click.echo(line, err=True)
    if missed:
        ctx.exit(1)


class _Printer:
    def __init__(self, output_format: str) -> None:
        self._format = output_format

    def everything(
        self,
        simulation: Simulation,
        rows: list[Row],
        compared: list[dict[str, Any]],
        source: str,
    ) -> None:
        first, last = simulation.days[0], simulation.days[-1]
        about = {
            "schools": len(simulation.schools),
            "pupils": simulation.pupils,
            "days": len(simulation.days),
            "first": first,
            "last": last,
        }
        if self._format == "json":
            emit_json({"table": "simulated", **about})
        else:
            click.echo(
                f"{about['schools']} invented schools, {about['pupils']} pupils, "
                f"{about['days']} school days from {first:%-d %B %Y} to {last:%-d %B %Y}\n"
            )
        if rows:
            self._score(simulation, rows)
        self._table("calibration", compared, _COMPARED, "Absence by phase, per cent of a year")
        if self._format != "json":
            click.echo(f"published: {source}")

    def _score(self, simulation: Simulation, rows: list[Row]) -> None:
        self._table("score", [asdict(row) for row in rows], _SCORE, "Alerts against the truth")
        wrong = [
            {"trigger": trigger, "level": level, "wrong_because": reason, "alerts": number}
            for (trigger, level, reason), number in sorted(simulation.score.wrong.items())
        ]
        self._table("wrong", wrong, _WRONG, "Why alerts about a child were wrong")
        self._table("raised", _raised(simulation), _RAISED, "How level 2 was reached")
        unseen = simulation.score.unseen
        if self._format == "json":
            emit_json({"table": "unseen", "children": unseen})
            for text in simulation.score.missed:
                emit_json({"table": "missed", "due": text})
            return
        click.echo(
            f"{unseen} times a child was missing, and no register said so for a quarter of an "
            "hour: marked present, not registered, or back too soon. No alert can come of these.\n"
        )
        for text in simulation.score.missed:
            click.echo(f"MISSED: {text}")

    def _table(
        self, name: str, rows: list[dict[str, Any]], columns: tuple[str, ...], title: str
    ) -> None:
        if self._format == "json":
            for row in rows:
                emit_json({"table": name, **row})
        elif rows:
            emit([_rounded(row) for row in rows], columns, "table", title=title)
            click.echo("")


def _raised(simulation: Simulation) -> list[dict[str, Any]]:
    """Give the alerts at level 2 by how they got there."""
    from mis_bridge.simulator.quality.scoring import AT_ONCE, SECOND, percentile

    rows = []
    for how in (AT_ONCE, SECOND):
        raised = {key[1:]: n for key, n in simulation.score.raised.items() if key[0] == how}
        alerts = sum(raised.values())
        if alerts:
            waits = simulation.score.waits[how]
            row = {
                "level_2": how,
                "alerts": alerts,
                "precision": sum(n for (right, _), n in raised.items() if right) / alerts,
                "on_record": sum(n for (_, warranted), n in raised.items() if warranted) / alerts,
                "median": percentile(waits, 0.5),
                "p95": percentile(waits, 0.95),
            }
            rows.append(row)
    return rows


def _rounded(row: Mapping[str, Any]) -> dict[str, Any]:
    """Give a row with shares and per cents as people read them; never rounded up to 1."""
    shown = dict(row)
    for name in ("precision", "on_record", "recall"):
        share = shown.get(name)
        if share is not None:
            shown[name] = "1.0000" if share == 1 else f"{min(share, 0.9999):.4f}"
    for name in ("simulated", "published"):
        if name in shown:
            shown[name] = f"{shown[name]:.2f}"
    return shown


def _below(rows: list[Row], floors: Mapping[str, float]) -> Iterator[str]:
    """Say which floors are missed."""
    from mis_bridge.simulator.quality.plain_counts import RETURNS
    from mis_bridge.simulator.quality.scoring import ALL_ABOUT_A_CHILD

    for name, floor in floors.items():
        for row in rows:
            value: float | None = None
            if name == "recall":
                if row.trigger in {"missing_during_day", "unexplained_absence", *RETURNS}:
                    value = row.recall
            elif row.trigger == ALL_ABOUT_A_CHILD and row.level == int(name[-1]):
                value = row.on_record if name.startswith("record") else row.precision
            if value is not None and value < floor:
                what = {"recall": "recall", "record": "precision by what was on record"}.get(
                    name.partition("-")[0], "precision"
                )
                yield (
                    f"{what} of {row.trigger} at level {row.level} is {value:.4f}, below {floor:g}"
                )
