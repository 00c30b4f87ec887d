"""Draw what the reference says of ``authority.toml``: its keys, the fields of forms, who there is.

Run it after a change (``python docs/make_authority.py``); a test fails while the page is stale.
"""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mis_bridge.adapters.authorities import authority_ids, load_authority
from mis_bridge.adapters.authority.tables import AuthorityModel
from mis_bridge.messages.form_fields import FIELDS
from mis_bridge.messages.national_forms import NATIONAL_FORMS

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).resolve().parent / "reference" / "authority-file.md"
_TABLES: Final = (
    ("[authority]", "IdentityTable"),
    ("[[contact]]", "ContactTable"),
    ("[cme.enquiries], [cme.home_visit], [cme.refer]", "DayTable"),
    ("[route]", "RouteTable"),
    ("[letter]", "LetterTable"),
    ("[[escalation]]", "EscalationTable"),
    ("steps = [{ ... }]", "EscalationStep"),
    ("[[protocol.ID]]", "StepTable"),
    ("[form.KIND]", "FormTable"),
    ("[[form.KIND.section]]", "SectionTable"),
    ("fields = [{ ... }]", "FieldTable"),
    ("[[form.KIND.check]]", "CheckTable"),
)


def page() -> str:
    """The whole page."""
    return f"""# The file of an authority

<!-- Written by docs/make_authority.py: change the program, not this page. -->

`adapters/la/<id>/authority.toml` says what holds in one Local Authority. The
[how-to](../how-to/write-an-authority.md) goes through one; every key that there is stands here. A
mistake is named by `mis-bridge check` and `mis-bridge authorities show`, with file, line and the
nearest right spelling. What a file does not say is as in
[national](../../adapters/la/national/README.md).

## Who there is

{"".join(_listed())}
## Keys

`[triggers.ID]` takes the parameters of that [trigger](triggers.md), and beside them `source`: whose
numbers they are. `[told]` takes a list for each trigger: who in the school is told of it, of `dsl`,
`office`, `attendance` and `it`. `[calendar."2026/27"]` takes the term dates of a school year:
`first_day`, `last_day` and `closures`, as in a school's own file ([settings](settings.md)). The
protocols are those of [incidents](incidents.md#protocols).

The rules of `[[escalation]]` are asked behind those of a school and of `config.toml`, and before
the two of the national file, which tell the deputy, the head of year, the headteacher and the
designated teacher of a missing child, as far as a school has named them. A rule for the same alerts
takes their place; to switch them off, write one for `missing_during_day` that tells `dsl` alone.
{"".join(_keys())}
## Fields of forms

A field that is not in this list has a key that begins with `own.` and a `label` of its own. The
last column says which of the usual forms ask for it: those that hold where an authority has no form
of its own. In bold: it is needed there.

{"".join(_fields())}"""


def _listed() -> Iterator[str]:
    yield "| id | DfE number | enquiries start | home visited by | told by | route |\n"
    yield "|---|---|---|---|---|---|\n"
    for name in authority_ids():
        one = load_authority(name)
        days = (one.cme.get(what) for what in ("enquiries", "home_visit", "refer"))
        told = " | ".join(f"day {due.day}" if due else "" for due in days)
        link = f"[{name}](../../adapters/la/{name}/README.md)"
        yield f"| {link} | {one.la_number} | {told} | {one.route.kind} |\n"


def _keys() -> Iterator[str]:
    definitions = AuthorityModel.model_json_schema()["$defs"]
    for name, model in _TABLES:
        table = definitions[model]
        told = table["description"].split(": ", 1)
        yield f"\n### {name}\n\n{told[1] if len(told) > 1 else told[0]}\n\n"
        yield "| key | default | meaning |\n|---|---|---|\n"
        for key, rule in table["properties"].items():
            needed = key in table.get("required", ())
            default = "**required**" if needed else _default(rule.get("default"))
            yield f"| `{key}` | {default} | {rule['description']}{_choices(rule)} |\n"


def _default(value: object) -> str:
    if value is None or value == []:
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f'`"{value}"`' if isinstance(value, str) else f"`{value}`"


def _choices(rule: dict[str, Any]) -> str:
    choices = rule.get("enum") or rule.get("items", {}).get("enum")
    return f" One of {', '.join(f'`{choice}`' for choice in choices)}." if choices else ""


def _fields() -> Iterator[str]:
    yield "| key | usual label | usual hint | asked in |\n|---|---|---|---|\n"
    for _, group in groupby(FIELDS.values(), key=lambda field: field.key.split(".")[0]):
        for field in group:
            yield f"| `{field.key}` | {field.label} | {field.hint} | {_asked(field.key)} |\n"


def _asked(key: str) -> str:
    return ", ".join(
        f"**{kind}**" if field.needed else kind
        for kind, form in NATIONAL_FORMS.items()
        for field in form.fields
        if field.key == key
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
