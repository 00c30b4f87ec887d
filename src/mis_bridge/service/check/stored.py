"""What the database knows: feeds and channels that fail, rows in quarantine, what is left open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mis_bridge.errors import SecretMissing, StoreError
from mis_bridge.service.check import against_registers
from mis_bridge.service.check.model import Finding, problem
from mis_bridge.service.weekly import flow_life
from mis_bridge.store import channels, feeds, incidents, quarantine
from mis_bridge.store.opening import embedded_file, open_configured
from mis_bridge.store.quarantine import NOT_ON_ROLL, SHARED_UPN

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import Connection

    from mis_bridge.io.secrets import Secrets
    from mis_bridge.settings import Configuration

__all__ = ["review"]

_SHOWN: Final = 5
"""Of the rows in quarantine; what is wrong with one is most often wrong with all."""


def review(configuration: Configuration, secrets: Secrets, now: datetime) -> Iterator[Finding]:
    """Look into the database, if there is one yet.

    Args:
        configuration: as loaded.
        secrets: what the database is opened with.
        now: aware.
    """
    file = embedded_file(configuration)
    if not configuration.settings.store.url and not file.exists():
        yield Finding("note", f"there is no database yet: mis-bridge run makes {file}")
        return
    try:
        store = open_configured(configuration, secrets)
    except (SecretMissing, StoreError) as error:
        yield problem(configuration, str(error), "store")
        return
    try:
        with store.reading() as tx:
            yield from _feeds(tx)
            yield from _unusable(tx)
            yield from against_registers.review(tx, configuration)
            yield from _doubts(tx)
            yield from _left_behind(tx, configuration)
            yield from _channels(tx, configuration)
            yield from _flows(tx, configuration, now)
    except StoreError as error:
        yield Finding("problem", str(error))
    finally:
        store.close()


def _feeds(tx: Connection) -> Iterator[Finding]:
    for feed in feeds.all_feeds(tx):
        if feed.state not in {"new", "good"}:
            since = feed.state_since.isoformat(sep=" ", timespec="minutes")
            told = " ".join(f"{part.rstrip('.')}." for part in (feed.problem, feed.advice) if part)
            text = f"its feed is {feed.state} since {since}: {told}"
            yield Finding("problem", text, key=f"school {feed.school}")


def _unusable(tx: Connection) -> Iterator[Finding]:
    """Rows of a MIS that could not be used, the first few in their own words."""
    for school, count in quarantine.counts(tx).items():
        rows = quarantine.load(tx, school, limit=_SHOWN)
        told = "; ".join(f"{row.stream}, {row.place}: {_in_words(row.problem)}" for row in rows)
        more = f"; and {count - len(rows)} more" if count > len(rows) else ""
        text = f"{count} row{'s'[: count != 1]} could not be used: {told}{more}"
        yield Finding("problem", text, key=f"school {school}")


def _in_words(problem: str) -> str:
    return "has marks and is not on the roll" if problem == NOT_ON_ROLL else problem


def _doubts(tx: Connection) -> Iterator[Finding]:
    """Rows that were used, and that somebody has to look at: whose UPN, whose dates."""
    for (school, doubt), who in quarantine.doubts(tx).items():
        more = f" and {len(who) - _SHOWN} more" if len(who) > _SHOWN else ""
        shown = f"{', '.join(who[:_SHOWN])}{more}"
        if doubt == SHARED_UPN:
            text = (
                f"pupils with the UPN of another child: {shown}. Correct it in the MIS; packages "
                "for the authority leave the UPN empty meanwhile"
            )
            yield Finding("problem", text, key=f"school {school}")
            continue
        text = (
            f"pupils with marks of days before admission or after leaving: {shown}. They are kept "
            "and not counted; correct the dates in the MIS, unless it was an earlier time on roll"
        )
        yield Finding("note", text, key=f"school {school}")


def _left_behind(tx: Connection, configuration: Configuration) -> Iterator[Finding]:
    """Open incidents of schools that are not watched any more."""
    for school, count in incidents.count_open(tx).items():
        if school not in configuration.schools:
            text = (
                f"it is not watched any more, and {count} of its incidents are open: see "
                f"'mis-bridge incidents list --school {school}' and close them"
            )
            yield Finding("note", text, key=f"school {school}")


def _channels(tx: Connection, configuration: Configuration) -> Iterator[Finding]:
    for name, state in channels.load(tx).items():
        if state.config_alarm and name in configuration.settings.channels:
            text = f"it has to be mended: {state.last_detail}"
            yield Finding("problem", text, key=f"channel {name}")


def _flows(tx: Connection, configuration: Configuration, now: datetime) -> Iterator[Finding]:
    """Teams webhooks whose flows would soon be turned off for want of use."""
    for name, channel in configuration.settings.channels.items():
        if channel.kind == "teams" and (life := flow_life(tx, name, now)).is_short:
            text = f"{life}: mis-bridge channels test {name}"
            yield Finding("note", text, key=f"channel {name}")
