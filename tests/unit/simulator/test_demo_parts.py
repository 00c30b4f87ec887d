"""The parts of the demonstration that need no daemon: settings, files, pace."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from mis_bridge.errors import OperatorError
from mis_bridge.service.calendars import terms_of_schools
from mis_bridge.settings import load
from mis_bridge.simulator.demo_files import make_room, write_files
from mis_bridge.simulator.demo_setup import SCHOOL, Peers, write_configuration
from mis_bridge.simulator.pacing import PacedClock
from mis_bridge.simulator.school import calendar_2026
from mis_bridge.simulator.sinks import Mail, Posted
from mis_bridge.store.notifications import File

if TYPE_CHECKING:
    from pathlib import Path

NOON = datetime(2026, 11, 17, 12, tzinfo=UTC)
PEERS = Peers("127.0.0.1:1", "A1", "token-of-the-test", "http://127.0.0.1:2/x?sig=y", 25)


def test_configuration_is_what_the_loader_reads(tmp_path: Path) -> None:
    """The written files load without a mistake, and the calendar survives the way through them."""
    configuration = load(write_configuration(tmp_path, "A (invented)", calendar_2026(), PEERS))
    (calendar,) = terms_of_schools(configuration)[SCHOOL].years.calendars
    assert calendar.school_days() == calendar_2026().school_days()
    assert configuration.settings.disclosure == "initials"
    assert set(configuration.routes(SCHOOL)) == {"dsl", "office", "attendance", "it", "authority"}


def test_secrets_stay_out_of_the_configuration(tmp_path: Path) -> None:
    """Token and webhook address stand in credential files of mode 0600, nowhere else."""
    config = write_configuration(tmp_path, "A (invented)", calendar_2026(), PEERS)
    texts = config.read_text() + (tmp_path / "conf.d" / f"{SCHOOL}.toml").read_text()
    assert PEERS.token not in texts
    assert "sig=" not in texts
    for path in (tmp_path / "credentials").iterdir():
        assert path.stat().st_mode & 0o777 == 0o600


def test_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    """A folder that holds somebody's files is left as it is."""
    mine = tmp_path / "thesis.txt"
    mine.write_text("do not touch")
    with pytest.raises(OperatorError, match="another folder"):
        make_room(tmp_path)
    assert mine.read_text() == "do not touch"


def test_folder_of_an_earlier_run_is_replaced(tmp_path: Path) -> None:
    """What an earlier demonstration left is replaced, not added to."""
    out = tmp_path / "out"
    card = Posted(NOON, "/", {"attachments": [], "text": "MB-AAAA-BBBB"}, 1)
    mail = Mail(NOON, "a@x", ("b@x",), b"Subject: MB-AAAA-CCCC\r\n\r\nhello\r\n", encrypted=False)
    make_room(out)
    first = write_files(out, [card, card], [mail], [File("return.pdf", "application/pdf", b"%PDF")])
    assert [path.relative_to(out).as_posix() for path in first] == [
        "cards/01-MB-AAAA-BBBB.json",
        "cards/02-MB-AAAA-BBBB.json",
        "mails/01-MB-AAAA-CCCC.eml",
        "packages/return.pdf",
    ]
    make_room(out)
    write_files(out, [card], [], [])
    left = sorted(path.relative_to(out).as_posix() for path in out.rglob("*.*") if path.is_file())
    assert left == ["README.txt", "cards/01-MB-AAAA-BBBB.json"]


def test_paced_clock_goes_on_only_when_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    """Moved, it goes on by real time times speed; waiting, it stands, as long as patience lasts."""
    real = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: real[0])
    clock = PacedClock(NOON, speed=60, patience=3)
    steps = []
    for wait in (False, True, True, True):
        real[0] += 2
        clock.move(wait=wait)
        steps.append((clock.now() - NOON).total_seconds())
    assert steps == [120, 120, 120, 240]
