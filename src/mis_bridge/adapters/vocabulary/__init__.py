"""The closed vocabulary of ``adapter.toml``, as pydantic models.

A key that is not here is refused with its file, its line and the nearest key. Where the vocabulary
ends, an ``adapter.py`` takes over; the vocabulary itself grows only by what two adapters need.
"""

from __future__ import annotations

from mis_bridge.adapters.vocabulary.access import (
    AuthTable,
    CheckTable,
    ErrorRule,
    HttpTable,
    ParameterTable,
    TokenTable,
)
from mis_bridge.adapters.vocabulary.fields import FIELDS, JOINS, LOOKUPS, REQUIRED, STREAMS
from mis_bridge.adapters.vocabulary.model import CapabilityTable, IdentityTable, ManifestModel
from mis_bridge.adapters.vocabulary.streams import (
    CursorTable,
    MapEntry,
    OnlyRule,
    PageTable,
    PartsTable,
    StreamTable,
    VersionTable,
)
from mis_bridge.adapters.vocabulary.types import placeholders

__all__ = [
    "FIELDS",
    "JOINS",
    "LOOKUPS",
    "REQUIRED",
    "STREAMS",
    "AuthTable",
    "CapabilityTable",
    "CheckTable",
    "CursorTable",
    "ErrorRule",
    "HttpTable",
    "IdentityTable",
    "ManifestModel",
    "MapEntry",
    "OnlyRule",
    "PageTable",
    "ParameterTable",
    "PartsTable",
    "StreamTable",
    "TokenTable",
    "VersionTable",
    "placeholders",
]
