"""Tokens by OAuth2 client credentials (RFC 6749, section 4.4), for a portal of the authority."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote_plus, urlencode, urlsplit

from mis_bridge.channels.http_outcome import of_failure, retry_after
from mis_bridge.channels.outcome import Outcome, Result
from mis_bridge.channels.token_refused import TokenRefused
from mis_bridge.io.http import HttpError

if TYPE_CHECKING:
    from mis_bridge.io.clock import Clock
    from mis_bridge.io.http import HttpResponse, Transport
    from mis_bridge.io.secrets import Secret

__all__ = ["ClientCredentials"]

_USUAL: Final = 300.0  # seconds that a token counts for whose end the service does not say
_EARLY: Final = 30.0  # seconds before its end at which a token is not used any more
_CODES: Final = frozenset(
    {"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client"}
    | {"unsupported_grant_type", "invalid_scope"}
)
"""What RFC 6749, section 5.2, lets a service say; nothing else of its answer is repeated."""


@dataclass(slots=True)
class ClientCredentials:
    """Gets tokens, and keeps the last one for as long as it counts.

    Args:
        url: of the token service.
        client_id, client_secret: who asks.
        scope: what for, or empty.
        transport: the way out.
        clock: spans are measured by it.
    """

    url: str
    client_id: str
    client_secret: Secret
    scope: str
    transport: Transport
    clock: Clock
    _token: str = ""
    _until: float = 0.0

    async def token(self, timeout: float) -> str:  # noqa: ASYNC109 - of the one request
        """Give a token, from memory while it counts.

        Args:
            timeout: seconds for the request.

        Raises:
            TokenRefused: there is none; its outcome says why and what to do.
        """
        if not self._token or self.clock.monotonic() >= self._until:
            asked = self.clock.monotonic()
            answer = await self._ask(timeout)
            self._token = str(answer["access_token"])
            self._until = asked + _lifetime(answer) - _EARLY
        return self._token

    def forget(self) -> None:
        """Drop the token, because the portal refused it."""
        self._token = ""

    async def _ask(self, timeout: float) -> dict[str, Any]:  # noqa: ASYNC109 - as above
        form = {"grant_type": "client_credentials"} | ({"scope": self.scope} if self.scope else {})
        pair = f"{quote_plus(self.client_id)}:{quote_plus(self.client_secret.reveal())}"
        try:
            response = await self.transport.request(
                "POST",
                self.url,
                headers={
                    "Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}",
                    "Content-Type": "application/x-www-form-urlencoded",
                    "Accept": "application/json",
                },
                content=urlencode(form).encode(),
                timeout=timeout,
            )
        except HttpError as error:
            outcome = of_failure(error)
        else:
            answer = _object_in(response.body)
            if response.status == HTTPStatus.OK and isinstance(answer.get("access_token"), str):
                return answer
            outcome = self._judge(response, answer)
        if outcome.result is Result.UNKNOWN:  # a token that nobody got did nothing
            outcome = Outcome(Result.RETRY, f"{self._host}: no token in time, nothing was sent")
        raise TokenRefused(outcome)

    def _judge(self, response: HttpResponse, answer: dict[str, Any]) -> Outcome:
        status = response.status
        if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return Outcome(
                Result.RETRY,
                f"{self._host}: no token for now ({status}), nothing was sent",
                retry_after=retry_after(response.header("retry-after"), self.clock.now()),
            )
        word = answer.get("error")
        shown = f"{status} {word}" if word in _CODES else str(status)
        return Outcome(
            Result.PERMANENT,
            f"{self._host}: no token ({shown}), nothing was sent; check token_url, client_id, "
            "client_secret and scope with the authority",
            config_alarm=True,
        )

    @property
    def _host(self) -> str:
        return urlsplit(self.url).hostname or "(no host)"


def _lifetime(answer: dict[str, Any]) -> float:
    try:
        return float(answer.get("expires_in", _USUAL))
    except (TypeError, ValueError):
        return _USUAL


def _object_in(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}
