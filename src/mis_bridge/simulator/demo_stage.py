"""What can be seen of a rehearsal: what happens in the school, and what the daemon says to whom."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mis_bridge.registers.calendar import LONDON
from mis_bridge.simulator.demo_setup import ADDRESSES

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from mis_bridge.simulator.pacing import PacedClock
    from mis_bridge.simulator.scenarios import Rehearsal
    from mis_bridge.simulator.sinks import Mail, Posted

__all__ = ["Line", "Stage"]

_REFERENCE = re.compile(r"MB-[0-9A-Z]{4}-[0-9A-Z]{4}")
_AUDIENCES = {address: audience for audience, address in ADDRESSES.items()}
_WHO = {
    "dsl": "the DSL",
    "office": "the office",
    "attendance": "the attendance officer",
    "it": "school IT",
    "authority": "the authority",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the day as it happens.

    Args:
        minute: simulated, after midnight.
        who: ``school``, ``Teams``, ``email`` or ``person``.
        text: what happened, or what was said to whom.
    """

    minute: int
    who: str
    text: str


class Stage:
    """Collects what can be seen, from the peers' threads and from the clock.

    Args:
        rehearsal: what is played.
        clock: of the rehearsal.
        say: is called with each line.

    Attributes:
        told: by incident reference, the audiences to whom a message arrived.
    """

    def __init__(
        self, rehearsal: Rehearsal, clock: PacedClock, say: Callable[[Line], None]
    ) -> None:
        self.rehearsal = rehearsal
        self.clock = clock
        self.told: dict[str, set[str]] = {}
        self._say = say
        self._story = list(rehearsal.story)
        self._lock = threading.Lock()

    def tell_story(self, now: datetime) -> None:
        """Say what has happened in the school up to now."""
        minute = _minute(now)
        with self._lock:
            while self._story and self._story[0][0] <= minute:
                at, _, text = self._story.pop(0)
                self._say(Line(at, "school", text))

    def is_outage(self, now: datetime) -> bool:
        """Say whether the MIS is down: nobody can be behind with reading it then."""
        return any(fault.on("", now) for fault in self.rehearsal.faults())

    def person(self, now: datetime, text: str) -> None:
        """Say what a person did."""
        with self._lock:
            self._say(Line(_minute(now), "person", text))

    def posted(self, posted: Posted) -> None:
        """Note a card that the webhook took."""
        texts = posted.texts
        self._note(posted.at, "Teams", {"dsl"}, texts[0] if texts else "", " ".join(texts))

    def mailed(self, mail: Mail) -> None:
        """Note a mail that the server took."""
        audiences = {_AUDIENCES.get(address, address) for address in mail.recipients}
        subject = " ".join(str(mail.message["Subject"]).split())
        self._note(mail.at, "email", audiences, subject, f"{subject} {mail.part('plain')}")

    def _note(self, at: datetime, who: str, audiences: set[str], title: str, text: str) -> None:
        references = set(_REFERENCE.findall(text))
        to = " and ".join(_WHO.get(audience, audience) for audience in sorted(audiences))
        named = "" if any(one in title for one in references) else " ".join(sorted(references))
        with self._lock:
            for reference in references:
                self.told.setdefault(reference, set()).update(audiences)
            self._say(Line(_minute(at), who, f"to {to}: {title} {named}".rstrip()))


def _minute(moment: datetime) -> int:
    local = moment.astimezone(LONDON)
    return local.hour * 60 + local.minute
