"""A service of Microsoft's that asks for a token of Entra: Graph, or that of the bots."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from mis_bridge.channels.outcome import Outcome, Result
from mis_bridge.channels.token_refused import TokenRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mis_bridge.channels.attempt import Attempt
    from mis_bridge.channels.entra_token import Tokens
    from mis_bridge.io.http import HttpResponse, Transport

__all__ = ["MicrosoftService", "refusal_code", "with_refusal_code"]

_CODE: Final = re.compile(r"[A-Za-z]{3,60}")
_STALE: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.PRECONDITION_FAILED})
"""A token that was revoked, or that does not live long enough for what was asked (412)."""


@dataclass(frozen=True, slots=True)
class MicrosoftService:
    """Where the service is, and who asks.

    Args:
        base_url: ``https://graph.microsoft.com/v1.0``.
        tokens: who gives the tokens.
        transport: the way out.
        timeout_seconds: for one request.
    """

    base_url: str
    tokens: Tokens
    transport: Transport
    timeout_seconds: float

    @property
    def host(self) -> str:
        """What people call the service, for texts."""
        return urlsplit(self.base_url).hostname or "(no host)"

    async def ask(
        self, method: str, path: str, content: bytes, content_type: str, attempt: Attempt
    ) -> HttpResponse:
        """Ask once, and once more with a fresh token where the first one is refused.

        Args:
            method: of HTTP.
            path: below ``base_url``, without a slash in front, quoted.
            content: the body.
            content_type: what the body is.
            attempt: told when the service may have the request.

        Raises:
            TokenRefused: there is no token.
            HttpError: there is no answer.
        """
        response = await self._once(method, path, content, content_type, attempt)
        if response.status in _STALE:
            # A token can be revoked before it expires; a fresh one tells that from a refusal.
            attempt.on_its_way = False
            await self.tokens.forget()
            response = await self._once(method, path, content, content_type, attempt)
        return response

    async def ask_json(
        self, method: str, path: str, body: Mapping[str, Any], attempt: Attempt
    ) -> HttpResponse:
        """Ask as ``ask`` does, with an object."""
        # ASCII: what is counted is what goes out.
        content = json.dumps(body, separators=(",", ":")).encode("ascii")
        return await self.ask(method, path, content, "application/json", attempt)

    async def is_let_in(self) -> Outcome:
        """Get a token, and ask for nothing with it."""
        try:
            await self.tokens.token()
        except TokenRefused as refused:
            return refused.outcome
        return Outcome(Result.SENT, f"{self.host}: a token was given")

    async def _once(
        self, method: str, path: str, content: bytes, content_type: str, attempt: Attempt
    ) -> HttpResponse:
        token = await self.tokens.token()
        attempt.on_its_way = True
        return await self.transport.request(
            method,
            f"{self.base_url.rstrip('/')}/{path}",
            headers={"Authorization": f"Bearer {token}", "Content-Type": content_type},
            content=content,
            timeout=self.timeout_seconds,
        )


def with_refusal_code(outcome: Outcome, response: HttpResponse) -> Outcome:
    """Give an outcome whose text ends with the service's word for the refusal, if it has one."""
    return replace(outcome, detail=f"{outcome.detail} {refusal_code(response)}".rstrip())


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
