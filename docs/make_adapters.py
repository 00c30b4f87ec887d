"""Draw what the reference says of adapters: the vocabulary, the kit's cases, each adapter's page.

Run it after a change (``python docs/make_adapters.py``); a test fails while a page is stale. What
stands outside the two marks of a page is written by hand; the pages of the adapters have no marks
and are drawn from the manifests alone.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mis_bridge.adapters import describe, vocabulary
from mis_bridge.adapters.kit.run import CASES
from mis_bridge.adapters.registry import load_folder, shipped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mis_bridge.adapters.registry import Adapter

REFERENCE = Path(__file__).resolve().parent / "reference"
BEGIN = "<!-- drawn by docs/make_adapters.py: change the program, not these tables -->\n"
END = "<!-- end of what is drawn -->\n"
_WRITTEN: Final = (
    "<!-- Written by docs/make_adapters.py: change the adapter's manifest, not this. -->\n"
)
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
    adapters = [load_folder(file.parent) for file in sorted((shipped() / "mis").glob("*/*.toml"))]
    return {
        "adapter-manifest.md": _redrawn("adapter-manifest.md", (*_tables(), *_fields())),
        "conformance-kit.md": _redrawn("conformance-kit.md", _cases()),
        "adapters.md": _redrawn("adapters.md", _listed(adapters)),
        **{f"adapters/{one.id}.md": "".join(_adapter(one)) for one in adapters},
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


def _listed(adapters: Iterable[Adapter]) -> Iterator[str]:
    yield "\n| adapter | tells | grade | evidence |\n|---|---|---|---|\n"
    for adapter in adapters:
        identity = adapter.manifest.adapter
        exempt = "".join(f", exempt from `{case}`" for case in adapter.manifest.exempt)
        yield (
            f"| [{identity.name}](adapters/{adapter.id}.md) | {_tells(adapter)} | "
            f"{identity.grade or 'not graded'}{exempt} | {identity.evidence} |\n"
        )
    yield "\n"


def _tells(adapter: Adapter) -> str:
    words = {"session": "AM and PM", "lesson": "lessons", "register_taken": "registers taken"}
    return ", ".join(text for name, text in words.items() if name in adapter.capabilities)


def _adapter(adapter: Adapter) -> Iterator[str]:
    manifest, identity = adapter.manifest, adapter.manifest.adapter
    yield f"# {identity.name}\n\n{_WRITTEN}\n"
    yield f'`adapter = "{adapter.id}"`, version {identity.version}. Vendor: {identity.vendor}.\n\n'
    yield f"**Evidence: {identity.evidence}.** "
    yield f"Grade of the [conformance kit](../conformance-kit.md): {identity.grade or 'none'}.\n"
    for case, reason in manifest.exempt.items():
        yield f"\nExempt from `{case}`: {reason}\n"
    readme = f"../../../adapters/mis/{adapter.id}/README.md"
    yield "\nHow a school grants access, and what the vendor can not tell: "
    yield f"[README]({readme}).\n\n## What it can tell\n\n"
    rules = vocabulary.CapabilityTable.model_fields
    yield "| capability | here | meaning |\n|---|---|---|\n"
    for name, value in manifest.capabilities.model_dump().items():
        here = {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else value
        yield f"| `{name}` | {here} | {rules[name].description} |\n"
    yield "\n## What a school has to give\n\n"
    yield "| key of `[mis.connection]` | default | meaning |\n|---|---|---|\n"
    for name, table in manifest.connection.items():
        needed = "**required**" if table.required else f"`{table.default}`" if table.default else ""
        secret = " A secret." if table.secret else ""
        yield f"| `{name}` | {needed} | {_cell(table.help)}{secret} |\n"
    yield "\n## What is asked for\n"
    if adapter.is_code:
        yield "\nIts own code, `adapter.py`, reads this MIS: the README says how.\n"
    for limit in describe.limits(manifest):
        yield f"\n* {limit}"
    yield "\n" if manifest.http is not None else ""
    for stream in describe.streams(manifest):
        yield from _stream(stream)
    codes = {**manifest.codes, **manifest.meanings}
    if codes:
        yield "\n## Marks\n\n| of the MIS | code |\n|---|---|\n"
        yield from (f"| {_cell(mark)} | `{code}` |\n" for mark, code in codes.items())


def _stream(stream: describe.StreamTold) -> Iterator[str]:
    yield f"\n### {stream.name}\n\n```\n{stream.method} {stream.address}\n"
    yield from (f"    {name} = {text}\n" for name, text in stream.query.items())
    yield f"{stream.body}\n```\n\n" if stream.body else "```\n\n"
    yield f"* Records: {stream.records}.\n"
    for text in (stream.pages, stream.parts, stream.changes, *stream.notes):
        yield f"* {text}\n" if text else ""
    for choice in stream.choice:
        yield f"* Only records of which {choice}.\n"
    yield "\n| field | from | as |\n|---|---|---|\n"
    for one in stream.fields:
        yield f"| `{one.name}` | {_cell(one.source)} | {_cell(one.meaning)} |\n"


def _cell(text: str) -> str:
    """Write a text so that it can stand in a cell of a table."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")


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
    drawn = pages()
    for old in (REFERENCE / "adapters").glob("*.md"):
        if f"adapters/{old.name}" not in drawn:
            old.unlink()
    for name, text in drawn.items():
        (REFERENCE / name).parent.mkdir(exist_ok=True)
        (REFERENCE / name).write_text(text, encoding="utf-8")
