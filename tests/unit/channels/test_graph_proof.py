"""Permissions for every mailbox are read from a token, whatever a token may look like."""

from __future__ import annotations

from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mis_bridge.channels.graph_proof import granted_everywhere


@pytest.mark.parametrize(
    ("claims", "found"),
    [
        (
            {"roles": ["User.Read.All", "Mail.Send", "Mail.ReadWrite"]},
            ["Mail.ReadWrite", "Mail.Send"],
        ),
        ({"roles": ["TeamsActivity.Send"]}, []),
        ({"roles": "Mail.Send"}, []),
        ({}, []),
    ],
)
def test_what_was_granted_in_entra_stands_in_the_token(
    claims: dict[str, Any], found: list[str]
) -> None:
    """Permissions that have nothing to do with mail are another channel's matter."""
    assert granted_everywhere(jwt.encode(claims, "k" * 32)) == found


@given(
    st.text() | st.lists(st.text("abcXYZ09-_=", max_size=20), min_size=3, max_size=3).map(".".join)
)
def test_a_token_of_another_form_holds_nothing_that_we_know_of(token: str) -> None:
    """Microsoft may change the form of its tokens on any day."""
    assert granted_everywhere(token) == []
