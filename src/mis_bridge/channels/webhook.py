"""The address of a Teams Workflows webhook: what may be used, and what of it may be shown.

The address is itself the secret: whoever has it can post. So nothing here raises or returns any of
it but the host and the last four characters of the workflow's id.

Hosts are recognised by their ending and unknown ones only warned about: Microsoft has changed the
form of these addresses three times, and programs that insisted on one form stopped working.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, parse_qs, urlsplit

from mis_bridge.channels.base import is_loopback
from mis_bridge.errors import ChannelError

__all__ = ["Webhook", "examine", "is_retired"]

_KNOWN_ENDINGS: Final = (".logic.azure.com", ".environment.api.powerplatform.com")
_WORKFLOW: Final = re.compile(r"/workflows/([^/]+)")
_RETIRED: Final = (
    "this is the address of an Office 365 connector, which Microsoft retired (they stopped on "
    "18 to 22 May 2026): make a new webhook with the Workflows app in Teams, template "
    '"Send webhook alerts to a channel", and store its address instead'
)


@dataclass(frozen=True, slots=True)
class Webhook:
    """An address that can be used.

    Args:
        host: where it goes.
        shown: what may be printed of it: the host, and the last four of the workflow's id.
        origin: scheme, host and port alone, for checking the way there.
        warnings: what looks unusual, one sentence each.
    """

    host: str
    shown: str
    origin: str
    warnings: tuple[str, ...] = ()


def is_retired(url: str) -> bool:
    """Tell whether the address belongs to the Office 365 connectors, stopped in May 2026."""
    try:
        parts = urlsplit(url.strip())
        host = (parts.hostname or "").lower()
    except ValueError:
        return False
    return (
        host == "webhook.office.com"
        or host.endswith(".webhook.office.com")
        or (host in {"outlook.office.com", "outlook.office365.com"} and "/webhook" in parts.path)
    )


def examine(url: str, *, allow_insecure_loopback: bool = False) -> Webhook:
    """Decide whether an address can be used.

    Args:
        url: the whole address, a secret.
        allow_insecure_loopback: let ``http://`` to this machine pass, for the demo and tests.

    Raises:
        ChannelError: it can not; the text says what to do and holds no part of the address.
    """
    if is_retired(url):
        raise ChannelError(_RETIRED)
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        parts, host, port = SplitResult("", "", "", "", ""), "", None
    if not host or any(c.isspace() or not c.isprintable() for c in url):
        raise ChannelError(
            "the webhook address is not a web address: copy it whole, in one line, from the flow's "
            'trigger "When a Teams webhook request is received"'
        )
    if parts.scheme != "https" and not (
        parts.scheme == "http" and allow_insecure_loopback and is_loopback(host)
    ):
        raise ChannelError(
            "the webhook address does not start with https://: the address is a secret and does "
            "not cross a network in the open"
        )
    found = _WORKFLOW.search(parts.path)
    tail = f" (workflow …{found[1][-4:]})" if found and len(found[1]) > 8 else ""  # noqa: PLR2004 - half of a short id would give it away
    shown_host = f"[{host}]" if ":" in host else host
    return Webhook(
        host=host,
        shown=host + tail,
        origin=f"{parts.scheme}://{shown_host}" + (f":{port}" if port else "") + "/",
        warnings=() if is_loopback(host) else tuple(_warnings(host, parts.query)),
    )


def _warnings(host: str, query: str) -> list[str]:
    warnings = []
    if not host.endswith(_KNOWN_ENDINGS):
        warnings.append(
            f"{host} is not a host that Workflows is known to use "
            f"(*{_KNOWN_ENDINGS[0]}, *{_KNOWN_ENDINGS[1]}): check where the address came from"
        )
    if not parse_qs(query).get("sig"):
        warnings.append(
            "the webhook address has no sig= at its end; it may have been cut when it was copied"
        )
    return warnings
