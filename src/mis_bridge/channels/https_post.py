"""Packages posted to a portal of the Local Authority as one JSON document.

Every attempt carries the same ``Idempotency-Key``, made from the package's id, and the same bytes:
a portal that has it already answers as it did the first time. The portal knows us by a token
(OAuth2 client credentials), by a certificate (mutual TLS), or by both. A redirect is not followed:
nothing goes to a place that nobody configured.
"""

from __future__ import annotations

from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit

from mis_bridge.channels.attempt import Attempt, guarded
from mis_bridge.channels.base import Expiry
from mis_bridge.channels.certificates import Unusable, check_time, identity_in
from mis_bridge.channels.http_outcome import Meaning, of_failure, of_status
from mis_bridge.channels.outcome import Outcome, Result
from mis_bridge.channels.package_post import body_of, idempotency_key
from mis_bridge.channels.portal_answer import answer_of, reason_of, reference_of, words_of
from mis_bridge.channels.token_refused import TokenRefused
from mis_bridge.incidents.reasons import Reason
from mis_bridge.io.http import HttpError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mis_bridge.channels.oauth_token import ClientCredentials
    from mis_bridge.io.clock import Clock
    from mis_bridge.io.http import HttpResponse, Transport
    from mis_bridge.io.secrets import Secret
    from mis_bridge.messages.model import Carried, Disclosure, Message

__all__ = ["HttpsPost"]

_MARGIN: Final = 5.0  # seconds for judging what came to its limit
_SAME_KEY_AT_WORK: Final = HTTPStatus.CONFLICT
_REDIRECTS: Final = range(300, 400)
_MEANINGS: Final = {
    401: Meaning(
        "the portal does not take our token or certificate: check them with the authority", True
    ),
    403: Meaning(
        "the portal knows us and does not let us send: ask the authority for the right to", True
    ),
    404: Meaning("there is no such address at the portal: check url with the authority", True),
    405: Meaning("nothing can be posted to this address: check url with the authority", True),
    410: Meaning("the portal has taken this address away: ask the authority for the new one", True),
}


class HttpsPost:
    """One address of one portal.

    Args:
        name: of the channel in the configuration.
        disclosure: how much of a pupil its readers may see.
        url: the address.
        transport: the way out, with our certificate where the portal asks for one.
        clock: for Retry-After as a date.
        tokens: gives tokens, or None where the certificate says who we are.
        identity: key and certificate that the transport shows, or None; its end is looked at here.
        reference: where the answer holds the portal's reference, keys joined by dots.
        timeout_seconds: for one attempt, the token included.
        secret_ends: when the secret that gets tokens ends, as somebody wrote it down, or None.
    """

    kind = "https"

    def __init__(
        self,
        name: str,
        *,
        disclosure: Disclosure,
        url: str,
        transport: Transport,
        clock: Clock,
        tokens: ClientCredentials | None = None,
        identity: Secret | None = None,
        reference: str = "reference",
        timeout_seconds: float = 30.0,
        secret_ends: Expiry | None = None,
    ) -> None:
        self.name = name
        self.disclosure = disclosure
        self._url = url
        self._transport = transport
        self._clock = clock
        self._tokens = tokens
        self._identity = identity
        self._reference = reference
        self._timeout = timeout_seconds
        self._secret_ends = secret_ends

    async def send(self, message: Message) -> Outcome:
        """Post an approved package; a test asks who answers and posts nothing.

        ``SENT`` where the portal gives a reference, ``ACCEPTED`` where it takes it without one.
        """
        if message.reason is Reason.CHANNEL_TEST:
            return await self.check()
        package = message.package
        if package is None or not message.attachments:
            return Outcome(
                Result.PERMANENT,
                "only approved packages go to the authority's portal: take the channel out of the "
                "routes of people in the school",
            )
        return await guarded(
            self.name,
            self._timeout + _MARGIN,
            lambda attempt: self._post(message, package, attempt),
        )

    async def check(self) -> Outcome:
        """Get a token and reach the portal (``OPTIONS``); nothing is posted."""
        return await guarded(self.name, self._timeout + _MARGIN, lambda _: self._look())

    async def close(self) -> None:
        """Close the connections; the transport is this channel's own."""
        await self._transport.aclose()

    def expiries(self) -> Sequence[Expiry]:
        """When our certificate and secret run out, as far as that can be known."""
        ends = [self._secret_ends] if self._secret_ends else []
        if self._identity is not None:
            with suppress(Unusable):
                own = identity_in(self._identity).certificate
                ends.append(Expiry(own.not_valid_after_utc, *self._own(self._identity)))
        return sorted(ends, key=lambda expiry: expiry.at)

    @staticmethod
    def _own(identity: Secret) -> tuple[str, str]:
        """How our certificate is called, and what to do when it runs out."""
        where = identity.reference
        return (
            f"our certificate in {where}",
            f"get a new certificate that the portal knows, and store it as {where}",
        )

    def _see_that_we_are_valid(self) -> None:
        """A portal ends the handshake with an expired certificate, and does not say why.

        Raises:
            Unusable: ours has expired, is not valid yet, or can not be read.
        """
        if self._identity:
            own = identity_in(self._identity).certificate
            check_time(own, self._clock.now(), *self._own(self._identity))

    async def _post(self, message: Message, package: Carried, attempt: Attempt) -> Outcome:
        key = idempotency_key(package)
        response = await self._reach("POST", body_of(message, package), key, attempt)
        return response if isinstance(response, Outcome) else self._judge(response, package, key)

    async def _look(self) -> Outcome:
        response = await self._reach("OPTIONS", None, "", Attempt())
        if isinstance(response, Outcome):
            return response
        status = response.status
        if status in _REDIRECTS:
            return self._redirected(response)
        if status in {401, 403, 404, 410}:
            meaning = _MEANINGS[status]
            text = f"{self._host}: {meaning.text} ({status})"
            return Outcome(Result.PERMANENT, text, config_alarm=True)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return Outcome(Result.RETRY, f"{self._host}: not available ({status})")
        how = "its certificate and our token" if self._tokens else "both certificates"
        return Outcome(
            Result.SENT, f"{self._host}: the portal answers, {how} are in order; nothing was posted"
        )

    async def _reach(
        self, method: str, content: bytes | None, key: str, attempt: Attempt
    ) -> HttpResponse | Outcome:
        """Ask the portal, with a new token where it refuses the one we have; or say why not."""
        try:
            self._see_that_we_are_valid()
            response = await self._ask(method, content, key, attempt)
            if response.status == HTTPStatus.UNAUTHORIZED and self._tokens:
                self._tokens.forget()  # it may have been withdrawn before its time
                response = await self._ask(method, content, key, attempt)
        except Unusable as error:
            return Outcome(Result.PERMANENT, f"{self._host}: {error}", config_alarm=True)
        except TokenRefused as refused:
            return refused.outcome
        except HttpError as error:
            return of_failure(error)
        return response

    async def _ask(
        self, method: str, content: bytes | None, key: str, attempt: Attempt
    ) -> HttpResponse:
        headers = {"Accept": "application/json"}
        if self._tokens:
            headers["Authorization"] = f"Bearer {await self._tokens.token(self._timeout)}"
        if content is not None:
            headers |= {"Content-Type": "application/json", "Idempotency-Key": key}
            attempt.on_its_way = True
        return await self._transport.request(
            method, self._url, headers=headers, content=content, timeout=self._timeout
        )

    def _judge(self, response: HttpResponse, package: Carried, key: str) -> Outcome:
        status = response.status
        private = words_of(package)
        answer = answer_of(response.body)
        if status in _REDIRECTS:
            return self._redirected(response)
        if status == _SAME_KEY_AT_WORK:
            return Outcome(
                Result.RETRY,
                f"{self._host}: the portal is still at work on this package, or has it ({status})",
                proof=f"HTTP {status}",
            )
        refused = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
        if refused and status not in _MEANINGS and status not in {408, 425, 429}:
            return self._refused(status, reason_of(answer, private))
        outcome = of_status(response, _MEANINGS, host=self._host, now=self._clock.now())
        if outcome.result is not Result.ACCEPTED:
            return outcome
        reference = reference_of(answer, self._reference, private)
        proof = f"HTTP {status}, Idempotency-Key {key}"
        if not reference:
            text = f"{self._host}: taken, and the answer holds no reference at {self._reference!r}"
            return Outcome(Result.ACCEPTED, text, proof=proof)
        return Outcome(
            Result.SENT,
            f"{self._host}: taken as {reference}",
            proof=f"reference {reference}, {proof}",
        )

    def _refused(self, status: int, reason: str) -> Outcome:
        said = f": {reason}" if reason else " and does not say why"
        return Outcome(
            Result.PERMANENT,
            f"{self._host}: the portal refuses this package{said} ({status}); correct it, have it "
            "made anew and approve it, or send it by hand",
            proof=f"HTTP {status}",
        )

    def _redirected(self, response: HttpResponse) -> Outcome:
        """Say where it would go on to, as far as that is safe to say."""
        asked, meant = urlsplit(self._url), urlsplit(urljoin(self._url, _location(response)))
        where = "another address" if meant.netloc == asked.netloc else "another host"
        return Outcome(
            Result.PERMANENT,
            f"{self._host}: the portal sends us on to {where} ({response.status}), which is not "
            "followed: ask the authority for the address that is meant, and set url",
            config_alarm=True,
        )

    @property
    def _host(self) -> str:
        return urlsplit(self._url).hostname or "(no host)"


def _location(response: HttpResponse) -> str:
    try:
        urlsplit(found := response.header("location"))
    except ValueError:
        return ""
    return found
