"""``mis-bridge run``: what it does not start with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from mis_bridge.cli.init import command as init
from mis_bridge.cli.run import command
from mis_bridge.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path


def test_a_configuration_without_any_school_is_not_watched(tmp_path: Path) -> None:
    """A daemon that watches nothing looks like a day without an alert: it says what to write."""
    CliRunner().invoke(init, [str(tmp_path)], catch_exceptions=False)
    (tmp_path / "conf.d" / "example-school.toml").unlink()

    with pytest.raises(SettingsError, match=r"nothing to watch: write .*conf\.d/ID\.toml"):
        CliRunner().invoke(
            command, ["--config", str(tmp_path / "config.toml")], catch_exceptions=False
        )

    assert not (tmp_path / "data").exists()
