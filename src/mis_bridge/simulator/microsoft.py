"""A stand-in for what the daemon uses of Microsoft 365: sign-in, mail, activity feed and bot.

One server with TLS on loopback. It checks what is documented (path, method, token and what it is
for, every field and limit), keeps what it took, and misbehaves as it is told: ``faults`` go by the
path of the request. ``STATUS`` refuses, ``HANG`` and ``RESET`` take nothing, ``CUT`` takes it and
hangs up before it says so, ``SLOW`` takes it and answers late. A 401 is a token that was revoked:
a fresh one is let in.
"""

from __future__ import annotations

import itertools
import json
import re
import threading
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import getaddresses
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import parse_qs, unquote

from mis_bridge.simulator.faults import FaultKind, Faults
from mis_bridge.simulator.loopback import LoopbackServer
from mis_bridge.simulator.microsoft_shapes import Line, ShapeError, card_in, line_in, mail_in
from mis_bridge.simulator.service_limits import ACTIVITY, BOT, MailboxLimits, Windows
from mis_bridge.simulator.sinks import Mail

if TYPE_CHECKING:
    import ssl
    from datetime import datetime
    from types import TracebackType

    from mis_bridge.io.clock import Clock
    from mis_bridge.simulator.faults import Fault
    from mis_bridge.simulator.loopback import Exchange

__all__ = ["App", "Card", "Microsoft", "Notified"]

_LIFE: Final = timedelta(seconds=3599)
_BOTS: Final = "https://api.botframework.com/.default"
_MAIL: Final = re.compile(r"/v1\.0/users/([^/]+)/sendMail")
_FEED: Final = re.compile(r"/v1\.0/teams/([^/]+)/sendActivityNotification")
_PERSON: Final = re.compile(r"/v1\.0/users/([^/]+)/teamwork/sendActivityNotification")
_TALK: Final = re.compile(r"/emea/v3/conversations/([^/]+)/activities(?:/([^/]+))?")


@dataclass(frozen=True, slots=True)
class App:
    """What the tenant knows of the app.

    Args:
        tenant: its directory.
        client_id: the app's id, and its bot's.
        secret: by which it signs in.
        mailbox: the one that it may send from.
        team: the one in which it may notify.
        conversation: the one that its bot may write in.
    """

    tenant: str
    client_id: str
    secret: str
    mailbox: str
    team: str
    conversation: str


@dataclass(frozen=True, slots=True)
class Notified:
    """One notification that rang in somebody's activity feed.

    Args:
        at: by the stand-in's clock.
        line: whom, and what it said.
    """

    at: datetime
    line: Line


@dataclass(slots=True)
class Card:
    """A card that stands in the bot's conversation.

    Args:
        id: of the activity.
        at: when it was posted, which rang.
        posted: what it said then.
        shown: what it says now.
        shown_at: since when.
    """

    id: str
    at: datetime
    posted: dict[str, Any]
    shown: dict[str, Any]
    shown_at: datetime


@dataclass(slots=True)
class _Token:
    scope: str
    until: datetime
    revoked: bool = False


@dataclass
class _Kept:
    """What has come in."""

    mails: list[Mail] = field(default_factory=list)
    notified: list[Notified] = field(default_factory=list)
    cards: dict[str, Card] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


class Microsoft:
    """The server.

    Args:
        clock: stamps what comes in; tokens and limits go by it.
        app: the one that is let in.
        tls: what it shows who it is by.

    Attributes:
        faults: to be added to and taken from while it serves.
        mailbox: the limits of the app's mailbox, with what was refused by them.
        throttled: how many requests of other services were over their limits.
    """

    def __init__(self, clock: Clock, app: App, tls: ssl.SSLContext) -> None:
        self.faults = Faults(clock)
        self.mailbox = MailboxLimits(clock)
        self.throttled = 0
        self._clock = clock
        self._app = app
        self._kept = _Kept()
        self._tokens: dict[str, _Token] = {}
        self._numbers = itertools.count(1_795_340_000_001)
        self._bot, self._feed = Windows(clock, *BOT), Windows(clock, *ACTIVITY)
        self._lock = threading.Lock()
        self._server = LoopbackServer(self, tls=tls)

    @property
    def url(self) -> str:
        """Base address: that of the sign-in; ``/v1.0`` below it is Graph, ``/emea`` the bots'."""
        return self._server.url

    @property
    def mails(self) -> list[Mail]:
        """What the mailbox was asked to send, in order."""
        with self._lock:
            return list(self._kept.mails)

    @property
    def notified(self) -> list[Notified]:
        """What rang in activity feeds, in order."""
        with self._lock:
            return list(self._kept.notified)

    @property
    def cards(self) -> list[Card]:
        """What stands in the bot's conversation, in the order in which it was posted."""
        with self._lock:
            return list(self._kept.cards.values())

    @property
    def problems(self) -> list[str]:
        """What was wrong with requests, a mistake of whoever sent them."""
        with self._lock:
            return list(self._kept.problems)

    def serve(self, exchange: Exchange) -> None:
        """Answer a request, or show the fault that is on."""
        body = exchange.body()
        if len(body) < int(exchange.headers.get("Content-Length") or 0):
            exchange.reset()  # whoever sent it was killed in the middle
            return
        path, tenant = unquote(exchange.path), f"/{self._app.tenant}/"
        try:
            if path.startswith(tenant):
                self._sign_in(exchange, f"/{path.removeprefix(tenant)}", body)
            else:
                self._answer(exchange, path, body)
        except ShapeError as refused:
            if refused.problem:
                self._note(f"{refused.code}: {refused.problem}")
            exchange.reply(refused.status, _error(refused.code))
        except _TooManyError as many:
            wait = {"Retry-After": f"{many.wait}"}
            exchange.reply(429, _error("TooManyRequests"), headers=wait)

    def _answer(self, exchange: Exchange, path: str, body: bytes) -> None:
        token = self._let_in(exchange, path)
        fault = self.faults.hit(path)
        if fault is not None and self._fails(exchange, fault, token):
            return
        with ExitStack() as under_way:
            status, answer = self._take(exchange, path, body, under_way)
            if fault is not None and fault.kind is FaultKind.CUT:
                exchange.reset()
                return
            if fault is not None and fault.kind is FaultKind.SLOW:
                exchange.pause(fault.seconds)
            exchange.reply(status, answer)

    def _sign_in(self, exchange: Exchange, path: str, body: bytes) -> None:
        fault = self.faults.hit(exchange.path)
        if fault is not None and self._fails(exchange, fault, None):
            return
        here = f"{self.url}/{self._app.tenant}"
        if path == "/v2.0/.well-known/openid-configuration":
            known = {
                "issuer": f"{here}/v2.0",
                "authorization_endpoint": f"{here}/oauth2/v2.0/authorize",
                "token_endpoint": f"{here}/oauth2/v2.0/token",
                "jwks_uri": f"{here}/discovery/v2.0/keys",
            }
            exchange.reply(200, json.dumps(known).encode())
            return
        form = {name: held[0] for name, held in parse_qs(body.decode()).items()}
        scopes = {_BOTS, f"{self.url}/.default"}
        asked = {
            "grant_type": "client_credentials",
            "client_id": self._app.client_id,
            "client_secret": self._app.secret,
        }
        wrong = [name for name, value in asked.items() if form.get(name) != value]
        if path != "/oauth2/v2.0/token" or wrong or form.get("scope") not in scopes:
            self._note(f"sign-in: {path}, {wrong or form.get('scope')}")
            exchange.reply(401, b'{"error":"invalid_client","error_codes":[7000215]}')
            return
        with self._lock:
            token = f"invented-token-{len(self._tokens)}"
            self._tokens[token] = _Token(form["scope"], self._clock.now() + _LIFE)
        answer = {"token_type": "Bearer", "expires_in": 3599, "access_token": token}
        exchange.reply(200, json.dumps(answer).encode())

    def _let_in(self, exchange: Exchange, path: str) -> _Token:
        scheme, _, shown = exchange.headers.get("Authorization", "").partition(" ")
        with self._lock:
            token = self._tokens.get(shown)
        scope = _BOTS if path.startswith("/emea/") else f"{self.url}/.default"
        if scheme != "Bearer" or token is None or token.scope != scope:
            raise ShapeError(401, "InvalidAuthenticationToken", f"no token for {scope}")
        if token.revoked or token.until <= self._clock.now():
            raise ShapeError(401, "InvalidAuthenticationToken", "")
        return token

    def _fails(self, exchange: Exchange, fault: Fault, token: _Token | None) -> bool:
        """Show a fault that leaves nothing taken; False where it takes the request first."""
        if fault.kind is FaultKind.HANG:
            exchange.hang(fault.seconds)
        elif fault.kind is FaultKind.RESET:
            exchange.reset()
        elif fault.kind is FaultKind.STATUS:
            if token is not None and fault.status == HTTPStatus.UNAUTHORIZED:
                token.revoked = True
            after = fault.retry_after
            headers = {} if after is None else {"Retry-After": f"{after:g}"}
            exchange.reply(fault.status, _error("Refused"), headers=headers)
        else:
            return False
        return True

    def _take(
        self, exchange: Exchange, path: str, body: bytes, under_way: ExitStack
    ) -> tuple[int, bytes]:
        content_type, now = exchange.headers.get("Content-Type", ""), self._clock.now()
        if found := _TALK.fullmatch(path):
            return self._write(exchange.command, found[1], found[2] or "", content_type, body)
        if exchange.command != "POST":
            raise ShapeError(405, "BadRequest", f"{exchange.command} {path}")
        if found := _MAIL.fullmatch(path):
            wait = under_way.enter_context(self.mailbox.request(len(body)))
            if wait is not None:
                raise _TooManyError(wait)
            return self._send(found[1].lower(), content_type, body)
        in_team, to_person = _FEED.fullmatch(path), _PERSON.fullmatch(path)
        if to_person is None and (in_team is None or in_team[1] != self._app.team):
            raise ShapeError(404, "NotFound", f"nothing at {path}")
        line = line_in(content_type, body, person=to_person[1] if to_person else None)
        with self._lock:
            self._hold(self._feed)
            self._kept.notified.append(Notified(now, line))
        return 204, b""

    def _send(self, mailbox: str, content_type: str, body: bytes) -> tuple[int, bytes]:
        if mailbox != self._app.mailbox:
            raise ShapeError(403, "ErrorAccessDenied", f"not its mailbox: {mailbox}")
        content, mail = mail_in(content_type, body, mailbox)
        to = tuple(address for _, address in getaddresses([str(mail["To"])]))
        with self._lock:
            self._kept.mails.append(Mail(self._clock.now(), mailbox, to, content, encrypted=True))
        return 202, b""

    def _write(
        self, method: str, conversation: str, activity: str, content_type: str, body: bytes
    ) -> tuple[int, bytes]:
        if conversation != self._app.conversation or method != ("PUT" if activity else "POST"):
            raise ShapeError(404, "ConversationNotFound", f"{method} in {conversation}")
        card = card_in(
            content_type,
            body,
            app=self._app.client_id,
            conversation=conversation,
            activity=activity,
        )
        with self._lock:
            self._hold(self._bot)
            now = self._clock.now()
            if not activity:
                activity = str(next(self._numbers))
                self._kept.cards[activity] = Card(activity, now, card, card, now)
                return 201, json.dumps({"id": activity}).encode()
            stands = self._kept.cards.get(activity)
            if stands is not None:
                stands.shown, stands.shown_at = card, now
        if stands is None:
            raise ShapeError(404, "ActivityNotFoundInConversation", f"no card {activity}")
        return 200, json.dumps({"id": activity}).encode()

    def _hold(self, limits: Windows) -> None:
        wait = limits.take()
        if wait is not None:
            self.throttled += 1
            raise _TooManyError(wait)

    def _note(self, problem: str) -> None:
        with self._lock:
            self._kept.problems.append(problem)

    def close(self) -> None:
        """Stop; the port refuses from now on."""
        self._server.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class _TooManyError(Exception):
    def __init__(self, seconds: float) -> None:
        self.wait = max(1, -int(-seconds // 1))
        super().__init__(seconds)


def _error(code: str) -> bytes:
    """Refuse in the services' form; the text repeats what was sent, as real services do."""
    return json.dumps({"error": {"code": code, "message": "Refused: Ada Testpupil"}}).encode()
