"""A managed identity: tokens from the service that Azure puts beside a machine, on the loopback."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from mis_bridge.channels.app_identity import ManagedIdentity
from mis_bridge.channels.entra_token import SignIn, Tokens
from mis_bridge.channels.outcome import Result
from mis_bridge.channels.token_refused import TokenRefused
from mis_bridge.channels.trust import client_context

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mis_bridge.channels.outcome import Outcome

HEADER = "invented-header-value"
SCOPE = "https://graph.microsoft.com/.default"
TOKEN = "invented-token"


@pytest.fixture(scope="module")
def azure_server() -> Iterator[HTTPServer]:
    """The service speaks plain HTTP: it is on the machine itself."""
    with HTTPServer(host="127.0.0.1", port=0) as server:
        yield server


@pytest.fixture
def azure(azure_server: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> HTTPServer:
    """The same as App Service announces it to its programs; a proxy is set, and not for this."""
    azure_server.clear()
    monkeypatch.setenv("IDENTITY_ENDPOINT", azure_server.url_for("/msi/token"))
    monkeypatch.setenv("IDENTITY_HEADER", HEADER)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    return azure_server


@pytest.fixture
def make() -> Callable[..., Tokens]:
    """Make the source of tokens for Graph."""

    def make(client_id: str = "") -> Tokens:
        return Tokens(SignIn(ManagedIdentity(client_id), client_context(None), 10.0), SCOPE)

    return make


def gives(request: Request) -> Response:
    """Give a token as it is documented: only to who shows the header, for the resource."""
    assert request.headers["X-IDENTITY-HEADER"] == HEADER
    assert request.args["api-version"] == "2019-08-01"
    assert request.args["resource"] == "https://graph.microsoft.com"
    assert request.args.get("client_id") in {None, "an-identity"}
    body = (
        f'{{"access_token": "{TOKEN}", "expires_on": "{int(time.time()) + 3600}", '
        f'"resource": "https://graph.microsoft.com", "token_type": "Bearer"}}'
    )
    return Response(body, content_type="application/json")


async def refusal(tokens: Tokens) -> Outcome:
    """Ask for a token that is not given."""
    with pytest.raises(TokenRefused) as caught:
        await tokens.token()
    return caught.value.outcome


@pytest.mark.parametrize("client_id", ["", "an-identity"])
async def test_the_machine_gives_a_token_and_it_is_kept(
    azure: HTTPServer, make: Callable[..., Tokens], client_id: str
) -> None:
    """Its own identity's, or that of a user-assigned one; asked for once, and never by a proxy."""
    azure.expect_request("/msi/token", method="GET").respond_with_handler(gives)
    tokens = make(client_id)

    first, second = await tokens.token(), await tokens.token()

    assert first == second == TOKEN
    ((request, _),) = azure.log
    assert request.args.get("client_id", "") == client_id
    azure.check_assertions()


async def test_a_refused_token_is_asked_for_anew(
    azure: HTTPServer, make: Callable[..., Tokens]
) -> None:
    """What Graph refused is not taken from memory again."""
    azure.expect_request("/msi/token").respond_with_handler(gives)
    tokens = make()
    await tokens.token()

    await tokens.forget()
    await tokens.token()

    assert len(azure.log) == 2


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, (Result.PERMANENT, True)),
        (404, (Result.RETRY, False)),
        (410, (Result.RETRY, False)),
        (429, (Result.RETRY, False)),
        (500, (Result.RETRY, False)),
    ],
)
async def test_each_answer_has_its_class(
    azure: HTTPServer,
    make: Callable[..., Tokens],
    status: int,
    expected: tuple[Result, bool],
) -> None:
    """400: no such identity. The others pass, while Azure updates the service."""
    azure.expect_request("/msi/token").respond_with_json(
        {"statusCode": status, "message": "for Ada Testpupil"}, status=status
    )

    outcome = await refusal(make())

    assert (outcome.result, outcome.config_alarm) == expected
    assert str(status) in outcome.detail
    assert ("this machine has a managed identity" in outcome.detail) == expected[1]


async def test_a_machine_outside_azure_is_told_so(
    make: Callable[..., Tokens], monkeypatch: pytest.MonkeyPatch, free_port: int
) -> None:
    """Nobody listens where the service would be."""
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://127.0.0.1:{free_port}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", HEADER)

    outcome = await refusal(make())

    assert outcome.result is Result.RETRY
    assert "works on Azure and Azure Arc machines only" in outcome.detail
