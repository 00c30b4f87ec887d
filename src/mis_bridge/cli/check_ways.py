"""What ``mis-bridge check`` says of ways that will not hold: extras alone, secrets that end."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from mis_bridge.channels.examination import EXPIRES_SOON
from mis_bridge.cli.check_routes import Remark
from mis_bridge.settings.people import channels_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from mis_bridge.settings import Configuration

__all__ = ["mis_ends", "only_extras"]


def only_extras(configuration: Configuration) -> Iterator[Remark]:
    """Name the duties that only Apprise leads to, in ``config.toml`` and in the schools' files."""
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
                yield Remark("note", text, f"routes.{duty}", school)


def mis_ends(configuration: Configuration, today: date) -> Iterator[Remark]:
    """Name the schools whose MIS will soon not know them any more, or knows them no more.

    Args:
        configuration: what is configured.
        today: local date.
    """
    for school, own in configuration.schools.items():
        day = own.mis.secret_expires
        if day is None or today < day - EXPIRES_SOON + timedelta(days=1):
            continue
        ends = "ended" if day <= today else "ends"
        text = (
            f"the credential for {own.mis.adapter} {ends} on {day.day} {day:%B %Y}: get a new one, "
            "store it, and write its day here"
        )
        yield Remark("note", text, "mis.secret_expires", school)
