"""One JSON request to a Microsoft service that asks for a token, and its word for a refusal."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from mis_bridge.channels.entra_token import TokenRefused
from mis_bridge.channels.outcome import Outcome, Result

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mis_bridge.channels.attempt import Attempt
    from mis_bridge.channels.entra_token import Tokens
    from mis_bridge.io.http import HttpResponse, Transport

__all__ = ["Bearer", "refusal_code"]

_CODE: Final = re.compile(r"[A-Za-z]{3,60}")
_STALE: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.PRECONDITION_FAILED})
"""A token that was revoked, or that does not live long enough for what was asked (412)."""


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who asks.

    Args:
        tokens: who gives the tokens.
        transport: the way out.
        timeout_seconds: for one request.
    """

    tokens: Tokens
    transport: Transport
    timeout_seconds: float

    async def request(
        self, method: str, url: str, body: Mapping[str, Any], attempt: Attempt
    ) -> HttpResponse:
        """Ask once, and once more with a fresh token where the first one is refused.

        Raises:
            TokenRefused: there is no token.
            HttpError: there is no answer.
        """
        response = await self._once(method, url, body, attempt)
        if response.status in _STALE:
            attempt.on_its_way = False
            await self.tokens.forget()
            response = await self._once(method, url, body, attempt)
        return response

    async def is_let_in(self, host: str) -> Outcome:
        """Get a token and ask for nothing with it; ``host`` is what people call the service."""
        try:
            await self.tokens.token()
        except TokenRefused as refused:
            return refused.outcome
        return Outcome(Result.SENT, f"{host}: a token was given")

    async def _once(
        self, method: str, url: str, body: Mapping[str, Any], attempt: Attempt
    ) -> HttpResponse:
        token = await self.tokens.token()
        attempt.on_its_way = True
        return await self.transport.request(
            method,
            url,
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
            # ASCII: what is counted is what goes out.
            content=json.dumps(body, separators=(",", ":")).encode("ascii"),
            timeout=self.timeout_seconds,
        )


def refusal_code(response: HttpResponse) -> str:
    r"""Find a service's word for a refusal; never its text, which can quote what was sent.

    Graph and the bot service answer ``{"error": {"code": "Forbidden"}}``; a blocked bot gets
    ``{"errorCode": 209, "message": "{\"subCode\": \"MessageWritesBlocked\"}"}``.
    """
    try:
        answer = json.loads(response.body)
        code = answer["error"]["code"] if "error" in answer else _sub_code(answer)
    except (ValueError, KeyError, TypeError):
        return ""
    return code if isinstance(code, str) and _CODE.fullmatch(code) else ""


def _sub_code(answer: dict[str, Any]) -> Any:
    return json.loads(answer["message"])["subCode"]
