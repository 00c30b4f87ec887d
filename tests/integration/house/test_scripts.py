"""The scripts: valid shell, found from anywhere, set up once for each state of the lock."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SCRIPTS = ("demo", "test", "check", "bench", "install", "lock")

# Stands in for every Python: notes how it is called, and makes a "venv" that holds itself.
SHIM = r"""#!/bin/sh
printf '%s\n' "$*" >>"$CALLS"
case "$1 $2" in
"-m venv") mkdir -p "$3/bin" && cp "$0" "$3/bin/python" && cp "$0" "$3/bin/pytest" ;;
esac
"""


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of what the scripts need, with stand-ins for Python first on the PATH."""
    clone = tmp_path / "clone"
    shutil.copytree(ROOT / "scripts", clone / "scripts")
    for name in ("requirements.lock", "requirements-dev.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, clone)
    shims = tmp_path / "shims"
    shims.mkdir()
    for name in ("python3.11", "python3.12", "python3.13", "python3"):
        (shims / name).write_text(SHIM)
        (shims / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{shims}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    monkeypatch.delenv("MIS_BRIDGE_STRICT", raising=False)
    return clone


def calls(clone: Path) -> list[str]:
    """How the stand-ins were called since the last time one asked."""
    log = clone.parent / "calls"
    lines = log.read_text().splitlines() if log.exists() else []
    log.unlink(missing_ok=True)
    return lines


def run(clone: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a script from a folder that is not the clone."""
    return subprocess.run(
        [clone / "scripts" / command[0], *command[1:]],
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", [*SCRIPTS, "setup"])
def test_a_script_is_valid_shell(name: str) -> None:
    """Each parses as POSIX shell, and those that one calls can be run."""
    file = ROOT / "scripts" / name

    assert subprocess.run(["sh", "-n", file], check=False).returncode == 0
    assert os.access(file, os.X_OK) == (name != "setup")


def test_set_up_happens_once_for_each_state_of_the_lock(clone: Path) -> None:
    """A fresh environment is left alone; a changed lock is installed, with hashes required."""
    assert run(clone, "test").returncode == 0
    first = calls(clone)
    assert run(clone, "test").returncode == 0
    second = calls(clone)
    with (clone / "requirements-dev.lock").open("a") as lock:
        lock.write("# changed\n")
    assert run(clone, "test").returncode == 0
    third = calls(clone)

    assert any(call == "-m venv .venv" for call in first)
    installs = [call for call in first if "pip install" in call]
    assert "--require-hashes --requirement requirements-dev.lock" in installs[0]
    assert "--no-deps --no-build-isolation --editable ." in installs[1]
    assert second == ["-n auto --dist loadgroup"]
    assert [call for call in third if "pip install" in call] == installs
    assert not any("venv" in call for call in third)


def test_a_failed_set_up_is_done_again(clone: Path) -> None:
    """The mark of a finished set-up is written last: an installation cut short does not count."""
    failing = SHIM + 'case "$*" in *--require-hashes*) exit 1 ;; esac\n'
    for shim in (clone.parent / "shims").iterdir():
        shim.write_text(failing)

    assert run(clone, "test").returncode != 0
    assert not any("-n auto" in call for call in calls(clone))
    assert run(clone, "test").returncode != 0
    assert any("--require-hashes" in call for call in calls(clone))


def test_strict_reaches_the_tests(clone: Path) -> None:
    """--strict is for the script; all other arguments are pytest's."""
    spy = SHIM.replace('"$*"', '"strict=${MIS_BRIDGE_STRICT-} $*"', 1)
    for shim in (clone.parent / "shims").iterdir():
        shim.write_text(spy)

    run(clone, "test", "--strict", "tests/unit", "-k", "clock")

    assert calls(clone)[-1] == (
        "strict=1 -n auto --dist loadgroup -o kit_places=16 tests/unit -k clock"
    )


def test_without_a_fitting_python_it_says_what_to_do(clone: Path) -> None:
    """A Python that is too old, or has no venv, is passed over; if none is left, that is said."""
    for shim in (clone.parent / "shims").iterdir():
        shim.write_text("#!/bin/sh\nexit 1\n")

    done = run(clone, "test")

    assert done.returncode != 0
    assert "needs Python 3.11 or newer with venv" in done.stderr


# A venv whose programs name their Python by its whole path, as pip writes them.
INSTALLED = (
    SHIM
    + r"""
case "$1 $2" in
"-m venv")
    printf '#!%s/bin/python\nVIRTUAL_ENV=%s\n' "$3" "$3" >"$3/bin/mis-bridge"
    chmod 755 "$3/bin/mis-bridge" ;;
esac
"""
)


@pytest.fixture
def installable(clone: Path) -> Path:
    """The clone with all that is installed from it."""
    for shim in (clone.parent / "shims").iterdir():
        shim.write_text(INSTALLED)
    shutil.copytree(ROOT / "systemd", clone / "systemd")
    shutil.copy(ROOT / "README.md", clone)
    return clone


def test_what_is_installed_under_another_root_works_where_it_will_be(
    installable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package is built elsewhere: no file may name the place where that was."""
    root = installable.parent / "root"
    monkeypatch.setenv("DESTDIR", str(root))

    done = run(installable, "install", "/srv/mis-bridge")

    assert done.returncode == 0, done.stderr
    program = root / "srv/mis-bridge/bin/mis-bridge"
    assert program.read_text().splitlines()[0] == "#!/srv/mis-bridge/bin/python"
    assert os.access(program, os.X_OK)
    typed = root / "usr/local/bin/mis-bridge"
    assert typed.readlink() == Path("/srv/mis-bridge/bin/mis-bridge")
    unit = (root / "etc/systemd/system/mis-bridge.service").read_text()
    assert "ExecStart=/srv/mis-bridge/bin/mis-bridge run" in unit
    told = [
        str(file.relative_to(root))
        for file in root.rglob("*")
        if file.is_file() and str(root).encode() in file.read_bytes()
    ]
    assert told == []


def test_a_command_of_that_name_that_is_no_link_stays(
    installable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody's own wrapper; a link of an earlier installation follows the new one."""
    root = installable.parent / "root"
    monkeypatch.setenv("DESTDIR", str(root))
    typed = root / "usr/local/bin/mis-bridge"
    typed.parent.mkdir(parents=True)
    typed.write_text("#!/bin/sh\n")

    assert run(installable, "install", "/srv/mis-bridge").returncode == 0
    assert typed.read_text() == "#!/bin/sh\n"

    typed.unlink()
    typed.symlink_to("/srv/mis-bridge/bin/mis-bridge")
    assert run(installable, "install", "/opt/new").returncode == 0
    assert typed.readlink() == Path("/opt/new/bin/mis-bridge")


def test_a_systemd_that_can_not_hand_over_the_secrets_is_named(installable: Path) -> None:
    """Before 251 a folder of credentials could not be loaded, and the service would not start."""
    for name, text in (("systemctl", "echo 'systemd 249 (249.11)'"), ("id", "echo 1000")):
        shim = installable.parent / "shims" / name
        shim.write_text(f"#!/bin/sh\n{text}\n")
        shim.chmod(0o755)

    done = run(installable, "install", str(installable.parent / "prefix"))

    assert done.returncode != 0
    assert "systemd 251 or newer" in done.stderr
    assert "249" in done.stderr
    assert not (installable.parent / "prefix").exists()
