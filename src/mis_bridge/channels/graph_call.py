"""One request to Microsoft Graph with a token, and Graph's own word for a refusal."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from mis_bridge.channels.attempt import Attempt
    from mis_bridge.channels.entra_token import Tokens
    from mis_bridge.io.http import HttpResponse, Transport

__all__ = ["Graph", "error_code"]

_ERROR_CODE: Final = re.compile(r"[A-Za-z]{3,60}")


@dataclass(frozen=True, slots=True)
class Graph:
    """Where Graph is, and who asks.

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
        """The service, for texts."""
        return urlsplit(self.base_url).hostname or "(no host)"

    async def post(
        self, path: str, content: bytes, content_type: str, attempt: Attempt
    ) -> HttpResponse:
        """Post once, and once more with a fresh token where the first is refused (401).

        Args:
            path: below ``base_url``, without a slash in front, quoted.
            content: the body.
            content_type: what the body is.
            attempt: told when Graph may have the request.

        Raises:
            TokenRefused: there is no token.
            HttpError: there is no answer.
        """
        response = await self._post_once(path, content, content_type, attempt)
        if response.status == HTTPStatus.UNAUTHORIZED:
            # A token can be revoked before it expires; a fresh one tells that from a refusal.
            attempt.on_its_way = False
            await self.tokens.forget()
            response = await self._post_once(path, content, content_type, attempt)
        return response

    async def _post_once(
        self, path: str, content: bytes, content_type: str, attempt: Attempt
    ) -> HttpResponse:
        token = await self.tokens.token()
        attempt.on_its_way = True
        return await self.transport.request(
            "POST",
            f"{self.base_url.rstrip('/')}/{path}",
            headers={"Authorization": f"Bearer {token}", "Content-Type": content_type},
            content=content,
            timeout=self.timeout_seconds,
        )


def error_code(response: HttpResponse) -> str:
    """Find Graph's word for a refusal (``ErrorAccessDenied``); never its text, which can quote."""
    try:
        code = json.loads(response.body)["error"]["code"]
    except (ValueError, KeyError, TypeError):
        return ""
    return code if isinstance(code, str) and _ERROR_CODE.fullmatch(code) else ""
