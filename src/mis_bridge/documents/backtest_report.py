"""A replay as one HTML page that needs nothing but itself: loads, differences, pupils' terms."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Final

from mis_bridge.documents.charts import COLOURS, heat_map, load_chart
from mis_bridge.incidents.load import differences, loads, people
from mis_bridge.triggers.catalogue import TRIGGERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date

    from jinja2 import Environment
    from markupsafe import Markup

    from mis_bridge.incidents.load import Difference, Load
    from mis_bridge.registers.strip import Strip
    from mis_bridge.triggers.replay_model import Replayed

__all__ = ["MOST_PUPILS", "render_report"]

MOST_PUPILS: Final = 60
"""So many pupils are drawn: a page that is read, not an archive."""


@dataclass(frozen=True, slots=True)
class _Map:
    pupil: str
    year: str
    raised: str
    picture: Markup


@dataclass(frozen=True, slots=True)
class _Report:
    """What the template shows."""

    rules: str
    compared: str
    pupils: int
    school_days: Sequence[date]
    people: Sequence[Load]
    triggers: Sequence[Load]
    differences: Sequence[Difference]
    maps: Sequence[_Map]
    left_out: int
    key: Sequence[tuple[str, str, str]] = field(
        default=tuple((str(kind), *colours) for kind, colours in COLOURS.items())
    )

    @property
    def first(self) -> date | str:
        return self.school_days[0] if self.school_days else "-"

    @property
    def last(self) -> date | str:
        return self.school_days[-1] if self.school_days else "-"

    def title(self, trigger: str) -> str:
        return TRIGGERS[trigger].INFO.title

    def chart(self, load: Load) -> Markup:
        return _safe(
            load_chart(
                self.school_days,
                load.by_day,
                f"{load.title}: {load.incidents} in all, at most {load.most} on one day",
            )
        )


def render_report(
    found: Sequence[Replayed],
    strips: Iterable[tuple[str, Strip]],
    school_days: Iterable[date],
    *,
    rules: str,
    other: Sequence[Replayed] | None = None,
    compared: str = "",
) -> str:
    """Give the page.

    Args:
        found: what a replay gave.
        strips: (pupil id, marks), one a pupil and academic year; the only names on the page.
        school_days: the days that were replayed.
        rules: whose thresholds these are.
        other: what the same registers gave by other rules, to stand beside them.
        compared: whose rules those are.
    """
    days = sorted(school_days)
    known = list(strips)
    maps = list(_maps(found, known))
    report = _Report(
        rules=rules,
        compared=compared if other is not None else "",
        pupils=len({pupil for pupil, _ in known}),
        school_days=days,
        people=people(found, days),
        triggers=loads(found, days),
        differences=differences(found, other) if other is not None else (),
        maps=maps[:MOST_PUPILS],
        left_out=len(maps[MOST_PUPILS:]),
    )
    return _environment().get_template("backtest.html").render(report=report)


def _maps(found: Sequence[Replayed], strips: Iterable[tuple[str, Strip]]) -> Iterator[_Map]:
    """Draw the pupils about whom anything was raised, the most of it first."""
    of: dict[str, list[Replayed]] = defaultdict(list)
    for one in found:
        if one.finding.pupil:
            of[one.finding.pupil].append(one)
    drawn = [(pupil, strip) for pupil, strip in strips if pupil in of]
    for pupil, strip in sorted(drawn, key=lambda one: (-len(of[one[0]]), one[0], one[1].year)):
        raised: dict[date, list[str]] = defaultdict(list)
        for one in of[pupil]:
            raised[one.fired_at.date()].append(TRIGGERS[one.finding.trigger].INFO.title)
        here = {day: titles for day, titles in raised.items() if day in strip.year}
        if not here:
            continue
        counted = Counter(title for titles in here.values() for title in titles)
        words = ", ".join(f"{title} {times}" for title, times in sorted(counted.items()))
        picture = heat_map(strip, here, f"Marks of pupil {pupil} in {strip.year}")
        yield _Map(pupil, str(strip.year), words, _safe(picture))


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("mis_bridge.documents"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _safe(picture: str) -> Markup:
    """Let a picture of ``charts`` through: its own text is escaped there."""
    from markupsafe import Markup

    return Markup(picture)  # noqa: S704 - made of numbers and escaped text only
