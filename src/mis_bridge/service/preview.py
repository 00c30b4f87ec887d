"""Who would be told of an alert, when and by which channel: asked before there is one.

The rule is chosen by the very code that chooses it for an incident; the times are those at which an
escalation comes by that nobody answers, and whose channels all work. Silences, and what other
alerts do to this one, are left aside.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from mis_bridge.incidents.chain import Facts, present
from mis_bridge.incidents.climbing import HOURLY, LAST_OF_ALL, goes_on_ringing, has_to_be_answered
from mis_bridge.incidents.families import family_of
from mis_bridge.incidents.ledger import Ledger
from mis_bridge.incidents.matters import matter_of
from mis_bridge.incidents.reasons import Reason
from mis_bridge.incidents.timing import turn_of
from mis_bridge.registers.calendar import local_minute
from mis_bridge.service.ways import later
from mis_bridge.triggers.model import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime

    from mis_bridge.incidents.choosing import Chosen
    from mis_bridge.incidents.model import Incident
    from mis_bridge.incidents.timing import Turn
    from mis_bridge.service.schools import School

__all__ = ["Preview", "Pupil", "Telling", "preview"]

_PUPIL = "pupil"


@dataclass(frozen=True, slots=True)
class Pupil:
    """A pupil as the rules see one."""

    flags: frozenset[str] = frozenset()
    year_group: int | None = None


@dataclass(frozen=True, slots=True)
class Telling:
    """One message.

    Args:
        minutes: after the alert, if nobody has acknowledged by then.
        duty: as the rule or the trigger names them; a duty, or a person's id.
        person: id of whom the channel leads to, or empty.
        channel: by which.
        instead: channels that take over where this one fails, in order.
        why: ``opened``, ``unacknowledged`` or ``unseen``, as the reasons of messages.
        at: when it goes out, aware; later than the minutes say where it is held.
        held: why it is held, a reason of messages not sent yet, or empty.
    """

    minutes: int
    duty: str
    person: str
    channel: str
    instead: tuple[str, ...]
    why: str
    at: datetime
    held: str = ""


@dataclass(frozen=True, slots=True)
class Preview:
    """What would happen.

    Args:
        facts: what the rules were asked about.
        chosen: who is told at once, by which rule, and who is passed over.
        told: the messages in order of time; empty where nobody would be told.
        hourly_from: minutes after the alert from which all of them are told again every hour,
            where nobody has acknowledged by then; None: never.
    """

    facts: Facts
    chosen: Chosen
    told: tuple[Telling, ...]
    hourly_from: int | None


def preview(school: School, trigger: str, level: int, pupil: Pupil, at: datetime) -> Preview:
    """Say who would be told of an alert.

    Args:
        school: whose rules and routes hold.
        trigger: id; one of the catalogue.
        level: of the alert.
        pupil: whom it is about; left aside where the trigger is about no pupil.
        at: when it would be raised, aware.
    """
    day, _ = local_minute(at)
    whom = _PUPIL if family_of(trigger).about_a_child else ""
    matter = matter_of(Finding(trigger, whom, day, "", level, at, at, (), ""))
    ledger = Ledger.of(school.id, (), at, school.rules, None, traits={_PUPIL: pupil})
    chosen = ledger.chosen(matter)
    draft = ledger.draft(matter)
    asks = has_to_be_answered(draft, school.rules)
    course = _Course(school, at, draft, asks=asks)
    last = 0
    hourly = goes_on_ringing(draft, school.rules)
    for minutes, names in _moments(school, chosen, day, asks=asks, hourly=hourly):
        last = minutes
        for name in names:
            course.tell(name, minutes)
    again = last + int(HOURLY.total_seconds() // 60) if hourly else None
    return Preview(ledger.facts(matter), chosen, course.in_order(), again)


def _moments(
    school: School, chosen: Chosen, day: date, *, asks: bool, hourly: bool
) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Give when whom: the steps, then everybody again as often as the rules say."""
    steps = [(step.after, step.tell) for step in chosen.chain.steps] if chosen.chain else []
    steps = steps or [(0, chosen.audience)]
    yield from steps
    everybody = tuple(dict.fromkeys(name for _, names in steps for name in names))
    if asks and not (chosen.chain and chosen.chain.whole):
        for again in range(1, school.rules.max_escalations + 1):
            minutes = steps[-1][0] + again * school.rules.ack_minutes
            last = again == school.rules.max_escalations and hourly
            who = (*everybody, *LAST_OF_ALL) if last else everybody
            yield minutes, present(who, school.rules.staff, day)


@dataclass(slots=True)
class _Course:
    """What is told in which order, each beside the minute at which it is put in the outbox."""

    school: School
    raised: datetime
    incident: Incident
    asks: bool
    told: list[tuple[int, Telling]] = field(default_factory=list)

    def tell(self, name: str, minutes: int) -> None:
        """Tell a duty or a person, by the next channel after those that were used."""
        day, _ = local_minute(self._turn(Reason.UNACKNOWLEDGED, minutes, minutes).at)
        ways = self.school.ways_to(name, day)
        route = list(dict.fromkeys(way.channel for way in ways))
        if not route:
            return
        place = self._place_after(name, route, minutes)
        first, *rest = route[place:] + route[:place]
        person = next(way.person for way in ways if way.channel == first)
        why = "unacknowledged" if minutes else "opened"
        self._add(minutes, minutes, (name, person, first), tuple(rest), why)
        for way, wait in later(ways, first) if self.asks else ():
            if way.channel in rest:
                behind = tuple(rest[rest.index(way.channel) + 1 :])
                to = (name, way.person, way.channel)
                self._add(minutes, minutes + wait, to, behind, "unseen")

    def _add(
        self, planned: int, due: int, to: tuple[str, str, str], rest: tuple[str, ...], why: str
    ) -> None:
        """Put one message in, at the moment at which it goes out.

        What the first message waits for (quiet hours, a digest, others of the same cause) puts the
        later ones off as well.
        """
        turn = self._turn(why, planned, due)
        at = turn.at if planned else turn.at + timedelta(minutes=due)
        self.told.append((planned, Telling(due, *to, rest, why, at, str(turn.why or ""))))

    def _turn(self, why: str, planned: int, due: int) -> Turn:
        """Give the turn of what is told at once, or of what follows some minutes after it."""
        years, timing = self.school.rules.years, self.school.timing
        first = turn_of(self.incident, Reason.OPENED, self.raised, timing, years)
        if not planned:
            return first
        return turn_of(self.incident, Reason(why), first.at + timedelta(minutes=due), timing, years)

    def _place_after(self, name: str, route: list[str], minutes: int) -> int:
        """The place in a route after what was told last, and what has followed it by then."""
        mine = [(at, one) for at, one in self.told if one.duty == name and one.minutes <= minutes]
        return max(
            (route.index(one.channel) + 1 for at, one in mine if at == mine[-1][0]), default=0
        )

    def in_order(self) -> tuple[Telling, ...]:
        """Give the messages in order of time, without what the same channel has told meanwhile."""
        kept: list[Telling] = []
        for planned, one in sorted(self.told, key=lambda pair: pair[1].minutes):
            before = [told.minutes for told in kept if told.channel == one.channel]
            since = planned if one.why == "unseen" else one.minutes
            if not any(minutes >= since for minutes in before):
                kept.append(one)
        return tuple(kept)
