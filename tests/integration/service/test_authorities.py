"""A machine that watches schools of several Local Authorities gives each school its own rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mis_bridge.adapters.authorities import load_authority
from mis_bridge.errors import SettingsError
from mis_bridge.service.schools import schools_of
from mis_bridge.settings import SettingsProblems, load
from mis_bridge.triggers.model import Audience

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """\
[service]
adapter_dirs = ["ours"]
[channels.folder]
kind = "folder"
path = "outbox"
[routes]
dsl = ["folder"]
office = ["folder"]
attendance = ["folder"]
it = ["folder"]
[triggers.register_not_taken]
session_minutes = 25
[authority]
id = "ealing"
"""
SCHOOL = """\
[school]
id = "{id}"
name = "{id}"
[mis]
adapter = "csv"
[calendar]
first_day = 2026-09-03
last_day = 2027-07-21
"""
EXAMPLESHIRE = """\
[authority]
id = "exampleshire"
name = "Exampleshire"
[told]
ten_day_absence = ["office"]
[triggers.register_not_taken]
minutes = 20
session_minutes = 20
source = "Our policy"
"""


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A configuration with two schools, one of which names an authority of its own."""
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "ours" / "la" / "exampleshire").mkdir(parents=True)
    (tmp_path / "ours/la/exampleshire/authority.toml").write_text(EXAMPLESHIRE, "utf-8")
    (tmp_path / "config.toml").write_text(CONFIG, "utf-8")
    (tmp_path / "conf.d/ashfield.toml").write_text(SCHOOL.format(id="ashfield"), "utf-8")
    (tmp_path / "conf.d/birch.toml").write_text(
        SCHOOL.format(id="birch") + '[authority]\nid = "exampleshire"\n', "utf-8"
    )
    return tmp_path


def test_each_school_has_the_rules_of_its_own_authority(house: Path) -> None:
    """Its name on packages, its steps, its form and whom it wants told; the other keeps its own."""
    schools = schools_of(load(house / "config.toml"))
    ashfield, birch = schools["ashfield"], schools["birch"]

    assert (ashfield.authority_name, birch.authority_name) == ("Ealing", "Exampleshire")
    assert ashfield.rules.protocols == load_authority("ealing").protocols
    assert birch.rules.protocols == load_authority("national").protocols
    assert list(ashfield.forms) == ["cme"]
    assert birch.forms == {}
    assert ashfield.triggers["whereabouts_unknown"]["refer_day"] == 10
    assert not birch.triggers.get("whereabouts_unknown", {}).get("refer_day")
    assert ashfield.rules.triggers is None
    assert birch.rules.triggers is not None
    assert birch.rules.triggers["ten_day_absence"].audience == (Audience.OFFICE,)
    assert Audience.DSL in birch.rules.triggers["missing_during_day"].audience


def test_what_the_installation_sets_goes_before_what_the_authority_sets(house: Path) -> None:
    """And what neither sets is the trigger's own."""
    found = schools_of(load(house / "config.toml"))["birch"].triggers["register_not_taken"]

    assert found == {"minutes": 20, "session_minutes": 25}


def test_a_name_in_the_settings_goes_before_that_of_the_file(house: Path) -> None:
    """A school prints its authority as people there call it."""
    file = house / "conf.d" / "birch.toml"
    file.write_text(file.read_text("utf-8") + 'name = "Exampleshire Council"\n', "utf-8")

    assert schools_of(load(house / "config.toml"))["birch"].authority_name == "Exampleshire Council"


def test_the_general_name_is_not_that_of_another_authority(house: Path) -> None:
    """The name beside the general id says nothing of a school that names another one."""
    config = house / "config.toml"
    config.write_text(CONFIG + 'name = "London Borough of Ealing"\n', "utf-8")

    schools = schools_of(load(config))

    assert schools["ashfield"].authority_name == "London Borough of Ealing"
    assert schools["birch"].authority_name == "Exampleshire"


def test_an_authority_that_is_not_there_names_the_school_that_wants_it(house: Path) -> None:
    """The file and the line: nobody has to search forty schools."""
    (house / "ours" / "la" / "exampleshire" / "authority.toml").unlink()

    with pytest.raises(SettingsError) as caught:
        schools_of(load(house / "config.toml"))

    assert caught.value.file == str(house / "conf.d" / "birch.toml")
    assert caught.value.line == SCHOOL.count("\n") + 2
    assert caught.value.key == "authority.id"


def test_an_authority_with_a_mistake_stops_the_start_and_not_a_child_s_alert(house: Path) -> None:
    """The mistake is told before anything runs on half of a protocol."""
    file = house / "ours" / "la" / "exampleshire" / "authority.toml"
    file.write_text(EXAMPLESHIRE + "[[protocol.feed_blind]]\nid = 7\n", "utf-8")

    with pytest.raises(SettingsProblems, match=r"protocol\.feed_blind\[1\]\.id"):
        schools_of(load(house / "config.toml"))


RULE = """
[[escalation]]
name = "{name}"
triggers = ["missing_during_day"]
steps = [{{ tell = ["dsl"] }}, {{ tell = ["deputy"], after_minutes = 10 }}]
"""


def test_a_schools_rules_come_before_the_general_ones_and_those_before_the_authoritys(
    house: Path,
) -> None:
    """Whoever is nearest to the child has the first word."""
    ours = house / "ours/la/exampleshire/authority.toml"
    sourced = RULE.format(name="theirs") + 'source = "Our protocol"\n'
    ours.write_text(ours.read_text("utf-8") + sourced, "utf-8")
    config = house / "config.toml"
    config.write_text(config.read_text("utf-8") + RULE.format(name="general"), "utf-8")
    school = house / "conf.d" / "birch.toml"
    school.write_text(school.read_text("utf-8") + RULE.format(name="own"), "utf-8")

    schools = schools_of(load(config))

    named = {name: [rule.name for rule in one.rules.escalation] for name, one in schools.items()}
    assert named == {"ashfield": ["general"], "birch": ["own", "general", "theirs"]}


def test_an_authority_tells_duties_and_says_whose_rule_it_is(house: Path) -> None:
    """People have names in a school only; a rule without a source is nobody's."""
    ours = house / "ours/la/exampleshire/authority.toml"
    ours.write_text(
        ours.read_text("utf-8") + RULE.format(name="theirs").replace('"deputy"', '"amina"'), "utf-8"
    )

    with pytest.raises(SettingsProblems) as unsourced:
        schools_of(load(house / "config.toml"))
    ours.write_text(ours.read_text("utf-8") + 'source = "Our protocol"\n', "utf-8")
    with pytest.raises(SettingsProblems) as stranger:
        schools_of(load(house / "config.toml"))

    assert '"source" is missing here' in str(unsourced.value)
    assert 'there is no duty "amina"' in str(stranger.value)


def test_a_school_that_names_a_deputy_has_the_default_behind_all_rules(house: Path) -> None:
    """The other one, with the usual four duties, has none."""
    school = house / "conf.d" / "birch.toml"
    own = RULE.format(name="own").replace("[[escalation]]", '[[escalation]]\nflags = ["cp"]')
    school.write_text(school.read_text("utf-8") + '[routes]\ndeputy = ["folder"]\n' + own, "utf-8")

    schools = schools_of(load(house / "config.toml"))

    named = {name: [rule.name for rule in one.rules.escalation] for name, one in schools.items()}
    assert named == {
        "ashfield": [],
        "birch": ["own", "missing by default, looked after", "missing by default"],
    }
    (*_, last) = schools["birch"].rules.escalation
    assert [step.tell for step in last.steps] == [("dsl",), ("deputy",)]
