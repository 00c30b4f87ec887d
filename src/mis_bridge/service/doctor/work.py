"""The work: is everything read, told and watched, by what the database says."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from mis_bridge.channels.base import date_of
from mis_bridge.channels.examination import EXPIRES_SOON
from mis_bridge.messages.times import ago, moment, span
from mis_bridge.registers.calendar import LONDON
from mis_bridge.service.doctor.model import Line, Standing
from mis_bridge.service.schedule import reading_hours

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from mis_bridge.service.schools import School
    from mis_bridge.service.weekly import FlowLife
    from mis_bridge.store.channels import ChannelState
    from mis_bridge.store.feeds import Feed
    from mis_bridge.store.self_check import Run
    from mis_bridge.triggers.certificate_expiring import Ending
    from mis_bridge.triggers.undelivered import DeadLetter

__all__ = [
    "auditor",
    "channels",
    "credentials",
    "dead_letters",
    "feeds",
    "flows",
    "outbox",
    "quarantined",
]

STALE: Final = timedelta(minutes=15)
"""In school hours a feed that was not read for longer is blind."""

_RUNS: Final = timedelta(minutes=3)
"""The auditor writes down a look once a minute."""

_EACH: Final = 10
"""With more schools than this those that are well share one line."""

_SHOWN: Final = 10


def auditor(run: Run | None, now: datetime) -> Iterator[Line]:
    """Say when the auditor looked last, and what it found: that is also whether a daemon runs."""
    if run is None:
        yield Line(
            Standing.LOOK,
            "auditor",
            "no daemon has ever looked",
            "Start it: systemctl start mis-bridge, or mis-bridge run.",
        )
    elif now - run.at > _RUNS:
        yield Line(
            Standing.BROKEN,
            "auditor",
            f"its last look was {ago(run.at, now)}: the daemon does not run, or stands still",
            "systemctl status mis-bridge, then journalctl -u mis-bridge.",
        )
    elif not run.clean:
        clean = f"the last clean one {ago(run.clean_at, now)}" if run.clean_at else "none was clean"
        kinds = "; ".join(_kind(name, count) for name, count in run.faults.items())
        yield Line(
            Standing.BROKEN,
            "auditor",
            f"it finds {kinds} ({clean})",
            "journalctl -u mis-bridge; what each means: "
            "docs/explanation/how-we-know-that-it-works.md.",
        )
    else:
        yield Line(
            Standing.OK, "auditor", f"its last look found nothing undone, {ago(run.at, now)}"
        )


def _kind(name: str, count: int) -> str:
    return f"{name} ({count} times)" if count > 1 else name


def feeds(watched: Iterable[Feed], schools: Mapping[str, School], now: datetime) -> Iterator[Line]:
    """Say how each feed is; those that are well share a line where there are many."""
    known = {feed.school: feed for feed in watched}
    lines = [_feed(known.get(school), own, now) for school, own in sorted(schools.items())]
    well = [line for line in lines if line.standing is Standing.OK]
    yield from (line for line in lines if line.standing is not Standing.OK)
    if len(well) > _EACH:
        yield Line(Standing.OK, "feeds", f"{len(well)} schools are read as they should be")
    else:
        yield from well
    if not lines:
        yield Line(
            Standing.BROKEN, "feeds", "no school is configured", "Write conf.d/ID.toml for each."
        )


def _feed(feed: Feed | None, school: School, now: datetime) -> Line:
    what = f"feed {school.id}"
    if feed is None:
        return Line(
            Standing.LOOK,
            what,
            "the daemon does not know this school yet",
            "systemctl reload mis-bridge",
        )
    if feed.state not in {"good", "new"}:
        last = f"last read {ago(feed.last_good_at, now)}" if feed.last_good_at else "never read"
        then = feed.advice or f"mis-bridge schools check {school.id} says more."
        return Line(Standing.BROKEN, what, f"{feed.state}, {last}: {feed.problem}", then)
    if feed.last_good_at is None:
        return Line(Standing.LOOK, what, "it has not been read yet", "Wait for its first reading.")
    read = f"read {ago(feed.last_good_at, now)}"
    hours = reading_hours(school.calendar, school.polling, now.astimezone(LONDON).date())
    in_hours = hours is not None and hours[0] + STALE <= now < hours[1]
    if in_hours and now - feed.last_good_at > STALE:
        return Line(
            Standing.BROKEN, what, f"{read}, in school hours", "Does the daemon run? See auditor."
        )
    return Line(Standing.OK, what, read)


def credentials(ends: Mapping[str, Ending], now: datetime) -> Iterator[Line]:
    """Say when what the MIS knows each school by ends, by school; those that are well may share."""
    well = []
    for school, end in sorted(ends.items()):
        what, day = f"MIS credential of {school}", date_of(end.at)
        if end.at <= now:
            yield Line(Standing.BROKEN, what, f"{end.what} expired on {day}", end.then)
        elif end.at < now + EXPIRES_SOON:
            yield Line(Standing.LOOK, what, f"{end.what} expires on {day}", end.then)
        else:
            well.append((end.at, Line(Standing.OK, what, f"good until {day}")))
    if len(well) > _EACH:
        first = date_of(min(at for at, _ in well))
        seen = f"those of {len(well)} schools are good until {first} or later"
        yield Line(Standing.OK, "MIS credentials", seen)
    else:
        yield from (line for _, line in well)


def quarantined(counts: Mapping[str, int]) -> Iterator[Line]:
    """Say of which schools rows could not be used."""
    for school, count in counts.items():
        yield Line(
            Standing.LOOK,
            f"rows of {school}",
            f"{count} could not be used",
            "mis-bridge check names them.",
        )


def outbox(waiting: int, oldest: float) -> Iterator[Line]:
    """Say how many messages wait, and for how long."""
    age = timedelta(seconds=oldest)
    if not waiting:
        yield Line(Standing.OK, "outbox", "no message waits")
    elif age > STALE:
        yield Line(
            Standing.BROKEN,
            "outbox",
            f"{waiting} messages wait, the oldest for {span(age)}",
            "See the channels below: which of them does not deliver?",
        )
    else:
        yield Line(Standing.OK, "outbox", f"{waiting} messages wait, the oldest for {span(age)}")


def dead_letters(letters: Iterable[tuple[str, DeadLetter]], now: datetime) -> Iterator[Line]:
    """Say which messages have reached nobody."""
    # Of several to one duty about one incident the last says how it stands.
    by_matter = {(school, one.audience, one.what): (school, one) for school, one in letters}
    all_of_them = list(by_matter.values())
    for school, letter in all_of_them[:_SHOWN]:
        yield Line(
            Standing.BROKEN,
            letter.note or f"message about {letter.reference}",
            f"it has not reached {letter.audience} of {school} since {moment(letter.since, now)}: "
            f"{letter.channel}: {letter.detail}",
            f"Tell {letter.audience} by telephone"
            + (f"; mis-bridge incidents show {letter.reference}." if letter.reference else "."),
        )
    more = len(all_of_them) - _SHOWN
    if more > 0:
        then = "Mend what those above name; then run this again for the others."
        yield Line(Standing.BROKEN, "messages", f"{more} more have reached nobody", then)
    if not all_of_them:
        yield Line(Standing.OK, "dead letters", "every message of these days found a taker")


def channels(states: Mapping[str, ChannelState], now: datetime) -> Iterator[Line]:
    """Say which channels failed when they were used last."""
    for name, state in states.items():
        if not state.failures or state.last_at is None:
            continue
        resting = (
            f"; it rests until {moment(state.paused_until, now)}"
            if state.paused_until and state.paused_until > now
            else ""
        )
        yield Line(
            Standing.BROKEN if state.config_alarm else Standing.LOOK,
            f"channel {name}, last used",
            f"{state.failures} failures in a row, the last at {moment(state.last_at, now)}: "
            f"{state.last_detail}{resting}",
            f"Mend it, then mis-bridge channels test {name}.",
        )


def flows(lives: Mapping[str, FlowLife]) -> Iterator[Line]:
    """Say when each Teams webhook last took a card, and how long its flow lives without one."""
    for name, life in lives.items():
        what = f"flow of channel {name}"
        if life.last is not None and not life.is_short:
            yield Line(Standing.OK, what, str(life))
            continue
        yield Line(
            Standing.LOOK,
            what,
            str(life),
            f"mis-bridge channels test {name}, and see that the card appears in Teams.",
        )
