"""The authorities' files, and whether packages go the way that each authority wants."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from mis_bridge.adapters.authorities import NATIONAL_ID, authority_ids, load_authority
from mis_bridge.errors import SettingsError
from mis_bridge.service.authorities import authority_of
from mis_bridge.service.check.model import note, of_error
from mis_bridge.settings import SettingsProblems

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mis_bridge.adapters.authorities import Authority
    from mis_bridge.service.check.model import Finding
    from mis_bridge.settings import Configuration

__all__ = ["review"]

_WAYS: Final = {
    "assisted": ("folder", "by its own form"),
    "secure_mail": ("secure-mail", "by secure mail"),
    "sftp": ("sftp", "by SFTP"),
    "https": ("https", "by HTTPS"),
}
"""By how an authority wants to be told: the kind of channel that does it, and words for it."""


def review(configuration: Configuration) -> Iterator[Finding]:
    """Look at the authorities that schools name, and at those of ours that nobody names yet.

    Args:
        configuration: as loaded.
    """
    named: dict[str, Authority | None] = {}
    for school in ("", *configuration.schools):
        name = configuration.authority(school) if school else configuration.settings.authority.id
        if name in named:
            continue
        named[name] = None
        try:
            named[name] = authority_of(configuration, school)
        except (SettingsError, SettingsProblems) as error:
            yield from of_error(error)
    yield from dict.fromkeys(
        finding
        for school in configuration.schools
        if (authority := named[configuration.authority(school)]) is not None
        for finding in _way(configuration, school, authority)
    )
    dirs = configuration.settings.service.adapter_dirs
    for name in authority_ids(dirs):
        if name not in named:
            try:
                load_authority(name, dirs)
            except (SettingsError, SettingsProblems) as error:
                # What nobody names stops nobody.
                yield from (replace(finding, level="note") for finding in of_error(error))


def _way(configuration: Configuration, school: str, authority: Authority) -> Iterator[Finding]:
    """How a school's authority wants to be told, where its route does not go that way."""
    wanted, channels = _WAYS.get(authority.route.kind), configuration.settings.channels
    route = configuration.channels(school).get("authority", [])
    if authority.id == NATIONAL_ID or wanted is None or not route:
        return
    kind, words = wanted
    of_school = school if "authority" in configuration.schools[school].routes else ""
    if not any(channels[name].kind == kind for name in route):
        text = f"{authority.name} wants to be told {words}: no {kind} channel is in this route"
        yield note(configuration, text, "routes.authority", of_school)
