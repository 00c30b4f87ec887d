"""Draw the tables of ``docs/reference/adapter-manifest.md`` from the vocabulary itself.

Run it after a change (``python docs/make_adapters.py``); a test fails while the page is stale. What
stands outside the two marks is written by hand.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mis_bridge.adapters import vocabulary

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).resolve().parent / "reference" / "adapter-manifest.md"
BEGIN = "<!-- drawn by docs/make_adapters.py: change the program, not these tables -->\n"
END = "<!-- end of what is drawn -->\n"
_TABLES: Final = (
    ("[adapter]", "IdentityTable"),
    ("[capabilities]", "CapabilityTable"),
    ("[connection.NAME]", "ParameterTable"),
    ("[auth]", "AuthTable"),
    ("[auth.request]", "TokenTable"),
    ("[http]", "HttpTable"),
    ("[[http.errors]], [[check.errors]]", "ErrorRule"),
    ("[check]", "CheckTable"),
    ("[stream.NAME]", "StreamTable"),
    ("[stream.NAME.page]", "PageTable"),
    ("[stream.NAME.parts]", "PartsTable"),
    ("[stream.NAME.cursor]", "CursorTable"),
    ("[stream.NAME.version]", "VersionTable"),
    ("[[stream.NAME.only]]", "OnlyRule"),
    ("[stream.NAME.map]", "MapEntry"),
)


def drawn(page: str) -> str:
    """Give the page with everything between its marks drawn afresh."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{''.join((*_tables(), *_fields()))}{END}{after}"


def _tables() -> Iterator[str]:
    definitions = vocabulary.ManifestModel.model_json_schema()["$defs"]
    for name, model in _TABLES:
        table = definitions[model]
        yield f"\n### {name}\n\n"
        if model == "MapEntry":
            yield 'One key a field: `field = "path"`, or `field = { path = "path", … }` with\n\n'
        yield "| key | default | meaning |\n|---|---|---|\n"
        for key, rule in table["properties"].items():
            needed = key in table.get("required", ())
            default = "**required**" if needed else _default(rule)
            yield f"| `{key}` | {default} | {_meaning(rule)} |\n"


def _default(rule: dict[str, Any]) -> str:
    default = rule.get("default")
    return "" if default in (None, "", {}) else f"`{json.dumps(default)}`"


def _meaning(rule: dict[str, Any]) -> str:
    choices = rule.get("enum") or next(
        (option["enum"] for option in rule.get("anyOf", ()) if "enum" in option), ()
    )
    listed = ", ".join(f"`{choice}`" for choice in choices)
    return f"{rule['description']}{f' One of {listed}.' if listed else ''}"


def _fields() -> Iterator[str]:
    yield "\n### Streams and their fields\n\n"
    yield "| stream | fields, the required ones in bold | used for |\n|---|---|---|\n"
    for stream, fields in vocabulary.FIELDS.items():
        needed = vocabulary.REQUIRED[stream]
        listed = ", ".join(
            f"**`{name}`** {kind}" if name in needed else f"`{name}` {kind}"
            for name, kind in fields.items()
        )
        use = "joins only" if stream in vocabulary.LOOKUPS else "records"
        yield f"| `{stream}` | {listed} | {use} |\n"
    yield "\n"


if __name__ == "__main__":
    PAGE.write_text(drawn(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
