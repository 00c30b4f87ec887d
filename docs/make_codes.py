"""Draw the tables of ``docs/reference/attendance-codes.md`` from the code table.

Run it after a change (``python docs/make_codes.py``); a test fails while the page is stale. What
stands outside the marks is written by hand.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from mis_bridge.registers.codes import CODES, Code

PAGE = Path(__file__).resolve().parent / "reference" / "attendance-codes.md"
_MARK = "drawn by docs/make_codes.py: change the program, not this table"
_PART = re.compile(
    rf"(<!-- (\w+): {re.escape(_MARK)} -->\n).*?(<!-- end of what is drawn -->\n)", re.DOTALL
)
_TABLES = {"legal": True, "other": False}


def drawn(page: str) -> str:
    """Give the page with every table between its marks drawn afresh."""
    return _PART.sub(lambda part: part[1] + _table(legal=_TABLES[part[2]]) + part[3], page)


def _table(*, legal: bool) -> str:
    head = (
        "\n| code | meaning | counts as | from | until | seen in school | byte |\n"
        "|---|---|---|---|---|---|---|\n"
    )
    return head + "".join(_row(code) for code in CODES if code.legal is legal) + "\n"


def _row(code: Code) -> str:
    begins, ends = (
        "" if day is None else day.isoformat() for day in (code.effective_from, code.effective_to)
    )
    seen = "yes" if code.on_site else ""
    return (
        f"| `{code.code}` | {code.meaning} | {code.code_class} | {begins} | {ends} | {seen} "
        f"| `0x{code.byte:02X}` |\n"
    )


if __name__ == "__main__":
    PAGE.write_text(drawn(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    sys.exit(0)
