"""Each school's MIS, opened as it is configured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mis_bridge.errors import MisBridgeError
from mis_bridge.io.logs import get_logger

if TYPE_CHECKING:
    from mis_bridge.adapters.registry import Registry
    from mis_bridge.adapters.source import Source
    from mis_bridge.io.clock import Clock
    from mis_bridge.io.http import Transport
    from mis_bridge.io.secrets import Secrets
    from mis_bridge.settings import Configuration

__all__ = ["open_school", "open_schools"]


def open_school(
    configuration: Configuration,
    school: str,
    adapters: Registry,
    transport: Transport,
    clock: Clock,
    secrets: Secrets,
    *,
    patient: bool = True,
) -> Source:
    """Open the MIS of one school, also of one that rests; nothing is read yet.

    Args:
        configuration: as loaded.
        school: its id.
        adapters: all that there are.
        transport: the way out.
        clock: the time.
        secrets: where the configuration's references lead.
        patient: try again after failures that may pass; otherwise the first one is the answer.

    Raises:
        MisBridgeError: it can not be opened as configured.
    """
    own = configuration.find_school(school)
    return adapters.find(own.mis.adapter, key=f"{school}.toml: mis.adapter").open(
        own.mis.connection,
        transport=transport,
        clock=clock,
        secrets=secrets,
        codes=own.codes,
        periods=own.calendar.periods,
        timeout=configuration.settings.polling.timeout_seconds,
        patient=patient,
    )


def open_schools(
    configuration: Configuration,
    adapters: Registry,
    transport: Transport,
    clock: Clock,
    secrets: Secrets,
) -> dict[str, Source | MisBridgeError]:
    """Open every school's MIS as ``open_school`` does, or say why it can not be opened.

    One school's mistake stops no other.
    """
    sources: dict[str, Source | MisBridgeError] = {}
    for school in configuration.schools:
        try:
            sources[school] = open_school(
                configuration, school, adapters, transport, clock, secrets
            )
        except MisBridgeError as error:
            get_logger(__name__).error("school_not_opened", school=school, problem=str(error))
            sources[school] = error
    return sources
