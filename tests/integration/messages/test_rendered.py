"""Cards and mails in a real browser: nothing unknown, nothing hidden, nothing disclosed."""

from __future__ import annotations

import html
import os
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from mis_bridge.incidents.actions import acknowledge
from mis_bridge.incidents.model import Event
from mis_bridge.incidents.reasons import Reason
from mis_bridge.messages.anew import Standing, Turn
from mis_bridge.messages.build import (
    build,
    build_anew,
    build_bundle,
    build_note,
    build_test,
    build_week,
)
from mis_bridge.messages.daily import Gap, WatchedDay, compose_daily
from mis_bridge.messages.model import Disclosure
from mis_bridge.messages.weekly import Week
from mis_bridge.triggers.catalogue import TRIGGERS
from mis_bridge.triggers.model import Evidence

if TYPE_CHECKING:
    from datetime import datetime

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(
        os.environ.get("MIS_BRIDGE_STRICT") != "1" and "MIS_BRIDGE_PICTURES" not in os.environ,
        reason="draws pages for half a minute: only with --strict, or MIS_BRIDGE_PICTURES",
    ),
]

DESKTOP, TELEPHONE = 640, 340
SCREEN = 600
"""How much of a message a telephone shows at once, pixels."""

_PAGE = (
    '<!DOCTYPE html><meta charset="utf-8"><body style="margin:12px"><pre style="margin:0;'
    'white-space:pre-wrap;overflow-wrap:anywhere;font:15px/1.4 sans-serif">{}</pre>'
)
"""How a mail program on a telephone shows a plain text."""


def _card(message: Any) -> dict[str, Any]:
    content: dict[str, Any] = message.card["attachments"][0]["content"]
    return content


def _jobs(
    messages: dict[str, Any], *widths: int, kinds: tuple[str, ...] = ("card", "html")
) -> list[dict[str, Any]]:
    """What to draw: each message as a card, an HTML mail or a plain one, at each width."""
    return [
        {"name": f"{kind}-{name}-{width}", "width": width, **_drawn(kind, message)}
        for name, message in messages.items()
        for kind in kinds
        for width in widths or (DESKTOP, TELEPHONE)
    ]


def _drawn(kind: str, message: Any) -> dict[str, Any]:
    if kind == "card":
        return {"kind": "card", "content": _card(message)}
    if kind == "plain":
        return {"kind": "html", "content": _PAGE.format(html.escape(message.text))}
    return {"kind": "html", "content": message.html}


def test_every_trigger_is_shown_whole_and_without_a_name(shown: Any, in_chromium: Any) -> None:
    """Teams' library knows every element; what is said is readable at a telephone's width too."""
    incidents = {name: shown.incident(name) for name in shown.triggers()}
    assert set(incidents) == set(TRIGGERS)
    messages = {
        name: build(incident, Reason.OPENED, f"id-{name}", shown.context(incident))
        for name, incident in incidents.items()
    }

    rendered = in_chromium(_jobs(messages))

    for job, seen in rendered.items():
        name = job.split("-")[1]
        assert (seen["events"], seen["failures"]) == ([], []), job
        text = " ".join(seen["text"].split())
        assert incidents[name].reference in text, job
        assert incidents[name].sentence in text, job
        assert all(e.what in text for e in incidents[name].evidence), job
        assert all(s.text in text for s in incidents[name].steps if s.after == "opened"), job
        assert "Ada" not in text, job
        assert "Testpupil" not in text, job
        assert not seen["wide"], f"{job} has to be scrolled sideways"


def test_how_it_goes_on_is_shown_as_clearly(shown: Any, in_chromium: Any) -> None:
    """Raised, unanswered, found, withheld, in full, old registers, a test: each says what it is."""
    missing = shown.incident("missing_during_day")
    found = replace(
        missing,
        trigger="internal_truancy",
        ending="Seen again at 11:18 in P3.",
        evidence=(*missing.evidence, Evidence(missing.opened_at, "P3", "present")),
    )
    raised = replace(missing, level=2)
    usual = shown.context(missing)
    messages = {
        "raised": build(raised, Reason.LEVEL_RAISED, "1", usual),
        "unanswered": build(raised, Reason.UNACKNOWLEDGED, "2", usual),
        "found": build(found, Reason.FOUND, "3", usual),
        "withheld": build(
            missing, Reason.OPENED, "4", shown.context(missing, Disclosure.REFERENCE)
        ),
        "full": build(missing, Reason.OPENED, "5", shown.context(missing, Disclosure.FULL)),
        "old": build(
            replace(missing, uncertain="The P3 register has not been taken."),
            Reason.OPENED,
            "6",
            shown.context(missing, minutes=35),
        ),
        "test": build_test("7", usual),
        "ready": build(shown.incident("ten_day_absence"), Reason.PACKAGE_READY, "8", usual),
        "week": build_week("9", _week(usual.now, unanswered=0)),
        "late": build_week("10", _week(usual.now, unanswered=2)),
        "taken": _taken(missing, usual),
    }

    rendered = in_chromium([*_jobs(messages), *_jobs(messages, TELEPHONE, kinds=("plain",))])

    said = {job: " ".join(seen["text"].split()) for job, seen in rendered.items()}
    assert all((seen["events"], seen["failures"]) == ([], []) for seen in rendered.values())
    for kind in ("card", "html", "plain"):
        assert "raised to level 2" in said[f"{kind}-raised-340"]
        assert "Nobody has answered" in said[f"{kind}-unanswered-340"]
        assert "Seen again at 11:18 in P3." in said[f"{kind}-found-340"]
        assert "Tell everyone who is looking" in said[f"{kind}-found-340"]
        assert "P2" not in said[f"{kind}-withheld-340"]
        assert "Ada Testpupil, 8B" in said[f"{kind}-full-340"]
        assert "35 minutes ago: anything newer is not known" in said[f"{kind}-old-340"]
        assert "Nothing has happened: this is a test." in said[f"{kind}-test-340"]
        assert "tell your IT" in said[f"{kind}-week-340"]
        assert "2 alerts nobody has answered" in said[f"{kind}-late-340"]
    assert said["card-taken-340"].startswith("Acknowledged by A. Example")
    # Whom to look for stands before everything else.
    assert said["card-full-340"].startswith("Missing during the day Ada Testpupil, 8B In school")


def _week(now: datetime, *, unanswered: int) -> Week:
    since = now - timedelta(days=7)
    return Week(now, since, 12, unanswered, ("Hilltop Invented School",), 0, now)


def _taken(incident: Any, context: Any) -> Any:
    """The card of an incident that A. Example sees to, two minutes on."""
    at = incident.updated_at + timedelta(minutes=2)
    taken, _ = acknowledge(incident, "A. Example", at, minutes=60)
    turns = (Turn(Event.ACKNOWLEDGED, at, "A. Example"),)
    later = replace(context, now=at)
    standing = [Standing(taken, Reason.OPENED, later, turns)]
    return build_anew("11", standing, edits="activity 1 19:invented")


def test_words_without_a_break_do_not_widen_a_mail(shown: Any, in_chromium: Any) -> None:
    """A mail that has to be scrolled sideways is read in half."""
    word = "Zażółć" * 40
    incident = shown.incident("missing_during_day")
    lesson = "Tuesday period two of the second week"
    evidence = (Evidence(incident.opened_at, lesson, word), *incident.evidence)
    odd = replace(incident, sentence=word, evidence=evidence, uncertain=word)
    context = replace(shown.context(incident), school_name=word)
    message = build(odd, Reason.OPENED, "id", context)

    jobs = _jobs({"word": message}, kinds=("html", "plain"))

    assert not any(seen["wide"] for seen in in_chromium(jobs).values())


def test_text_of_a_register_can_not_make_a_link_or_markup(shown: Any, in_chromium: Any) -> None:
    """What a person typed into the MIS is shown as typed."""
    nasty = "*P2* _x_ [Sign in](https://evil.example) <at>All</at> `c` # 1. ~s~ | \\ <b>b</b>"
    incident = replace(shown.incident("missing_during_day"), sentence=nasty, uncertain=nasty)
    context = replace(shown.context(incident), school_name=nasty)
    message = build(incident, Reason.OPENED, "id", context)

    rendered = in_chromium(_jobs({"nasty": message}))

    for job, seen in rendered.items():
        assert " ".join(seen["text"].split()).count(nasty) == 3, job
        assert all("evil" not in link for link in seen["links"]), job


def test_what_comes_together_is_shown_whole_and_without_a_name(
    shown: Any, in_chromium: Any
) -> None:
    """What and how many stands first, and every incident has its line, at a telephone's width."""
    messages = {
        name: build_bundle(name, shown.many(*triggers), why)
        for name, triggers, why in (
            ("absent", ["unexplained_absence"] * 4, Reason.GROUPED),
            ("missing", ["missing_during_day"] * 12, None),
            (
                "digest",
                ["persistent_absence"] * 7 + ["reason_overdue"] * 3 + ["absence_pattern"],
                Reason.DIGEST,
            ),
            (
                "limited",
                ["missing_during_day"] * 3
                + ["unexplained_absence"] * 25
                + ["register_not_taken"] * 5
                + ["persistent_absence"] * 20,
                Reason.LIMITED,
            ),
        )
    }
    first = {
        "absent": "Absent without explanation: 4 pupils",
        "missing": "Missing during the day: 12 pupils",
        "digest": "Daily summary: 11 pupils, none of them urgent",
        "limited": "Missing during the day: 3 pupils, and 50 more",
    }

    rendered = in_chromium([*_jobs(messages), *_jobs(messages, TELEPHONE, kinds=("plain",))])

    for job, seen in rendered.items():
        name = job.split("-")[1]
        assert (seen["events"], seen["failures"]) == ([], []), job
        text = " ".join(seen["text"].split())
        assert text.startswith(first[name]), job
        assert all(one in text for one in messages[name].references), job
        assert "Ada" not in text, job
        assert "Testpupil" not in text, job
        assert not seen["wide"], f"{job} has to be scrolled sideways"


def _days(now: datetime) -> dict[str, list[WatchedDay]]:
    """A quiet day of one school, one with gaps, and a mixed one of forty schools."""
    quiet = WatchedDay("Hilltop Invented School", 1_142, 61, 61, 9_431, now - timedelta(minutes=1))
    gaps = (
        Gap("the registers could not be read", now.replace(hour=10, minute=5), now),
        Gap("2 registers were not taken"),
        Gap("1 message has reached nobody"),
        Gap("a channel did not deliver", now - timedelta(hours=2)),
    )
    partly = replace(
        quiet, registers_taken=59, marks=9_204, raised=3, answered=2, ended=1, open_before=2,
        gaps=gaps,
    )  # fmt: skip
    many = [
        replace(quiet, name=f"Invented Primary {number}", roll=200 + number)
        for number in range(1, 38)
    ]
    never = Gap("the registers were never read")
    return {
        "quiet": [quiet],
        "gaps": [partly],
        "many": [
            *many,
            replace(partly, name="Invented Community College of Great Samplewood"),
            replace(quiet, name="St Invented's C of E Primary School", read_at=None, gaps=(never,)),
            replace(quiet, name="Blindwood Academy", gaps=gaps[:1]),
        ],
    }


def test_the_day_in_one_message_reads_well_on_a_telephone(shown: Any, in_chromium: Any) -> None:
    """Card, mail and plain mail: first whether it was well, at the end all that was not watched."""
    now = shown.context(shown.incident("feed_blind")).now.replace(hour=15, minute=45)
    days = _days(now)
    contents = {name: compose_daily(watched, now) for name, watched in days.items()}
    messages = {name: build_note(f"id-{name}", content) for name, content in contents.items()}

    rendered = in_chromium(_jobs(messages, TELEPHONE, kinds=("card", "html", "plain")))

    assert len(rendered) == 9
    for job, seen in rendered.items():
        name = job.split("-")[1]
        assert (seen["events"], seen["failures"]) == ([], []), job
        assert not seen["wide"], f"{job} has to be scrolled sideways"
        text = " ".join(seen["text"].split())
        assert text.startswith(contents[name].title), job
        assert contents[name].lead in text, job
        for day in days[name]:
            assert all(gap.what in text for gap in day.gaps), job
            assert day.name in text or not (day.gaps or day.open), job
        assert "left out" not in text, job
        assert seen["height"] < 3 * SCREEN, f"{job} is too long for somebody in a hurry"
