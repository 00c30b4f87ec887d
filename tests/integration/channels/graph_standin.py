"""Microsoft Graph's ``sendMail`` on the loopback, as strict and as moody as it is documented.

What it checks: path and method, the token's signature, issuer, audience and app, what the app may
do with the mailbox (grants in Entra and in Exchange add up), type, size and form of the body, and
that no request comes sooner than the last 429 allowed. What it does not check nobody documents.
"""

from __future__ import annotations

import base64
import email
import email.policy
import json
import math
import re
from email.utils import parseaddr
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote

import jwt
from werkzeug import Request, Response

from mis_bridge.simulator.service_limits import MailboxLimits

if TYPE_CHECKING:
    import threading
    from email.message import EmailMessage

    from pytest_httpserver import HTTPServer

    from mis_bridge.io.clock import Clock

CLIENT_ID = "11111111-2222-3333-4444-555555555555"
BY_SECRET = "22222222-2222-3333-4444-555555555555"
BROAD = "33333333-2222-3333-4444-555555555555"
"""An app that was granted ``Mail.Send`` in Entra: for every mailbox."""
APPS = (CLIENT_ID, BY_SECRET, BROAD)
APP_SECRET = "invented-client-secret"
MAILBOX = "safeguarding-bot@school.example"
HEAD = "head@school.example"
DSL = "dsl@school.example"

LARGEST_REQUEST = 4_000_000
FIELDS = {
    "": ({"message"}, {"saveToSentItems"}),
    "message": ({"toRecipients"}, {"subject", "body", "importance", "internetMessageHeaders"}),
    "body": ({"contentType", "content"}, set[str]()),
}
"""Of the JSON form: by object, the keys it must have and those that it may have."""


class Provider(Protocol):
    """What the fixture of the provider gives."""

    issuer: str
    keys: list[dict[str, Any]]


class GraphStandIn:
    """Graph, with one mailbox that the app may send from and one that it may not.

    Args:
        server: where it runs; its address is the audience of the tokens.
        provider: whose tokens it takes.
        clock: by which it remembers when it asked to be left alone.
    """

    def __init__(self, server: HTTPServer, provider: Provider, clock: Clock) -> None:
        self.mails: list[EmailMessage] = []
        self.notes: list[tuple[str, dict[str, Any]]] = []
        """Mails in the JSON form: from which mailbox, and the whole request."""
        self.tokens: list[str] = []
        self.refuse: list[Response] = []
        self.problems: list[str] = []
        self.early = 0
        self.in_exchange = {MAILBOX}
        self.hold: threading.Barrier | None = None
        self.limits = MailboxLimits(clock)
        self._mailboxes = {MAILBOX, HEAD}
        self._audience = f"https://localhost:{server.port}"
        self._issuer = provider.issuer
        self._keys = {key["kid"]: jwt.PyJWK(key) for key in provider.keys}
        self._clock = clock
        self._closed_until = float("-inf")
        server.expect_request(
            re.compile(r"^/v1\.0/users/[^/]+/sendMail$"), method="POST"
        ).respond_with_handler(self.answer)

    def answer(self, request: Request) -> Response:
        """Check a request; answer 202 without a body, or Graph's form of a refusal."""
        body = request.get_data()
        with self.limits.request(len(body)) as wait:
            if self.hold:
                self.hold.wait(10)
            if wait is not None:
                after = str(math.ceil(wait))
                return graph_error(429, "ApplicationThrottled", Retry_After=after)
            try:
                granted = self._permissions(request.headers.get("Authorization", ""))
                if answer := self._moody():
                    return answer
                mailbox = unquote(request.path.split("/")[3]).lower()
                self._let_in(mailbox, granted)
                self._take(mailbox, request.headers.get("Content-Type", ""), body)
            except _RefusedError as refused:
                self.problems += filter(None, [refused.problem])
                return graph_error(refused.status, refused.code)
        return Response(status=202)

    def _moody(self) -> Response | None:
        """Answer what the test wants next; whoever comes too soon after a 429 is told again."""
        if self._clock.monotonic() < self._closed_until:
            self.early += 1
            return graph_error(429, "ApplicationThrottled", Retry_After="60")
        if not self.refuse:
            return None
        answer = self.refuse.pop(0)
        wait = answer.headers.get("Retry-After", "")
        if wait.isdecimal():
            self._closed_until = self._clock.monotonic() + float(wait)
        return answer

    def _let_in(self, mailbox: str, granted: list[str]) -> None:
        if mailbox not in self._mailboxes:
            raise _RefusedError(404, "ErrorInvalidUser", "no such mailbox")
        if mailbox not in self.in_exchange and "Mail.Send" not in granted:
            raise _RefusedError(403, "ErrorAccessDenied", "")

    def _take(self, mailbox: str, content_type: str, content: bytes) -> None:
        if len(content) > LARGEST_REQUEST:
            raise _RefusedError(413, "RequestEntityTooLarge", "more than 4 MB")
        match content_type:
            case "text/plain":
                self._take_mime(mailbox, content)
            case "application/json":
                self._take_json(mailbox, content)
            case _:
                raise _RefusedError(
                    415, "RequestBodyRead", f"neither MIME nor JSON: {content_type}"
                )

    def _permissions(self, authorization: str) -> list[str]:
        scheme, _, token = authorization.partition(" ")
        try:
            key = self._keys[jwt.get_unverified_header(token)["kid"]]
            claims = jwt.decode(
                token, key, algorithms=["RS256"], audience=self._audience, issuer=self._issuer
            )
            _see(scheme == "Bearer" and claims["client_id"] in APPS, "not the token of an app")
        except (jwt.InvalidTokenError, KeyError, ValueError) as error:
            raise _RefusedError(401, "InvalidAuthenticationToken", repr(error)) from None
        self.tokens.append(token)
        roles: list[str] = claims.get("roles", [])
        return roles

    def _take_mime(self, mailbox: str, body: bytes) -> None:
        try:
            content = base64.b64decode(body, validate=True)
        except ValueError:
            raise _RefusedError(400, "ErrorMimeContentInvalidBase64String", "no base64") from None
        mail = email.message_from_bytes(content, policy=email.policy.SMTP)
        if mail.defects or b"\r\n\r\n" not in content or b"\n" in content.replace(b"\r\n", b""):
            raise _RefusedError(400, "ErrorMimeContentInvalid", "not a mail")
        if parseaddr(mail["From"])[1].lower() != mailbox:
            raise _RefusedError(403, "ErrorSendAsDenied", "From is another mailbox")
        if not mail["To"]:
            raise _RefusedError(400, "ErrorInvalidRecipients", "nobody to send to")
        self.mails.append(mail)

    def _take_json(self, mailbox: str, body: bytes) -> None:
        try:
            whole = json.loads(body)
            message = whole["message"]
            for name, held in (("", whole), ("message", message), ("body", message["body"])):
                must, may = FIELDS[name]
                _see(set(held) >= must, f"{name}: a key is missing")
                _see(set(held) <= must | may, f"{name}: a key that Graph does not know")
            _see(message["body"]["contentType"] in {"Text", "HTML"}, "contentType")
            _see(isinstance(whole.get("saveToSentItems", True), bool), "saveToSentItems")
            for header in message.get("internetMessageHeaders", ()):
                _see(header["name"].lower().startswith("x-"), "a header that is not of our own")
            addresses = [one["emailAddress"]["address"] for one in message["toRecipients"]]
            _see(addresses and all("@" in one for one in addresses), "recipients")
        except (ValueError, KeyError, TypeError) as error:
            raise _RefusedError(400, "BadRequest", repr(error)) from None
        self.notes.append((mailbox, whole))


class _RefusedError(Exception):
    """Graph does not take it; ``problem`` says where that is a mistake in what was sent."""

    def __init__(self, status: int, code: str, problem: str) -> None:
        self.status, self.code, self.problem = status, code, problem
        super().__init__(status, code, problem)


def _see(holds: object, otherwise: str) -> None:
    if not holds:
        raise ValueError(otherwise)


def graph_error(status: int, code: str, **headers: str) -> Response:
    """Refuse in Graph's form; the text repeats what was sent, as real services do."""
    body = {"error": {"code": code, "message": "Access denied for Ada Testpupil"}}
    return Response(
        json.dumps(body),
        status=status,
        content_type="application/json",
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )
