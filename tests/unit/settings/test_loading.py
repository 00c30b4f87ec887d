"""What a configuration without mistakes gives."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mis_bridge.calendars.terms import terms_of
from mis_bridge.errors import OperatorError
from mis_bridge.settings import find_config

if TYPE_CHECKING:
    from typing import Protocol

    from mis_bridge.settings import Configuration

    class House(Protocol):
        """What the fixture of that name gives."""

        folder: Path

        def load(self, config: str = ..., **schools: str) -> Configuration: ...
        def problems(self, config: str = ..., **schools: str) -> list[str]: ...


def test_the_environment_wins_over_the_file(
    house: House, config: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MIS_BRIDGE_SECTION__KEY overrides one key and leaves its neighbours."""
    monkeypatch.setenv("MIS_BRIDGE_POLLING__WORKERS", "4")
    monkeypatch.setenv("MIS_BRIDGE_STORE__URL", "postgresql://user:pw@localhost/registers")
    monkeypatch.setenv("MIS_BRIDGE_DISCLOSURE", "reference")

    settings = house.load(config + "\n[polling]\nworkers = 2\nwindow_school_days = 9\n").settings

    assert (settings.polling.workers, settings.polling.window_school_days) == (4, 9)
    assert settings.store.url == "postgresql://user:pw@localhost/registers"
    assert settings.disclosure == "reference"


def test_a_mistake_in_the_environment_names_the_variable(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A misspelt or wrong override is told as what it is, not as a line of the file."""
    monkeypatch.setenv("MIS_BRIDGE_POLLING__WORKERS", "many")
    monkeypatch.setenv("MIS_BRIDGE_STOER__URL", "x")

    wrong_value, wrong_section = house.problems()

    assert wrong_value == (
        "environment variable MIS_BRIDGE_POLLING__WORKERS: polling.workers: "
        "write a whole number, without quotes"
    )
    assert wrong_section == (
        'environment variable MIS_BRIDGE_STOER__URL: there is no section "stoer": '
        'did you mean "store"?'
    )


def test_paths_are_taken_from_the_folder_of_the_file(
    house: House,
    config: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """The same file means the same folders, whatever folder a command is started in."""
    text = f'{config}\n[service]\ndata_dir = "data"\nca_bundle = "/etc/own.pem"\n'
    house.load(text)
    monkeypatch.chdir(house.folder.parent)

    settings = house.load(text).settings

    assert settings.service.data_dir == house.folder / "data"
    assert settings.service.ca_bundle == "/etc/own.pem"
    channel = settings.channels["folder"]
    assert channel.kind == "folder"
    assert channel.path == house.folder / "outbox"


def test_a_channel_without_a_disclosure_takes_the_general_one(house: House, config: str) -> None:
    """The default is initials; a channel may say otherwise."""
    text = f'{config}\n[channels.full]\nkind = "folder"\npath = "a"\ndisclosure = "full"\n'

    channels = house.load(text).settings.channels

    assert channels["folder"].disclosure == "initials"
    assert channels["full"].disclosure == "full"


def test_a_school_overrides_routes_triggers_and_polling_for_itself(
    house: House, config: str, school: str
) -> None:
    """What a school's file says holds for that school, all else as in general."""
    configuration = house.load(
        config
        + '\n[channels.b]\nkind = "folder"\npath = "b"\n'
        + "\n[triggers.missing_during_day]\ngrace_minutes = 7\n",
        plain=school.replace('"sample"', '"plain"'),
        sample=school.replace("[mis]\n", "[mis]\npoll_seconds = 60\n")
        + '\n[routes]\nit = ["b"]\n\n[triggers.missing_during_day]\ngrace_minutes = 9\n',
    )

    assert configuration.routes("sample")["it"] == ["b"]
    assert configuration.routes("sample")["dsl"] == ["folder"]
    assert configuration.routes("plain")["it"] == ["folder"]
    assert configuration.triggers("sample")["missing_during_day"]["grace_minutes"] == 9
    assert configuration.triggers("plain")["missing_during_day"]["grace_minutes"] == 7
    assert (configuration.poll_seconds("sample"), configuration.poll_seconds("plain")) == (60, 120)


def test_the_calendar_of_a_school(house: House, school: str) -> None:
    """Closures and session times of the file are those of the calendar."""
    text = (
        school
        + 'closures = [{ first = 2026-10-26, last = 2026-10-30, why = "half term" },'
        + ' { first = 2026-11-02, why = "training", session = "AM" }]\n'
        + '[calendar.am]\nopens = "08:30"\ncloses = "09:00"\nends = 12:00:00\n'
    )

    own = house.load(sample=text).schools["sample"].calendar
    (calendar,) = terms_of(own, {}, None, "").years.calendars

    assert not calendar.is_school_day(date(2026, 10, 28))
    assert calendar.is_school_day(date(2026, 11, 2))
    assert (calendar.am.opens, calendar.am.closes, calendar.am.ends) == (510, 540, 720)
    assert calendar.year.start == 2026


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("authority", "authority"),
        ("terms.ics", "terms.ics"),
        ("https://school.example/terms", "https://school.example/terms"),
        ("webcal://school.example/terms", "https://school.example/terms"),
        ("credential:terms", "credential:terms"),
    ],
)
def test_where_term_dates_may_come_from(house: House, school: str, written: str, read: str) -> None:
    """The authority, a file, an address or a secret; then no day has to be written."""
    text = school.replace("first_day = 2026-09-03\n", "").replace(
        "last_day = 2027-07-21", f'term_dates = "{written}"'
    )

    own = house.load(sample=text).schools["sample"].calendar

    assert own.term_dates == read
    assert own.written == []


def test_deadlines_that_are_not_named_keep_their_default(house: House, config: str) -> None:
    """Setting one severity's deadline leaves the others."""
    text = config + "\n[incidents]\ndeadline_minutes = { normal = 30 }\n"

    deadlines = house.load(text).settings.incidents.deadline_minutes

    assert deadlines == {"critical": 15, "high": 15, "normal": 30, "low": 720}


def test_where_the_configuration_is_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """--config, then MIS_BRIDGE_CONFIG, then the folder that one stands in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MIS_BRIDGE_CONFIG", raising=False)
    for name in ("config.toml", "named.toml", "given.toml"):
        (tmp_path / name).touch()

    assert find_config() == Path("config.toml")
    monkeypatch.setenv("MIS_BRIDGE_CONFIG", str(tmp_path / "named.toml"))
    assert find_config() == tmp_path / "named.toml"
    assert find_config(tmp_path / "given.toml") == tmp_path / "given.toml"


def test_a_configuration_that_is_not_there_says_how_to_write_one(tmp_path: Path) -> None:
    """The error names the file that was looked for and the command that writes one."""
    with pytest.raises(OperatorError, match=r"nowhere\.toml; write one with: mis-bridge init"):
        find_config(tmp_path / "nowhere.toml")
