"""What ``mis-bridge pupil erase`` says when it is done: what went, and what is in other hands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mis_bridge.service.erasing import Erased
    from mis_bridge.settings import Configuration

__all__ = ["row_of", "told"]

_SAYS: Final = {
    "reference": "by reference only",
    "initials": "initials and form",
    "full": "the name in full",
}


def told(done: Erased, configuration: Configuration) -> Iterator[str]:
    """Say what was done, one sentence or two a line."""
    rows = sum(count for table, count in done.gone.items() if table != "audit")
    words = done.gone.get("audit", 0)
    yield f"Erased: {rows} rows; {words} lines of the history lost their words."
    if done.lists:
        many = "1 list" if done.lists == 1 else f"{done.lists} lists"
        yield f"Taken out of {many} about many pupils."
    if done.unsent:
        yield f"Not sent any more: {done.unsent} messages that had not gone out yet."
    yield from _returns(done)
    yield _messages(done.messages, configuration)
    if done.references:
        yield (
            "Files that people took out (notify package, audit export, pupil export) are where "
            f"they put them. Look for {', '.join(done.references)}."
        )
    yield (
        "Backups that were made before still hold the pupil: make a new one and delete the older "
        "ones when you need them no more; after a restore erase again."
    )
    if done.other_schools:
        yield (
            f"{', '.join(done.other_schools)}: a pupil with the same UPN has a file there too, "
            "which is erased on its own."
        )


def _returns(done: Erased) -> Iterator[str]:
    if done.listed:
        yield (
            "The MIS still lists the pupil as a leaver: the next reading brings the record back. "
            "Take it out of what the MIS gives, and erase again."
        )
    if done.marked:
        yield (
            "There were marks of this school year: those that the MIS still gives come back at "
            "night. Look a day later: mis-bridge pupil export says whether there is anything."
        )


def _messages(messages: Mapping[str, int], configuration: Configuration) -> str:
    if not messages:
        return (
            "Messages that went out longer ago than retention.outbox_days says are not known any "
            "more. They stay with those who got them."
        )
    channels = configuration.settings.channels
    parts = []
    for name, count in messages.items():
        channel = channels.get(name)
        says = _SAYS.get(str(channel.disclosure), "") if channel else "no longer configured"
        parts.append(f"{count} by {name} ({says})" if says else f"{count} by {name}")
    return (
        f"Messages that went out stay with those who got them: {', '.join(parts)}; a package names "
        "the pupil in full. mis-bridge takes back no mail and no card, the bot's own neither: "
        "delete them where they are."
    )


def row_of(done: Erased) -> dict[str, Any]:
    """The same for programs."""
    return {
        "listed": done.listed,
        "marked": done.marked,
        "lists": done.lists,
        "unsent": done.unsent,
        "messages": dict(done.messages),
        "references": list(done.references),
        "other_schools": list(done.other_schools),
        **done.gone,
    }
