"""Who is reached by what while channels are broken: for those who have to mend them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date

    from mis_bridge.incidents.chain import Staff
    from mis_bridge.service.schools import School
    from mis_bridge.triggers.undelivered import DeadLetter

__all__ = ["addressed", "called", "without"]


def called(staff: Staff | None, name: str) -> str:
    """What a duty or a person is called in a sentence."""
    return staff.called(name) if staff else name.replace("_", " ")


def without(
    school: School, channel: str, broken: Collection[str], day: date
) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Say whom a broken channel leaves unreached, and whom another one reaches instead.

    Args:
        school: whose routes are looked at.
        channel: the one that is broken.
        broken: all that are, it included.
        day: today: people who have left are nobody.

    Returns:
        Those whom no channel reaches, and (who, channel) of those whom the next one tells.
    """
    unreached, instead = [], []
    for name in dict.fromkeys((*school.routes, *school.ways)):
        route = school.route_to(name, day)
        if channel not in route:
            continue
        who = called(school.rules.staff, name)
        working = [one for one in route if one not in broken]
        if not working:
            unreached.append(who)
        elif route[0] == channel:
            instead.append((who, working[0]))
    return tuple(unreached), tuple(instead)


def addressed(letter: DeadLetter, school: School, day: date) -> DeadLetter:
    """Say by what they are called who should have got a message that reached nobody.

    A channel's weekly check is for everybody whom that channel tells.

    Args:
        letter: as it is stored; a weekly check names no audience.
        school: whose routes are looked at.
        day: today: people who have left are nobody.
    """
    names = [letter.audience] if letter.audience else _told_by(school, letter.channel, day)
    who = ", ".join(dict.fromkeys(called(school.rules.staff, name) for name in names))
    return replace(letter, audience=who or "nobody who is still there")


def _told_by(school: School, channel: str, day: date) -> list[str]:
    """The duties and people whom a channel tells."""
    known = dict.fromkeys((*school.routes, *school.ways))
    return [name for name in known if channel in school.route_to(name, day)]
