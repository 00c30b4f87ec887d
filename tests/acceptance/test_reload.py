"""SIGHUP and SIGTERM, as school IT and systemd send them."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import pytest

from mis_bridge.simulator.demo_setup import SCHOOL
from mis_bridge.simulator.faults import Fault, FaultKind
from mis_bridge.store import feeds, owed

from .conftest import wait_for

pytestmark = pytest.mark.thorough

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from .conftest import World


def _states(world: World) -> dict[str, str]:
    with world.store() as store, store.reading() as tx:
        return {feed.school: feed.state for feed in feeds.all_feeds(tx)}


def _logged(world: World, event: str) -> int:
    return world.log().count(f'"{event}"')


def _reload(world: World, process: subprocess.Popen[bytes], event: str) -> None:
    """Ask for a reload, and wait until the daemon has said how it went."""
    before = _logged(world, event)
    process.send_signal(signal.SIGHUP)
    wait_for(lambda: _logged(world, event) > before, event, world)


def _two_of_one_id(folder: Path) -> str:
    for name in ("one", "two"):
        (folder / name / "twin").mkdir(parents=True)
        (folder / name / "twin" / "adapter.toml").write_text("", "utf-8")
    return f'[service]\nadapter_dirs = ["{folder / "one"}", "{folder / "two"}"]\n'


@pytest.mark.parametrize("mistake", ["syntax", "authority", "certificates", "adapters", "schools"])
def test_a_configuration_that_can_not_be_used_changes_nothing(world: World, mistake: str) -> None:
    """Wherever the mistake shows, the daemon goes on as it was and says what is wrong."""
    wrong = {
        "syntax": ("[routes]", "[rotes]"),
        "authority": ("[authority]\n", '[authority]\nid = "nowhere"\n'),
        "certificates": ("[service]\n", '[service]\nca_bundle = "not-there.pem"\n'),
        "schools": ("[service]\n", '[service]\nconf_dir = "not-mounted"\n'),
        "adapters": ("[service]\n", _two_of_one_id(world.config.parent / "more")),
    }[mistake]
    with world.daemon() as process:
        wait_for(lambda: _states(world) == {SCHOOL: "good"}, "the school is read", world)
        good = world.config.read_text("utf-8")
        world.config.write_text(good.replace(*wrong), "utf-8")
        _reload(world, process, "reload_refused")

        world.config.write_text(good, "utf-8")
        _reload(world, process, "reloaded")
        assert world.stop(process) == 0
    assert _logged(world, "tick_failed") == 0


def test_a_school_is_added_and_another_one_taken_away(world: World) -> None:
    """The new one is read at once; the log says what the old one leaves behind."""
    folder = world.config.parent / "conf.d"
    school = (folder / f"{SCHOOL}.toml").read_text("utf-8")
    with world.daemon() as process:
        wait_for(lambda: world.webhook.posted and world.mails.mails, "messages arrive", world)
        new = school.replace(f'id = "{SCHOOL}"', 'id = "newwood"')
        (folder / "newwood.toml").write_text(new, "utf-8")
        _reload(world, process, "reloaded")
        both = {SCHOOL: "good", "newwood": "good"}
        wait_for(lambda: _states(world) == both, "both schools are read", world)

        (folder / f"{SCHOOL}.toml").unlink()
        _reload(world, process, "school_left")
        assert _states(world) == {"newwood": "good"}
        assert world.stop(process) == 0
    (left,) = [line for line in world.log().splitlines() if '"school_left"' in line]
    assert f'"school": "{SCHOOL}"' in left
    assert '"open_incidents": 0' not in left


def test_sigterm_lets_a_reading_end(world: World) -> None:
    """The MIS is slow to answer; what it gives is stored before the daemon stops."""
    fault = Fault(FaultKind.HANG, path="attendance/session", times=1, seconds=2)
    world.standin.faults.add(fault)
    with world.daemon() as process:
        wait_for(lambda: fault.times == 0, "a page is asked for", world)
        began = time.monotonic()
        assert world.stop(process) == 0
        assert time.monotonic() - began < 15
    assert _states(world) == {SCHOOL: "good"}


def test_sigterm_lets_an_attempt_to_send_end(world: World) -> None:
    """The webhook takes a card and never answers: that nobody knows more is written down."""
    fault = Fault(FaultKind.HANG, times=1, seconds=2)
    world.webhook.faults.add(fault)
    with world.daemon() as process:
        wait_for(lambda: fault.times == 0, "a message is being sent", world)
        assert world.stop(process) == 0
    with world.store() as store, store.reading() as tx:
        counted = owed.counts(tx)
    assert "sending" not in {state for _, state in counted}
    assert counted["dsl-teams", "pending"]
