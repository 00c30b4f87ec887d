"""Any service that Apprise knows, as an extra beside a channel that can be relied on.

Apprise answers yes or no. A no may be a refusal for good, a 429 (which it does not wait out), a
timeout after the message had arrived: it does not say. So a yes is ``ACCEPTED`` and a no is
``UNKNOWN``, which is tried again, until the deadline brings the next channel of the route.
"""

from __future__ import annotations

import asyncio
import logging
import re
import threading
from typing import TYPE_CHECKING, Any, Final

from mis_bridge.channels.attempt import Attempt, guarded
from mis_bridge.channels.base import is_loopback
from mis_bridge.channels.outcome import Outcome, Result
from mis_bridge.errors import ChannelError

if TYPE_CHECKING:
    from mis_bridge.io.secrets import Secret
    from mis_bridge.messages.model import Disclosure, Message

__all__ = ["AppriseExtra", "service_of"]

# They name addresses, which are secrets, and at DEBUG what was sent.
for _name in ("apprise", "urllib3"):
    logging.getLogger(_name).setLevel(logging.WARNING)
logging.getLogger("apprise").propagate = False

_CODE: Final = re.compile(r"error=(\d{3})\b")


class AppriseExtra:
    """One address that Apprise understands.

    Args:
        name: of the channel in the configuration.
        disclosure: how much of a pupil its readers may see.
        service: as :func:`service_of` gave it.
        timeout_seconds: for one attempt.
    """

    kind = "apprise"

    def __init__(
        self, name: str, *, disclosure: Disclosure, service: Any, timeout_seconds: float = 30.0
    ) -> None:
        self.name = name
        self.disclosure = disclosure
        self._service = service
        self._timeout = timeout_seconds
        # Apprise keeps a service's own pace by sleeping in the call.
        self._alone = asyncio.Lock()

    async def send(self, message: Message) -> Outcome:
        """Hand over subject and text; files are not sent this way."""
        if message.package is not None:
            return Outcome(
                Result.PERMANENT,
                "packages are files, and Apprise carries none: take the channel out of the routes "
                "that get packages",
            )

        async def attempt(attempt: Attempt) -> Outcome:
            async with self._alone:
                attempt.on_its_way = True
                return await asyncio.to_thread(self._send, message)

        return await guarded(self.name, self._timeout, attempt)

    async def check(self) -> Outcome:
        """Say that the address is understood; whether it leads anywhere only a message shows."""
        return Outcome(
            Result.SENT,
            f"{self._place}: the address is understood; whether it leads anywhere, only a test "
            "message shows",
        )

    async def close(self) -> None:
        """Nothing: a connection lives for one message."""

    @property
    def _place(self) -> str:
        return f"Apprise ({self._service.service_name})"

    def _send(self, message: Message) -> Outcome:
        heard = _Codes()
        logger = logging.getLogger("apprise")
        logger.addHandler(heard)
        try:
            taken = self._service.notify(
                body=message.text, title=message.subject, body_format="text"
            )
        finally:
            logger.removeHandler(heard)
        if taken:
            return Outcome(Result.ACCEPTED, f"{self._place}: accepted, not yet delivered")
        code = f" ({heard.last})" if heard.last else ""
        return Outcome(
            Result.UNKNOWN,
            f"{self._place}: not taken{code}; Apprise does not say whether it may have arrived. If "
            "it lasts, check the address",
        )


class _Codes(logging.Handler):
    """Hears the number that the service answered with; the text around it is not kept."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.last = ""
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        found = _CODE.search(record.getMessage())
        if found and record.thread == self._thread:
            self.last = found[1]


def service_of(url: Secret) -> Any:
    """Have Apprise understand an address.

    Args:
        url: as its documentation writes it; a secret.

    Raises:
        ChannelError: it can not be used; the text says what to do and holds no part of the address.
    """
    try:
        from apprise import Apprise, AppriseAsset
    except ImportError:
        raise ChannelError(
            'kind = "apprise" needs the extra apprise, which is not installed: '
            "pip install 'mis-bridge[apprise]'"
        ) from None
    asset = AppriseAsset(
        app_id="mis-bridge",
        app_desc="mis-bridge",
        app_url="",
        image_url_mask="",  # no icon from elsewhere: the receiver would fetch it
        image_url_logo="",
        async_mode=False,
        storage_mode="memory",
        secure_logging=True,
    )
    service = Apprise.instantiate(url.reveal(), asset=asset)
    if service is None:
        raise ChannelError(
            f"Apprise does not understand the address in {url.reference}: see the page of that "
            "service in its documentation"
        )
    if not service.verify_certificate:
        raise ChannelError(
            f"the address in {url.reference} turns the check of certificates off: take verify=no "
            "away"
        )
    if service.schema in _as_list(service.protocol) and not is_loopback(service.host or ""):
        better = " or ".join(f"{one}://" for one in _as_list(service.secure_protocol))
        raise ChannelError(
            f"the address in {url.reference} sends in the open: "
            + (f"let it begin with {better}" if better else "take a service that encrypts")
        )
    return service


def _as_list(protocols: str | tuple[str, ...] | None) -> list[str]:
    return [protocols] if isinstance(protocols, str) else list(protocols or ())
