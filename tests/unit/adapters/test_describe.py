"""What people are told of an adapter is what its manifest says."""

from __future__ import annotations

import pytest

from mis_bridge.adapters import describe
from mis_bridge.adapters.manifest import parse

HEAD = """
[adapter]
id = "tiny"
name = "Tiny MIS"
vendor = "Nobody"
version = "1"
evidence = "invented for tests"
[capabilities]
session = true
[connection.host]
default = "tiny.example.test"
help = "The host."
[connection.school]
required = true
help = "The id."
[auth]
type = "none"
[http]
base = "https://{connection.host}/v1/"
concurrency = 1
rate = 2.5
[stream.sessions]
get = "schools/{connection.school}/marks"
query = { from = "{window.first}", host = "{connection.host}" }
records = ["data", "@"]
"""
MAP = """
[stream.sessions.map]
pupil = ["pupil.id", "pupil"]
day = { path = "at", type = "utc_datetime" }
session = { path = "half", values = { 1 = "AM", 2 = "PM", "" = "DAY" } }
code = "mark"
"""
ONE = 'page = { type = "none", max_pages = 1 }\n'


def told(text: str) -> describe.StreamTold:
    """What is told of the list of marks."""
    (stream,) = [s for s in describe.streams(parse(HEAD + text, "x")) if s.name == "sessions"]
    return stream


def test_an_address_is_told_whole_and_with_what_a_school_has_to_give() -> None:
    """Defaults are filled in; what differs from school to school stays a placeholder."""
    stream = told(ONE + MAP)

    assert stream.method == "GET"
    assert stream.address == "https://tiny.example.test/v1/schools/{connection.school}/marks"
    assert stream.query == {"from": "{window.first}", "host": "tiny.example.test"}
    assert stream.records == "data or the answer itself"


def test_each_field_is_told_with_its_sources_and_its_meaning() -> None:
    """In the order of the manifest."""
    fields = told(ONE + MAP).fields

    assert fields == (
        describe.FieldTold("pupil", "pupil.id, else pupil"),
        describe.FieldTold("day", "at", "date; UTC where the text does not say"),
        describe.FieldTold(
            "session",
            "half",
            "session; 1 = AM, 2 = PM, empty = both halves of the day; others are set aside",
        ),
        describe.FieldTold("code", "mark"),
    )


@pytest.mark.parametrize(
    ("entry", "source", "meaning"),
    [
        ('session = { fixed = "DAY" }', "always both halves of the day", "session"),
        ('session.flags = { am = "AM", pm = "PM" }', "AM if am, else PM if pm", "session"),
    ],
)
def test_a_value_that_is_no_path_is_told_in_words(entry: str, source: str, meaning: str) -> None:
    """The value itself, or the conditions."""
    line = 'session = { path = "half", values = { 1 = "AM", 2 = "PM", "" = "DAY" } }'
    field = told(ONE + MAP.replace(line, entry)).fields[2]

    assert (field.source, field.meaning) == (source, meaning)


QUERY = 'query = { page = "{page.number}" }'


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ('type = "none"', "One answer has the whole list."),
        (
            f'type = "page", size = 50, {QUERY}',
            "Pages are counted from 1; a page of fewer than 50 ends the list.",
        ),
        (f'type = "page", size = 1, {QUERY}', "an empty page ends the list."),
        (
            f'type = "page", start = 0, pages = "of", {QUERY}',
            "Pages are counted from 0; of states how many there are.",
        ),
        (f'type = "page", more = "more", {QUERY}', "more says whether more follows."),
        (
            'type = "offset", size = 50, total = "n", query = { at = "{page.offset}" }',
            "n states how many there are; fewer are an error.",
        ),
        (
            'type = "cursor", next = "next", query = { after = "{page.token}" }',
            "next names the token of the next page, sent as after = {page.token}",
        ),
        (
            'type = "cursor", next_header = "Next", query = { after = "{page.token}" }',
            "The header Next names the token",
        ),
        ('type = "next_link", next = "links.next"', "links.next is the address of the next page"),
    ],
)
def test_how_pages_go_on_and_end_is_told(page: str, words: str) -> None:
    """Each scheme in its own words, and when a list is not believed."""
    pages = told(f"page = {{ {page}, max_pages = 9 }}\n" + MAP.replace('"@"', "")).pages

    assert words in pages
    assert ("More than 9 pages are an error." in pages) is ('"none"' not in page)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("", "There is no asking for changes: each reading asks for all."),
        (
            'cursor = { order = "none", query = { since = "{cursor}" } }\n',
            "Since a moment, sent as since = {cursor}.",
        ),
        (
            'cursor = { order = "none", query = { since = "{cursor}" }, lead_days = 14 }\n',
            "from 14 days before the window, so that what is gone is not seen.",
        ),
        (
            'version = { query = { v = "{version}" }, next = "newest", get = "versions" }\n',
            "Since the MIS's version, kept from newest of versions, sent as v = {version}.",
        ),
    ],
)
def test_how_changes_are_asked_for_is_told(table: str, words: str) -> None:
    """Since a moment, since a version, or not at all."""
    assert words in told(ONE + table + MAP).changes


def test_parts_and_choices_are_told() -> None:
    """Which days, and which records."""
    stream = told(
        ONE
        + "parts = { days = 1, back_days = 45 }\n"
        + MAP
        + '[[stream.sessions.only]]\npath = "void"\nunlike = ["true", ""]\n'
    )

    assert stream.parts == "A day at a time, the newest first, at most 45 days back."
    assert stream.choice == ("void is not true or empty",)


def test_the_limits_are_told() -> None:
    """As far as there are any."""
    assert describe.limits(parse(HEAD + ONE + MAP, "x")) == [
        "At most 1 request at once to one host.",
        "At most 2.5 requests a second.",
        "A request may take 30 seconds.",
    ]
