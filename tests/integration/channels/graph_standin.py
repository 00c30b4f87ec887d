"""Microsoft Graph's ``sendMail`` on the loopback, as strict and as moody as it is documented.

What it checks: path and method, the token's signature, issuer, audience and app, what the app may
do with the mailbox (grants in Entra and in Exchange add up), type, size and form of the body, and
that no request comes sooner than the last 429 allowed. What it does not check nobody documents.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from werkzeug import Request, Response

from mis_bridge.simulator.microsoft_shapes import LARGEST_MAIL, ShapeError, mail_in
from mis_bridge.simulator.service_limits import MailboxLimits

from .microsoft import CLIENT_ID, Gate, graph_refusal

if TYPE_CHECKING:
    import threading
    from email.message import EmailMessage

    from pytest_httpserver import HTTPServer

    from mis_bridge.io.clock import Clock

    from .microsoft import Provider

BY_SECRET = "22222222-2222-3333-4444-555555555555"
BROAD = "33333333-2222-3333-4444-555555555555"
"""An app that was granted ``Mail.Send`` in Entra: for every mailbox."""
APPS = (CLIENT_ID, BY_SECRET, BROAD)
APP_SECRET = "invented-client-secret"
MAILBOX = "safeguarding-bot@school.example"
HEAD = "head@school.example"
DSL = "dsl@school.example"

FIELDS = {
    "": ({"message"}, {"saveToSentItems"}),
    "message": ({"toRecipients"}, {"subject", "body", "importance", "internetMessageHeaders"}),
    "body": ({"contentType", "content"}, set[str]()),
}
"""Of the JSON form: by object, the keys it must have and those that it may have."""


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
        self.refuse: list[Response] = []
        self.problems: list[str] = []
        self.early = 0
        self.in_exchange = {MAILBOX}
        self.hold: threading.Barrier | None = None
        self.limits = MailboxLimits(clock)
        self._mailboxes = {MAILBOX, HEAD}
        self._gate = Gate(provider, f"https://localhost:{server.port}", APPS)
        self.tokens = self._gate.tokens
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
                return graph_refusal(429, "ApplicationThrottled", after)
            try:
                granted = self._gate.let_in(request).get("roles", [])
                if answer := self._moody():
                    return answer
                mailbox = unquote(request.path.split("/")[3]).lower()
                self._let_in(mailbox, granted)
                self._take(mailbox, request.headers.get("Content-Type", ""), body)
            except ShapeError as refused:
                self.problems += filter(None, [refused.problem])
                return graph_refusal(refused.status, refused.code)
        return Response(status=202)

    def _moody(self) -> Response | None:
        """Answer what the test wants next; whoever comes too soon after a 429 is told again."""
        if self._clock.monotonic() < self._closed_until:
            self.early += 1
            return graph_refusal(429, "ApplicationThrottled", "60")
        if not self.refuse:
            return None
        answer = self.refuse.pop(0)
        wait = answer.headers.get("Retry-After", "")
        if wait.isdecimal():
            self._closed_until = self._clock.monotonic() + float(wait)
        return answer

    def _let_in(self, mailbox: str, granted: list[str]) -> None:
        if mailbox not in self._mailboxes:
            raise ShapeError(404, "ErrorInvalidUser", "no such mailbox")
        if mailbox not in self.in_exchange and "Mail.Send" not in granted:
            raise ShapeError(403, "ErrorAccessDenied", "")

    def _take(self, mailbox: str, content_type: str, body: bytes) -> None:
        if content_type == "application/json":
            self._take_json(mailbox, body)
        else:
            _, mail = mail_in(content_type, body, mailbox)
            self.mails.append(mail)

    def _take_json(self, mailbox: str, body: bytes) -> None:
        if len(body) > LARGEST_MAIL:
            raise ShapeError(413, "RequestEntityTooLarge", "more than 4 MB")
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
            raise ShapeError(400, "BadRequest", repr(error)) from None
        self.notes.append((mailbox, whole))


def _see(holds: object, otherwise: str) -> None:
    if not holds:
        raise ValueError(otherwise)
