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
