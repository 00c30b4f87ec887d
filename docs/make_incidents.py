"""Draw ``docs/reference/incidents.md`` from the lifecycle table, the families and the protocols.

Run it after a change (``python docs/make_incidents.py``); a test fails while the page is stale.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from mis_bridge.incidents.families import FAMILIES
from mis_bridge.incidents.lifecycle import TABLE
from mis_bridge.incidents.model import Event, State
from mis_bridge.incidents.protocol import NATIONAL, Clock
from mis_bridge.incidents.reason_words import BECAUSE
from mis_bridge.incidents.reasons import WAITS, Reason
from mis_bridge.incidents.reminders import SAID_WITH_THE_END, TOGETHER
from mis_bridge.incidents.rules import IncidentRules

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mis_bridge.incidents.families import Family
    from mis_bridge.incidents.protocol import Step

PAGE = Path(__file__).resolve().parent / "reference" / "incidents.md"

MINUTE = timedelta(minutes=1)

_EVENTS = {
    Event.RAISED: "a trigger fired",
    Event.RAISED_AGAIN: "it is true again after it had ended",
    Event.LEVEL_RAISED: "it has become more serious",
    Event.CHANGED: "the evidence has changed",
    Event.FOUND: "the pupil was seen again",
    Event.EXPLAINED: "a sign-out, a reason or a message explains it",
    Event.CORRECTED: "the marks that raised it were corrected",
    Event.CLEARED: "what was wrong is over (a register taken, a feed back)",
    Event.DAY_ENDED: "the school day is over; only for families that end with it",
    Event.ESCALATED: "nobody acknowledged it in time, or it came back and stayed; people are told",
    Event.ACKNOWLEDGED: "a person sees to it, for a limited time",
    Event.ACK_EXPIRED: "the acknowledgement was not renewed",
    Event.REMINDED: "people are reminded of an acknowledgement that runs out, or of a step",
    Event.STEP_DONE: "a person ticked a step of the protocol",
    Event.NOTED: "a person wrote a line",
    Event.CLOSED_BY_PERSON: "a person closed it and said how it ended",
}

_SENT = list(Reason)[: list(Reason).index(Reason.UNCHANGED)]


def page() -> str:
    """The whole page."""
    rules = IncidentRules()
    return f"""# Incidents

<!-- Written by docs/make_incidents.py: change the program, not this page. -->

An incident is one episode of one pupil (or register, or feed) and one family of triggers. Its
reference, `MB-XXXX-XXXX`, follows from what it is about: the same episode always has the same one,
so that a message that arrives twice is recognised. How to read an alert, and what it does not say,
is told in [alerts](../explanation/alerts.md).

## States

| state | meaning |
|---|---|
| `open` | nobody has said that they see to it |
| `acknowledged` | somebody does, for {rules.acknowledged_minutes} minutes or as long as they said |
| `found` | the pupil was seen again; talking and the return interview may follow |
| `closed` | over; kept for the record |

## Life

Every change goes through this table: the state that an event leads to from each state. An empty
field means that it can not happen.

{_life()}

Time alone never ends an incident about a child. It takes a mark, a sign-in, a sign-out, a reason,
or a person. A mark that disappears, a register that is not taken and a pupil who is missing from
what was read end nothing.

On a later day any sighting ends it: the child is in school again.

What a person has closed stays closed while the same goes on. It is raised again when it becomes
more serious, or a register that was saved since misses the child too, unless the person closed it
as explained (an absence without explanation: or as dealt with). A leaver whom a person has closed
is raised again only by another leaving. What the registers have ended, they raise again; a child
who is missing again within {rules.damping_minutes} minutes keeps the reference.

## Families

{_families()}

Of severity {" and ".join(sorted(rules.ack_severities))}, somebody has to acknowledge within
{rules.ack_minutes} minutes. If nobody does, or when what they said has run out, the next people of
the route are told, at most {rules.max_escalations} times. Of lesser severity nobody is rung twice.
Of a missing child the office and IT hear too at the last time, and all of them every hour after
it, until {rules.day_ends:%H:%M} of that day, and
then when each school day opens, until somebody answers or the child is seen.
A rule of `[[escalation]]` that fits puts its own steps before that: they are chosen when the
incident opens or rises, and stay as they were chosen. Who has left, and a duty that nobody has, is
passed over; where nobody is left, those whom the trigger names are told, and else IT. A rule that
is `besides` the usual only adds people to what is said here; such are the two that hold everywhere
of a missing child ([how](../how-to/say-who-is-told.md#a-missing-child)).
What ends with the school day ends at {rules.day_ends:%H:%M}.

## Reminders

Those who were told are reminded, once each:

- **of an acknowledgement** of which a quarter of the time is left, if that is five minutes or more
  (`ack_ending`). Saying it again renews it; another person takes it over;
- **of a step** with a deadline that has passed and that nobody wrote down as done
  (`step_overdue`), by name. Steps that fall due within {TOGETHER // MINUTE} minutes are said
  together, and what is said of the incident at that very moment takes the reminder's place,
  because it lists the steps and which are late.

Steps that count from the return are reminded of too, the return interview after 72 hours, also
where a person closed the incident as found. What is to be done within
{SAID_WITH_THE_END // MINUTE} minutes of the return, the message that tells of it asks for. They are
not where the child was found before anybody
had answered and before the next people were told: a mark that came late was no missing episode.

Nobody is reminded of {_many()}, because they come by the dozen on one morning and thirty reminders
would hide the one that matters; nor of steps of anything of low severity.

## Back again

A matter that is not about a child and comes back within {rules.damping_minutes} minutes of its end
is opened again without a message (`damped`), and told after all if it stays for
{min(rules.ack_minutes, rules.damping_minutes)} minutes. A level of absence is told once a year.

On the first reading of a school nobody is told of days gone by: the day's incidents begin that day,
and older absence and leavers whose destination is not known are opened without a message. The
same holds for the roll and for what happened before at the first look after an update that brings
a trigger for them. Who is newly in care is told always.

## Reasons

Every message has one of these reasons, and so has every message that was not sent.
`mis-bridge incidents explain` shows both.

{_reasons()}

## Protocols

What people are asked to do, copied into each incident when it opens. No minute here is national
law; an authority's own protocol takes its place
([adapters/la](../../adapters/la/national/README.md)).
{"".join(_protocol(name, steps) for name, steps in NATIONAL.items())}"""


def _many() -> str:
    names = [f"`{family.id}`" for family in FAMILIES.values() if family.many_at_once]
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _rows(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _life() -> str:
    states = (None, *State)
    return _rows(
        ["event", "meaning", *(f"`{state}`" if state else "new" for state in states)],
        [
            [
                f"`{event}`",
                _EVENTS[event],
                *(f"{TABLE[state, event]}" if (state, event) in TABLE else "" for state in states),
            ]
            for event in Event
        ],
    )


def _families() -> str:
    return _rows(
        ["family", "triggers", "one incident per", "ends", "when it ends"],
        [_family(family) for family in FAMILIES.values()],
    )


def _is_sent(reason: Reason) -> str:
    if reason in WAITS:
        return "later, or with others"
    return "yes" if reason in _SENT else "no"


def _reasons() -> str:
    return _rows(
        ["reason", "sent", "because"],
        [[f"`{each}`", _is_sent(each), BECAUSE[each]] for each in Reason],
    )


def _protocol(name: str, steps: Sequence[Step]) -> str:
    table = _rows(
        ["step", "what", "who", "within", "source"],
        [[f"`{s.id}`", s.text, s.who, _within(s), s.source] for s in steps],
    )
    return f"\n### {name}\n\n{table}\n"


_PER = {
    "missing_during_day": "pupil and lesson it began with",
    "internal_truancy": "pupil and lesson; none where the pupil was reported missing",
    "unexplained_absence": "pupil and day, morning and afternoon together",
    "register_not_taken": "register, however many pupils are on it",
    "register_anomaly": "register",
    "marks_disagree": "pupil and session",
    "feed_blind": "outage; one more a day where a person closed it",
    "channel_failing": "channel and outage",
    "undelivered": "duty and incident; one more a day where a person closed it",
    "certificate_expiring": "certificate and its end; one more a day where a person closed it",
    "not_watched": "cause; one more a day where a person closed it",
    "self_check_failed": "outage; one more a day where a person closed it",
    "calendar_wrong": "cause; one more a day where a person closed it",
    "absence_level": "pupil and academic year; it rises",
    "whereabouts_unknown": "run of days; it rises on the day on which the authority is told",
    "ten_day_absence": "run of days; one attendance return is prepared",
    "twenty_day_absence": "run of days",
    "not_returned_from_leave": "leave",
    "twenty_sessions": "pupil and academic year",
    "sickness": "long illness, or pupil and academic year; it rises",
    "penalty_threshold": "stretch; one more where a person closed it and it is met anew",
    "reason_overdue": "pupil, all sessions together; one more where a person closed it",
    "absence_pattern": "pupil and academic year",
    "lateness_pattern": "pupil and academic year",
    "package_asked_for": "kind of package, pupil and day or span that a person asked for",
    "left_without_destination": "pupil and leaving, also where its day is corrected",
    "newly_in_care": "pupil and first day in care",
    "repeat_missing": "pupil, and the day since which there have been enough",
}


def _family(family: Family) -> list[str]:
    triggers = ", ".join(f"`{trigger}`" for trigger in family.triggers) or "-"
    if family.kind is None:
        ends = "with the decision on its package, or closed by a person"
    elif family.about_a_child:
        ends = "found, explained, corrected, or closed by a person"
    elif family.ends_with_the_day:
        ends = "put right, or quietly with the school day"
    else:
        ends = "no longer true, or closed by a person"
    told = "everyone who was told hears of it" if family.tells_the_end else "quietly"
    if family.quiet_next_day:
        told += "; from the next day on only that the child was seen, once an hour"
    return [f"`{family.id}`", triggers, _PER[family.id], ends, told]


def _within(step: Step) -> str:
    if step.minutes is None:
        return "-"
    hours, minutes = divmod(step.minutes, 60)
    length = f"{hours} h" if hours and not minutes else f"{step.minutes} min"
    return f"{length} of the return" if step.after is Clock.FOUND else length


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
