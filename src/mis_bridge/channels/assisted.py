"""Files in a folder, from which a person uploads them to the authority's portal.

Each message gets a folder of its own, named by its reference and id and not by the attempt: sending
it again finds what is there. A file appears whole or not at all, and the README comes last, so that
a folder with a README is complete.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hashlib
import os
import re
from typing import TYPE_CHECKING, Final

from mis_bridge.channels.attempt import Attempt, guarded
from mis_bridge.channels.outcome import Outcome, Result
from mis_bridge.incidents.ids import REFERENCE_PATTERN

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from mis_bridge.messages.model import Carried, Disclosure, Message

__all__ = ["README", "AssistedFolder", "laid_out", "take_away"]

README: Final = "README.txt"

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}")
_REFERENCE: Final = re.compile(REFERENCE_PATTERN)
_OF_MESSAGE: Final = re.compile(rf"{REFERENCE_PATTERN}-[0-9a-f]{{12}}")
_NOT_OURS: Final = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR})


class _OtherFileThere(Exception):
    """A file of this name is there and is not the one to be written."""


class AssistedFolder:
    """One folder, looked at by one person.

    Args:
        name: of the channel in the configuration.
        disclosure: how much of a pupil its readers may see.
        path: the folder. It is made where it is missing, but not the folder above it: that is
            missing when a share is not mounted.
        portal: address of the portal, for the README; empty: the one that the package names.
        timeout_seconds: for one attempt; a network share can hang.
    """

    kind = "folder"

    def __init__(
        self,
        name: str,
        *,
        disclosure: Disclosure,
        path: Path,
        portal: str = "",
        timeout_seconds: float = 30.0,
    ) -> None:
        self.name = name
        self.disclosure = disclosure
        self._path = path
        self._portal = portal
        self._timeout = timeout_seconds

    async def send(self, message: Message) -> Outcome:
        """Write the message's files and a README with the fields to copy."""
        return await guarded(
            self.name,
            self._timeout,
            lambda attempt: asyncio.to_thread(self._send, message, attempt),
        )

    async def check(self) -> Outcome:
        """Write a file, and take it away again."""
        return await guarded(
            self.name, self._timeout, lambda attempt: asyncio.to_thread(self._check, attempt)
        )

    async def close(self) -> None:
        """Nothing is held."""

    def _send(self, message: Message, _: Attempt) -> Outcome:
        name = f"{_safe(message.reference)}-{_safe(message.id)[:12]}"
        files = {attachment.name: attachment.content for attachment in message.attachments}
        bad = [n for n in files if not _NAME.fullmatch(n) or n == README]
        if bad or len(files) != len(message.attachments):
            return Outcome(
                Result.PERMANENT, "a file of the package has a name that can not be used"
            )
        readme = self._readme(message).encode()
        folder = self._path / name
        try:
            self._path.mkdir(mode=0o700, exist_ok=True)
            folder.mkdir(mode=0o700, exist_ok=True)
            written = sum(_put(folder / n, content) for n, content in files.items())
            # The README is ours to write anew: its wording may carry the time.
            _write(folder / README, readme)
        except _OtherFileThere as error:
            return Outcome(
                Result.PERMANENT,
                f"{name}: {error} is there already with other content; it was left as it is. Move "
                "the folder away and send again",
                config_alarm=True,
            )
        except OSError as error:
            return _judge(error)
        size = sum(len(content) for content in files.values())
        many = f"{len(files)} file" + ("" if len(files) == 1 else "s")
        already = "" if written or not files else ", where they were already"
        what = f"{README} and {many} are" if files else f"{README} is"
        return Outcome(
            Result.SENT,
            f"{name}: {what} in the folder{already}",
            proof=f"{name} {many} {size} bytes",
            by_hand=message.package is not None,
        )

    def _check(self, _: Attempt) -> Outcome:
        probe = self._path / ".mis-bridge-check"
        try:
            self._path.mkdir(mode=0o700, exist_ok=True)
            _put(probe, b"")
        except OSError as error:
            return _judge(error)
        except _OtherFileThere:
            pass
        with contextlib.suppress(OSError):
            probe.unlink()
        return Outcome(Result.SENT, "the folder can be written to")

    def _readme(self, message: Message) -> str:
        """Say what to copy, in the form's order as the message gives it, and what to upload.

        An alert without files is for reading alone.
        """
        if not message.attachments:
            return message.text
        lines = [message.subject, "=" * len(message.subject), "", message.text.rstrip(), ""]
        portal = self._portal or (message.package.portal if message.package else "")
        if portal:
            lines += [f"Portal: {portal}", ""]
        lines.append("Files to upload:")
        lines += [
            f"  {attachment.name}  {len(attachment.content)} bytes  "
            f"SHA-256 {hashlib.sha256(attachment.content).hexdigest()}"
            for attachment in message.attachments
        ]
        if message.package:
            lines += [*_fields(message.package), *_when_done(message.reference, message.package)]
        return "\n".join([*lines, ""])


def laid_out(path: Path, references: Collection[str]) -> list[Path]:
    """The folders of messages that are about one of these references, as far as they are there.

    Args:
        path: the channel's folder.
        references: of incidents.

    Raises:
        OSError: the channel's folder is not there, or may not be read.
    """
    ours = [one for one in path.iterdir() if _OF_MESSAGE.fullmatch(one.name)]
    folders = sorted(one for one in ours if one.is_dir() and not one.is_symlink())
    return [one for one in folders if not _about(one).isdisjoint(references)]


def take_away(folder: Path, references: Collection[str]) -> bool:
    """Delete what was written into the folder of a message.

    One that is about others too stays as it is, and so does what a person put beside the files.

    Args:
        folder: of ``laid_out``.
        references: of the incidents that nothing is to be left of.

    Returns:
        Whether the folder is gone.

    Raises:
        OSError: something may not be deleted.
    """
    about = _about(folder)
    if not about.issubset(references):
        return False
    begins = tuple(f"{one}-" for one in about)
    for file in sorted(folder.iterdir()):
        whole = file.name.removeprefix(".").removesuffix(".part")
        if whole == README or whole.startswith(begins):
            file.unlink()
    if any(folder.iterdir()):
        return False
    folder.rmdir()
    return True


def _about(folder: Path) -> set[str]:
    """The references that a message is about: in the name of its folder, and in its text."""
    readme = folder / README
    said = readme.read_text(encoding="utf-8", errors="replace") if readme.is_file() else ""
    return set(_REFERENCE.findall(f"{folder.name} {said}"))


def _fields(package: Carried) -> Iterator[str]:
    """The fields to copy, in the form's order; one that nobody knows says so."""
    yield from ("", "Fields to copy, in the order of the form:")
    for title, rows in package.form:
        yield from ("", f"  {title}")
        width = max((len(label) for label, _ in rows), default=0)
        for label, value in rows:
            first, *others = (value or "(not known: ask for it)").splitlines()
            yield f"    {label:{width}}  {first}" if width else f"    {first}"
            yield from (f"    {'':{width}}  {line}" for line in others)


def _when_done(reference: str, package: Carried) -> list[str]:
    """What to do afterwards: until then a person is reminded."""
    command = f"mis-bridge notify done {reference} --kind {package.kind}"
    return [
        "",
        "When it is uploaded, write down the reference that the portal gave. Until then somebody",
        "is reminded every school day:",
        f'  {command} --reference "..." --by "YOUR NAME"',
    ]


def _put(path: Path, content: bytes) -> bool:
    """Make a file appear whole, readable by its owner alone.

    Returns:
        False where it was there already with this very content.

    Raises:
        _OtherFileThere: something else is there; it is left as it is.
        OSError: the disk or the folder refuses.
    """
    if path.exists():
        if path.stat().st_size == len(content) and path.read_bytes() == content:
            return False
        raise _OtherFileThere(path.name)
    _write(path, content)
    return True


def _write(path: Path, content: bytes) -> None:
    """Write beside the place, to the disk, then move there in one step."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)  # left behind by a crash; nobody else writes here
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    with os.fdopen(os.open(part, flags, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    if part.stat().st_size != len(content):
        raise OSError(errno.EIO, "the file has another size than what was written")
    part.replace(path)
    with contextlib.suppress(OSError):  # not every network share can sync a folder
        handle = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _judge(error: OSError) -> Outcome:
    word = (error.strerror or type(error).__name__).lower()
    if error.errno in _NOT_OURS:
        return Outcome(
            Result.PERMANENT,
            f"the folder can not be written to ({word}); give the service's user the right to",
            config_alarm=True,
        )
    if error.errno == errno.ENOENT:
        return Outcome(
            Result.RETRY,
            "the place of the folder is not there; make it, or mount the share that it is on",
            config_alarm=True,
        )
    return Outcome(Result.RETRY, f"the files could not be written ({word})", config_alarm=True)


def _safe(text: str) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c == "-") else "-" for c in text)
