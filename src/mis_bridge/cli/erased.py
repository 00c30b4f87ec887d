"""What ``mis-bridge pupil erase`` says when it is done: what went, and what is in other hands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mis_bridge.channels.assisted import laid_out, take_away
from mis_bridge.messages.times import day_name
from mis_bridge.registers.calendar import LONDON
from mis_bridge.settings.channels import FolderChannel

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from mis_bridge.service.erasing import Erased
    from mis_bridge.settings import Configuration
    from mis_bridge.store.backups import Backup

__all__ = ["clear_folders", "row_of", "told"]

_NAMED: Final = 5
_SAYS: Final = {
    "reference": "by reference only",
    "initials": "initials and form",
    "full": "the name in full",
}
_THEN: Final = (
    "Make a new backup now, and delete the older ones as soon as you need them no more. Whoever "
    "restores one of them erases again."
)


def clear_folders(done: Erased, configuration: Configuration) -> tuple[list[Path], list[str]]:
    """Delete what channels of kind folder laid out about the pupil and nobody else.

    Returns:
        The folders that are gone; and in words what is left and why.
    """
    gone, left = [], []
    for name, channel in configuration.settings.channels.items():
        if not isinstance(channel, FolderChannel) or not (done.references or done.lists):
            continue
        try:
            for folder in laid_out(channel.path, done.references):
                if take_away(folder, done.references):
                    gone.append(folder)
                else:
                    left.append(f"{folder} is about others too, or has other files: look at it.")
            lists = laid_out(channel.path, done.lists)
            left += [f"{folder} is a list that still names the pupil." for folder in lists]
        except OSError as error:
            named = ", ".join((*done.references, *done.lists))
            why = (error.strerror or type(error).__name__).lower()
            left.append(f"{error.filename or channel.path} of {name}: {why}. Look for {named}.")
    return gone, left


def told(
    done: Erased,
    configuration: Configuration,
    folders: tuple[list[Path], list[str]],
    *,
    embedded: bool,
) -> Iterator[str]:
    """Say what was done, one sentence or two a line.

    Args:
        done: what came of it.
        configuration: as read.
        folders: of ``clear_folders``.
        embedded: the database is a file, which mis-bridge backs up itself.
    """
    rows = sum(count for table, count in done.gone.items() if table != "audit")
    words = done.gone.get("audit", 0)
    yield f"Erased: {rows} rows; {words} lines of the history lost their words."
    if done.lists:
        yield f"Taken out of lists about many pupils: {', '.join(done.lists)}."
    if done.unsent:
        yield f"Not sent any more: {_many(done.unsent, 'message')} that had not gone out yet."
    yield from _returns(done)
    yield _messages(done.messages, configuration)
    gone, left = folders
    if gone:
        yield f"Deleted, with the files in it: {', '.join(str(folder) for folder in gone)}."
    yield from (f"Not deleted: {one}" for one in left)
    if done.references:
        yield (
            "Files that people took out (notify package, audit export, pupil export) are where "
            f"they put them. Look for {', '.join(done.references)}."
        )
    yield f"{_backups(done.backups, embedded=embedded)} {_THEN}"
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
        days = configuration.settings.retention.outbox_days
        return (
            f"No message of the last {days} days is known that went out about the pupil; older "
            "ones stay with those who got them."
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


def _backups(known: tuple[Backup, ...], *, embedded: bool) -> str:
    """Say which backups still hold the pupil, as far as that is known."""
    if not embedded:
        return "Dumps and backups of the PostgreSQL server that were made before hold the pupil."
    if not known:
        return (
            "mis-bridge knows of no backup; any that was made before, by whatever means, holds the "
            "pupil."
        )
    there = [one for one in known if _is_there(one.file)]
    newest = ", ".join(_backup(one) for one in reversed(there[-_NAMED:]))
    more = f" and {len(there) - _NAMED} older ones" if len(there) > _NAMED else ""
    made = f"{_many(len(known), 'backup')} made before"
    if len(there) == len(known):
        said = f"{made} may hold the pupil: {newest}{more}."
    elif there:
        said = (
            f"{made} may hold the pupil. Still where db backup wrote them: {newest}{more}. The "
            "others were deleted, or moved: look where you keep them."
        )
    else:
        said = (
            f"{made} may hold the pupil, the last {_backup(known[-1])}. None is where db backup "
            "wrote it: deleted, or moved. Look where you keep them."
        )
    return f"{said} Copies that were made by other means are not known."


def _is_there(file: Path) -> bool:
    try:
        return file.exists()
    except OSError:  # not for this user to see
        return False


def _backup(one: Backup) -> str:
    return f"{one.file} ({day_name(one.at.astimezone(LONDON).date(), year=True)})"


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def row_of(done: Erased, folders: tuple[list[Path], list[str]]) -> dict[str, Any]:
    """The same for programs."""
    gone, left = folders
    return {
        "listed": done.listed,
        "marked": done.marked,
        "lists": list(done.lists),
        "unsent": done.unsent,
        "messages": dict(done.messages),
        "references": list(done.references),
        "backups": [
            {"file": str(one.file), "at": one.at, "there": _is_there(one.file)}
            for one in done.backups
        ],
        "folders_deleted": [str(folder) for folder in gone],
        "folders_left": left,
        "other_schools": list(done.other_schools),
        **done.gone,
    }
