"""The ways out: the outside monitor, the channels, and duties that only one service leads to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mis_bridge.channels.build import review as look_at_channels
from mis_bridge.errors import SecretMissing, SettingsError, StoreError
from mis_bridge.service.check.model import note, of_error, placed, problem
from mis_bridge.settings.people import channels_of
from mis_bridge.store import channels
from mis_bridge.store.opening import embedded_file, open_configured

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mis_bridge.channels.build import Remark
    from mis_bridge.io.clock import Clock
    from mis_bridge.io.secrets import Secrets
    from mis_bridge.service.check.model import Finding
    from mis_bridge.settings import Configuration

__all__ = ["broken_channels", "review"]

_BY_TEAMS: Final = frozenset({"teams", "teams-activity", "teams-bot", "apprise"})
"""One service that can be down as a whole; the extra proves nothing beside it."""

_NOT_BY_TEAMS_ALONE: Final = {
    "dsl": "when it is down, or a flow says yes and posts nothing, nobody hears of a missing child",
    "it": "that Teams does not deliver could reach nobody",
}
"""Duties whose messages have to arrive on the day on which Teams does not deliver, and why."""


def review(configuration: Configuration, secrets: Secrets, clock: Clock) -> Iterator[Finding]:
    """Look at the outside monitor and the channels as far as is possible without the network.

    Args:
        configuration: as loaded.
        secrets: what the channels sign in with.
        clock: what certificates run out by.
    """
    yield from _monitor(configuration, secrets)
    try:
        remarks = _looked_at(configuration, secrets, clock)
    except SettingsError as error:
        yield from (placed(configuration, finding) for finding in of_error(error))
    else:
        for remark in remarks:
            found = problem if remark.fatal else note
            yield found(configuration, remark.text, f"channels.{remark.channel}")
    yield from _only_one_service(configuration)


def _looked_at(configuration: Configuration, secrets: Secrets, clock: Clock) -> list[Remark]:
    settings = configuration.settings
    ca_bundle = settings.service.ca_bundle or None
    return list(look_at_channels(settings.channels, secrets, ca_bundle=ca_bundle, clock=clock))


def _monitor(configuration: Configuration, secrets: Secrets) -> Iterator[Finding]:
    reference, key = configuration.settings.service.heartbeat_url, "service.heartbeat_url"
    if not reference:
        text = "not set: if this machine stops, nobody outside it will notice"
        yield note(configuration, text, key)
        return
    try:
        secrets.resolve(reference)
    except SecretMissing as error:
        yield problem(configuration, str(error), key)


def _only_one_service(configuration: Configuration) -> Iterator[Finding]:
    """Duties that only Apprise or only Teams leads to, here and in the schools' files."""
    settings = configuration.settings
    routes = {"": settings.routes} | {
        school: own.routes for school, own in configuration.schools.items()
    }
    for school, told in routes.items():
        people = settings.people | (configuration.schools[school].people if school else {})
        for duty, route in told.items():
            kinds = {settings.channels[one].kind for one in channels_of(route, people)}
            if kinds == {"apprise"}:
                text = (
                    f"what {duty} should know goes by Apprise only, which does not say what became "
                    "of a message: name a channel of Teams or email before it"
                )
                yield note(configuration, text, f"routes.{duty}", school)
            elif duty in _NOT_BY_TEAMS_ALONE and kinds and kinds <= _BY_TEAMS:
                text = (
                    f"what {duty} should know goes by Teams only: {_NOT_BY_TEAMS_ALONE[duty]}. "
                    "Name a channel of email after it"
                )
                yield note(configuration, text, f"routes.{duty}", school)


def broken_channels(configuration: Configuration, secrets: Secrets, clock: Clock) -> dict[str, str]:
    """Give the channels that can not be set up, or that have to be mended, and why.

    Args:
        configuration: as loaded.
        secrets: what the channels sign in with.
        clock: what certificates run out by.
    """
    broken: dict[str, str] = {}
    try:
        for remark in _looked_at(configuration, secrets, clock):
            if remark.fatal:
                broken[remark.channel] = remark.text
        if configuration.settings.store.url or embedded_file(configuration).exists():
            store = open_configured(configuration, secrets)
            try:
                with store.reading() as tx:
                    states = channels.load(tx)
            finally:
                store.close()
            broken |= {name: one.last_detail for name, one in states.items() if one.config_alarm}
    except (SettingsError, SecretMissing, StoreError):
        return broken  # each is named where it belongs
    return broken
