"""Stand-ins for two services of Microsoft: activity notifications (Graph) and the bot's messages.

They check what is documented: path, method, headers, the token with its signature, issuer, audience
and app, every field and every limit. What they are asked is kept; refusals can be put in line.
"""

from __future__ import annotations

import json
import re
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote

import jwt
from werkzeug import Response

if TYPE_CHECKING:
    from pytest_httpserver import HTTPServer
    from werkzeug import Request

    from mis_bridge.io.clock import ManualClock

CLIENT_ID = "11111111-2222-3333-4444-555555555555"
TEAM = "7155e3c8-175e-4311-97ef-572edc3aa3db"
DSL = "569363e2-4e49-4661-87f2-16f245c5d66a"
DEPUTY = "ab88234e-0874-477c-9638-d144296ed04f"
CONVERSATION = "19:0ea5de04de4743bcb4cd20cb99235d99@thread.tacv2"
LINK = "https://teams.microsoft.com/l/channel/19%3a0ea5@thread.tacv2/Alerts"
PREVIEW = 150
MESSAGE_LIMIT = 28_672
CARD = "application/vnd.microsoft.card.adaptive"


class Provider(Protocol):
    """What the fixture of the provider gives."""

    issuer: str
    authority: str
    keys: list[dict[str, Any]]


@dataclass
class Gate:
    """Who may in: only the app's token, from this provider, for this audience."""

    provider: Provider
    audience: str
    tokens: list[str] = field(default_factory=list)

    def problem(self, request: Request) -> str:
        """What is wrong with a request's token, or empty."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        keys = {key["kid"]: jwt.PyJWK(key) for key in self.provider.keys}
        try:
            key = keys[jwt.get_unverified_header(token)["kid"]]
            claims = jwt.decode(
                token,
                key,
                algorithms=["RS256"],
                audience=self.audience,
                issuer=self.provider.issuer,
            )
        except (jwt.InvalidTokenError, KeyError) as error:
            return repr(error)
        if scheme != "Bearer" or claims["client_id"] != CLIENT_ID:
            return "not the app's token"
        self.tokens.append(token)
        return ""


class Limit:
    """How many requests a second are taken."""

    def __init__(self, clock: ManualClock, *limits: tuple[int, float]) -> None:
        self._clock = clock
        self._limits = limits
        self._taken: deque[float] = deque(maxlen=5000)

    def is_over(self) -> bool:
        """Count a request; True where it is one too many."""
        now = self._clock.monotonic()
        self._taken.append(now)
        return any(
            sum(at > now - seconds for at in self._taken) > count for count, seconds in self._limits
        )


class ActivityStandIn:
    """Graph's sendActivityNotification, in a team and to a person."""

    def __init__(self, server: HTTPServer, gate: Gate, clock: ManualClock) -> None:
        self.shown: dict[tuple[str, int], dict[str, Any]] = {}
        """By person and chain: the notification that stands in the feed."""
        self.rung: list[str] = []
        self.problems: list[str] = []
        self.refuse: list[Response] = []
        self.without_the_app: set[str] = set()
        self.gate = gate
        self._limit = Limit(clock, (5, 1.0))
        place = re.compile(r"^/v1\.0/(teams|users)/.*sendActivityNotification$")
        server.expect_request(place).respond_with_handler(self.answer)

    def answer(self, request: Request) -> Response:
        """Take a notification, 204; or refuse it in Graph's form."""
        if problem := self.gate.problem(request):
            return self._refusal(401, "InvalidAuthenticationToken", problem)
        if self._limit.is_over():
            return self._refusal(429, "TooManyRequests", "more than five a second")
        return self.refuse.pop(0) if self.refuse else self._take(request)

    def _take(self, request: Request) -> Response:
        try:
            body = json.loads(request.get_data())
        except ValueError:
            return self._refusal(400, "BadRequest", "not JSON")
        person = _person(request, body)
        if problem := _notification_problem(request, body, person):
            return self._refusal(400, "BadRequest", problem)
        if person in self.without_the_app:
            return self._refusal(404, "NotFound", "the app is not installed for them")
        self.shown[person, body["chainId"]] = body
        self.rung.append(person)
        return Response(status=204)

    def _refusal(self, status: int, code: str, problem: str) -> Response:
        self.problems.append(problem)
        return graph_refusal(status, code)


def _person(request: Request, body: dict[str, Any]) -> str:
    """Whom a request notifies, by its form; empty where it has neither."""
    if request.path == f"/v1.0/teams/{TEAM}/sendActivityNotification":
        return str(body.get("recipient", {}).get("userId", ""))
    found = re.fullmatch(r"/v1\.0/users/([^/]+)/teamwork/sendActivityNotification", request.path)
    return unquote(found[1]) if found and "recipient" not in body else ""


def _notification_problem(request: Request, body: dict[str, Any], person: str) -> str:
    topic, parameters = body.get("topic", {}), body.get("templateParameters")
    unknown = set(body) - {
        "topic",
        "activityType",
        "chainId",
        "previewText",
        "recipient",
        "templateParameters",
    }
    recipient = body.get("recipient", {}).get("@odata.type")
    name = "systemDefaultText" if body.get("activityType") == "systemDefault" else "alert"
    checks = {
        "not a POST of JSON": request.method != "POST" or request.mimetype != "application/json",
        f"unknown fields {unknown}": bool(unknown),
        "nobody": not person,
        "recipient": recipient not in {None, "microsoft.graph.aadUserNotificationRecipient"},
        "topic": topic.get("source") != "text" or not topic.get("value"),
        "webUrl": not topic.get("webUrl", "").startswith("https://teams.microsoft.com/l/"),
        "activityType": body.get("activityType") not in {"systemDefault", "childMissing"},
        "parameters": not parameters or [one["name"] for one in parameters] != [name],
        "chainId": not (isinstance(body.get("chainId"), int) and 0 < body["chainId"] < 2**63),
        "preview": not 0 < len(body.get("previewText", {}).get("content", "")) <= PREVIEW,
    }
    return next((problem for problem, wrong in checks.items() if wrong), "")


class BotStandIn:
    """The Bot Connector for one conversation in which the bot's app is installed."""

    def __init__(self, server: HTTPServer, gate: Gate, clock: ManualClock) -> None:
        self.standing: dict[str, dict[str, Any]] = {}
        """By id: the card that people see there now."""
        self.rung: list[str] = []
        self.summaries: list[str] = []
        self.problems: list[str] = []
        self.refuse: list[Response] = []
        self.gate = gate
        self._limit = Limit(clock, (4, 1.0), (8, 2.0), (60, 30.0), (1800, 3600.0))
        self._number = 1_795_340_000_000
        place = re.compile(r"^/emea/v3/conversations/")
        server.expect_request(place).respond_with_handler(self.answer)

    def answer(self, request: Request) -> Response:
        """Post, 201 with an id; or change, 200; or refuse in the service's form."""
        if problem := self.gate.problem(request):
            return self._refusal(401, "Unauthorized", problem)
        if self._limit.is_over():
            return self._refusal(429, "TooManyRequests", "too many")
        return self.refuse.pop(0) if self.refuse else self._serve(request)

    def _serve(self, request: Request) -> Response:
        place = f"/emea/v3/conversations/{CONVERSATION}/activities"
        path, _, activity = request.path.partition(f"{place}/")
        if activity:
            return self._change(request, activity)
        if path != place or request.method != "POST":
            return self._refusal(404, "ConversationNotFound", path)
        if problem := self._take(request, str(self._number + 1)):
            return self._refusal(400, "BadSyntax", problem)
        self._number += 1
        self.rung.append(str(self._number))
        return Response(
            json.dumps({"id": str(self._number)}), status=201, content_type="application/json"
        )

    def _change(self, request: Request, activity: str) -> Response:
        if activity not in self.standing or request.method != "PUT":
            return self._refusal(404, "ActivityNotFoundInConversation", activity)
        if problem := self._take(request, activity):
            return self._refusal(400, "BadSyntax", problem)
        return Response(json.dumps({"id": activity}), status=200, content_type="application/json")

    def _take(self, request: Request, activity: str) -> str:
        """Show a card, or say what is wrong with the activity."""
        try:
            body = json.loads(request.get_data())
            (attachment,) = body["attachments"]
        except (ValueError, KeyError):
            return "not an activity with one card"
        checks = {
            "content type": request.mimetype != "application/json",
            "type": body.get("type") != "message",
            "from": body.get("from") != {"id": CLIENT_ID},
            "conversation": body.get("conversation") != {"id": CONVERSATION},
            "id": request.method == "PUT" and body.get("id") != activity,
            "card": attachment.get("contentType") != CARD
            or attachment.get("content", {}).get("type") != "AdaptiveCard",
            "size": len(request.get_data()) * 28_897 / 24_453 > MESSAGE_LIMIT,
        }
        problem = next((said for said, wrong in checks.items() if wrong), "")
        if not problem:
            self.standing[activity] = attachment["content"]
            self.summaries.append(body.get("summary", ""))
        return problem

    def _refusal(self, status: int, code: str, problem: str) -> Response:
        self.problems.append(problem)
        return bot_refusal(status, code)


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


def _json(status: int, body: dict[str, Any], retry_after: str) -> Response:
    headers = {"Retry-After": retry_after} if retry_after else {}
    return Response(
        json.dumps(body), status=status, content_type="application/json", headers=headers
    )
