"""``mis-bridge schools calendar``: the calendar that holds, where it came from, what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mis_bridge.cli.output import config_option, emit, format_option

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mis_bridge.calendars.terms import Terms

__all__ = ["command"]


@click.command(
    "calendar", epilog="Example: mis-bridge schools calendar example-high --ics > terms.ics"
)
@click.argument("school", metavar="ID")
@click.option(
    "--read",
    is_flag=True,
    help="Read its iCalendar address now, and show what it would give; nothing is stored.",
)
@click.option("--ics", is_flag=True, help="Print it as an iCalendar file, to look at in Outlook.")
@config_option
@format_option
def command(
    school: str,
    config_path: Path | None,
    output_format: str,
    *,
    read: bool,
    ics: bool,
) -> None:
    """Show the calendar that a school goes by: every year, closure and where they came from.

    An iCalendar file is read as it is now; an address is shown as it was last read, unless --read
    says to ask.

    Exit status 1 if something is wrong with it.
    """
    import os
    import sys
    from dataclasses import replace

    from mis_bridge.io.clock import clock_from
    from mis_bridge.io.secrets import Secrets
    from mis_bridge.registers.calendar import local_minute
    from mis_bridge.service.check.calendars import of_terms, tried_terms
    from mis_bridge.settings import find_config, load

    configuration = load(find_config(config_path))
    own = configuration.find_school(school)
    alone = replace(configuration, schools={school: own})
    now = clock_from(os.environ).now()
    secrets = Secrets(configuration.settings.service.credentials_dir, os.environ)
    terms = tried_terms(alone, secrets, now, addresses=read)[school]
    if ics:
        from mis_bridge.calendars.ics import write_ics

        click.echo(write_ics(terms.years.calendars, name=own.school.name, stamp=now), nl=False)
    else:
        emit(
            list(_rows(terms)),
            ("year", "what", "first", "last", "session", "why", "origin"),
            output_format,
            empty=f"{school} has no calendar: write [calendar] in its file.",
        )
    findings = list(of_terms(alone, {school: terms}, local_minute(now)[0]))
    for finding in findings:
        note = "note: " if finding.level == "note" else ""
        click.echo(f"{finding.key}: {note}{finding.text}", err=True)
    if any(finding.level == "problem" for finding in findings):
        sys.exit(1)


def _rows(terms: Terms) -> Iterator[dict[str, Any]]:
    from mis_bridge.service.check.calendars import session_count

    for calendar in terms.years.calendars:
        days = len(calendar.school_days())
        yield {
            "year": str(calendar.year),
            "what": "school year",
            "first": calendar.first_day,
            "last": calendar.last_day,
            "session": "",
            "why": f"{days} school days, {session_count(calendar)} sessions",
            "origin": terms.origins[calendar.year.start],
        }
        for closure in sorted(calendar.closures, key=lambda one: (one.first, one.last)):
            yield {
                "year": str(calendar.year),
                "what": "closed",
                "first": closure.first,
                "last": closure.last,
                "session": closure.session or "",
                "why": closure.why,
                "origin": "",
            }
