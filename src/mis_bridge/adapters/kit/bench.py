"""What a case has to work with: an invented school at its invented MIS, and a shelf to store on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol, TypeAlias
from urllib.parse import urljoin

from mis_bridge.adapters.auth import revealed
from mis_bridge.adapters.driver import Gates
from mis_bridge.adapters.kit.fixtures import FixtureServer
from mis_bridge.adapters.kit.line import Line
from mis_bridge.adapters.kit.model import DoesNotApply
from mis_bridge.adapters.kit.pages import cut_small
from mis_bridge.adapters.kit.standin import StandIn
from mis_bridge.adapters.kit.virtual_time import LoopClock
from mis_bridge.adapters.source import ReadPlan
from mis_bridge.adapters.template import fill

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from datetime import date, datetime
    from pathlib import Path

    from mis_bridge.adapters.driver import Sends
    from mis_bridge.adapters.kit.fixtures import Fixtures
    from mis_bridge.adapters.records import PupilRecord
    from mis_bridge.adapters.registry import Adapter
    from mis_bridge.adapters.source import Batch, Quarantined, Source
    from mis_bridge.adapters.vocabulary import ManifestModel

__all__ = ["Bench", "School", "Shelf", "Shelves"]


class Shelf(Protocol):
    """A store of its own, as the daemon has one: what it holds is what the daemon would know."""

    def plan(self, window: tuple[date, date], now: datetime, *, sweep: bool) -> ReadPlan:
        """Plan a reading as the daemon would: since the last good one, with what is kept."""
        ...

    def keep(self, batch: Batch, plan: ReadPlan, now: datetime) -> int:
        """Store a batch in one transaction; give how many of its records made a difference."""
        ...

    def finish(self, now: datetime) -> None:
        """Note that a reading came to its end."""
        ...

    def marks(self) -> dict[tuple[str, date, str], str]:
        """Give the stored marks: (pupil, day, AM, PM or lesson) -> code; blanks left out."""
        ...

    def roll(self) -> dict[str, PupilRecord]:
        """Give everybody on roll."""
        ...

    def quarantined(self) -> list[Quarantined]:
        """Give what could not be used."""
        ...

    def texts(self) -> list[str]:
        """Give every text that is kept beside the marks and the roll."""
        ...


Shelves: TypeAlias = "Callable[[], AbstractContextManager[Shelf]]"
"""Opens an empty shelf; it is thrown away afterwards."""


class School:
    """An invented school: what it gave, the line to its MIS, and what reads it.

    Args:
        adapter: reads it.
        fixtures: say what it gave.
        server: its MIS.
        folder: where its files are dropped, where they are.

    Attributes:
        line: between the adapter and the MIS.
        clock: shows the fixtures' present at first.
    """

    def __init__(self, adapter: Adapter, fixtures: Fixtures, server: Sends, folder: Path) -> None:
        # Other schools' limits are not this one's.
        self.adapter = replace(adapter, _gates=Gates())
        self.fixtures = fixtures
        self.line = Line(server)
        self.folder = folder
        self.clock = LoopClock(fixtures.now)
        self.connection = fixtures.connection(folder)

    def source(self, *, patient: bool = False, batch_records: int | None = None) -> Source:
        """Open the school anew, as a daemon that was just started does.

        Args:
            patient: try again after failures that may pass.
            batch_records: records after which a batch is given out.
        """
        return self.adapter.open(
            self.connection,
            transport=self.line,
            clock=self.clock,
            codes=self.fixtures.codes,
            periods=self.fixtures.periods,
            patient=patient,
            batch_records=batch_records,
        )

    async def read(self, plan: ReadPlan | None = None, *, patient: bool = False) -> list[Batch]:
        """Read to the end; everything in the fixtures' window where no plan is given.

        Raises:
            MisError: as the adapter raises it.
        """
        plan = plan or ReadPlan(window=self.fixtures.window, sweep=True)
        return [batch async for batch in self.source(patient=patient).read(plan)]

    @property
    def asks_token_at(self) -> str:
        """Address at which a token is got, or empty."""
        manifest = self.adapter.manifest
        if manifest.auth is None or manifest.auth.request is None or manifest.http is None:
            return ""
        values = revealed(self.connection)
        return urljoin(fill(manifest.http.base, values), fill(manifest.auth.request.post, values))


@dataclass(slots=True)
class Bench:
    """What a case works with.

    Args:
        adapter: is tested.
        fixtures: of the adapter.
        shelves: open shelves to store on.
        scratch: a folder that is thrown away after the case.
    """

    adapter: Adapter
    fixtures: Fixtures
    shelves: Shelves
    scratch: Path
    _schools: int = field(default=0, init=False)
    _made: tuple[StandIn, ManifestModel] | None = field(default=None, init=False)

    def school(self, server: Sends | None = None, adapter: Adapter | None = None) -> School:
        """Make a school whose MIS answers from the fixtures, or is another server."""
        self._schools += 1
        folder = self.scratch / f"school-{self._schools}"
        if self.fixtures.is_dropped:
            self.fixtures.drop(folder)
        server = server or FixtureServer(self.fixtures.exchanges)
        return School(adapter or self.adapter, self.fixtures, server, folder)

    async def stand_in(self) -> tuple[School, StandIn]:
        """Make a school whose MIS is a stand-in with small pages, made of manifest and fixtures.

        Raises:
            DoesNotApply: the adapter is code: nothing says how its MIS would answer.
        """
        if self.adapter.is_code:
            raise DoesNotApply("its own code reads the answers, the manifest does not say how")
        if self._made is None:
            school = self.school()
            plain = {k: v for k, v in school.connection.items() if isinstance(v, str)}
            manifest = self.adapter.manifest
            fixtures = self.fixtures
            standin = StandIn(manifest, _filled(manifest, plain), fixtures.exchanges, fixtures.now)
            await school.read()
            standin.learn(school.line.asked)
            self._made = standin, cut_small(manifest, standin)
        standin, manifest = self._made[0].copied(), self._made[1]
        return self.school(standin, replace(self.adapter, manifest=manifest)), standin


def _filled(manifest: ManifestModel, plain: dict[str, str]) -> dict[str, str]:
    """Add the defaults of what the invented school did not give."""
    given = {name: p.default for name, p in manifest.connection.items() if p.default is not None}
    return given | plain
