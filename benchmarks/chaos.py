"""A school week with faults in every channel, and the daemon killed a thousand times in it.

    scripts/bench chaos            1,000 kills, about half an hour
    python benchmarks/chaos.py 100 --seed 3

prints what was noticed, what arrived, how late and how often twice, and ends with 1 where anything
had to hold and did not. What it looks at is in ``mis_bridge.simulator.chaos.verdict``.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.table import Target, finish, print_table

from mis_bridge.simulator.chaos.run import play
from mis_bridge.simulator.chaos.verdict import Verdict, judge

KILLS = 1000


def at(share: float, minutes: list[float]) -> float:
    """Give the minutes within which that share of the alerts had arrived."""
    return minutes[min(len(minutes) - 1, int(share * len(minutes)))] if minutes else 0.0


def rows(verdict: Verdict, seconds: float) -> list[tuple[str, str]]:
    """Write the figures."""
    states = ", ".join(f"{number} {state}" for state, number in sorted(verdict.messages.items()))
    minutes, cards = verdict.minutes, verdict.cards
    return [
        ("kills", f"{verdict.kills} in {seconds:.0f} s"),
        ("incidents that people were to be told of", str(verdict.incidents)),
        ("messages in the outbox", states),
        ("messages that arrived", str(verdict.arrived)),
        *((f"- by {name}", str(count)) for name, count in sorted(verdict.by_channel.items())),
        ("of these twice, recognisable", str(verdict.doubles)),
        (
            "cards of the bot at the end",
            f"{cards.standing}, {cards.changed} changed since, {cards.lost} whose id was lost",
        ),
        ("requests over Microsoft's limits", str(verdict.throttled)),
        ("attempts whose outcome nobody knows", str(verdict.attempts_unknown)),
        (
            "urgent alerts, minutes until they arrived",
            f"median {at(0.5, minutes):.1f}, 99 % {at(0.99, minutes):.1f} (n={len(minutes)})",
        ),
    ]


def main() -> None:
    """Play the week and print what it came to."""
    parser = argparse.ArgumentParser()
    parser.add_argument("kills", type=int, nargs="?", default=KILLS)
    parser.add_argument("--days", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="mis-bridge-chaos-") as name,
        play(Path(name), kills=options.kills, days=options.days, seed=options.seed) as left,
    ):
        verdict = judge(left)
        print_table("Chaos", ("what", "figure"), rows(verdict, left.seconds))
    for problem in verdict.problems:
        print(f"- {problem}")
    finish(
        [
            Target("what did not hold", len(verdict.problems), 0),
            Target("doubles a kill", verdict.doubles / max(verdict.kills, 1), 1),
        ]
    )


if __name__ == "__main__":
    main()
