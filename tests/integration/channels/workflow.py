"""A Workflows flow as Microsoft documents it: what the gate refuses, and what is lost behind it.

The gate answers at once; a run that it has queued fails later, and only the flow's owner sees it.
Facts and figures: Microsoft's pages on the Teams connector and on limits of Power Automate, and
threads in which people describe what they got.
"""

from __future__ import annotations

import json
import math
import re
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from werkzeug import Response

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_httpserver import HTTPServer
    from werkzeug import Request

    from mis_bridge.io.clock import ManualClock

SIG = "INVENTED-sig-0123456789abcdefghij"
CONTENT_TYPE = "application/vnd.microsoft.card.adaptive"
EXPANDED_LIMIT = 28_672
"""Bytes of a message as Teams keeps it."""

_EXPANSION = 28_897 / 24_453
"""The one case in which somebody was told both: the bytes sent, and what Teams made of them."""

_MOST_MENTIONED = 20
_MENTION = re.compile(r"<at>[^<]*</at>")
_GATE_LIMIT = 1_000_000
_POSTS = (25, 300.0)  # what the Flow bot posts for one connection, and in how many seconds
_TEAMS_ELEMENTS = {"TextBlock", "FactSet", "Container", "ColumnSet", "Column", "Image", "ImageSet"}


@dataclass
class Owner:
    """Whose flows they are: what the Flow bot posts for one person is counted together.

    Args:
        throttled_until: so long all of their gates answer 429, with the seconds that are left.
        refused: how often they did.
    """

    posts: deque[float] = field(default_factory=deque)
    throttled_until: float = float("-inf")
    refused: int = 0

    @property
    def asked_too_soon(self) -> int:
        """How often somebody who had been told to wait came before the time."""
        return max(self.refused - 1, 0)

    def may_post(self, now: float) -> bool:
        """Count a post; False where it is one too many."""
        count, seconds = _POSTS
        while self.posts and self.posts[0] <= now - seconds:
            self.posts.popleft()
        self.posts.append(now)
        return len(self.posts) <= count


@dataclass
class Flow:
    """One flow, made of the template "Send webhook alerts to a channel".

    Args:
        clock: for the owner's limit.
        number: makes its address another one than other flows'.
        owner: whose it is.
        anyone: "Who can trigger the flow" is "Anyone".
        condition: name and value of the header that its trigger condition asks for, or None.
        on: it is there and turned on.
        size_at_gate: bytes that the gate takes.
        out_of_order_until: so long it answers 503, with the seconds that are left.
    """

    clock: ManualClock
    number: int = 1
    owner: Owner = field(default_factory=Owner)
    anyone: bool = True
    condition: tuple[str, str] | None = None
    on: bool = True
    size_at_gate: int = _GATE_LIMIT
    out_of_order_until: float = float("-inf")
    shown: list[dict[str, Any]] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    @property
    def path(self) -> str:
        """Of its address."""
        return f"/workflows/{self.number:016x}/triggers/manual/paths/invoke"

    def url(self, server: HTTPServer) -> str:
        """Give its whole address."""
        query = f"api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig={SIG}"
        return f"https://localhost:{server.port}{self.path}?{query}"

    def serve(self, server: HTTPServer) -> None:
        """Answer at its address."""
        server.expect_request(self.path).respond_with_handler(self.answer)

    def answer(self, request: Request) -> Response:
        """Be the gate."""
        if (refusal := self._refusal(request)) is not None:
            return refusal
        if (busy := self._busy()) is not None:
            return busy
        body = request.get_data()
        try:
            content = json.loads(body)
        except ValueError:
            return _refuse(400, "InvalidRequestContent")
        if self.condition is None or request.headers.get(self.condition[0]) == self.condition[1]:
            self._run(content, len(body))
        return Response(status=202)

    def _refusal(self, request: Request) -> Response | None:
        query = parse_qs(request.query_string.decode(), keep_blank_values=True)
        signed = query.get("sig") == [SIG] and "Authorization" not in request.headers
        refusals = [
            (not self.on or request.method != "POST", 404, "WorkflowNotFound"),
            ("api-version" not in query, 400, "MissingApiVersionParameter"),
            (not self.anyone or not signed, 401, "DirectApiAuthorizationRequired"),
            (len(request.get_data()) > self.size_at_gate, 413, "RequestEntityTooLarge"),
            (request.mimetype != "application/json", 400, "InvalidRequestContent"),
        ]
        return next((_refuse(status, code) for wrong, status, code in refusals if wrong), None)

    def _busy(self) -> Response | None:
        now = self.clock.monotonic()
        if (left := self.owner.throttled_until - now) > 0:
            self.owner.refused += 1
            return Response(status=429, headers={"Retry-After": str(math.ceil(left))})
        if (left := self.out_of_order_until - now) > 0:
            return Response(status=503, headers={"Retry-After": str(math.ceil(left))})
        return None

    def _run(self, content: Any, sent: int) -> None:
        """Be the run that the gate has queued: it shows cards, or fails where nobody looks."""
        if problem := _problem_of(content):
            self.failed.append(problem)
            return
        if (size := round(sent * _EXPANSION)) > EXPANDED_LIMIT:
            self.failed.append(f"MessageSizeExceeded: {size} bytes")
            return
        for attachment in content["attachments"]:
            if self.owner.may_post(self.clock.monotonic()):
                self.shown.append(attachment["content"])
            else:
                self.failed.append("TooManyRequests")


def _problem_of(content: Any) -> str:
    """What the flow can not do with a body, or empty."""
    attachments = content.get("attachments") if isinstance(content, dict) else None
    if not isinstance(attachments, list) or not attachments or content.get("type") != "message":
        return "no message with attachments"
    return next((said for one in attachments for said in _problems_of(one)), "")


def _problems_of(attachment: dict[str, Any]) -> Iterator[str]:
    card = attachment.get("content")
    if attachment.get("contentType") != CONTENT_TYPE or not isinstance(card, dict):
        yield "no card"
        return
    if attachment.get("contentUrl", "") is not None:
        yield "contentUrl is not null"
    if card.get("type") != "AdaptiveCard" or card.get("version") not in {"1.2", "1.4", "1.5"}:
        yield "no card that Teams shows"
    if unknown := _elements(card.get("body", [])) - _TEAMS_ELEMENTS:
        yield f"unknown elements {sorted(unknown)}"
    said = [entity.get("text") for entity in card.get("msteams", {}).get("entities", [])]
    if sorted(said) != sorted(
        _MENTION.findall(json.dumps(card.get("body", []), ensure_ascii=False))
    ):
        yield "a mention without its entity, or an entity without its mention"
    if len(said) > _MOST_MENTIONED:
        yield "more people than may be mentioned"
    for action in card.get("actions", []):
        opens = action.get("type") == "Action.OpenUrl"
        if not opens or not action.get("url", "").startswith("https://"):
            yield "an action that Teams does not carry out"


def _elements(items: list[dict[str, Any]]) -> set[str]:
    found = {item.get("type", "") for item in items}
    for item in items:
        found |= _elements(item.get("items", []))
        found |= _elements(item.get("columns", []))
    return found


def _refuse(status: int, code: str) -> Response:
    """Refuse as the service does; the text repeats what was sent, which must not be repeated."""
    error = {"error": {"code": code, "message": f"Ada Testpupil {SIG}"}}
    return Response(json.dumps(error), status=status, content_type="application/json")
