"""Content as one line, for the notification that a telephone shows.

It stands on locked screens: it says of the pupil what the channel may say, and no more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mis_bridge.messages.model import BRIEF_LENGTH

if TYPE_CHECKING:
    from mis_bridge.messages.content import Content

__all__ = ["brief"]


def brief(content: Content) -> str:
    """Return what happened, to whom and where; the reference stands at the end, whole."""
    facts = dict(content.facts)
    said = [content.status, content.title, facts.get("Pupil", ""), facts.get("School", "")]
    line = " ".join(" · ".join(part for part in said if part).split())
    room = BRIEF_LENGTH - (len(content.reference) + 3 if content.reference else 0)
    if len(line) > room:
        line = f"{line[: room - 1].rstrip()}…"
    return f"{line} · {content.reference}" if content.reference else line
