"""Look at the MIS of one or many schools for a person who waits."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mis_bridge.adapters.inspection import Inspection, ListSeen
    from mis_bridge.adapters.registry import Registry
    from mis_bridge.errors import MisBridgeError
    from mis_bridge.io.clock import Clock
    from mis_bridge.io.http import Transport
    from mis_bridge.io.secrets import Secrets
    from mis_bridge.settings import Configuration

__all__ = ["Looked", "look_at"]


@dataclass(frozen=True, slots=True)
class Looked:
    """How one school stands.

    Args:
        school, adapter: ids.
        found: what was seen, or None where nothing could be.
        error: why nothing could be seen, or None.
    """

    school: str
    adapter: str
    found: Inspection | None = None
    error: MisBridgeError | None = None

    @property
    def state(self) -> str:
        """``good``, or what the feed's state would be."""
        if self.error is not None:
            return str(getattr(self.error, "state", "not_configured"))
        failed = [] if self.found is None else self.found.lists.values()
        return next((seen.error.state for seen in failed if seen.error is not None), "good")

    @property
    def asks(self) -> list[str]:
        """What has to be asked for or mended, one sentence each."""
        if self.error is not None:
            advice = getattr(self.error, "advice", "")
            return [f"{self.error}. {advice}" if advice else str(self.error)]
        return [] if self.found is None else self.found.asks

    def row(self) -> dict[str, Any]:
        """Give the look for programs."""
        row: dict[str, Any] = {
            "school": self.school,
            "state": self.state,
            "adapter": self.adapter,
            "pupils": None,
            "capabilities": [],
            "unknown_codes": [],
            "today": {},
            "asks": self.asks,
        }
        if self.found is not None:
            row |= {
                "pupils": self.found.standing.pupils,
                "capabilities": self.found.capabilities,
                "unknown_codes": list(self.found.standing.unknown_codes),
                "today": {
                    name: {
                        "marks": seen.marks,
                        "newest": seen.newest,
                        "quarantined": seen.quarantined,
                    }
                    for name, seen in self.found.lists.items()
                },
            }
        return row

    def line(self) -> str:
        """Give the look for a person: one line."""
        if self.found is None:
            return f"{self.school}: {self.state.replace('_', ' ')}: {' '.join(self.asks)}"
        told = [f"{self.adapter} reachable, permitted, {self.found.standing.detail}"]
        told += [_told(name, seen) for name, seen in self.found.lists.items() if not seen.error]
        told += [f"{name}: left out" for name in self.found.left_out]
        return f"{self.school}: {'; '.join([*told, *self.asks])}"


def _told(name: str, seen: ListSeen) -> str:
    from mis_bridge.registers.calendar import LONDON

    kind = name.removesuffix("s")
    if not seen.marks:
        text = f"no {kind} mark of today yet"
    else:
        text = f"{seen.marks} {kind} mark{'s'[: seen.marks != 1]} of today"
        if seen.newest is not None:
            text += f", the newest of {seen.newest.astimezone(LONDON):%H:%M}"
    if seen.quarantined:
        text += f", {seen.quarantined} records that can not be used"
    return text


async def look_at(
    configuration: Configuration, schools: Sequence[str], secrets: Secrets, clock: Clock
) -> list[Looked]:
    """Look at schools, some at a time; one that fails stops no other.

    Args:
        configuration: with the schools, resting ones too.
        schools: ids, in the order of the answer.
        secrets: where references lead.
        clock: the present.
    """
    from mis_bridge.adapters import registry
    from mis_bridge.io.http import Transport

    service = configuration.settings.service
    adapters = registry.load(service.adapter_dirs, service.adapter_pins)
    room = asyncio.Semaphore(configuration.settings.polling.workers)
    bundle = configuration.settings.service.ca_bundle or None
    async with Transport(ca_bundle=bundle) as transport:

        async def one(school: str) -> Looked:
            async with room:
                return await _look(configuration, school, adapters, transport, secrets, clock)

        return list(await asyncio.gather(*(one(school) for school in schools)))


async def _look(
    configuration: Configuration,
    school: str,
    adapters: Registry,
    transport: Transport,
    secrets: Secrets,
    clock: Clock,
) -> Looked:
    from mis_bridge.adapters.inspection import inspect
    from mis_bridge.errors import MisBridgeError
    from mis_bridge.service.sources import open_school

    own = configuration.find_school(school)
    try:
        # A person is waiting: the first failure is the answer.
        source = open_school(
            configuration, school, adapters, transport, clock, secrets, patient=False
        )
        adapter = adapters.find(own.mis.adapter)
        found = await inspect(source, adapter.capabilities, clock.now(), left_out=own.mis.leave_out)
    except MisBridgeError as error:
        return Looked(school, own.mis.adapter, error=error)
    return Looked(school, own.mis.adapter, found)
