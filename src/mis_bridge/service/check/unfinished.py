"""What nobody has filled in yet: no school, no channel, the example's own words, a bare folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mis_bridge.adapters.authorities import NATIONAL_ID
from mis_bridge.service.check.model import Finding, note
from mis_bridge.settings.people import channels_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mis_bridge.settings import Configuration

__all__ = ["review"]

_EXAMPLE: Final = "example-school"
_EXAMPLE_NAME: Final = "Example School"
"""As school.example.toml has them; a test holds them equal."""


def review(configuration: Configuration) -> Iterator[Finding]:
    """Look for what a new installation lacks, and for what ``init`` wrote and nobody has changed.

    Args:
        configuration: as loaded.
    """
    yield from _emptiness(configuration)
    yield from _resting(configuration)
    yield from _examples(configuration)
    yield from _folders(configuration)
    yield from _nameless(configuration)


def _emptiness(configuration: Configuration) -> Iterator[Finding]:
    if not configuration.schools and not configuration.resting:
        folder = configuration.settings.service.conf_dir
        yield Finding("problem", f"there is no school: write {folder}/ID.toml for each")
    if not configuration.settings.channels:
        text = "there is no channel: whatever is noticed would reach nobody"
        yield Finding("problem", text, file=str(configuration.path), key="channels")


def _resting(configuration: Configuration) -> Iterator[Finding]:
    if configuration.resting:
        count = len(configuration.resting)
        yield Finding(
            "note",
            f"{count} school{'s'[: count != 1]} rest{'s'[count != 1 :]} (enabled = false): nobody "
            "is told of missing children there",
        )


def _examples(configuration: Configuration) -> Iterator[Finding]:
    for school, own in configuration.schools.items():
        if school == _EXAMPLE or own.school.name == _EXAMPLE_NAME:
            text = "this is still the example: write the school's id, name, MIS and calendar"
            yield note(configuration, text, "school.name", school)


def _folders(configuration: Configuration) -> Iterator[Finding]:
    """Duties whose every channel is a folder, into which somebody has to look."""
    settings = configuration.settings
    unseen = [
        audience
        for audience, route in settings.routes.items()
        if audience != "authority"
        and all(
            settings.channels[one].kind == "folder" for one in channels_of(route, settings.people)
        )
    ]
    if unseen:
        text = (
            f"what {', '.join(unseen)} should know only goes into a folder: somebody has to look "
            "there, or name a channel of Teams or email"
        )
        yield note(configuration, text, "routes")


def _nameless(configuration: Configuration) -> Iterator[Finding]:
    """Schools of an authority that neither the settings nor a file of its own gives a name."""
    nameless = [
        school
        for school in configuration.schools
        if configuration.authority(school) == NATIONAL_ID
        and not configuration.authority_name(school)
    ]
    if nameless or not (configuration.schools or configuration.settings.authority.name):
        text = "not set: a return does not say to which authority it goes"
        yield note(configuration, text, "authority.name")
