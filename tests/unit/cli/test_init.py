"""``mis-bridge init``."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from mis_bridge.cli.init import command
from mis_bridge.errors import OperatorError
from mis_bridge.settings import load

if TYPE_CHECKING:
    from pathlib import Path


def init(folder: Path) -> None:
    """Run the command; errors on purpose come through."""
    result = CliRunner().invoke(command, [str(folder)], standalone_mode=False)
    if result.exception:
        raise result.exception


def test_what_it_writes_is_a_configuration_without_mistakes(tmp_path: Path) -> None:
    """The written files load as they are, and nothing of them points outside the folder."""
    init(tmp_path / "new")

    configuration = load(tmp_path / "new" / "config.toml")

    assert list(configuration.schools) == ["example-school"]
    assert configuration.settings.service.data_dir == tmp_path / "new" / "data"
    folder = configuration.schools["example-school"].mis.connection["folder"]
    assert folder == str(tmp_path / "new" / "registers")


def test_the_files_are_not_for_everybody(tmp_path: Path) -> None:
    """Owner and group read the configuration (0640), whatever the umask."""
    init(tmp_path)

    for name in ("config.toml", "conf.d/example-school.toml"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o640


@pytest.mark.parametrize("there", ["config.toml", "conf.d/example-school.toml"])
def test_nothing_is_ever_overwritten(tmp_path: Path, there: str) -> None:
    """One file that is there already, and nothing is written at all."""
    file = tmp_path / there
    file.parent.mkdir(exist_ok=True)
    file.write_text("mine")

    with pytest.raises(OperatorError, match="already there"):
        init(tmp_path)

    assert file.read_text() == "mine"
    assert sum(path.is_file() for path in tmp_path.rglob("*")) == 1


def test_the_systems_configuration_keeps_its_data_in_the_systems_place(tmp_path: Path) -> None:
    """Under .../etc/mis-bridge, as in a package, data goes to /var/lib/mis-bridge."""
    folder = tmp_path / "etc" / "mis-bridge"
    init(folder)

    configuration = load(folder / "config.toml")

    assert str(configuration.settings.service.data_dir) == "/var/lib/mis-bridge"
    connection = configuration.schools["example-school"].mis.connection
    assert connection["folder"] == "/var/lib/mis-bridge/registers"
