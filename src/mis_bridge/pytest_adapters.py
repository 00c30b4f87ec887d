"""The conformance kit in pytest: each case of each adapter's folder is a test.

::

    pytest -p mis_bridge.pytest_adapters adapters/mis/wonde

Every ``adapter.toml`` that pytest comes upon is an adapter. What the kit is and how a case is
exempted: ``docs/reference/conformance-kit.md``. A case beyond the grade that the manifest records
may fail (it is reported as expected); the last test of each adapter says that the recorded grade
is the true one. The ini option ``kit_places`` says at how many places a reading is disturbed by the
cases that do that: fewer for whoever waits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mis_bridge.adapters.kit.bench import PLACES
from mis_bridge.adapters.kit.findings import Failed
from mis_bridge.adapters.kit.model import Result, Tier, grade_of
from mis_bridge.adapters.kit.run import CASES, Candidate
from mis_bridge.errors import AdapterInvalid
from mis_bridge.simulator.shelf import shelf

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mis_bridge.adapters.kit.model import Case, Outcome

__all__ = ["pytest_addoption", "pytest_collect_file"]

_TIERS = list(Tier)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the ini option ``kit_places``."""
    told = "at how many places of a reading the conformance kit disturbs it, at most"
    parser.addini("kit_places", told, default=str(PLACES))


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> AdapterFile | None:
    """Take a manifest for a file of tests."""
    if file_path.name != "adapter.toml":
        return None
    return AdapterFile.from_parent(parent, path=file_path)


class AdapterFile(pytest.File):
    """One adapter; what its cases came to is kept for the test of its grade."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._tested: Candidate | None = None
        self._outcomes: dict[str, Outcome] = {}

    def collect(self) -> Iterator[pytest.Item]:
        """Give a test for each case, and one for the grade."""
        for case in CASES:
            yield CaseItem.from_parent(self, name=case.id, case=case)
        yield GradeItem.from_parent(self, name="grade")

    def tested(self) -> Candidate:
        """Read the adapter's folder once.

        Raises:
            AdapterInvalid: it is none.
        """
        if self._tested is None:
            places = int(self.config.getini("kit_places"))
            self._tested = Candidate(self.path.parent, shelf, places=places)
        return self._tested

    def outcome(self, case: Case) -> Outcome:
        """Try a case once."""
        if case.id not in self._outcomes:
            self._outcomes[case.id] = self.tested().outcome(case)
        return self._outcomes[case.id]


class _Item(pytest.Item):
    """What the tests of an adapter have in common."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # The test of the grade needs what the others came to: one worker runs them all.
        self.add_marker(pytest.mark.xdist_group(f"adapter {self.path.parent.name}"))

    @property
    def of(self) -> AdapterFile:
        """The adapter's file."""
        if not isinstance(self.parent, AdapterFile):
            raise TypeError("these tests belong to an adapter's file")
        return self.parent

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *args: Any) -> Any:
        """Say what is wrong; where in the kit it was found helps nobody."""
        if isinstance(excinfo.value, Failed | AdapterInvalid):
            return str(excinfo.value)
        return super().repr_failure(excinfo, *args)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Say what is tested."""
        return self.path, None, f"{self.path.parent.name}: {self.name}"


class CaseItem(_Item):
    """One case of one adapter."""

    def __init__(self, *, case: Case, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._case = case

    def runtest(self) -> None:
        """Try the case."""
        outcome = self.of.outcome(self._case)
        told = f"{self._case.sentence}: {outcome.detail}"
        self.user_properties.append(("kit", f"{outcome.result.value}: {outcome.detail}"))
        if outcome.result is Result.EXEMPT:
            pytest.skip(f"{self.path.parent.name} is exempt: {outcome.detail}")
        if outcome.result is Result.WRONGLY_EXEMPT:
            raise Failed(told)
        if outcome.result is Result.FAILS:
            recorded = self.of.tested().recorded or Tier.BRONZE
            if _TIERS.index(self._case.tier) > _TIERS.index(recorded):
                pytest.xfail(f"beyond {recorded.value}: {told}")
            raise Failed(told)


class GradeItem(_Item):
    """Whether the manifest records the true grade."""

    def runtest(self) -> None:
        """Compare it with what the cases came to."""
        found = grade_of([self.of.outcome(case) for case in CASES])
        recorded = self.of.tested().recorded
        if recorded is not found:
            raise Failed(
                f"adapter.toml records {recorded.value if recorded else 'no grade'}, the kit finds "
                f"{found.value if found else 'less than bronze'}"
            )
