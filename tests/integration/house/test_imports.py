"""Who may import what: the pure packages stay pure, each edge library has one door."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
SOURCE = ROOT / "src" / "mis_bridge"
PURE = ("registers", "triggers", "incidents", "messages")

# No clock, no log, no file, no network: what of the standard library a pure package never needs.
# (zoneinfo reads the tz database, which is data, and datetime is a value as long as nobody asks
# it for the present moment.)
EDGES = frozenset(
    {"asyncio", "io", "logging", "os", "pathlib", "random", "secrets", "shutil", "signal", "socket"}
    | {"sqlite3", "ssl", "subprocess", "sys", "tempfile", "threading", "time", "urllib.request"}
)

# Library -> the one place that may import it.
DOORS = {
    "httpx": "io/http.py",
    "httpcore": "io/http.py",
    "tenacity": "io/retry.py",
    "apscheduler": "service/ticker.py",
    "msal": "channels/app_identity.py",
    "apprise": "channels/apprise_extra.py",
    "typst": "documents/",
    "aiosmtplib": "channels/smtp",
    "sqlcipher3": "store/",
    "alembic": "store/",
}
# Imported inside functions only: who does not need them does not pay for them.
LAZY = ("msal", "apprise", "alembic", "rich", "typst", "jinja2", "mis_bridge.store.migrate")
# The door to Alembic, lazily imported itself, and what Alembic runs.
LAZY_EXEMPT = ("store/migrate.py", "store/migrations/")


def modules() -> list[Path]:
    """Every Python file of the package."""
    return sorted(SOURCE.rglob("*.py"))


@cache
def imports(file: Path) -> tuple[tuple[str, bool], ...]:
    """Each imported dotted name, and whether it is imported when the module is."""
    return tuple(_imports(file))


def _imports(file: Path) -> Iterator[tuple[str, bool]]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    }
    typing_only = {
        id(node)
        for guard in ast.walk(tree)
        if isinstance(guard, ast.If) and ast.unparse(guard.test) == "TYPE_CHECKING"
        for node in ast.walk(guard)
    }
    for node in ast.walk(tree):
        at_import = id(node) not in inside and id(node) not in typing_only
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, at_import
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative imports hide the layer"
            yield node.module or "", at_import


@pytest.mark.parametrize("package", PURE)
def test_a_pure_package_imports_the_standard_library_and_its_like_only(package: str) -> None:
    """No clock, log, file, network or library in registers, triggers, incidents and messages."""
    allowed = {"mis_bridge.errors", *(f"mis_bridge.{name}" for name in PURE)}
    wrong = []
    for file in (SOURCE / package).rglob("*.py"):
        for name, _ in imports(file):
            top = name.split(".")[0]
            own = ".".join(name.split(".")[:2])
            if top == "mis_bridge":
                is_fine = own in allowed
            elif top == "jinja2":
                is_fine = package == "messages"
            else:
                is_fine = top in sys.stdlib_module_names and not EDGES & {top, name}
            if not is_fine:
                wrong.append(f"{file.relative_to(SOURCE)} imports {name}")

    assert wrong == []


@pytest.mark.parametrize("package", PURE)
def test_a_pure_package_never_asks_for_the_present_moment(package: str) -> None:
    """The moment comes in as an argument: no now(), today() or time() call without one."""
    wrong = [
        f"{file.relative_to(SOURCE)}:{node.lineno}"
        for file in (SOURCE / package).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"now", "today", "utcnow"}
    ]

    assert wrong == []


@pytest.mark.parametrize("library", sorted(DOORS))
def test_an_edge_library_has_one_door(library: str) -> None:
    """A library that reaches outside is imported in one place, so that it can be exchanged."""
    wrong = [
        str(file.relative_to(SOURCE))
        for file in modules()
        for name, _ in imports(file)
        if name.split(".")[0] == library
        and not file.relative_to(SOURCE).as_posix().startswith(DOORS[library])
    ]

    assert wrong == []


def test_heavy_libraries_are_imported_where_they_are_used() -> None:
    """The idle daemon stays small: these are loaded by the functions that need them."""
    wrong = [
        f"{file.relative_to(SOURCE)} imports {name}"
        for file in modules()
        for name, at_import in imports(file)
        if at_import
        and f"{name}.".startswith(tuple(f"{library}." for library in LAZY))
        and not file.relative_to(SOURCE).as_posix().startswith(LAZY_EXEMPT)
    ]

    assert wrong == []


def test_the_import_contracts_hold() -> None:
    """The arrows between packages point one way (the contracts stand in pyproject.toml)."""
    linter = Path(sys.executable).with_name("lint-imports")

    done = subprocess.run(
        [linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout
