"""How the token service can fail: every row of what MSAL makes of it, over real TLS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from werkzeug import Request, Response

from mis_bridge.channels.app_identity import AppCertificate
from mis_bridge.channels.entra_token import SignIn, Tokens
from mis_bridge.channels.outcome import Result
from mis_bridge.channels.token_refused import TokenRefused
from mis_bridge.channels.trust import client_context
from mis_bridge.io.secrets import Secret

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Protocol

    from pytest_httpserver import HTTPServer

    from mis_bridge.channels.outcome import Outcome

    class Identity(Protocol):
        """What the fixture of the app registration gives."""

        @property
        def credential(self) -> str:
            """Key and certificate, in PEM form."""


DISCOVERY = "/contoso/v2.0/.well-known/openid-configuration"
TOKEN = "/contoso/oauth2/v2.0/token"


@pytest.fixture
def make(web: HTTPServer, identity: Identity, ca_bundle: Path) -> Callable[..., Tokens]:
    """Make the token source of one app registration."""

    def make(**options: Any) -> Tokens:
        who = AppCertificate(
            **{
                "authority": f"https://localhost:{web.port}/contoso",
                "client_id": "11111111-2222-3333-4444-555555555555",
                "identity": Secret(identity.credential, reference="credential:graph"),
                **options,
            }
        )
        return Tokens(
            SignIn(who, client_context(ca_bundle), 10.0), "https://graph.example/.default"
        )

    return make


@pytest.fixture
def discoverable(web: HTTPServer) -> HTTPServer:
    """A token service that says where its token endpoint is."""
    base = f"https://localhost:{web.port}/contoso"
    web.expect_request(DISCOVERY).respond_with_json(
        {
            "issuer": f"{base}/v2.0",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "token_endpoint": f"{base}/oauth2/v2.0/token",
            "jwks_uri": f"{base}/keys",
        }
    )
    return web


async def refusal(tokens: Tokens) -> Outcome:
    """Ask for a token that is not given."""
    with pytest.raises(TokenRefused) as caught:
        await tokens.token()
    return caught.value.outcome


ERROR = {
    "error": "invalid_client",
    "error_description": "AADSTS700027: for Ada Testpupil",
    "error_codes": [700027],
}


@pytest.mark.parametrize("status", [400, 401, 403])
async def test_a_refusal_in_json_is_permanent(
    discoverable: HTTPServer, make: Callable[..., Tokens], status: int
) -> None:
    """The codes are shown, because people look them up; the text is not."""
    discoverable.expect_request(TOKEN).respond_with_json(ERROR, status=status)

    outcome = await refusal(make())

    assert (outcome.result, outcome.config_alarm) == (Result.PERMANENT, True)
    assert "invalid_client AADSTS700027" in outcome.detail
    assert "Testpupil" not in outcome.detail


async def test_too_many_requests_in_json_is_tried_again(
    discoverable: HTTPServer, make: Callable[..., Tokens]
) -> None:
    """429 passes; the wait is the one that was asked for."""
    discoverable.expect_request(TOKEN).respond_with_json(
        {"error": "throttled"}, status=429, headers={"Retry-After": "25"}
    )

    outcome = await refusal(make())

    assert (outcome.result, outcome.retry_after) == (Result.RETRY, 25.0)


async def test_a_fault_of_the_service_is_tried_again_no_sooner_than_msal_asks_again(
    discoverable: HTTPServer, make: Callable[..., Tokens]
) -> None:
    """MSAL repeats a 503 from memory for 5 seconds: a sooner attempt would be no attempt."""
    asked: list[str] = []

    def fail(request: Request) -> Response:
        asked.append(request.path)
        return Response("", status=503)

    discoverable.expect_request(TOKEN).respond_with_handler(fail)
    tokens = make()

    first, second = await refusal(tokens), await refusal(tokens)

    assert (first.result, second.result) == (Result.RETRY, Result.RETRY)
    assert first.retry_after == second.retry_after == 5.0
    assert len(asked) == 1


async def test_forgetting_a_token_does_not_open_the_throttle(
    discoverable: HTTPServer, make: Callable[..., Tokens]
) -> None:
    """It outlives the object that is thrown away: who is asked to wait is not asked at once."""
    asked: list[str] = []

    def fail(request: Request) -> Response:
        asked.append(request.path)
        return Response("", status=503, headers={"Retry-After": "60"})

    discoverable.expect_request(TOKEN).respond_with_handler(fail)
    tokens = make()
    await refusal(tokens)

    await tokens.forget()
    again = await refusal(tokens)

    assert (again.result, again.retry_after) == (Result.RETRY, 60.0)
    assert len(asked) == 1


@pytest.mark.parametrize("status", [200, 401, 407, 429])
async def test_a_page_in_place_of_json_is_not_from_entra(
    discoverable: HTTPServer, make: Callable[..., Tokens], status: int
) -> None:
    """A proxy or a filter answered in HTML; it may let us through later."""
    discoverable.expect_request(TOKEN).respond_with_data(
        "<html>Blocked</html>", status=status, content_type="text/html"
    )

    outcome = await refusal(make())

    assert outcome.result is Result.RETRY
    assert status == 429 or "not from Entra" in outcome.detail


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (200, (Result.RETRY, False)),
        (404, (Result.PERMANENT, True)),
        (429, (Result.RETRY, False)),
        (503, (Result.RETRY, False)),
    ],
)
async def test_the_first_question_can_fail_as_well(
    web: HTTPServer, make: Callable[..., Tokens], status: int, expected: tuple[Result, bool]
) -> None:
    """MSAL asks the network when it is made: a page, no such tenant, a fault."""
    web.expect_request(DISCOVERY).respond_with_data("<html>", status=status)

    outcome = await refusal(make())

    assert (outcome.result, outcome.config_alarm) == expected


async def test_after_a_fault_the_next_attempt_succeeds(
    discoverable: HTTPServer, make: Callable[..., Tokens]
) -> None:
    """A token source that failed once is not broken for good."""
    discoverable.expect_oneshot_request(TOKEN).respond_with_data("<html>", status=401)
    discoverable.expect_request(TOKEN).respond_with_json(
        {"access_token": "invented-token", "token_type": "Bearer", "expires_in": 3599}
    )
    tokens = make()

    await refusal(tokens)

    assert await tokens.token() == "invented-token"


async def test_a_service_that_does_not_listen_is_tried_again(
    make: Callable[..., Tokens], free_port: int
) -> None:
    """The text names the host and the system's own reason."""
    outcome = await refusal(make(authority=f"https://localhost:{free_port}/contoso"))

    assert (outcome.result, outcome.config_alarm) == (Result.RETRY, False)
    assert "connection refused" in outcome.detail


async def test_an_authority_that_is_no_authority_is_for_the_operator(
    make: Callable[..., Tokens],
) -> None:
    """Without a tenant in it nobody can be asked."""
    outcome = await refusal(make(authority="https://localhost/"))

    assert (outcome.result, outcome.config_alarm) == (Result.PERMANENT, True)
