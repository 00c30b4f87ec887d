"""Tokens for Microsoft Graph, by a certificate (the only module that imports ``msal``).

MSAL is synchronous, asks the network already when it is constructed, and keeps tokens and its own
throttle in the object. Hence one object, made on first use, spoken to in a thread by one at a time.

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
from urllib.parse import urlsplit

from mis_bridge.channels.http_outcome import LONGEST_WAIT
from mis_bridge.channels.outcome import Outcome, Result
from mis_bridge.channels.trust import certificate_failed, deepest_word
from mis_bridge.errors import ChannelError

if TYPE_CHECKING:
    import ssl

    from mis_bridge.io.secrets import Secret

__all__ = ["TokenRefused", "Tokens", "split_identity"]

# MSAL and urllib3 name accounts, addresses and headers at DEBUG.
for _name in ("msal", "urllib3"):
    logging.getLogger(_name).setLevel(logging.WARNING)

_THROTTLED: Final = 5.0  # seconds for which MSAL repeats a 429 or 5xx that names no time
_TOO_MANY: Final = 429
_FAULT: Final = 500
_CLIENT_FAULT: Final = range(400, 500)
_PEM: Final = re.compile(
    r"-----BEGIN (?P<what>[A-Z0-9 ]+)-----\r?\n.+?\r?\n-----END (?P=what)-----", re.DOTALL
)
_CODE: Final = re.compile(r"[a-z_]{3,40}")


class TokenRefused(Exception):
    """No token; says what that makes of the message.

    Args:
        outcome: never ``UNKNOWN``: without a token nothing was sent.
    """

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        super().__init__(outcome.detail)


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
class Tokens:
    """Gives tokens of one app registration.

    Args:
        authority: ``https://login.microsoftonline.com/<tenant>``.
        client_id: application id.
        identity: PEM text with the app's RSA key and the certificate uploaded for it.
        scope: what the tokens are for, ending in ``/.default``.
        context: whose certificates are believed.
        timeout_seconds: for each request.
    """

    authority: str
    client_id: str
    identity: Secret
    scope: str
    context: ssl.SSLContext
    timeout_seconds: float = 30.0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _last: _LastAnswer = field(default_factory=_LastAnswer)
    _app: Any = None

    async def token(self) -> str:
        """Give a token, from memory while it is valid.

        Raises:
            TokenRefused: there is none; its outcome says why and what to do.
        """
        return await asyncio.to_thread(self._token)

    async def forget(self) -> None:
        """Drop what is in memory, because Graph refused it.

        All of MSAL's object goes, not the token alone: it would sign in with the same assertion
        again, and a provider may take an assertion only once.
        """
        await asyncio.to_thread(self._forget)

    def _token(self) -> str:
        with self._lock:
            try:
                if self._app is None:
                    self._app = self._make_app()
                answer = self._app.acquire_token_for_client(scopes=[self.scope])
            except TokenRefused:
                raise
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
            self._app = None

    def _make_app(self) -> Any:
        from msal import ConfidentialClientApplication

        try:
            private_key, certificate = split_identity(self.identity)
        except ChannelError as error:
            raise TokenRefused(Outcome(Result.PERMANENT, str(error), config_alarm=True)) from None
        return ConfidentialClientApplication(
            self.client_id,
            authority=self.authority,
            # Both without a thumbprint: PS256 with the certificate's SHA-256, not SHA-1.
            client_credential={"private_key": private_key, "public_certificate": certificate},
            instance_discovery=False,  # the authority is the operator's word, and one request less
            http_client=self._session(),
        )

    def _session(self) -> Any:
        """Make the session that MSAL uses: our trust, our time limit, the machine's proxy."""
        from urllib.request import getproxies, proxy_bypass

        import requests
        from requests.adapters import HTTPAdapter

        context, seconds = self.context, self.timeout_seconds

        class Trusting(HTTPAdapter):
            def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
                super().init_poolmanager(*args, ssl_context=context, **kwargs)

            def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
                return super().proxy_manager_for(*args, ssl_context=context, **kwargs)

            def send(self, *args: Any, **kwargs: Any) -> requests.Response:
                return super().send(*args, **{**kwargs, "timeout": seconds})

        session = requests.Session()
        # Without this, REQUESTS_CA_BUNDLE would quietly replace whom we trust, and a .netrc would
        # add a password; it also drops the proxy, which is why that is put back.
        session.trust_env = False
        if not proxy_bypass(urlsplit(self.authority).hostname or ""):
            session.proxies = {k: v for k, v in getproxies().items() if k in {"http", "https"}}
        session.mount("https://", Trusting())
        session.hooks["response"].append(self._last.note)
        return session

    @property
    def _host(self) -> str:
        return urlsplit(self.authority).hostname or "(no host)"

    def _judge_answer(self, answer: dict[str, Any]) -> Outcome:
        """Judge a refusal in OAuth's own form; only its codes are shown, never its text."""
        word = str(answer.get("error", ""))
        word = word if _CODE.fullmatch(word) else "refused"
        numbers = [f"AADSTS{n}" for n in answer.get("error_codes") or () if isinstance(n, int)]
        shown = " ".join([word, *numbers[:2]])
        if self._last.status == _TOO_MANY or word == "temporarily_unavailable":
            return self._later(f"no token for now ({shown})", self._last.retry_after or _THROTTLED)
        return Outcome(
            Result.PERMANENT,
            f"{self._host}: no token ({shown}); check tenant, client_id, and that the certificate "
            "is the one uploaded to the app registration and has not expired",
            config_alarm=True,
        )

    def _judge_error(self, error: Exception) -> Outcome:
        import json

        import requests
        from msal.exceptions import MsalServiceError

        status, wait = self._last.status, self._last.retry_after
        if certificate_failed(error):
            return Outcome(
                Result.PERMANENT,
                f"{self._host}: its certificate does not verify; if a school filter inspects TLS, "
                "set service.ca_bundle to the filter's certificate",
                config_alarm=True,
            )
        if isinstance(error, requests.ConnectionError | requests.Timeout):
            return self._later(f"{deepest_word(error)}, no token", None)
        if isinstance(error, MsalServiceError) or status >= _FAULT or status == _TOO_MANY:
            return self._later(f"no token for now ({status})", wait or _THROTTLED)
        if isinstance(error, json.JSONDecodeError) or status not in _CLIENT_FAULT:
            if status == 0:
                return Outcome(
                    Result.PERMANENT,
                    f"authority is not usable ({type(error).__name__}): it is "
                    "https://login.microsoftonline.com and tenant an id or a domain",
                    config_alarm=True,
                )
            return self._later(
                f"the answer ({status}) is not from Entra; a proxy or a filter is in the way", None
            )
        return Outcome(
            Result.PERMANENT,
            f"{self._host}: there is no such tenant ({status}); check tenant",
            config_alarm=True,
        )

    def _later(self, text: str, seconds: float | None) -> Outcome:
        return Outcome(Result.RETRY, f"{self._host}: {text}", retry_after=seconds)


def split_identity(identity: Secret) -> tuple[str, str]:
    """Take the private key and the certificate out of a credential that holds both.

    Returns:
        The key and the certificate that belongs to it, each in PEM form. Certificates of
        authorities may stand there as well, in any order; they are left out.

    Raises:
        ChannelError: there is no RSA key without a password, or no certificate of that key; the
            text names the credential and says what to do.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from cryptography.x509 import load_pem_x509_certificate

    blocks = [(match["what"], match[0]) for match in _PEM.finditer(identity.reveal())]
    keys = [text for what, text in blocks if what.endswith("PRIVATE KEY")]
    certificates = [text for what, text in blocks if what == "CERTIFICATE"]
    if len(keys) != 1 or not certificates:
        raise ChannelError(
            f"{identity.reference} holds {len(keys)} private keys and {len(certificates)} "
            "certificates in PEM form; it needs one key and its certificate, one after the other"
        )
    try:
        key = load_pem_private_key(keys[0].encode(), password=None)
        held = [(load_pem_x509_certificate(c.encode()).public_key(), c) for c in certificates]
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ChannelError(
            f"{identity.reference}: a PEM block can not be read; the key has to be without a "
            "password"
        ) from None
    if not isinstance(key, RSAPrivateKey):
        raise ChannelError(f"{identity.reference}: the key is not an RSA key, as Entra asks for")
    for public_key, certificate in held:
        if public_key == key.public_key():
            return keys[0], certificate
    raise ChannelError(f"{identity.reference}: the certificate is not that of the private key")
