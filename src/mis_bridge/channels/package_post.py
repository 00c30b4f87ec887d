"""The document that a package is posted as, and the key that all attempts to post it share."""

from __future__ import annotations

import base64
import hashlib
import json
import uuid
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from mis_bridge.messages.model import Carried, Message

__all__ = ["FORMAT", "body_of", "idempotency_key"]

FORMAT: Final = "mis-bridge/package/1"
"""Of the document; another number where a field changes its meaning or goes away."""


def idempotency_key(package: Carried) -> str:
    """Give the key of a package: a UUID that follows from its id, the same over every attempt."""
    return str(uuid.UUID(hex=package.id[:32], version=5))


def body_of(message: Message, package: Carried) -> bytes:
    """Write a package as one JSON document, UTF-8; the same package gives the same bytes.

    ``package`` holds the package's own JSON file as it is, ``files`` all its files in base64, each
    with size and digest.
    """
    inside: Any = None
    for file in message.attachments:
        if file.content_type.startswith("application/json"):
            inside = json.loads(file.content)
    body = {
        "format": FORMAT,
        "id": package.id,
        "reference": message.reference,
        "kind": package.kind,
        "version": package.version,
        "package": inside,
        "files": [
            {
                "name": file.name,
                "content_type": file.content_type,
                "bytes": len(file.content),
                "sha256": hashlib.sha256(file.content).hexdigest(),
                "base64": base64.b64encode(file.content).decode("ascii"),
            }
            for file in message.attachments
        ],
    }
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
