"""The closed vocabulary: every mistake has its file, its line and the nearest right spelling."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mis_bridge.adapters.manifest import connection, parse, read
from mis_bridge.errors import AdapterInvalid
from mis_bridge.io.secrets import Secret
from mis_bridge.settings import SettingsProblems

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """\
[adapter]
id = "tiny"
name = "Tiny MIS"
vendor = "Nobody"
version = "1"
evidence = "invented for tests"

[capabilities]
session = true

[connection.token]
required = true
secret = true
help = "The token."

[connection.school]
default = "1"
pattern = "[0-9]+"
help = "Number of the school."

[auth]
type = "bearer"
token = "{connection.token}"

[http]
base = "https://tiny.example.test/api/"

[stream.sessions]
get = "schools/{connection.school}/sessions"
records = "rows"

[stream.sessions.page]
type = "next_link"
next = "next"
max_pages = 10

[stream.sessions.cursor]
order = "none"
query = { since = "{cursor}" }

[stream.sessions.map]
pupil = "pupil"
day = "day"
session = "session"
code = "code"
"""


def test_a_good_manifest_is_read() -> None:
    """A path alone is short for a table with a path."""
    manifest = parse(GOOD, "adapter.toml")

    assert manifest.stream["sessions"].map["pupil"].path == "pupil"


@pytest.mark.parametrize(
    ("wrong", "right", "line", "told"),
    [
        ('records = "rows"', 'recrods = "rows"', 29, '"records"'),
        ('records = "rows"', "", 27, '"records" is missing'),
        ('type = "next_link"', 'type = "link"', 32, "next_link"),
        ('type = "next_link"', "", 31, '"type" is missing'),
        ("max_pages = 10", "", 31, '"max_pages" is missing'),
        ('next = "next"', "", 31, "needs next"),
        ('order = "none"', "", 36, '"order" is missing'),
        ('since = "{cursor}"', 'since = "now"', 36, "{cursor} is missing"),
        ('order = "none"', 'order = "none"\nget = "new"\nlead_days = 1', 36, "own address"),
        ('pupil = "pupil"', 'pupli = "pupil"', 41, '"pupil"'),
        ('code = "code"', 'code = "co..de"', 44, "character"),
        ('code = "code"', 'code = { path = "code", via = "codes" }', 44, "no [stream.codes]"),
        ('code = "code"', 'code = { path = "code", via = "periods" }', 44, "id of periods"),
        ('code = "code"', 'code = { path = "code", value = { a = "b" } }', 44, '"values"'),
        ("{connection.school}/", "{connection.skool}/", 28, '"school"'),
        ("{connection.school}/", "{connection.token}/", 28, "never into an address"),
        ("{connection.school}/", "{school}/", 28, "can not be put in"),
        ("{connection.school}/", "{window.first!r}/", 28, "without a format"),
        ('get = "', 'post = "x"\nget = "', 27, "either get or post"),
        ("session = true", "lesson = true", 9, "exactly where there is"),
        ('[auth]\ntype = "bearer"\ntoken = "{connection.token}"\n', "", 24, "[auth]"),
        ('token = "{connection.token}"\n', "", 21, "needs token"),
        ('default = "1"', 'default = "one"', 16, "does not match"),
        ('pattern = "[0-9]+"', 'pattern = "[0-9"', 18, "no pattern"),
        ('id = "tiny"', 'id = "Tiny MIS"', 2, "pattern"),
        ('base = "', 'bass = "', 26, '"base"'),
        ("[stream.sessions.map]", "[stream.session.map]", 28, '"map" is missing'),
    ],
)
def test_a_mistake_is_named_with_its_line(wrong: str, right: str, line: int, told: str) -> None:
    """A key that is misspelt, missing, or says what can not be."""
    assert wrong in GOOD

    with pytest.raises(AdapterInvalid) as caught:
        parse(GOOD.replace(wrong, right), "here/adapter.toml")

    lines = str(caught.value).splitlines()
    assert [text for text in lines if told in text], lines
    assert [text for text in lines if text.startswith("here/adapter.toml:")] == lines
    numbers = [int(text.split(":")[1]) for text in lines if told in text]
    assert abs(numbers[0] - line) <= 1


def test_a_misspelt_table_is_named_with_the_right_one() -> None:
    """And the one that is missing for it."""
    with pytest.raises(AdapterInvalid) as caught:
        parse(GOOD.replace("[capabilities]", "[capabilites]"), "adapter.toml")

    text = str(caught.value)
    assert 'adapter.toml:8: capabilites: there is no "capabilites" here' in text
    assert 'did you mean "capabilities"?' in text
    assert '"capabilities" is missing' in text


def test_all_mistakes_are_told_at_once() -> None:
    """Nobody mends a file one run at a time."""
    text = GOOD.replace('vendor = "Nobody"', "").replace('order = "none"', 'order = "any"')

    with pytest.raises(AdapterInvalid) as caught:
        parse(text, "adapter.toml")

    assert len(str(caught.value).splitlines()) == 2


def test_a_packed_year_that_would_never_be_read_is_named() -> None:
    """It tells the days that the marks one by one do not go back to."""
    packed = """
[stream.history]
get = "year"
records = "rows"
page = { type = "none", max_pages = 1 }
map = { pupil = "id", first_day = "from", marks = "marks" }
"""
    with pytest.raises(AdapterInvalid, match=r"never be read.*back_days"):
        parse(GOOD + packed, "adapter.toml")


def test_text_that_is_no_toml_is_named() -> None:
    """With the place that the parser stopped at."""
    with pytest.raises(AdapterInvalid, match=r"adapter\.toml.*line 2"):
        parse("[adapter]\nid = = 1", "adapter.toml")


def test_a_folder_has_either_streams_or_code_and_the_name_of_its_id(tmp_path: Path) -> None:
    """Two ways to read at once would leave open which of them counts."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    (folder / "adapter.toml").write_text(GOOD)
    assert read(folder).adapter.id == "tiny"

    (folder / "adapter.py").write_text("")
    with pytest.raises(AdapterInvalid, match="not both"):
        read(folder)

    other = folder.rename(tmp_path / "other")
    with pytest.raises(AdapterInvalid, match="must be the same"):
        read(other)


def test_what_a_school_gives_is_checked_and_filled_up() -> None:
    """Defaults are filled in; numbers of a TOML file become text."""
    parameters = parse(GOOD, "adapter.toml").connection
    token = Secret("invented")

    assert connection(parameters, {"token": token}) == {"token": token, "school": "1"}
    assert connection(parameters, {"token": token, "school": 7})["school"] == "7"


def test_mistakes_in_a_connection_are_named_without_their_values() -> None:
    """A secret that was written in the file is not repeated on the screen."""
    parameters = parse(GOOD, "adapter.toml").connection

    with pytest.raises(SettingsProblems) as caught:
        connection(parameters, {"token": "written-in-the-file", "school": "x1", "tokn": "y2"})

    text = str(caught.value)
    assert [problem.key for problem in caught.value.problems] == [
        "mis.connection.token", "mis.connection.school", "mis.connection.tokn",
    ]  # fmt: skip
    assert "credential:NAME" in text
    assert '"token"' in text
    for value in ("written-in-the-file", "x1", "y2"):
        assert value not in text

    with pytest.raises(SettingsProblems, match=r"The token\."):
        connection(parameters, {})
