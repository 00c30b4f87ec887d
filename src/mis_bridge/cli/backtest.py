"""``mis-bridge backtest``: what the triggers would have raised over exported registers."""

from __future__ import annotations

import gc
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from mis_bridge.cli.output import FILE, config_option, emit, format_option
from mis_bridge.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from mis_bridge.triggers.model import Evidence, Finding
    from mis_bridge.triggers.replay_model import Replayed, SessionRow

__all__ = ["command"]

_NOTHING: Final = "nothing would have been raised"

LOADS: Final = (
    "trigger",
    "told",
    "incidents",
    "pupils",
    "median_a_day",
    "most_on_a_day",
    "busiest_day",
)

DIFFERENCES: Final = ("trigger", "incidents", "compared", "only_here", "only_compared")

COLUMNS: Final = (
    "trigger",
    "pupil_id",
    "fired_at",
    "cleared_at",
    "level",
    "slot",
    "evidence",
)


def _moment(ctx: click.Context, param: click.Parameter, value: str | None) -> datetime | None:
    """Understand a date and time, local to Europe/London unless it carries an offset."""
    if value is None:
        return None
    from mis_bridge.registers.calendar import LONDON

    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise click.BadParameter(
            f"{value!r} is not a date and time (2026-09-15T10:12)", ctx=ctx, param=param
        ) from None
    if len(value) <= len("2026-09-15"):
        moment = moment.replace(hour=23, minute=59)
    return moment if moment.tzinfo else moment.replace(tzinfo=LONDON)


@click.command(
    epilog="Example: mis-bridge backtest --sessions sessions.csv --lessons lessons.csv "
    "--set missing_during_day.grace_minutes=5 --format json",
)
@click.option(
    "--sessions",
    "sessions_path",
    type=FILE,
    required=True,
    help="CSV: pupil_id,date,session,code[,recorded_at].",
)
@click.option(
    "--lessons",
    "lessons_path",
    type=FILE,
    help="CSV: pupil_id,date,period,starts_at,ends_at,code[,recorded_at].",
)
@click.option(
    "--pupils",
    "pupils_path",
    type=FILE,
    help="CSV of pupils: year group, form, flags, enrolment, destination, care.",
)
@click.option("--events", "events_path", type=FILE, help="CSV: pupil_id,at,kind,reason.")
@click.option(
    "--authority",
    metavar="ID",
    default="national",
    show_default=True,
    help="Whose thresholds apply: an authority that there is, or the folder of one.",
)
@config_option
@click.option(
    "--as-of",
    "as_of",
    metavar="ISO",
    callback=_moment,
    help="Look no further than this moment.  [default: the end of the last day in the files]",
)
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="TRIGGER.PARAMETER=VALUE",
    help="Try a setting, written as in the configuration; may be repeated.",
)
@click.option(
    "--compare",
    "compared",
    metavar="ID",
    help="Another authority: show trigger by trigger how often each would have raised something.",
)
@click.option(
    "--summary",
    is_flag=True,
    help="One row a trigger: how many, about how many pupils, how many on a day.",
)
@click.option(
    "--report",
    "report_path",
    metavar="FILE",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write an HTML page with charts of each trigger's days and the terms of the pupils.",
)
@format_option
@click.pass_context
def command(
    ctx: click.Context,
    sessions_path: Path,
    lessons_path: Path | None,
    pupils_path: Path | None,
    events_path: Path | None,
    authority: str,
    config_path: Path | None,
    as_of: datetime | None,
    overrides: tuple[str, ...],
    compared: str | None,
    summary: bool,
    report_path: Path | None,
    output_format: str,
) -> None:
    """Show what the triggers would have raised over exported registers.

    One row a finding: when it fired, when it cleared (empty if it never did), the highest level it
    reached and the facts behind it; with --summary or --compare one row a trigger. A row of a file
    that can not be used is named on standard error and the exit status is 1; the other rows are
    replayed.
    """
    from mis_bridge.adapters import csv_format
    from mis_bridge.triggers.replay import end_of_data, replay

    own = _settings(overrides)
    settings = _over(_thresholds(authority, config_path, "--authority"), own)
    others_rules = _over(_thresholds(compared, config_path, "--compare"), own) if compared else None
    sessions = csv_format.read_sessions(sessions_path, name=str(sessions_path))
    problems = list(sessions.problems)
    others: dict[str, list[Any]] = {}
    for what, path, read in (
        ("lessons", lessons_path, csv_format.read_lessons),
        ("pupils", pupils_path, csv_format.read_pupils),
        ("events", events_path, csv_format.read_events),
    ):
        if path is not None:
            parsed = read(path, name=str(path))
            others[what] = parsed.records
            problems += parsed.problems
    # Millions of rows stay until the end: the collector need not go through them again and again.
    gc.freeze()
    try:
        found = replay(sessions.records, **others, as_of=as_of, settings=settings)
        other = (
            replay(sessions.records, **others, as_of=as_of, settings=others_rules)
            if others_rules is not None
            else None
        )
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--set") from None
    if report_path is not None:
        until = as_of or end_of_data(sessions.records, others.get("lessons", ()), ())
        page = _page(found, other, sessions.records, until, (authority, compared or ""))
        try:
            report_path.write_text(page, encoding="utf-8")
        except OSError as error:
            raise OperatorError(f"{report_path}: can not be written ({error.strerror})") from None
        click.echo(f"written: {report_path}", err=True)
    if other is not None:
        emit(_differences(found, other), DIFFERENCES, output_format, empty=_NOTHING)
    elif summary:
        emit(_loads(found, sessions.records), LOADS, output_format, empty=_NOTHING)
    else:
        emit(_rows(found), COLUMNS, output_format, empty=_NOTHING)
    for problem in problems:
        click.echo(str(problem), err=True)
    if problems:
        rows = "1 row" if len(problems) == 1 else f"{len(problems)} rows"
        click.echo(f"{rows} could not be used; the replay leaves them out", err=True)
        ctx.exit(1)


def _thresholds(
    given: str, config_path: Path | None, option: str
) -> Mapping[str, Mapping[str, Any]]:
    from mis_bridge.adapters.authorities import authority_ids, find_authority
    from mis_bridge.cli.authorities import adapter_dirs
    from mis_bridge.errors import SettingsError

    # A configuration is only read for what did not come with us.
    dirs = [] if given in authority_ids() else adapter_dirs(config_path)
    try:
        return find_authority(given, dirs).triggers
    except SettingsError as error:
        raise click.BadParameter(error.problem, param_hint=option) from None


def _over(
    general: Mapping[str, Mapping[str, Any]], own: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    return {
        trigger: {**general.get(trigger, {}), **own.get(trigger, {})}
        for trigger in (*general, *(name for name in own if name not in general))
    }


def _settings(overrides: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Understand ``trigger.parameter=value``, the value written as in the configuration."""
    import tomllib

    settings: dict[str, dict[str, Any]] = {}
    for text in overrides:
        name, equals, value = text.partition("=")
        trigger, dot, parameter = name.strip().partition(".")
        if not equals or not dot:
            raise click.BadParameter(
                f"{text!r} is not TRIGGER.PARAMETER=VALUE, for example "
                "missing_during_day.grace_minutes=5",
                param_hint="--set",
            )
        try:
            settings.setdefault(trigger, {})[parameter] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            raise click.BadParameter(
                f'{value!r} is not a value as in the configuration: 5, 8.5, true, ["lac", "cp"]',
                param_hint="--set",
            ) from None
    return settings


def _loads(found: Sequence[Replayed], sessions: Sequence[SessionRow]) -> Iterator[dict[str, Any]]:
    from mis_bridge.incidents.load import loads
    from mis_bridge.triggers.replay_years import open_days_of

    for load in loads(found, open_days_of(sessions)):
        yield {
            "trigger": load.of,
            "told": load.audience,
            "incidents": load.incidents,
            "pupils": load.pupils,
            "median_a_day": load.median,
            "most_on_a_day": load.most,
            "busiest_day": load.busiest,
        }


def _differences(found: Sequence[Replayed], other: Sequence[Replayed]) -> Iterator[dict[str, Any]]:
    from mis_bridge.incidents.load import differences

    for one in differences(found, other):
        yield {
            "trigger": one.trigger,
            "incidents": one.first,
            "compared": one.second,
            "only_here": one.only_first,
            "only_compared": one.only_second,
        }


def _page(
    found: Sequence[Replayed],
    other: Sequence[Replayed] | None,
    sessions: Sequence[SessionRow],
    until: datetime | None,
    rules: tuple[str, str],
) -> str:
    from mis_bridge.documents.backtest_report import render_report
    from mis_bridge.triggers.replay_years import open_days_of, strips_of

    days = {day for day in open_days_of(sessions) if until is None or day <= until.date()}
    strips = strips_of(sessions, until) if until is not None else ()
    return render_report(found, strips, days, rules=rules[0], other=other, compared=rules[1])


def _rows(found: Iterable[Replayed]) -> Iterator[dict[str, Any]]:
    for one in found:
        yield {
            "trigger": one.finding.trigger,
            "pupil_id": one.finding.pupil or None,
            "fired_at": one.fired_at,
            "cleared_at": one.cleared_at,
            "level": one.level,
            "slot": one.finding.slot or None,
            "evidence": _Lines(_line(one.finding, fact) for fact in one.finding.evidence),
        }


class _Lines(list[str]):
    """Lines that stand as a list in JSON and as one text in a table."""

    def __str__(self) -> str:
        return "; ".join(self)


def _line(finding: Finding, fact: Evidence) -> str:
    when = ""
    if fact.at is not None:
        when = (
            f"{fact.at:%H:%M} " if fact.at.date() == finding.day else f"{fact.at:%Y-%m-%d %H:%M} "
        )
    return f"{when}{fact.slot}{': ' if fact.slot else ''}{fact.what}"
