"""Where the records of an answer are, and what is no list of records."""

from __future__ import annotations

import pytest

from mis_bridge.adapters.envelope import Envelope
from mis_bridge.adapters.flow import Response
from mis_bridge.adapters.vocabulary import StreamTable
from mis_bridge.errors import MisAnswerInvalid

BARE = StreamTable.model_validate(
    {
        "get": "marks",
        "records": "@",
        "page": {"type": "none", "max_pages": 1},
        "map": {"pupil": "pupil", "code": "code"},
    }
)


def answer(body: bytes) -> Response:
    """A good status with this body."""
    return Response(200, {}, body)


@pytest.mark.parametrize("body", [b"[]", b" [ ]\n", b"[\r\n]"])
def test_an_empty_array_is_an_empty_list(body: bytes) -> None:
    """With or without spaces in it."""
    assert Envelope("marks", BARE).read(answer(body)).raw == b"[]"


@pytest.mark.parametrize("body", [b"[", b"[\n", b'[{"pupil":1}', b"]", b"", b'{"a":[]}', b"null"])
def test_an_array_that_is_cut_off_is_no_empty_list(body: bytes) -> None:
    """However soon it was cut: nothing after the bracket is not nothing in it."""
    with pytest.raises(MisAnswerInvalid):
        Envelope("marks", BARE).read(answer(body))


PAGED = StreamTable.model_validate(
    {
        "get": "marks",
        "records": "data",
        "page": {
            "type": "next_link",
            "next": "meta.page.next",
            "more": "meta.page.more",
            "max_pages": 9,
        },
        "map": {"pupil": "pupil", "code": "code"},
    }
)
META = b'"meta":{"page":{"next":"/2","more":true}}'


@pytest.mark.parametrize(
    ("body", "raw"),
    [
        (b'{"data":[{"a":1},{"b":[2]}],%s}', b'[{"a":1},{"b":[2]}]'),
        (b'{"data":[{"a":1}],%s} \n', b'[{"a":1}]'),
        (b'{"data":[],%s}', b"[]"),
        (b'{ "data" : [ {"a":1} ] , %s}', b'[ {"a":1} ]'),
        (b'{%s,"data":[{"a":1}]}', b'[{"a":1}]'),
        (b'{"data":[{"a":[1],"meta":{"page":{"next":"/9"}}}],%s}', None),
        (b'{"data":[{"a":"],\\"meta\\":"}],%s}', None),
        (b'{"data":[{"a":1}],"x":[2],%s}', b'[{"a":1}]'),
        (b'{"data":[{"a":1}],%s,"x":[{"a":[1],"meta":{"page":{"next":"/9"}}}]}', b'[{"a":1}]'),
    ],
)
def test_what_is_said_about_the_records_is_found_wherever_it_stands(
    body: bytes, raw: bytes | None
) -> None:
    """Around the array, behind spaces, and whatever the records themselves hold."""
    body = body % META

    found = Envelope("marks", PAGED).read(answer(body))

    assert found.raw == (raw or body[len(b'{"data":') : -len(META) - 2])
    assert found.told == {"next": "/2", "more": True}


def test_of_two_arrays_of_one_name_the_last_counts() -> None:
    """As every JSON parser has it."""
    body = b'{"data":[{"a":1}],%s,"data":[{"b":2}]}' % META

    assert Envelope("marks", PAGED).read(answer(body)).raw == b'[{"b":2}]'


@pytest.mark.parametrize("body", [b'{"data":[{"a":1}],%s', b'{"data":[{"a":1}],"meta":{"page":{'])
def test_an_answer_that_is_cut_off_is_refused(body: bytes) -> None:
    """Whether behind the array or within what is said about it."""
    with pytest.raises(MisAnswerInvalid, match=r"cut off|not valid JSON"):
        Envelope("marks", PAGED).read(answer(body.replace(b"%s", META)))
