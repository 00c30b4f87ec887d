"""The daemon as school IT meets it: a process, signals, files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mis_bridge.store import feeds

from .conftest import NOW, wait_for

if TYPE_CHECKING:
    from .conftest import World


def _read(world: World) -> bool:
    with world.store() as store, store.reading() as tx:
        return any(feed.last_good_at for feed in feeds.all_feeds(tx))


def test_a_second_daemon_on_one_database_is_refused_and_told_why(world: World) -> None:
    """Two daemons by mistake: the second ends with 1 and names the first one's process."""
    with world.daemon() as first:
        wait_for(lambda: _read(world), "the school is read", world)
        with world.daemon(minute=NOW + 1) as second:
            assert second.wait(60) == 1
        assert f"process {first.pid}" in world.log()
        assert world.stop(first) == 0


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
