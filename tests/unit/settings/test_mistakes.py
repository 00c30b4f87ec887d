"""Every mistake in a configuration is named with file, line, key and what to write instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Protocol

    from mis_bridge.settings import Configuration

    LineOf = Callable[[str, str], int]

    class House(Protocol):
        """What the fixture of that name gives."""

        folder: Path

        def load(self, config: str = ..., **schools: str) -> Configuration: ...
        def problems(self, config: str = ..., **schools: str) -> list[str]: ...


SFTP = "kind = 'sftp'\nhost = 'h'\nusername = 'u'\n"
HTTPS = "kind = 'https'\n"
MAIL = "host = 'h'\nsender = 'a@b.example'\nrecipients = ['c@d.example']\n"


@pytest.mark.parametrize(
    ("added", "where", "advice"),
    [
        ("[polling]\nworker = 3  # here", "polling.worker", 'did you mean "workers"?'),
        ("[poling]  # here\nworkers = 3", "poling", 'did you mean "polling"?'),
        ("[polling]\nworkers = 'x'  # here", "polling.workers", "a whole number, without quotes"),
        ("[polling]\nworkers = 0  # here", "polling.workers", "at least 1"),
        ("[polling]\nworkers = 65  # here", "polling.workers", "at most 64"),
        ("[polling]\nday_starts = '7:30'  # here", "polling.day_starts", '"HH:MM"'),
        ("[polling]\nday_starts = 730  # here", "polling.day_starts", '"HH:MM"'),
        ("[service]\nlog_format = 'xml'  # here", "service.log_format", "'console' or 'json'"),
        ("[service]\nadapter_dirs = 'a'  # here", "service.adapter_dirs", "write a list"),
        ("[service]\nworkers = 3  # here", "service.workers", "it belongs in [polling]"),
        ("[channels.x]\nkind = 'team'  # here", "channels.x.kind", 'did you mean "teams"?'),
        ("[channels.x]  # here\nurl = 'env:A'", "channels.x", '"kind" is missing'),
        ("[channels.x]  # here\nkind = 'teams'", "channels.x.url", "is missing"),
        (
            "[channels.x]\nkind = 'folder'\npath = 'a'\npaht = 'a'  # here",
            "channels.x.paht",
            'did you mean "path"?',
        ),
        (
            "[channels.'A b']  # here\nkind = 'folder'\npath = 'a'",
            'channels."A b"',
            "small letters",
        ),
        (
            "[incidents]\ndeadline_minutes.hihg = 3  # here",
            "incidents.deadline_minutes.hihg",
            "'high'",
        ),
        ("[service]\nconsole_url = 'bridge.example'  # here", "service.console_url", "https://"),
        ("[service]\nconsole_url = 'http://bridge.x'  # here", "service.console_url", "https://"),
        (
            f"[channels.x]  # here\n{SFTP}host_keys = ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5']",
            "channels.x",
            "either key or password",
        ),
        (
            f"[channels.x]\n{SFTP}key = 'env:K'\nhost_keys = ['SHA256:abc']  # here",
            "channels.x.host_keys[1]",
            "as the server publishes it",
        ),
        (
            "[channels.x]  # here\nkind = 'https'\nurl = 'https://portal.example/x'",
            "channels.x",
            "a portal that asks nobody who they are is sent nothing",
        ),
        (
            f"[channels.x]  # here\n{HTTPS}url = 'https://p.example'\ntoken_url = 'https://l.example'",
            "channels.x",
            "write all three",
        ),
        (
            f"[channels.x]\n{HTTPS}url = 'http://p.example'  # here\nclient_certificate = 'env:C'",
            "channels.x.url",
            "https://",
        ),
        (
            f"[channels.x]\nkind = 'secure-mail'\n{MAIL}security = 'none'  # here",
            "channels.x.security",
            "'starttls' or 'tls'",
        ),
        (
            "[store]\nurl = 'postgresql://u:pw@db/x'  # here",
            "store.url",
            "a password is never written",
        ),
    ],
)
def test_a_mistake_is_named_at_its_line(
    house: House, config: str, added: str, where: str, advice: str
) -> None:
    """The message carries file and line of the wrong key, the key, and the advice."""
    text = f"{config}\n{added}\n"
    line = 1 + text[: text.index("# here")].count("\n")

    problems = [problem for problem in house.problems(text) if f": {where}: " in problem]

    assert len(problems) == 1
    assert problems[0].startswith(f"config.toml:{line}: ")
    assert advice in problems[0]


def test_all_mistakes_of_all_files_are_told_at_once(house: House, config: str, school: str) -> None:
    """One run of check is enough: no mistake hides another, in this file or in the next."""
    problems = house.problems(
        config.replace('dsl = ["folder"]', 'dsl = ["foldr"]')
        + "[polling]\nwokers = 1\nworkers = 0",
        sample=school.replace('name = "Sample School"', 'nmae = "Sample School"'),
        second=school.replace('"sample"', '"second"') + "\n[routes]\nDSL = ['folder']\n",
    )

    keys = [problem.split(": ")[1] for problem in problems]
    assert keys == [
        "school.name",
        "school.nmae",
        "routes.DSL",
        "routes.dsl[1]",
        "polling.wokers",
        "polling.workers",
    ]


def test_text_that_is_not_toml_is_named_with_its_line(house: House, config: str) -> None:
    """A syntax error gives the line, and the other files are still checked."""
    problems = house.problems(config + "[polling\n", sample="[school]\nid = 'sample'\n")

    assert problems[0].startswith("conf.d/sample.toml")
    assert problems[-1].startswith(f"config.toml:{config.count(chr(10)) + 1}: this is not TOML")


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        ("first_day = 03-09-2026", "write a date as 2026-09-03"),
        ("first_day = 3/9/2026", "write a date as 2026-09-03"),
        ("day_starts = 0730", 'write a time of day in quotes, "08:45"'),
        ("day_starts = 7:30", 'write a time of day in quotes, "08:45"'),
        ("enabled = True", "write true or false"),
        ("name = Sample School", "write text in quotes"),
    ],
)
def test_text_that_is_not_toml_comes_with_what_was_probably_meant(
    house: House, config: str, line: str, advice: str
) -> None:
    """People who have never seen TOML write dates and words as they know them."""
    (problem,) = house.problems(f"{config}\n[x]\n{line}\n")

    assert problem.endswith(f"({advice})")
    assert line.partition("= ")[2] not in problem


def test_a_file_that_is_not_utf8_is_named(house: House) -> None:
    """A file saved in another encoding is refused with the remedy, not with a traceback."""
    (house.folder / "conf.d" / "old.toml").write_bytes(b"[school]\nname = 'Ysgol \xff'\n")

    assert house.problems() == ["conf.d/old.toml: is not UTF-8 text: save it as UTF-8"]


@pytest.mark.parametrize(
    "line",
    [
        'url = "https://prod.logic.azure.com/workflows/1?sig=Sup3rS3cretSignature"',
        'url = "Sup3rS3cretSignature"',
        'url = ["Sup3rS3cretSignature"]',
    ],
)
def test_a_secret_in_the_file_is_refused_and_never_repeated(
    house: House, config: str, line: str
) -> None:
    """The message says where secrets belong and holds nothing of the value."""
    (problem,) = [
        text
        for text in house.problems(f'{config}\n[channels.x]\nkind = "teams"\n{line}\n')
        if "channels.x.url" in text
    ]

    assert "Sup3rS3cretSignature" not in problem


@pytest.mark.parametrize(
    "url",
    [
        "https://school.webhook.office.com/webhookb2/abc",
        "https://outlook.office.com/webhook/abc",
        "https://outlook.office365.com/webhook/abc",
    ],
)
def test_a_retired_connector_is_refused_by_name(house: House, config: str, url: str) -> None:
    """Office 365 connectors stopped in May 2026; the message names Workflows."""
    (problem,) = house.problems(f'{config}\n[channels.x]\nkind = "teams"\nurl = "{url}"\n')

    assert "retired in May 2026: create a Workflows webhook" in problem
    assert url not in problem


def test_plain_mail_leaves_this_machine_never(house: House, config: str) -> None:
    """Unencrypted SMTP is for a relay on this machine alone."""
    mail = (
        '\n[channels.x]\nkind = "smtp"\nsecurity = "none"\nhost = "{}"\n'
        'sender = "a@school.example"\nrecipients = ["b@school.example"]\n'
    )

    (problem,) = house.problems(config + mail.format("smtp.school.example"))

    assert "unencrypted" in problem
    assert house.load(config + mail.format("localhost")).settings.channels["x"].kind == "smtp"


def test_teams_can_not_carry_a_package_to_the_authority(
    house: House, config: str, school: str, line_of: LineOf
) -> None:
    """A card has no files: the package would count as sent although nothing left."""
    teams = '[channels.cme-teams]\nkind = "teams"\nurl = "credential:cme-teams-url"\n'
    route = 'authority = ["folder", "cme-teams"]'
    text = config + route + "\n" + teams
    own = f"{school}\n[routes]\n{route}\n"

    problems = house.problems(text, sample=own)

    said = (
        "routes.authority[2]: Teams and Apprise carry no files, and a package for the Local "
        "Authority is files: name a mail or folder channel"
    )
    assert problems == [
        f"conf.d/sample.toml:{line_of(own, 'authority')}: {said}",
        f"config.toml:{line_of(text, 'authority')}: {said}",
    ]


def test_a_route_to_an_unknown_channel_is_named(house: House, config: str, line_of: LineOf) -> None:
    """A misspelt channel name would be an alert that reaches nobody."""
    text = config.replace('it = ["folder"]', 'it = ["folder", "folderr"]')

    (problem,) = house.problems(text)

    assert problem == (
        f"config.toml:{line_of(text, 'it = [')}: routes.it[2]: "
        'there is no channel "folderr": did you mean "folder"?'
    )


def test_a_route_that_is_no_list_is_named_once(house: House, config: str) -> None:
    """It is there, so that nobody is told that it is missing as well."""
    (problem,) = house.problems(config.replace('it = ["folder"]', 'it = "folder"'))

    assert "routes.it: write a list" in problem


def test_an_audience_without_a_route_is_named(house: House, config: str) -> None:
    """Somebody must be told of each kind of finding."""
    (problem,) = house.problems(config.replace('it = ["folder"]\n', ""))

    assert "routes.it: nobody is told" in problem


def test_an_unknown_trigger_and_an_unknown_parameter_are_named(
    house: House, config: str, school: str
) -> None:
    """Trigger settings are checked against the catalogue, in both kinds of file."""
    problems = house.problems(
        config + "\n[triggers.missing_in_day]\ngrace_minutes = 5\n",
        sample=school + "\n[triggers.missing_during_day]\ngrace_minute = 5\n",
    )

    assert "the nearest is 'grace_minutes'" in problems[0]
    assert problems[0].startswith("conf.d/sample.toml:13: triggers.missing_during_day.grace_minute")
    assert 'did you mean "missing_during_day"?' in problems[1]


def test_a_school_file_is_named_after_its_school(house: House, school: str) -> None:
    """The id names the school in the database, so the file can not say another."""
    (problem,) = house.problems(sample=school.replace('"sample"', '"other"'))

    assert problem.startswith("conf.d/sample.toml:2: school.id: ")
    assert 'write id = "sample"' in problem


@pytest.mark.parametrize(
    ("old", "new", "advice"),
    [
        ("last_day = 2027-07-21", "last_day = 2026-07-21", "before first_day"),
        ("last_day = 2027-07-21", "last_day = 2027-09-01", "another academic year"),
        ("last_day = 2027-07-21", "last_day = '21/07/2027'", "YYYY-MM-DD"),
        (
            "last_day = 2027-07-21",
            "last_day = 2027-07-21\npm = {opens = '12:00', closes = '12:30', ends = '15:00'}",
            "the afternoon (pm) opens before the morning ends",
        ),
        ("last_day = 2027-07-21\n", "", "first_day and last_day, or neither"),
        ("first_day = 2026-09-03\nlast_day = 2027-07-21\n", "", "where the term dates come from"),
        ("first_day", "term_dates = 'http://x.example/a.ics'\nfirst_day", "begins with"),
        ("first_day", "term_dates = 'terms.pdf'\nfirst_day", "ends in .ics"),
        (
            "last_day = 2027-07-21\n",
            "last_day = 2027-07-21\nyears = [{ first_day = 2026-09-01, last_day = 2027-07-01 }]\n",
            "two of the years that are written are the same",
        ),
        ("[mis]\n", "urn = '12345'\n[mis]\n", "its six digits in quotes"),
        ("[mis]\n", "[mis]\nconnection.token = 'abcdef'\n", "a secret is never written here"),
        ("[mis]\n", "[codes]\nX9 = 'QQ'\n[mis]\n", "not a code of the national table"),
    ],
)
def test_a_mistake_in_a_school_is_named(
    house: House, school: str, old: str, new: str, advice: str
) -> None:
    """Dates, secrets in the connection and codes are checked in each school's file."""
    problems = house.problems(sample=school.replace(old, new))

    assert any(advice in problem for problem in problems)
    assert "abcdef" not in "".join(problems)


def test_an_alert_can_not_be_routed_to_the_authority(house: House, config: str) -> None:
    """Its channels take approved packages only; the audience and the channel are named."""
    text = config.replace('it = ["folder"]', 'it = ["la"]\nauthority = ["la"]') + (
        "\n[channels.la]\nkind = 'https'\nurl = 'https://portal.example/x'\n"
        "client_certificate = 'env:C'\n"
    )

    (problem,) = house.problems(text)

    assert ": routes.it[1]: " in problem
    assert "takes approved packages only" in problem
