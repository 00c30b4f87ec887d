"""The week: what happens in the school, and what goes wrong with its MIS and its messages."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from mis_bridge.registers.calendar import local_datetime
from mis_bridge.simulator.chaos.ways_out import APP
from mis_bridge.simulator.faults import Fault, FaultKind
from mis_bridge.simulator.history import write_history
from mis_bridge.simulator.scenarios import rehearse
from mis_bridge.simulator.school import build_school
from mis_bridge.simulator.wonde_state import WondeState

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from mis_bridge.simulator.faults import Faults
    from mis_bridge.simulator.school import SyntheticSchool
    from mis_bridge.simulator.truth import Expected

__all__ = ["BEGINS", "ENDS", "MONDAY", "Breakable", "Week", "break_things", "build_week"]

MONDAY: Final = date(2026, 11, 16)
BEGINS: Final = 7 * 60 + 20
ENDS: Final = 17 * 60 + 40

_PUPILS: Final = 60
_ONCE: Final = "ten_days"
"""The tenth day of a run comes on one day of the week alone."""

_HIDDEN: Final = frozenset({"late_register", "mis_outage"})
"""They pass within minutes: a daemon that lies dead meanwhile may never see them."""

_HOW_IT_ENDED: Final = "internal_truancy"
"""Of a child who was missing it is the end of that incident, and no incident of its own."""

_HANGS: Final = 0.4
"""Real seconds; at the speed of a rehearsal that is minutes."""


@dataclass(frozen=True, slots=True)
class Week:
    """What happens.

    Args:
        school: the invented school.
        state: its MIS.
        expected: (day, what has to be noticed on it); what passes within minutes is not in it.
        days: the school days, in order.
    """

    school: SyntheticSchool
    state: WondeState
    expected: tuple[tuple[date, Expected], ...]
    days: tuple[date, ...]


def build_week(days: int, seed: int, ends: int = ENDS) -> Week:
    """Write the first days of a school week, and the three weeks before.

    Args:
        days: 1 to 5.
        seed: of the school.
        ends: minute of each day until which it is played.
    """
    wanted = [MONDAY + timedelta(days=number) for number in range(days)]
    bare = build_school(seed, _PUPILS)
    first = rehearse(bare, MONDAY)
    names = [one.id for one in first.scenarios if one.id != _ONCE]
    rehearsals = [first, *(rehearse(bare, day, only=names) for day in wanted[1:])]
    history = write_history(first.school)
    first.write_before(history)
    past = [day for day in first.school.days if day < MONDAY][-15:]
    state = WondeState(
        first.school,
        history,
        marked=past,
        lesson_days=past[-2:],
        settled_by=local_datetime(past[-1], 16 * 60),
    )
    expected = []
    for day, rehearsal in zip(wanted, rehearsals, strict=True):
        state.play(day, rehearsal.marks.events)
        expected += [
            (day, one)
            for one in rehearsal.truth.expected
            if one.scenario not in _HIDDEN and one.trigger != _HOW_IT_ENDED and one.latest < ends
        ]
    return Week(first.school, state, tuple(expected), tuple(wanted))


@dataclass(frozen=True, slots=True)
class Breakable:
    """The faults of every peer.

    Args:
        mis: of the stand-in for the MIS.
        webhook: of Teams' flow.
        mails: of the mail server.
        microsoft: of sign-in, Graph and the bot service.
        addresses: mail addresses; faults of the mail server are of one mailbox.
    """

    mis: Faults
    webhook: Faults
    mails: Faults
    microsoft: Faults
    addresses: Sequence[str]

    def mend(self) -> None:
        """Take all faults away."""
        for faults in (self.mis, self.webhook, self.mails, self.microsoft):
            faults.clear()


def break_things(week: Week, seed: int, peers: Breakable) -> None:
    """Add the faults: two hours without Teams on Monday, an hour without sign-in, seeded ones.

    Args:
        week: when.
        seed: of the faults.
        peers: what breaks.
    """
    rng = random.Random(f"chaos {seed}")  # noqa: S311 - a simulation
    peers.webhook.add(_span(week.days[0], 9 * 60, 120, FaultKind.STATUS, status=503))
    sign_in = _span(week.days[0], 11 * 60, 60, FaultKind.STATUS, status=503)
    sign_in.path = _SIGN_IN
    peers.microsoft.add(sign_in)
    for day in week.days:
        for fault in _some(rng, day, 4, (5, 25), _MIS):
            peers.mis.add(fault)
        for fault in _some(rng, day, 8, (3, 40), _WEBHOOK):
            peers.webhook.add(fault)
        for fault in _some(rng, day, 10, (3, 40), _MAIL):
            fault.path = rng.choice(peers.addresses)
            peers.mails.add(fault)
        for path, kinds in _MICROSOFT.items():
            for fault in _some(rng, day, 6, (3, 30), kinds):
                fault.path = path
                if fault.status == _REVOKED:
                    fault.times, fault.last = 1, None
                peers.microsoft.add(fault)


def _span(
    day: date,
    minute: int,
    minutes: int,
    kind: FaultKind,
    *,
    status: int = 503,
    retry_after: float | None = None,
) -> Fault:
    first: datetime = local_datetime(day, minute)
    return Fault(
        kind,
        first=first,
        last=first + timedelta(minutes=minutes),
        status=status,
        retry_after=retry_after,
        seconds=_HANGS,
    )


_SIGN_IN: Final = f"/{APP.tenant}/"
_REVOKED: Final = 401

_Kinds = tuple[tuple[FaultKind, int, float | None], ...]

_MIS: Final[_Kinds] = (
    (FaultKind.STATUS, 503, None),
    (FaultKind.STATUS, 429, 60.0),
    (FaultKind.HANG, 0, None),
    (FaultKind.TRUNCATED, 0, None),
    (FaultKind.HTML, 0, None),
    (FaultKind.RESET, 0, None),
)
_WEBHOOK: Final[_Kinds] = (
    (FaultKind.STATUS, 503, None),
    (FaultKind.STATUS, 429, 300.0),
    (FaultKind.STATUS, 404, None),
    (FaultKind.HANG, 0, None),
    (FaultKind.RESET, 0, None),
    (FaultKind.EMPTY, 0, None),
    (FaultKind.CUT, 0, None),
)
_MAIL: Final[_Kinds] = (
    (FaultKind.STATUS, 451, None),
    (FaultKind.STATUS, 550, None),
    (FaultKind.HANG, 0, None),
    (FaultKind.RESET, 0, None),
    (FaultKind.CUT, 0, None),
)
_TOKENS: Final[_Kinds] = (
    (FaultKind.STATUS, 503, None),
    (FaultKind.STATUS, 429, 120.0),
    (FaultKind.HANG, 0, None),
    (FaultKind.RESET, 0, None),
)
_SERVICE: Final[_Kinds] = (
    (FaultKind.STATUS, 503, None),
    (FaultKind.STATUS, 504, None),
    (FaultKind.STATUS, 429, 300.0),
    (FaultKind.STATUS, _REVOKED, None),
    (FaultKind.STATUS, 403, None),
    (FaultKind.HANG, 0, None),
    (FaultKind.SLOW, 0, None),
    (FaultKind.RESET, 0, None),
    (FaultKind.CUT, 0, None),
)
_MICROSOFT: Final = {
    _SIGN_IN: _TOKENS,
    "/sendMail": _SERVICE,
    "/sendActivityNotification": _SERVICE,
    "/v3/conversations/": _SERVICE,
}
"""By a part of the path: what each of Microsoft's services does on a bad day."""


def _some(
    rng: random.Random, day: date, number: int, minutes: tuple[int, int], kinds: _Kinds
) -> Iterator[Fault]:
    for _ in range(number):
        kind, status, retry_after = rng.choice(kinds)
        yield _span(
            day,
            rng.randrange(BEGINS, ENDS - minutes[1]),
            rng.randrange(*minutes),
            kind,
            status=status,
            retry_after=retry_after,
        )
