"""Tokens from Entra for Graph, Exchange and Teams, by ``msal``.

MSAL is synchronous, asks the network already when it is constructed, and keeps tokens and its own
throttle in the object. Hence one object an identity, made on first use, spoken to in a thread by
one at a time.

Its failures come in many shapes, all named here as an :class:`Outcome`: a dictionary with
``error``, exceptions of its own and of ``requests``, a ``JSONDecodeError`` where a proxy answered
in HTML, and after a 429 or 5xx the same failure again from memory, without asking, until the time
that the service wished has passed.
"""

from __future__ import annotations

import asyncio
import logging
import re
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from mis_bridge.channels.app_identity import ManagedIdentity
from mis_bridge.channels.http_outcome import LONGEST_WAIT
from mis_bridge.channels.outcome import Outcome, Result
from mis_bridge.channels.token_refused import TokenRefused
from mis_bridge.channels.trust import certificate_failed, deepest_word
from mis_bridge.errors import ChannelError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence

    from mis_bridge.channels.app_identity import AppCertificate, AppSecret
    from mis_bridge.channels.base import Expiry

__all__ = ["SignIn", "Tokens"]

# MSAL and urllib3 name accounts, addresses and headers at DEBUG.
for _name in ("msal", "urllib3"):
    logging.getLogger(_name).setLevel(logging.WARNING)

_THROTTLED: Final = 5.0  # seconds for which MSAL repeats a 429 or 5xx that names no time
_TOO_MANY: Final = 429
_FAULT: Final = 500
_CLIENT_FAULT: Final = range(400, 500)
_PASSING: Final = frozenset({404, 410, 429})
"""What a managed identity answers while it is being updated, besides faults."""
_CODE: Final = re.compile(r"[a-z_]{3,40}")


@dataclass(slots=True)
class _LastAnswer:
    """What the token service said last; MSAL keeps the status from its callers."""

    status: int = 0
    retry_after: float | None = None

    def note(self, response: Any, *_: object, **__: object) -> None:
        """Remember one answer; a hook of the ``requests`` session."""
        self.status = response.status_code
        wish = response.headers.get("Retry-After", "")
        self.retry_after = min(float(wish), LONGEST_WAIT) if wish.isdecimal() else None


@dataclass(slots=True)
class SignIn:
    """Signs in as one app, or as one managed identity; the process has one of each.

    Args:
        identity: who.
        context: whose certificates are believed.
        timeout_seconds: for each request.
    """

    identity: AppCertificate | AppSecret | ManagedIdentity
    context: ssl.SSLContext
    timeout_seconds: float = 30.0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _last: _LastAnswer = field(default_factory=_LastAnswer)
    _client: Any = None
    # MSAL's throttle: it outlives the object, so that a refused token does not open it.
    _throttle: dict[str, Any] = field(default_factory=dict)

    async def token(self, scope: str) -> str:
        """Give a token, from memory while it is valid.

        Args:
            scope: what it is for, ending in ``/.default``.

        Raises:
            TokenRefused: there is none; its outcome says why and what to do.
        """
        return await asyncio.to_thread(self._token, scope)

    async def forget(self) -> None:
        """Drop what is in memory, because a token was refused.

        All of MSAL's object goes, not the token alone: it would sign in with the same assertion
        again, and a provider may take an assertion only once.
        """
        await asyncio.to_thread(self._forget)

    def expiries(self) -> Sequence[Expiry]:
        """When what we sign in with runs out."""
        return self.identity.expiries()

    def _token(self, scope: str) -> str:
        with self._lock:
            try:
                if self._client is None:
                    self._client = self.identity.client(self._session(), self._throttle)
                answer = self.identity.ask(self._client, scope)
            except ChannelError as error:
                outcome = Outcome(Result.PERMANENT, str(error), config_alarm=True)
            except Exception as error:  # noqa: BLE001 - msal's and requests' are judged by what they are
                outcome = self._judge_error(error)
            else:
                if token := answer.get("access_token"):
                    return str(token)
                outcome = self._judge_answer(answer)
        # Raised outside the handler: the library's exception may hold what was sent.
        raise TokenRefused(outcome)

    def _forget(self) -> None:
        with self._lock:
            self._client = None

    def _session(self) -> Any:
        """Make the session that MSAL uses: our trust, our time limit, the machine's proxy."""
        from urllib.request import getproxies, proxy_bypass

        import requests
        from requests.adapters import HTTPAdapter

        context, seconds = self.context, self.timeout_seconds

        class Hasty(HTTPAdapter):
            def send(self, *args: Any, **kwargs: Any) -> requests.Response:
                return super().send(*args, **{**kwargs, "timeout": seconds})

        class Trusting(Hasty):
            def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
                super().init_poolmanager(*args, ssl_context=context, **kwargs)

            def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
                return super().proxy_manager_for(*args, ssl_context=context, **kwargs)

        session = requests.Session()
        # Without this, REQUESTS_CA_BUNDLE would quietly replace whom we trust, and a .netrc would
        # add a password; it also drops the proxy, which is why that is put back.
        session.trust_env = False
        if self.identity.by_proxy and not proxy_bypass(self.identity.host):
            session.proxies = {k: v for k, v in getproxies().items() if k in {"http", "https"}}
        session.mount("https://", Trusting())
        session.mount("http://", Hasty())  # a managed identity is asked without TLS, on the machine
        session.hooks["response"].append(self._last.note)
        return session

    def _judge_answer(self, answer: dict[str, Any]) -> Outcome:
        """Judge a refusal in OAuth's own form; only its codes are shown, never its text."""
        word = str(answer.get("error", ""))
        word = word if _CODE.fullmatch(word) else "refused"
        numbers = [f"AADSTS{n}" for n in answer.get("error_codes") or () if isinstance(n, int)]
        shown = " ".join([word, *numbers[:2]])
        status = self._last.status
        if isinstance(self.identity, ManagedIdentity):
            shown = str(status)
            passing = status in _PASSING or status >= _FAULT
        else:
            passing = status == _TOO_MANY or word == "temporarily_unavailable"
        if passing:
            return self._later(f"no token for now ({shown})", self._last.retry_after or _THROTTLED)
        return Outcome(
            Result.PERMANENT,
            f"{self.identity.host}: no token ({shown}); {self.identity.advice}",
            config_alarm=True,
        )

    def _judge_error(self, error: Exception) -> Outcome:
        import json

        import requests

        status, wait = self._last.status, self._last.retry_after
        if certificate_failed(error):
            return Outcome(
                Result.PERMANENT,
                f"{self.identity.host}: its certificate does not verify; if a school filter "
                "inspects TLS, set service.ca_bundle to the filter's certificate",
                config_alarm=True,
            )
        if isinstance(error, requests.ConnectionError | requests.Timeout):
            return self._later(f"{deepest_word(error)}, no token{self._unanswered}", None)
        if status >= _FAULT or status == _TOO_MANY:
            return self._later(f"no token for now ({status})", wait or _THROTTLED)
        if status == 0 or isinstance(self.identity, ManagedIdentity):
            return self._unusable(str(status or type(error).__name__))
        if isinstance(error, json.JSONDecodeError) or status not in _CLIENT_FAULT:
            return self._later(
                f"the answer ({status}) is not from Entra; a proxy or a filter is in the way", None
            )
        return Outcome(
            Result.PERMANENT,
            f"{self.identity.host}: there is no such tenant ({status}); check tenant_id",
            config_alarm=True,
        )

    @property
    def _unanswered(self) -> str:
        if isinstance(self.identity, ManagedIdentity):
            return '; identity = "managed" works on Azure and Azure Arc machines only'
        return ""

    def _unusable(self, why: str) -> Outcome:
        text = (
            f"{self.identity.host}: no token ({why}); {self.identity.advice}"
            if isinstance(self.identity, ManagedIdentity)
            else f"authority is not usable ({why}): it is https://login.microsoftonline.com and "
            "tenant_id an id or a domain"
        )
        return Outcome(Result.PERMANENT, text, config_alarm=True)

    def _later(self, text: str, seconds: float | None) -> Outcome:
        return Outcome(Result.RETRY, f"{self.identity.host}: {text}", retry_after=seconds)


@dataclass(frozen=True, slots=True)
class Tokens:
    """Gives the tokens that one service takes.

    Args:
        sign_in: who asks for them.
        scope: what they are for, ending in ``/.default``.
    """

    sign_in: SignIn
    scope: str

    async def token(self) -> str:
        """Give a token, from memory while it is valid.

        Raises:
            TokenRefused: there is none; its outcome says why and what to do.
        """
        return await self.sign_in.token(self.scope)

    async def forget(self) -> None:
        """Drop what is in memory, because the service refused it."""
        await self.sign_in.forget()

    def expiries(self) -> Sequence[Expiry]:
        """When what we sign in with runs out."""
        return self.sign_in.expiries()
