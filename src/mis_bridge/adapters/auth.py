"""How requests show who asks. Credentials are added last, by the driver, to one host only."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

from mis_bridge.adapters.template import fill
from mis_bridge.io.secrets import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mis_bridge.adapters.vocabulary import AuthTable

__all__ = ["headers"]


def headers(table: AuthTable, connection: Mapping[str, str | Secret]) -> dict[str, str]:
    """Make the headers that authenticate a request; they hold secrets.

    Args:
        table: ``[auth]`` of the manifest.
        connection: what the school gave.
    """
    values = {
        f"connection.{name}": value.reveal() if isinstance(value, Secret) else value
        for name, value in connection.items()
    }
    match table.type:
        case "bearer":
            return {"Authorization": f"Bearer {fill(table.token, values)}"}
        case "basic":
            pair = f"{fill(table.user, values)}:{fill(table.password, values)}"
            return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}
        case "header":
            return {name: fill(text, values) for name, text in table.headers.items()}
        case "none":
            return {}
