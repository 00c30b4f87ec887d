"""Write what the daemon produced into a folder, for people to look at."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING

from mis_bridge.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mis_bridge.simulator.sinks import Mail, Posted
    from mis_bridge.store.notifications import File

__all__ = ["make_room", "write_files"]

_MARKER = "README.txt"
_FOLDERS = ("cards", "mails", "packages")
_TEXT = """Made by "mis-bridge demo". Everybody and everything in here is invented.

day.txt     what was printed
cards       what was posted to the Teams webhook, as JSON; adaptivecards.io/designer shows it
mails       what the mail server took: the whole mail (.eml), and its HTML part for a browser
packages    what goes to the Local Authority: PDF, CSV and JSON from one set of data
daemon.log  what the daemon logged while it ran

The next demonstration into this folder replaces them.
"""
_REFERENCE = re.compile(r"MB-[0-9A-Z]{4}-[0-9A-Z]{4}")


def make_room(out: Path) -> None:
    """Make the folder, or empty it of what an earlier demonstration left.

    Raises:
        OperatorError: it holds something else; nothing is removed.
    """
    if out.exists() and not out.is_dir():
        raise OperatorError(f"{out} is a file: name a folder with --out")
    if out.exists() and any(out.iterdir()) and not (out / _MARKER).is_file():
        raise OperatorError(
            f"{out} holds files that no demonstration made: name another folder with --out"
        )
    out.mkdir(parents=True, exist_ok=True)
    (out / _MARKER).write_text(_TEXT, encoding="utf-8")
    for name in _FOLDERS:
        shutil.rmtree(out / name, ignore_errors=True)
        (out / name).mkdir()


def write_files(
    out: Path, cards: Sequence[Posted], mails: Sequence[Mail], packages: Sequence[File]
) -> list[Path]:
    """Write everything; give the paths in the order of writing."""
    written: list[Path] = []

    def write(folder: str, name: str, content: bytes) -> None:
        path = out / folder / name
        path.write_bytes(content)
        written.append(path)

    for number, posted in enumerate(cards, start=1):
        text = json.dumps(posted.content, ensure_ascii=False, indent=2)
        write("cards", f"{number:02}{_named(text)}.json", text.encode())
    for number, mail in enumerate(mails, start=1):
        stem = f"{number:02}{_named(str(mail.message['Subject']) + mail.part('plain'))}"
        write("mails", f"{stem}.eml", mail.content)
        html = mail.part("html")
        if html:
            write("mails", f"{stem}.html", html.encode())
    for file in packages:
        write("packages", file.name, file.content)
    return written


def _named(text: str) -> str:
    found = _REFERENCE.search(text)
    return f"-{found[0]}" if found else ""
