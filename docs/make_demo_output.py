"""Put some lines of a real demonstration into the README, or say that they are not true any more.

    scripts/demo && python docs/make_demo_output.py            write them
    scripts/demo && python docs/make_demo_output.py --check    exit 1 unless they are there already

Times may differ by minutes from run to run, and with them the references of what is told from the
last reading of the MIS: of references it counts which are the same, of times that there is one.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["block", "comparable", "picked", "replaced"]

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
PRINTED = Path("demo-output/day.txt")

_BEGIN, _END = "<!-- demo output: begin -->\n", "<!-- demo output: end -->\n"

# In the order in which they are printed; each finds the next line that it matches.
_WANTED = (
    "An invented school of ",
    "^$",
    "school  the morning register closes",
    "to the DSL: Absent without explanation: 4 pupils .*MB-JDZE-N31K",
    "school  the Year 8 pupil walks out",
    "school  lesson 3 is registered: the Year 8 pupil is not there",
    "to the DSL: Missing during the day",
    "school  the MIS goes down",
    "to school IT: .* Registers can not be read",
    "school  the MIS is back",
    "to the DSL: Registers can be read again",
    "school  the afternoon register: still not there",
    "to the DSL: Missing during the day, raised to level 2",
    "person  Hollis Samplehead, head, approves",
    "to the authority: ",
    "^$",
    "met     Walks out",
    "expected: ",
    "seen: ",
    "met     A teacher corrects a mark",
    "expected: ",
    "seen: ",
    "scenarios came out as they had to",
)
_TIME = re.compile(r"\b\d\d:\d\d\b")
_REFERENCE = re.compile(r"MB-[0-9A-Z]{4}-[0-9A-Z]{4}")


def picked(printed: Sequence[str]) -> Iterator[str]:
    """Give the wanted lines of what a demonstration printed.

    Raises:
        ValueError: one of them is not there, or not in this order.
    """
    at = -1
    for wanted in _WANTED:
        here = next(
            (n for n, line in enumerate(printed) if n > at and re.search(wanted, line)), None
        )
        if here is None:
            raise ValueError(f"no line after line {at + 1} has {wanted!r}")
        yield printed[here]
        at = here


def block(printed: Sequence[str]) -> str:
    """Give the README's block, marks included."""
    lines = "\n".join(picked(printed))
    return f"{_BEGIN}```text\n{lines}\n```\n{_END}"


def replaced(page: str, new: str) -> str:
    """Give a page with this block in the place of the old one."""
    before, _, rest = page.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return before + new + after


def comparable(text: str) -> str:
    """Give a text without its times, and its references numbered as they come."""
    order = list(dict.fromkeys(_REFERENCE.findall(text)))
    numbered = _REFERENCE.sub(lambda found: f"MB-{order.index(found[0])}", text)
    return _TIME.sub("HH:MM", numbered)


def main() -> None:
    """Write or check the block."""
    page = README.read_text(encoding="utf-8")
    fresh = replaced(page, block(PRINTED.read_text(encoding="utf-8").splitlines()))
    if "--check" not in sys.argv[1:]:
        README.write_text(fresh, encoding="utf-8")
    elif comparable(fresh) != comparable(page):
        sys.exit(f"{README.name} shows another demonstration: python docs/make_demo_output.py")


if __name__ == "__main__":
    main()
