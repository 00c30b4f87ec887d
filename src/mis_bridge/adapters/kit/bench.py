"""What a case has to work with: an invented school at its invented MIS, and a shelf to store on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias
from urllib.parse import urljoin

from mis_bridge.adapters.driver import Gates
from mis_bridge.adapters.kit.findings import DoesNotApply
from mis_bridge.adapters.kit.fixtures import FixtureServer
from mis_bridge.adapters.kit.line import Line
from mis_bridge.adapters.kit.pages import cut_small
from mis_bridge.adapters.kit.reading import as_json
from mis_bridge.adapters.kit.standin import StandIn
from mis_bridge.adapters.kit.virtual_time import LoopClock
from mis_bridge.adapters.source import ReadPlan
from mis_bridge.adapters.template import fill
from mis_bridge.errors import MisError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from datetime import date, datetime
    from pathlib import Path

    from mis_bridge.adapters.driver import Sends
    from mis_bridge.adapters.kit.fixtures import Fixtures
    from mis_bridge.adapters.kit.line import Asked
    from mis_bridge.adapters.records import PupilRecord
    from mis_bridge.adapters.registry import Adapter
    from mis_bridge.adapters.source import Batch, Quarantined, Source
    from mis_bridge.adapters.vocabulary import ManifestModel

__all__ = ["PLACES", "Bench", "MarkKey", "School", "Shelf", "Shelves", "tried"]


PLACES: Final = 16
"""Places at which a reading is disturbed, where nobody asks for fewer."""


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

    def marks(self) -> dict[MarkKey, str]:
        """Give the stored marks -> code; blanks left out."""
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


_TARGETS: Final = 12
"""Requests that are disturbed one by one, besides the first of each shape."""

MarkKey: TypeAlias = "tuple[str, date, str]"
"""(pupil, day, ``AM``, ``PM`` or ``lesson`` and its period)."""

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

    def use(self, manifest: ManifestModel) -> None:
        """Read by another manifest from now on."""
        self.adapter = replace(self.adapter, manifest=manifest)

    def is_token(self, asked: Asked) -> bool:
        """Whether a request gets a token."""
        return asked.url == self.asks_token_at

    def is_check(self, asked: Asked) -> bool:
        """Whether a request asks how the school stands with its vendor."""
        manifest = self.adapter.manifest
        if manifest.check is None or manifest.http is None:
            return False
        address = self._address(manifest.http.base, manifest.check.get)
        return asked.url.partition("?")[0] == address.partition("?")[0]

    @property
    def asks_token_at(self) -> str:
        """Address at which a token is got, or empty."""
        manifest = self.adapter.manifest
        if manifest.auth is None or manifest.auth.request is None or manifest.http is None:
            return ""
        return self._address(manifest.http.base, manifest.auth.request.post)

    def _address(self, base: str, path: str) -> str:
        given = self.adapter.connection(self.connection)
        values = {f"connection.{k}": v for k, v in given.items() if isinstance(v, str)}
        return urljoin(fill(base, values), fill(path, values))


@dataclass(slots=True)
class Bench:
    """What a case works with.

    Args:
        adapter: is tested.
        fixtures: of the adapter.
        shelves: open shelves to store on.
        scratch: a folder that is thrown away after the case.
        places: at which a reading is disturbed; a longer one is disturbed at so many of its
            places, spread over it.
    """

    adapter: Adapter
    fixtures: Fixtures
    shelves: Shelves
    scratch: Path
    places: int = PLACES
    _schools: int = field(default=0, init=False)
    _made: tuple[StandIn, ManifestModel] | None = field(default=None, init=False)

    def school(
        self,
        server: Sends | None = None,
        adapter: Adapter | None = None,
        fixtures: Fixtures | None = None,
    ) -> School:
        """Make a school whose MIS answers from the fixtures, or is another server."""
        self._schools += 1
        folder = self.scratch / f"school-{self._schools}"
        fixtures = fixtures or self.fixtures
        if fixtures.is_dropped:
            fixtures.drop(folder)
        server = server or FixtureServer(fixtures.exchanges)
        return School(adapter or self.adapter, fixtures, server, folder)

    async def asked_for(self) -> list[Asked]:
        """Give the different requests of a quiet reading, in their order.

        Of many the first of each shape, and some of the others: a list that is asked for day by day
        is no other list each day.
        """
        school = self.school()
        await school.read()
        once = list({asked.what: asked for asked in reversed(school.line.asked)}.values())[::-1]
        first = {asked.shape: asked for asked in reversed(once)}
        step = max(1, -(-len(once) // _TARGETS))
        return [one for n, one in enumerate(once) if n % step == 0 or first[one.shape] is one]

    async def files(self) -> list[str]:
        """Give the names of the dropped files that a reading takes something from."""
        expected = as_json(await self.school().read())
        used = []
        for file in sorted(self.school().folder.iterdir()):
            school = self.school()
            (school.folder / file.name).unlink()
            batches, error = await tried(school)
            if error is not None or as_json(batches) != expected:
                used.append(file.name)
        return used

    @property
    def small_adapter(self) -> Adapter:
        """Give the adapter that expects the small pages of the stand-in."""
        if self._made is None:
            raise RuntimeError("there is no stand-in yet")
        return replace(self.adapter, manifest=self._made[1])

    @property
    def template(self) -> StandIn:
        """Give the stand-in that ``stand_in`` makes twins of; it must have been asked for one."""
        if self._made is None:
            raise RuntimeError("there is no stand-in yet")
        return self._made[0]

    async def stand_in(self) -> tuple[School, StandIn]:
        """Make a school whose MIS is a stand-in with small pages, made of manifest and fixtures.

        Raises:
            DoesNotApply: the adapter is code: nothing says how its MIS would answer.
        """
        if self.adapter.is_code:
            raise DoesNotApply("its own code reads the answers, the manifest does not say how")
        if self._made is None:
            school = self.school()
            given = self.adapter.connection(school.connection)
            plain = {name: value for name, value in given.items() if isinstance(value, str)}
            manifest, fixtures = self.adapter.manifest, self.fixtures
            standin = StandIn(manifest, plain, fixtures.exchanges, fixtures.now)
            await school.read()
            standin.learn(school.line.asked)
            self._made = standin, cut_small(manifest, standin)
        standin = self._made[0].copied()
        return self.school(standin, self.small_adapter), standin


async def tried(
    school: School,
    plan: ReadPlan | None = None,
    *,
    patient: bool = False,
    source: Source | None = None,
) -> tuple[list[Batch], MisError | None]:
    """Read as far as it goes: (batches, what ended the reading too soon)."""
    source = source or school.source(patient=patient)
    batches: list[Batch] = []
    plan = plan or ReadPlan(window=school.fixtures.window, sweep=True)
    try:
        async for batch in source.read(plan):
            batches.append(batch)  # noqa: PERF401 - what came before an error counts
    except MisError as error:
        return batches, error
    return batches, None
