"""The units are valid and the service is locked in."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

UNITS = Path(__file__).parents[3] / "systemd"
pytestmark = pytest.mark.peer


@pytest.fixture
def unit(tmp_path: Path, peer_or_skip: Callable[[str], NoReturn]) -> Path:
    """The unit with a program that exists on this machine in place of the installed one."""
    if shutil.which("systemd-analyze") is None:
        peer_or_skip("systemd-analyze is not installed (Debian: systemd)")
    text = (UNITS / "mis-bridge.service").read_text(encoding="utf-8")
    program = shutil.which("true") or "/bin/true"
    assert "/opt/mis-bridge/bin/mis-bridge" in text
    copy = tmp_path / "mis-bridge.service"
    copy.write_text(text.replace("/opt/mis-bridge/bin/mis-bridge", program), encoding="utf-8")
    return copy


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run systemd-analyze."""
    return subprocess.run(
        ["systemd-analyze", *arguments], capture_output=True, text=True, check=False
    )


def with_drop_in(unit: Path) -> None:
    """Put the optional drop-in for encrypted credentials beside the unit."""
    folder = unit.with_name(f"{unit.name}.d")
    folder.mkdir()
    source = UNITS / "mis-bridge.service.d" / "encrypted-credentials.conf.example"
    shutil.copy(source, folder / "encrypted-credentials.conf")


@pytest.mark.parametrize("encrypted", [False, True])
def test_systemd_finds_nothing_to_say(unit: Path, encrypted: bool) -> None:
    """``systemd-analyze verify`` is clean, also with the drop-in for encrypted credentials."""
    if encrypted:
        with_drop_in(unit)

    done = analyze("verify", "--man=no", unit)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_exposure_is_at_most_one_point_five(unit: Path) -> None:
    """``systemd-analyze security`` rates the unit 1.5 or better, of 10."""
    done = analyze("security", "--offline=true", "--threshold=15", "--no-pager", unit)

    found = re.search(r"exposure level for mis-bridge\.service: ([\d.]+)", done.stdout)
    assert found is not None, done.stderr
    assert float(found[1]) <= 1.5
    assert done.returncode == 0


def test_it_is_started_again_however_it_ends() -> None:
    """A bridge that somebody killed politely notices nobody either; systemctl stop stops it."""
    lines = (UNITS / "mis-bridge.service").read_text(encoding="utf-8").splitlines()

    assert "Restart=always" in lines
    assert "StartLimitIntervalSec=0" in lines


def test_user_and_folders_are_those_of_the_unit(
    tmp_path: Path, peer_or_skip: Callable[[str], NoReturn]
) -> None:
    """Sysusers and tmpfiles make the user and the folders, secrets for root alone."""
    if shutil.which("systemd-sysusers") is None or shutil.which("systemd-tmpfiles") is None:
        peer_or_skip("systemd-sysusers or systemd-tmpfiles is not installed")
    for folder in ("sysusers.d", "tmpfiles.d"):
        shutil.copytree(UNITS / folder, tmp_path / "etc" / folder)

    for tool, options in (("systemd-sysusers", []), ("systemd-tmpfiles", ["--create"])):
        done = subprocess.run(
            [tool, f"--root={tmp_path}", *options, "mis-bridge.conf"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    assert "mis-bridge:" in (tmp_path / "etc" / "passwd").read_text(encoding="utf-8")
    assert (tmp_path / "etc" / "mis-bridge" / "credentials").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "etc" / "mis-bridge").stat().st_mode & 0o777 == 0o750


def test_libraries_work_where_memory_is_never_writable_and_executable(
    peer_or_skip: Callable[[str], NoReturn],
) -> None:
    """The unit sets MemoryDenyWriteExecute; no library that the daemon loads needs it off."""
    script = """
import ctypes, importlib, sys
PR_SET_MDWE, REFUSE_EXEC_GAIN = 65, 1
if ctypes.CDLL(None).prctl(PR_SET_MDWE, REFUSE_EXEC_GAIN, 0, 0, 0):
    sys.exit(3)
for name in sys.argv[1:]:
    print(name)
    importlib.import_module(name)
import sqlcipher3
assert sqlcipher3.connect(":memory:").execute("select 1").fetchone() == (1,)
"""
    libraries = (
        "aiosmtplib apscheduler.schedulers.asyncio cryptography.x509 httpx msal msgspec psycopg "
        "pydantic_settings sqlcipher3 sqlalchemy structlog typst"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *libraries.split()],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 3:
        peer_or_skip("this kernel is older than 6.3 and knows no PR_SET_MDWE")

    assert (done.returncode, done.stdout.split()) == (0, libraries.split()), done.stderr
