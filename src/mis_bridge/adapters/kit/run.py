"""Run the cases on an adapter's folder, and say which grade it has."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mis_bridge.adapters.kit import answers, bronze, changes, gold, paging
from mis_bridge.adapters.kit.bench import PLACES, Bench
from mis_bridge.adapters.kit.findings import DoesNotApply, Failed
from mis_bridge.adapters.kit.fixtures import read_fixtures
from mis_bridge.adapters.kit.model import Outcome, Report, Result, Tier
from mis_bridge.adapters.kit.virtual_time import run as run_virtually
from mis_bridge.adapters.registry import load_folder
from mis_bridge.errors import AdapterInvalid, MisBridgeError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from mis_bridge.adapters.kit.bench import Shelves
    from mis_bridge.adapters.kit.fixtures import Fixtures
    from mis_bridge.adapters.kit.model import Case
    from mis_bridge.adapters.registry import Adapter

__all__ = ["CASES", "Candidate", "run"]

CASES: Final[tuple[Case, ...]] = (
    *bronze.CASES,
    *answers.CASES,
    *paging.CASES,
    *changes.CASES,
    *gold.CASES,
)
"""Every case, bronze first."""


class Candidate:
    """One adapter's folder, ready for its cases; its own code is run.

    Args:
        folder: of the adapter.
        shelves: open shelves to store on.
        places: at which a reading is disturbed, at most.

    Raises:
        AdapterInvalid: the manifest or the fixtures are not valid, or a case is exempted that does
            not exist.
    """

    def __init__(self, folder: Path, shelves: Shelves, *, places: int = PLACES) -> None:
        self.adapter: Adapter = load_folder(folder, shipped=True)
        self._fixtures: Fixtures = read_fixtures(self.adapter)
        self._shelves = shelves
        self._places = places
        if told := "; ".join(_wrong(self.exempt)):
            raise AdapterInvalid(f"{folder / 'adapter.toml'}: {told}")

    @property
    def exempt(self) -> Mapping[str, str]:
        """Case -> why the adapter can not meet it."""
        return self.adapter.manifest.exempt

    @property
    def recorded(self) -> Tier | None:
        """The grade that the manifest records."""
        grade = self.adapter.manifest.adapter.grade
        return None if grade is None else Tier(grade)

    def outcome(self, case: Case) -> Outcome:
        """Try one case."""
        result, detail = self._tried(case)
        reason = self.exempt.get(case.id)
        if reason is None:
            return Outcome(case, result, detail)
        if result is Result.FAILS:
            return Outcome(case, Result.EXEMPT, reason)
        why = "holds" if result is Result.HOLDS else "does not apply"
        told = f"it {why}: take it out of [exempt] in adapter.toml"
        return Outcome(case, Result.WRONGLY_EXEMPT, told)

    def _tried(self, case: Case) -> tuple[Result, str]:
        with tempfile.TemporaryDirectory(prefix="mis-bridge-kit-") as scratch:
            bench = Bench(self.adapter, self._fixtures, self._shelves, Path(scratch), self._places)
            try:
                run_virtually(case.check(bench))
            except DoesNotApply as nothing:
                return Result.DOES_NOT_APPLY, str(nothing)
            except (Failed, MisBridgeError) as error:
                return Result.FAILS, str(error) or type(error).__name__
            except Exception as error:  # noqa: BLE001 - one adapter's mistake is its own result
                return Result.FAILS, f"{type(error).__name__}: {error}"
        return Result.HOLDS, ""


def run(folder: Path, shelves: Shelves, *, only: Collection[str] = ()) -> Report:
    """Run cases on an adapter's folder, its own code included.

    Args:
        folder: of the adapter.
        shelves: open shelves to store on.
        only: ids of the cases to try; empty for all.
    """
    if told := "; ".join(_unknown(only)):
        return Report(problem=told)
    try:
        tested = Candidate(folder, shelves)
    except AdapterInvalid as error:
        return Report(problem=str(error))
    outcomes = [tested.outcome(case) for case in CASES if not only or case.id in only]
    return Report(outcomes, tested.recorded)


def _unknown(ids: Collection[str]) -> Iterator[str]:
    """Say which cases do not exist."""
    from mis_bridge.settings.problems import nearest

    known = {case.id for case in CASES}
    for name in ids:
        if name not in known:
            yield f'there is no case "{name}": {nearest(name, known)}'


def _wrong(exempt: Mapping[str, str]) -> Iterator[str]:
    """Say what is wrong with exemptions."""
    yield from (f"exempt: {told}" for told in _unknown(exempt))
    for name, reason in exempt.items():
        if not reason.strip():
            yield f"exempt.{name}: write why the adapter can not meet it"
