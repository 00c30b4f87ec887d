"""Who mis-bridge is to Microsoft 365: what may be written together, and what a mistake is told."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from mis_bridge.settings import ChannelSettings

ADAPTER: TypeAdapter[ChannelSettings] = TypeAdapter(ChannelSettings)
MAIL = {"kind": "graph", "sender": "bot@school.example", "recipients": ["dsl@school.example"]}
APP = {"tenant_id": "contoso", "client_id": "1"}


@pytest.mark.parametrize(
    "app",
    [
        {**APP, "certificate": "credential:graph"},
        {**APP, "client_secret": "credential:graph", "secret_expires": "2027-03-01"},
        {"identity": "managed"},
        {"identity": "managed", "client_id": "an-identity"},
    ],
)
def test_each_way_to_sign_in(app: dict[str, Any]) -> None:
    """A certificate, a client secret, or the machine itself."""
    assert ADAPTER.validate_python({**MAIL, **app}).kind == "graph"


@pytest.mark.parametrize(
    ("app", "told"),
    [
        ({}, 'or identity = "managed"'),
        (APP, "either certificate"),
        (
            {**APP, "certificate": "credential:a", "client_secret": "credential:b"},
            "either certificate",
        ),
        ({"client_id": "1", "certificate": "credential:a"}, "tenant_id and client_id"),
        ({"tenant_id": "contoso", "certificate": "credential:a"}, "tenant_id and client_id"),
        ({"identity": "managed", "tenant_id": "contoso"}, "without tenant_id"),
        ({"identity": "managed", "certificate": "credential:a"}, "take them away"),
        (
            {**APP, "certificate": "credential:a", "must_not_send_as": "Bot@school.example"},
            "name another one",
        ),
    ],
)
def test_what_does_not_go_together_is_said(app: dict[str, Any], told: str) -> None:
    """The text says what to write."""
    with pytest.raises(ValidationError) as caught:
        ADAPTER.validate_python({**MAIL, **app})

    assert told in str(caught.value)


LOGIN = {
    "kind": "smtp",
    "host": "smtp.office365.com",
    "sender": "bot@school.example",
    "recipients": ["dsl@school.example"],
}
BY_APP = {**APP, "certificate": "credential:mail"}


@pytest.mark.parametrize("kind", ["smtp", "secure-mail"])
@pytest.mark.parametrize(
    "login",
    [
        {},
        {"username": "u", "password": "credential:mail"},
        {"username": "bot@school.example", **BY_APP},
        {"username": "bot@school.example", "identity": "managed"},
    ],
)
def test_each_way_to_log_in_to_a_mail_server(kind: str, login: dict[str, Any]) -> None:
    """Not at all, by a password, by an app's token."""
    assert ADAPTER.validate_python({**LOGIN, "kind": kind, **login}).kind == kind


@pytest.mark.parametrize("kind", ["smtp", "secure-mail"])
@pytest.mark.parametrize(
    ("login", "told"),
    [
        ({"username": "u"}, "write both or neither"),
        ({"password": "credential:mail"}, "write both or neither"),
        (BY_APP, "write both or neither"),
        ({"identity": "managed"}, "write both or neither"),
        ({"username": "u", "password": "credential:mail", **BY_APP}, "either password, or the app"),
        ({"username": "u", "tenant_id": "contoso"}, "tenant_id and client_id"),
    ],
)
def test_half_a_login_is_said(kind: str, login: dict[str, Any], told: str) -> None:
    """Before anything is sent, with the line that `check` names."""
    with pytest.raises(ValidationError) as caught:
        ADAPTER.validate_python({**LOGIN, "kind": kind, **login})

    assert told in str(caught.value)
