"""JSON Schemas of the configuration files, for editors that complete and check as one writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mis_bridge.settings.model import SchoolSettings, Settings
from mis_bridge.triggers.catalogue import TRIGGERS

if TYPE_CHECKING:
    from pydantic import BaseModel

    from mis_bridge.triggers.model import Parameter

__all__ = ["config_schema", "school_schema"]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string", tuple: "array"}


def config_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of ``config.toml``."""
    return _schema(Settings, "mis-bridge config.toml")


def school_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of ``conf.d/<school>.toml``."""
    return _schema(SchoolSettings, "mis-bridge conf.d/<school>.toml")


def _schema(model: type[BaseModel], title: str) -> dict[str, Any]:
    schema = model.model_json_schema()
    schema["properties"]["triggers"] = {
        "type": "object",
        "description": schema["properties"]["triggers"]["description"],
        "additionalProperties": False,
        "properties": {
            name: {
                "type": "object",
                "description": trigger.INFO.meaning,
                "additionalProperties": False,
                "properties": {
                    parameter.name: _parameter(parameter) for parameter in trigger.INFO.parameters
                },
            }
            for name, trigger in TRIGGERS.items()
        },
    }
    return {"$schema": _DIALECT, **schema, "title": title}


def _parameter(parameter: Parameter) -> dict[str, Any]:
    default = parameter.default
    is_list = isinstance(default, tuple)
    schema: dict[str, Any] = {
        "type": _TYPES[type(default)],
        "description": f"{parameter.meaning} ({parameter.unit})",
        "default": list(default) if isinstance(default, tuple) else default,
    }
    if is_list:
        schema["items"] = {"type": "string"}
    if parameter.minimum is not None:
        schema["minimum"] = parameter.minimum
    return schema
