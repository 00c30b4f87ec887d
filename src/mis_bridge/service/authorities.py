"""The Local Authorities of the configured schools, each read once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mis_bridge.adapters.authorities import load_authority
from mis_bridge.errors import SettingsError
from mis_bridge.settings.loading import line_of

if TYPE_CHECKING:
    from mis_bridge.adapters.authorities import Authority
    from mis_bridge.settings import Configuration

__all__ = ["authorities_of", "authority_of"]


def authorities_of(configuration: Configuration) -> dict[str, Authority]:
    """Read the authority of every configured school, by its id.

    Raises:
        SettingsError: there is none of an id; names the file that names it.
        SettingsProblems: an authority's file has mistakes.
    """
    found: dict[str, Authority] = {}
    for school in configuration.schools:
        name = configuration.authority(school)
        if name not in found:
            found[name] = authority_of(configuration, school)
    return found


def authority_of(configuration: Configuration, school: str = "") -> Authority:
    """Read the authority of a school, or of those that name none; errors as ``authorities_of``."""
    settings = configuration.settings
    own = configuration.schools[school].authority.id if school else None
    file = configuration.school_file(school) if own else configuration.path
    try:
        return load_authority(
            own or settings.authority.id,
            settings.service.adapter_dirs,
            ack_minutes=settings.incidents.ack_minutes,
        )
    except SettingsError as error:
        raise SettingsError(
            error.problem, file=str(file), line=line_of(file, error.key), key=error.key
        ) from None
