"""Draw the tables of ``docs/reference/triggers.md`` from what the triggers say of themselves.

Run it after a change (``python docs/make_triggers.py``); a test fails while the page is stale. What
stands outside the two marks is written by hand.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mis_bridge.triggers.catalogue import TRIGGERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mis_bridge.triggers.model import Parameter, TriggerInfo

PAGE = Path(__file__).resolve().parent / "reference" / "triggers.md"
BEGIN = "<!-- drawn by docs/make_triggers.py: change the program, not these tables -->\n"
END = "<!-- end of what is drawn -->\n"


def drawn(page: str) -> str:
    """Give the page with everything between its marks drawn afresh."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{''.join(_tables())}{END}{after}"


def _tables() -> Iterator[str]:
    for trigger in TRIGGERS.values():
        yield from _trigger(trigger.INFO)
    yield "\n"


def _trigger(info: TriggerInfo) -> Iterator[str]:
    yield f"\n### {info.id}\n\n**{info.title}.** {info.meaning}\n\n"
    told = ", ".join(info.audience)
    if info.raised_audience:
        told += f"; at level 2 also {', '.join(info.raised_audience)}"
    yield f"- Reads: a {info.kind}. Told: {told}. Severity: {info.severity}.\n"
    if info.never_for:
        yield f"- {info.never_for}\n"
    yield f"- Source: {info.source}\n\n"
    yield "| parameter | default | unit | smallest | meaning |\n|---|---|---|---|---|\n"
    for parameter in info.parameters:
        yield _row(parameter)


def _row(parameter: Parameter) -> str:
    default = parameter.default
    if isinstance(default, bool):
        shown = str(default).lower()
    elif isinstance(default, tuple):
        shown = f"[{', '.join(f'{chr(34)}{item}{chr(34)}' for item in default)}]"
    else:
        shown = str(default)
    smallest = "" if parameter.minimum is None else f"{parameter.minimum:g}"
    return (
        f"| `{parameter.name}` | `{shown}` | {parameter.unit} | {smallest} | "
        f"{parameter.meaning} |\n"
    )


if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8")
    fresh = drawn(text)
    PAGE.write_text(fresh, encoding="utf-8")
    sys.stdout.write(f"{PAGE.name}: {'unchanged' if fresh == text else 'written'}\n")
