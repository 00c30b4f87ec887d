"""Stand-ins for two services of Microsoft: activity notifications (Graph) and the bot's messages.

They look at path, method and the token with its signature, issuer, audience and app; the simulator
knows what each service asks of a body, and how much it takes. What they are asked is kept; refusals
can be put in line.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import unquote

import jwt
from werkzeug import Response

from mis_bridge.simulator.microsoft_shapes import SYSTEM, Line, ShapeError, card_in, line_in
from mis_bridge.simulator.service_limits import ACTIVITY, BOT, Windows

if TYPE_CHECKING:
    from collections.abc import Collection

    from pytest_httpserver import HTTPServer
    from werkzeug import Request

    from mis_bridge.io.clock import Clock

CLIENT_ID = "11111111-2222-3333-4444-555555555555"
TEAM = "7155e3c8-175e-4311-97ef-572edc3aa3db"
DSL = "569363e2-4e49-4661-87f2-16f245c5d66a"
DEPUTY = "ab88234e-0874-477c-9638-d144296ed04f"
CONVERSATION = "19:0ea5de04de4743bcb4cd20cb99235d99@thread.tacv2"
LINK = "https://teams.microsoft.com/l/channel/19%3a0ea5@thread.tacv2/Alerts"
TYPES: Final = {**SYSTEM, "childMissing": "alert"}
"""Activity types: that of every app, and one of this app's own manifest."""


class Provider(Protocol):
    """What the fixture of the provider gives."""

    issuer: str
    authority: str
    keys: list[dict[str, Any]]


@dataclass
class Gate:
    """Who may in: only the token of an app, from this provider, for this audience."""

    provider: Provider
    audience: str
    apps: Collection[str] = (CLIENT_ID,)
    tokens: list[str] = field(default_factory=list)

    def let_in(self, request: Request, code: str = "InvalidAuthenticationToken") -> dict[str, Any]:
        """Give what a request's token says of its holder.

        Raises:
            ShapeError: it does not let in; with 401 and the service's word for it.
        """
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        keys = {key["kid"]: jwt.PyJWK(key) for key in self.provider.keys}
        try:
            key = keys[jwt.get_unverified_header(token)["kid"]]
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=["RS256"],
                audience=self.audience,
                issuer=self.provider.issuer,
            )
            holder = claims["client_id"]
        except (jwt.InvalidTokenError, KeyError) as error:
            raise ShapeError(401, code, repr(error)) from None
        if scheme != "Bearer" or holder not in self.apps:
            raise ShapeError(401, code, "not the token of an app")
        self.tokens.append(token)
        return claims


class ActivityStandIn:
    """Graph's sendActivityNotification, in a team and to a person."""

    def __init__(self, server: HTTPServer, gate: Gate, clock: Clock) -> None:
        self.shown: dict[tuple[str, int], Line] = {}
        """By person and chain: the notification that stands in the feed."""
        self.rung: list[str] = []
        self.problems: list[str] = []
        self.refuse: list[Response] = []
        self.without_the_app: set[str] = set()
        self.gate = gate
        self._limits = Windows(clock, *ACTIVITY)
        place = re.compile(r"^/v1\.0/(teams|users)/.*sendActivityNotification$")
        server.expect_request(place).respond_with_handler(self.answer)

    def answer(self, request: Request) -> Response:
        """Take a notification, 204; or refuse it in Graph's form."""
        try:
            self.gate.let_in(request)
            _count(self._limits)
            if self.refuse:
                return self.refuse.pop(0)
            self._take(request)
        except ShapeError as refused:
            self.problems.append(refused.problem)
            return graph_refusal(refused.status, refused.code)
        return Response(status=204)

    def _take(self, request: Request) -> None:
        if request.method != "POST":
            raise ShapeError(405, "BadRequest", request.method)
        person = _person(request.path)
        line = line_in(request.mimetype, request.get_data(), person=person, types=TYPES)
        if line.person in self.without_the_app:
            raise ShapeError(404, "NotFound", "the app is not installed for them")
        self.shown[line.person, line.chain] = line
        self.rung.append(line.person)


def _count(limits: Windows) -> None:
    if limits.take() is not None:
        raise ShapeError(429, "TooManyRequests", "more at a time than the service takes")


def _person(path: str) -> str | None:
    """Whom a path names; None where it names the team."""
    if path == f"/v1.0/teams/{TEAM}/sendActivityNotification":
        return None
    found = re.fullmatch(r"/v1\.0/users/([^/]+)/teamwork/sendActivityNotification", path)
    if found is None:
        raise ShapeError(404, "NotFound", f"nothing at {path}")
    return unquote(found[1])


class BotStandIn:
    """The Bot Connector for one conversation in which the bot's app is installed."""

    def __init__(self, server: HTTPServer, gate: Gate, clock: Clock) -> None:
        self.standing: dict[str, dict[str, Any]] = {}
        """By id: the card that people see there now."""
        self.rung: list[str] = []
        self.summaries: list[str] = []
        self.problems: list[str] = []
        self.refuse: list[Response] = []
        self.gate = gate
        self._limits = Windows(clock, *BOT)
        self._number = 1_795_340_000_000
        place = re.compile(r"^/emea/v3/conversations/")
        server.expect_request(place).respond_with_handler(self.answer)

    def answer(self, request: Request) -> Response:
        """Post, 201 with an id; or change, 200; or refuse in the service's form."""
        try:
            self.gate.let_in(request, "Unauthorized")
            _count(self._limits)
            if self.refuse:
                return self.refuse.pop(0)
            return self._serve(request)
        except ShapeError as refused:
            self.problems.append(refused.problem)
            return bot_refusal(refused.status, refused.code)

    def _serve(self, request: Request) -> Response:
        place = f"/emea/v3/conversations/{CONVERSATION}/activities"
        path, _, changed = request.path.partition(f"{place}/")
        if changed:
            if changed not in self.standing or request.method != "PUT":
                raise ShapeError(404, "ActivityNotFoundInConversation", changed)
        elif path != place or request.method != "POST":
            raise ShapeError(404, "ConversationNotFound", path)
        card = card_in(
            request.mimetype,
            request.get_data(),
            app=CLIENT_ID,
            conversation=CONVERSATION,
            activity=changed,
        )
        if not changed:
            self._number += 1
            self.rung.append(str(self._number))
        activity = changed or str(self._number)
        self.standing[activity] = card
        self.summaries.append(request.get_json().get("summary", ""))
        return _json(200 if changed else 201, {"id": activity})


def graph_refusal(status: int, code: str, retry_after: str = "") -> Response:
    """Refuse as Graph does; the text repeats what was sent, which must not be repeated."""
    body = {"error": {"code": code, "message": "Forbidden for Ada Testpupil"}}
    return _json(status, body, retry_after)


def bot_refusal(status: int, code: str, retry_after: str = "") -> Response:
    """Refuse as the bot service does; a blocked bot is told so in a form of its own."""
    body: dict[str, Any] = {"error": {"code": code, "message": "Refused: Ada Testpupil"}}
    if code == "MessageWritesBlocked":
        text = {"subCode": code, "details": "Thread is blocked from message writes."}
        body = {"errorCode": 209, "message": json.dumps(text, indent=2)}
    return _json(status, body, retry_after)


def _json(status: int, body: dict[str, Any], retry_after: str = "") -> Response:
    headers = {"Retry-After": retry_after} if retry_after else {}
    return Response(
        json.dumps(body), status=status, content_type="application/json", headers=headers
    )
