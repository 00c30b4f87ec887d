"""Which rule gives an incident its chain, and who is told where none does.

Rules are asked in order, the school's own first, then the installation's, then the authority's, the
national ones last; the first that fits gives the chain. Where none fits there is no chain: the
trigger's own audience is told, and then the next channel of each as long as nobody answers.

Nobody is left untold: a duty that nobody has, or a person who has left, is passed over with a
reason; a chain in which nobody is left gives way to the trigger's own audience, and that to IT.

A rule that is *besides* the usual never takes anybody's place. Its chain is the usual course, with
the people of its steps added, so that by it nobody hears later than without it. It is meant for
schools that differ in the duties that somebody has: where it adds nobody it is as if it were not
there.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from mis_bridge.incidents.chain import HEAD_OF_YEAR, Chain, ChainStep, present
from mis_bridge.incidents.reasons import Reason
from mis_bridge.triggers.model import Audience

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import date

    from mis_bridge.incidents.chain import Facts, Rule, Staff

__all__ = ["Chosen", "choose", "within"]


@dataclass(frozen=True, slots=True)
class Chosen:
    """Who is told of an incident, and what else was decided about it.

    Args:
        audience: who is told at once; never empty where anybody can be told at all.
        chain: what follows; None for the usual.
        rule: the one that fits, also where its chain leads to nobody; None where none does.
        passed_over: duties and people that lead to nobody, with the reason.
    """

    audience: tuple[str, ...]
    chain: Chain | None = None
    rule: Rule | None = None
    passed_over: Mapping[str, Reason] = field(default_factory=dict)


def choose(
    rules: Iterable[Rule],
    facts: Facts,
    usual: Sequence[str],
    staff: Staff | None,
    on: date,
    climbs: Sequence[ChainStep] = (),
) -> Chosen:
    """Choose who is told of an incident that opens or rises now.

    Args:
        rules: in the order in which they are asked.
        facts: of the incident.
        usual: who is told where no rule fits.
        staff: who can be told; None: everybody.
        on: local date.
        climbs: whom the usual course tells after that as long as nobody answers, in order of time.
    """
    passed: dict[str, Reason] = {}
    fitting = None
    for rule in rules:
        if not rule.fits(facts):
            continue
        passed.clear()
        named = [
            ChainStep(_in_person(step.tell, facts.year_group, staff, on), step.after)
            for step in rule.steps
        ]
        if rule.besides:
            course = (ChainStep(tuple(usual)), *climbs)
            steps = _added(named, course, staff, on, passed)
        else:
            steps = _there(named, staff, on, passed)
        if steps:
            began = steps[0].after
            chain = Chain(
                rule.name,
                tuple(ChainStep(step.tell, step.after - began) for step in steps),
                rule.besides,
            )
            return Chosen(chain.steps[0].tell, chain, rule, passed)
        if not rule.besides:
            fitting = rule
            break
    if fitting is None:
        passed.clear()
    audience = present(usual, staff, on, passed)
    if not audience:
        audience = present((Audience.IT,), staff, on, passed) or tuple(usual)
    return Chosen(audience, None, fitting, passed)


def _in_person(
    names: Iterable[str], year_group: int | None, staff: Staff | None, on: date
) -> tuple[str, ...]:
    """Put the head of the pupil's own year in the place of the head of year."""
    own = f"{HEAD_OF_YEAR}_{year_group}"
    has_own = staff is not None and staff.leads(own, on)
    return tuple(dict.fromkeys(own if has_own and name == HEAD_OF_YEAR else name for name in names))


def _there(
    steps: Iterable[ChainStep], staff: Staff | None, on: date, passed_over: dict[str, Reason]
) -> list[ChainStep]:
    """The steps that lead to anybody, with those whom they lead to."""
    return [
        ChainStep(there, step.after)
        for step in steps
        if (there := present(step.tell, staff, on, passed_over))
    ]


def _added(
    named: Iterable[ChainStep],
    course: Sequence[ChainStep],
    staff: Staff | None,
    on: date,
    passed_over: dict[str, Reason],
) -> list[ChainStep]:
    """The usual course with those whom a rule adds to it; empty where it adds nobody.

    A step adds somebody where it tells whom neither the course nor an earlier step tells by then.
    Where none of the usual people is there, IT is told in their place and the steps begin at once.
    The last climb of the course tells everybody, and no step comes later.
    """
    without: dict[str, Reason] = {}
    steps = _there(named, staff, on, without)
    if not steps:
        return []
    early = 0 if present(course[0].tell, staff, on, passed_over) else steps[0].after
    moments = {
        step.after: present(step.tell, staff, on) or present((Audience.IT,), staff, on)
        for step in course
    }
    end = course[-1].after or steps[-1].after
    heard: dict[str, int] = {}
    for after, names in moments.items():
        heard = dict.fromkeys(names, after) | heard
    added: dict[str, None] = {}
    for step in steps:
        after = min(step.after - early, end)
        if any(heard.get(name, after + 1) > after for name in step.tell):
            added |= dict.fromkeys(step.tell)
            moments[after] = (*moments.get(after, ()), *step.tell)
            heard |= {name: min(after, heard.get(name, after)) for name in step.tell}
    if not added:
        return []
    if len(course) > 1:
        moments[end] = (*moments[0], *added, *moments[end])
    passed_over |= {name: why for name, why in without.items() if why is Reason.HAS_LEFT}
    # Where nobody of the course is there, its moments are those of the people who are added: after
    # an acknowledgement that has run out, whoever has heard by then waits for the next of them.
    return [
        ChainStep(tuple(dict.fromkeys(names or added)), after)
        for after, names in sorted(moments.items())
    ]


def within(rule: Rule, staff: Staff, usual: Collection[str]) -> Rule | None:
    """Return a rule that is besides the usual as far as a school has its duties.

    Args:
        rule: any rule; one that is not besides the usual is returned as it is.
        staff: of the school.
        usual: whom each of its triggers tells at once.

    Returns:
        The rule without the duties that nobody has; None where nobody but the usual is left.
    """
    if not rule.besides:
        return rule
    of_a_year = any(name.startswith(f"{HEAD_OF_YEAR}_") for name in staff.until)
    known = {*staff.until, *([HEAD_OF_YEAR] if of_a_year else [])}
    kept = [
        ChainStep(tuple(name for name in step.tell if name in known), step.after)
        for step in rule.steps
    ]
    steps = tuple(step for step in kept if step.tell)
    if all(name in usual for step in steps for name in step.tell):
        return None
    return replace(rule, steps=steps)
