"""The daemon as school IT meets it: a process, signals, files."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from mis_bridge.store import feeds, incidents

from .conftest import DAY, NOW, wait_for

if TYPE_CHECKING:
    from datetime import datetime

    from mis_bridge.incidents.model import Incident

    from .conftest import World


REMINDERS = ("Not written down as done", "Nobody has answered")


def _read(world: World) -> datetime | None:
    """When the school was last read well, by the daemon's clock."""
    with world.store() as store, store.reading() as tx:
        return next((feed.last_good_at for feed in feeds.all_feeds(tx)), None)


def _cards(world: World, reference: str) -> int:
    """How many cards tell of an incident; those that remind of it come later, and often."""
    return sum(
        reference in " ".join(post.texts) and not post.texts[0].startswith(REMINDERS)
        for post in world.webhook.posted
    )


def _told(world: World) -> list[Incident]:
    """What the DSL is told of."""
    with world.store() as store, store.reading() as tx:
        return [one for one in incidents.recent(tx) if "dsl" in one.told]


@pytest.mark.thorough
def test_a_second_daemon_on_one_database_is_refused_and_told_why(world: World) -> None:
    """Two daemons by mistake: the second ends with 1 and names the first one's process.

    Expected: the first goes on as if nothing had been. A child in care who is marked absent after
    that is told of, and of every alert there is one card.
    """
    with world.daemon(speed=30) as first:
        wait_for(lambda: _read(world), "the school is read", world)
        with world.daemon(minute=NOW + 1) as second:
            assert second.wait(60) == 1
        assert f"process {first.pid}" in world.log()
        before = _told(world)

        known = {one.pupil for one in before}
        child = next(
            one
            for one in world.rehearsal.school.pupils
            if "lac" in one.flags and one.id not in known
        )
        world.clock.set((_read(world) or world.clock.now()) + timedelta(minutes=1))
        world.state.save_lesson(child.id, DAY, period="P3", code="N", at=world.clock.now())
        wait_for(lambda: len(_told(world)) > len(before), "the child is missed", world)
        after = _told(world)
        wait_for(
            lambda: all(_cards(world, one.reference) for one in after), "the card arrives", world
        )
        assert world.stop(first) == 0
    assert {one.pupil for one in after} - known == {child.id}
    assert [_cards(world, one.reference) for one in after] == [1] * len(after)


def test_no_name_upn_or_secret_reaches_the_log_or_a_message(world: World) -> None:
    """By default messages and logs name nobody: initials and form are all that leaves."""
    with world.daemon() as process:
        wait_for(lambda: world.webhook.posted and world.mails.mails, "messages arrive", world)
        assert world.stop(process) == 0

    said = world.log() + "".join(str(post.content) for post in world.webhook.posted)
    said += "".join(mail.message.as_string() for mail in world.mails.mails)
    said = said.replace(world.rehearsal.school.name, "").replace("samplewood.example", "")
    for pupil in world.rehearsal.school.pupils:
        assert pupil.upn not in said
        assert f"{pupil.forename} {pupil.surname}" not in said
        assert pupil.surname not in said
    for secret in (world.config.parent / "credentials").iterdir():
        assert secret.read_text("utf-8") not in said
