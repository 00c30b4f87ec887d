"""What a mail looks like: who first, legible by day and by night, short lines in plain text."""

from __future__ import annotations

import re

import pytest

from mis_bridge.incidents.reasons import Reason
from mis_bridge.messages.content import Content, EvidenceLine, Group, Line, StepLine, Tone
from mis_bridge.messages.mail import mail
from mis_bridge.triggers.model import Severity

LONG = "Ask the teacher, then check sign-out, appointments, toilets, library and trips. " * 2
PAIR = re.compile(r"\.(\w+) \{ ((?:[a-z-]+: [^;}]+;?\s?)+)\}")


def content(tone: Tone = Tone.ATTENTION, **different: object) -> Content:
    """An alert with everything that an alert can say."""
    known: dict[str, object] = {
        "reason": Reason.OPENED,
        "reference": "MB-7F3C-2K9Q",
        "severity": Severity.CRITICAL,
        "tone": tone,
        "title": "Missing during the day",
        "lead": "In school at P1 (09:00), marked absent in P2 (saved 10:02). Not signed out.",
        "facts": (("Pupil", "Ada Testpupil, 8B"), ("School", "Hilltop Invented School")),
        "evidence": (
            EvidenceLine("10:02", "P2", "marked N"),
            EvidenceLine("", "", "first day of the run: 22 October"),
        ),
        "groups": (
            Group(
                "Missing during the day",
                "2 pupils",
                LONG.strip(),
                (
                    Line("B.C., 8B", "MB-1", "Absent in P2.", "https://bridge.school.example/1"),
                    Line("", "MB-2", "", ""),
                ),
            ),
        ),
        "uncertain": "A register is not taken.",
        "steps": (StepLine("by 10:22", LONG.strip(), "office"),),
        "link": "https://bridge.school.example/incidents/MB-7F3C-2K9Q",
        "footer": "Sent because the alert was raised.",
        **different,
    }
    return Content(**known)  # type: ignore[arg-type] # each key is a field of it


def luminance(colour: str) -> float:
    """Relative luminance of ``#rrggbb`` (WCAG 2.2)."""
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours (WCAG 2.2), from 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def styles(html: str) -> tuple[dict[str, dict[str, str]], dict[str, dict[str, str]]]:
    """Colours by class: as they are written, and as a dark screen has them."""
    night: dict[str, dict[str, str]] = {}
    for name, rules in PAIR.findall(html[html.index("dark) {") : html.index("@media print")]):
        night[name] = dict(
            rule.replace("!important", "").strip().split(": ", 1)
            for rule in rules.split(";")
            if rule.strip()
        )
    day: dict[str, dict[str, str]] = {}
    for name, style in re.findall(r'class="(\w+)"[^>]*? style="([^"]*)"', html):
        found = dict(rule.split(":", 1) for rule in style.split(";"))
        day.setdefault(name, {}).update(
            {key: value for key, value in found.items() if key in {"background", "color"}}
        )
    return day, night


@pytest.mark.parametrize("tone", list(Tone))
def test_everything_is_legible_by_day_and_by_night(tone: Tone) -> None:
    """7 to 1 for text (WCAG 2.2, level AAA), 4.5 to 1 for the button, on whatever it stands."""
    _, _, html = mail(content(tone))
    day, night = styles(html)

    assert set(night) == set(day) - {"open"}
    for shown in (day, night):
        text, head, card = shown["page"]["color"], shown["head"], shown["card"]
        assert contrast(shown["ink"]["color"], head["background"]) >= 7
        for ground in (head["background"], card["background"], shown["page"]["background"]):
            assert contrast(text, ground) >= 7
        for name in ("ink", "muted", "doubt"):
            assert contrast(shown[name]["color"], card["background"]) >= 7
    assert contrast(day["open"]["color"], day["open"]["background"]) >= 4.5


def test_who_it_is_about_stands_right_under_the_heading() -> None:
    """In both forms, once; where the channel may not say who, nothing stands there."""
    _, text, html = mail(content())
    _, withheld, page = mail(content(facts=(("School", "Hilltop Invented School"),)))

    assert text.splitlines()[3] == "Ada Testpupil, 8B"
    assert text.count("Ada Testpupil") == html.count("Ada Testpupil") == 1
    assert html.index("</h1>") < html.index("Ada Testpupil") < html.index("In school at P1")
    assert withheld.splitlines()[3].startswith("In school at P1")
    assert "font-size:18px" not in page


def test_a_paragraph_of_plain_text_is_one_line_and_there_are_no_holes() -> None:
    """The telephone breaks it where it has to; broken before, it would be broken twice.

    A fact without a time is an item of a list; no line is a rule across several lines.
    """
    said = content(title="Absent without explanation in a school with a long name: 12 pupils")
    _, text, _ = mail(said)
    lines = text.splitlines()

    assert said.lead in lines
    for number, step in enumerate(said.steps, 1):
        due = f"{step.due}: " if step.due else ""
        assert f"{number}. {due}{step.text} ({step.who})" in lines
    assert "- first day of the run: 22 October" in lines
    assert lines[1] == "=" * 24
    assert "\n\n\n" not in text


def test_on_paper_the_button_becomes_its_address() -> None:
    """White on a ground that is not printed would be an empty place."""
    _, _, html = mail(content())
    paper = html[html.index("@media print") : html.index("</style>")]

    assert ".open::after" in paper
    assert "attr(href)" in paper
    assert "color: #000000" in paper
