"""People, duties and rules in the files: what is accepted, and what each mistake says."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from mis_bridge.incidents.chain import ChainStep, Origin
from mis_bridge.settings.escalation import rules_of
from mis_bridge.triggers.model import Severity

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Protocol

    from mis_bridge.settings import Configuration

    class House(Protocol):
        """What the fixture of that name gives."""

        folder: Path

        def load(self, config: str = ..., **schools: str) -> Configuration: ...
        def problems(self, config: str = ..., **schools: str) -> list[str]: ...


MAIL = """
[channels.mail]
kind = "smtp"
host = "smtp.school.example"
sender = "a@school.example"
recipients = ["b@school.example"]
[channels.la]
kind = "sftp"
host = "sftp.la.example"
username = "u"
key = "env:KEY"
host_keys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5"]
[channels.teams]
kind = "teams"
url = "env:URL"
"""
AMINA = """
[people.amina]
name = "Amina Okoro"
role = "designated safeguarding lead"
channels = ["folder", { channel = "mail", after_minutes = 5 }]
last_day = 2027-07-21
"""
STEP = 'steps = [{ tell = ["dsl"] }]'


def test_a_duty_may_be_a_persons(house: House, config: str, school: str) -> None:
    """A person stands for their channels, in the general file and in a school's."""
    general = config.replace(
        'dsl = ["folder"]', 'dsl = ["amina", "teams"]\nhead_of_year_8 = ["mail"]'
    )
    own = f'{school}\n[routes]\ndeputy = ["ben"]\n[people.ben]\nname = "Ben"\nchannels = ["mail"]\n'

    loaded = house.load(general + MAIL + AMINA, sample=own)

    assert loaded.channels("sample")["dsl"] == ["folder", "mail", "teams"]
    assert loaded.channels("sample")["deputy"] == ["mail"]
    amina = loaded.people("sample")["amina"]
    assert [(way.channel, way.after_minutes) for way in amina.channels] == [
        ("folder", 0),
        ("mail", 5),
    ]
    assert amina.last_day == date(2027, 7, 21)


def test_a_rule_is_read_as_incidents_use_it(house: House, config: str) -> None:
    """Names become sets, hours minutes, days their places in the week."""
    rule = f"""
[[escalation]]
name = "looked after, in lessons"
triggers = ["missing_during_day"]
severity = "high"
flags = ["lac"]
year_groups = [7, 8]
hours = "08:30-15:30"
days = ["mon", "fri"]
term = true
steps = [{{ tell = ["dsl"] }}, {{ tell = ["deputy", "amina"], after_minutes = 10 }}]

[[escalation]]
{STEP}
"""
    loaded = house.load(config + MAIL + AMINA + rule)
    first, second = rules_of(loaded.settings.escalation, Origin.INSTALLATION)

    assert first.name == "looked after, in lessons"
    assert first.steps == (ChainStep(("dsl",)), ChainStep(("deputy", "amina"), 10))
    assert (first.severity, first.hours, first.term) == (Severity.HIGH, (510, 930), True)
    assert (first.weekdays, first.year_groups) == (frozenset({0, 4}), frozenset({7, 8}))
    assert second.name == "2 of config.toml"
    assert second.covers(first)


@pytest.mark.parametrize(
    ("added", "where", "advice"),
    [
        (
            "[people.bo]\nname = 'B'\nchannels = ['mial']  # here",
            "people.bo.channels[1]",
            '"mail"?',
        ),
        (
            "[people.bo]\nname = 'B'\nchannels = [{ channel = 'mial' }]  # here",
            "people.bo.channels[1]",
            'did you mean "mail"?',
        ),
        ("[people.bo]\nname = 'B'\nchannels = []  # here", "people.bo.channels", "not be empty"),
        ("[people.bo]  # here\nchannels = ['mail']", "people.bo.name", "is missing"),
        (
            "[people.bo]  # here\nname = 'B'\nchannels = ['mail', 'mail']",
            "people.bo",
            "named twice",
        ),
        (
            "[people.bo]  # here\nname = 'B'\nchannels = [{ channel = 'mail', after_minutes = 5 }]",
            "people.bo",
            "the first channel is used at once",
        ),
        ("[people.dsl]  # here\nname = 'B'\nchannels = ['mail']", "people.dsl", "of a duty too"),
        ("[people.mail]  # here\nname = 'B'\nchannels = ['mail']", "people.mail", "a channel too"),
        (
            "[people.bo]\nname = 'B'\nchannels = ['la']  # here",
            "people.bo.channels[1]",
            "takes approved packages only",
        ),
        (
            f"[[escalation]]\ntriggers = ['missing']  # here\n{STEP}",
            "escalation[1].triggers[1]",
            "there is no trigger",
        ),
        (
            "[[escalation]]\nsteps = [{ tell = ['deputi'] }]  # here",
            "escalation[1].steps[1].tell[1]",
            'did you mean "deputy"?',
        ),
        (
            "[[escalation]]\nsteps = [{ tell = ['authority'] }]  # here",
            "escalation[1].steps[1].tell[1]",
            "without a person's approval",
        ),
        (
            "[[escalation]]  # here\nsteps = [{ tell = ['dsl'], after_minutes = 5 }]",
            "escalation[1]",
            "the first step is told at once",
        ),
        (
            "[[escalation]]  # here\nsteps = [{ tell = ['dsl'] }, { tell = ['it'] }]",
            "escalation[1]",
            "in the order of time",
        ),
        (f"[[escalation]]\nflags = ['LAC']  # here\n{STEP}", "escalation[1].flags[1]", "'lac'"),
        (
            f"[[escalation]]\nyear_groups = [88]  # here\n{STEP}",
            "escalation[1].year_groups[1]",
            "14",
        ),
        (
            f'[[escalation]]\nname = "a\\tb"  # here\n{STEP}',
            "escalation[1].name",
            "write it in one line",
        ),
        (
            '[people.eve]\nname = "Eve\\u001b[31m"  # here\nchannels = ["mail"]\n',
            "people.eve.name",
            "without control characters",
        ),
        (f"[[escalation]]\nhours = '8-9'  # here\n{STEP}", "escalation[1].hours", "09:00-10:00"),
        (f"[[escalation]]\nday = 'mon'  # here\n{STEP}", "escalation[1].day", '"days"?'),
    ],
)
def test_a_mistake_in_who_is_told_is_named_at_its_line(
    house: House, config: str, added: str, where: str, advice: str
) -> None:
    """File, line, key and what to write instead, as for every other table."""
    text = f"{config}{MAIL}\n{added}\n"
    line = 1 + text[: text.index("# here")].count("\n")

    problems = [problem for problem in house.problems(text) if f": {where}: " in problem]

    assert len(problems) == 1
    assert problems[0].startswith(f"config.toml:{line}: ")
    assert advice in problems[0]


def test_a_route_may_name_neither_a_stranger_nor_a_person_who_can_not_take_it(
    house: House, config: str
) -> None:
    """An unknown name, and a person with Teams where files have to go."""
    text = config.replace('dsl = ["folder"]', 'dsl = ["amna"]\nvirtual_school = ["cleo"]')
    cleo = "[people.cleo]\nname = 'Cleo'\nchannels = ['teams']\n"

    problems = house.problems(text + MAIL + AMINA + cleo)

    assert len(problems) == 2
    assert 'there is no channel or person "amna": did you mean "amina"?' in problems[0]
    assert "Teams and Apprise carry no files" in problems[1]


def test_a_school_names_people_of_the_general_file_and_its_own(
    house: House, config: str, school: str
) -> None:
    """Those of another school are strangers to it."""
    ben = f'\n[people.ben]\nname = "Ben"\nchannels = ["mail"]\n[[escalation]]\n{STEP}\n'
    first = school + ben.replace('"dsl"', '"ben", "amina"')
    second = school.replace('"sample"', '"second"') + ben.replace("[people.ben]", "[people.dee]")

    (problem,) = house.problems(
        config + MAIL + AMINA, sample=first, second=second.replace('"dsl"', '"ben"')
    )

    assert problem.startswith("conf.d/second.toml")
    assert 'there is no duty or person "ben"' in problem
