"""Draw the tables of ``docs/explanation/detection-quality.md``.

    python docs/make_detection_quality.py            measure (some minutes), and draw everything
    python docs/make_detection_quality.py --rates    draw the rates only

A test fails while the rates or the command of the measurement are stale; it does not measure again.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from mis_bridge.simulator.quality.rates import Life, Noise, meaning_of, source_of

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).resolve().parent / "explanation" / "detection-quality.md"
COMMAND = "mis-bridge simulate --schools 10 --days 20 --seed 7 --score"
OTHERWISE = "mis-bridge simulate --schools 10 --days 5 --seed 7 --score"
NOISIER = ("0", "0.5", "1", "2", "4")
BLOCKS = ("measured", "noise", "life")


def begin(block: str) -> str:
    """The line before a drawn block."""
    return f"<!-- {block}: drawn by docs/make_detection_quality.py -->\n"


def end(block: str) -> str:
    """The line after a drawn block."""
    return f"<!-- end of {block} -->\n"


def replaced(page: str, block: str, text: str) -> str:
    """Give a page with a block drawn afresh."""
    before, _, rest = page.partition(begin(block))
    _, _, after = rest.partition(end(block))
    return f"{before}{begin(block)}{text}{end(block)}{after}"


def drawn_rates(page: str) -> str:
    """Give the page with both tables of rates drawn afresh."""
    page = replaced(page, "noise", "".join(_rates(Noise)))
    return replaced(page, "life", "".join(_rates(Life)))


def _rates(rates: type[Life | Noise]) -> Iterator[str]:
    yield "\n| rate | value | what it means | from |\n|---|---|---|---|\n"
    for one in fields(rates):
        value = f"{one.default:.5g}"
        name = one.name
        yield f"| `{name}` | {value} | {meaning_of(rates, name)} | {source_of(rates, name)} |\n"
    yield "\n"


def measured() -> Iterator[str]:
    """Run the simulation and give what it prints, and the sums with other amounts of noise."""
    yield f"\n```text\n$ {COMMAND}\n{_run(COMMAND)}```\n"
    for factor in NOISIER:
        command = f"{OTHERWISE} --noise {factor}"
        lines = [
            line
            for line in _run(command).splitlines()
            if line.startswith(("trigger", "missing_during_day", "unexplained_", "all about"))
            and "because" not in line
        ]
        shown = "\n".join(_score_only(lines))
        yield f"\n```text\n$ {command}\n{shown}\n```\n"
    yield "\n"


def _score_only(lines: list[str]) -> list[str]:
    """Leave out the table of reasons, which begins with the same words."""
    last = max(number for number, line in enumerate(lines) if line.startswith("all about"))
    return lines[: last + 1]


def _run(command: str) -> str:
    program = Path(sys.executable).with_name("mis-bridge")
    done = subprocess.run(  # noqa: S603 - our own program
        [program, *command.split()[1:]], check=True, capture_output=True, text=True
    )
    return "".join(f"{line.rstrip()}\n" for line in done.stdout.splitlines())


def main() -> None:
    """Draw the page."""
    page = drawn_rates(PAGE.read_text(encoding="utf-8"))
    if "--rates" not in sys.argv[1:]:
        page = replaced(page, "measured", "".join(measured()))
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
