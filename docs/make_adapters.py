"""Draw what the reference says of adapters from the program: the vocabulary, the kit's cases.

Run it after a change (``python docs/make_adapters.py``); a test fails while a page is stale. What
stands outside the two marks of a page is written by hand.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mis_bridge.adapters import vocabulary
from mis_bridge.adapters.kit.run import CASES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

REFERENCE = Path(__file__).resolve().parent / "reference"
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


def pages() -> dict[str, str]:
    """Every page with what is drawn in it: file name under ``docs/reference`` to its text."""
    return {
        "adapter-manifest.md": _redrawn("adapter-manifest.md", (*_tables(), *_fields())),
        "conformance-kit.md": _redrawn("conformance-kit.md", _cases()),
    }


def _redrawn(name: str, parts: Iterable[str]) -> str:
    """Give a page with everything between its marks drawn afresh."""
    page = (REFERENCE / name).read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{''.join(parts)}{END}{after}"


def _cases() -> Iterator[str]:
    yield "\n| grade | case | what must hold |\n|---|---|---|\n"
    for case in CASES:
        yield f"| {case.tier.value} | `{case.id}` | {case.sentence} |\n"
    yield "\n"


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
    for name, text in pages().items():
        (REFERENCE / name).write_text(text, encoding="utf-8")
