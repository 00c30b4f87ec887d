"""Several incidents in one message: counted first, all named, no more disclosed than alone."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from mis_bridge.incidents.ids import incident_id, reference
from mis_bridge.incidents.reasons import Reason
from mis_bridge.messages.build import build_bundle
from mis_bridge.messages.bundle import Item, compose_bundle
from mis_bridge.messages.card import SIZE_BUDGET, wire_size
from mis_bridge.messages.compose import compose
from mis_bridge.messages.content import Tone
from mis_bridge.messages.model import Disclosure
from mis_bridge.triggers.model import Severity

if TYPE_CHECKING:
    from collections.abc import Callable

    from mis_bridge.incidents.model import Incident
    from mis_bridge.messages.model import MessageContext

    Many = Callable[..., list[Item]]


@pytest.fixture
def many(missing: Incident, context: MessageContext) -> Many:
    """``many(count, reason, ...)``: as many incidents, each of another pupil."""

    def make(
        count: int,
        reason: Reason = Reason.OPENED,
        disclosure: Disclosure = Disclosure.INITIALS,
        **values: object,
    ) -> list[Item]:
        items = []
        for number in range(count):
            pupil = f"pupil-{values.get('trigger', '')}{number}"
            identity = incident_id("hilltop", "f", pupil, "k")
            changed = replace(
                missing,
                id=identity,
                reference=reference(identity),
                pupil=pupil,
                level=1,
                **values,  # type: ignore[arg-type]
            )
            assert context.identity is not None
            who = replace(context.identity, pupil=pupil, form=f"{7 + number % 5}É")
            items.append(
                Item(changed, reason, replace(context, identity=who, disclosure=disclosure))
            )
        return items

    return make


def test_what_and_how_many_stands_first(many: Many) -> None:
    """The subject and the heading say it, without a name, and the register that it is about."""
    content = compose_bundle(many(4), Reason.GROUPED)
    assert content.title == "Missing during the day: 4 pupils"
    assert content.lead.startswith("P2, Thu 12 Nov.")
    assert build_bundle("id", many(4), None).subject == (
        f"[mis-bridge] Missing during the day: 4 pupils {content.reference} and 3 more"
    )


def test_every_incident_has_its_line_with_reference_and_page(many: Many) -> None:
    """In the card and in both forms of the mail."""
    message = build_bundle("id", many(12), None)
    card = json.dumps(message.card)
    assert len(message.references) == len(set(message.references)) == 12
    for one in message.references:
        link = f"https://bridge.school.example/incidents/{one}"
        assert f"[{one}]({link})" in card
        assert one in message.text
        assert link in message.html


def test_four_hundred_are_one_card_that_names_them_all(many: Many) -> None:
    """Teams drops a card of 28 KB without a word; less is said of each before one is left out."""
    message = build_bundle("id", many(400), None)
    assert wire_size(message.card) <= SIZE_BUDGET
    shown = json.dumps(message.card)
    assert all(one in shown for one in message.references)
    assert message.subject.startswith("[mis-bridge] Missing during the day: 400 pupils")


def test_where_no_card_can_name_them_all_it_says_how_many_more_and_where(many: Many) -> None:
    """Nothing is cut off in silence."""
    items = many(900)
    shown = json.dumps(build_bundle("id", items, None).card)
    named = sum(item.incident.reference in shown for item in items)
    assert named > 100
    assert f"and {900 - named} more: mis-bridge incidents list --school hilltop" in shown


def test_what_is_urgent_comes_before_what_is_not(many: Many) -> None:
    """In a summary of many alerts the missing children stand first, whatever their severity."""
    low = many(3, family="absence_level", trigger="persistent_absence", severity=Severity.LOW)
    high = many(3, family="unexplained_absence", trigger="unexplained_absence")
    critical = [
        replace(item, incident=replace(item.incident, severity=Severity.HIGH)) for item in high
    ]
    content = compose_bundle([*low, *critical, *many(2, severity=Severity.HIGH)], Reason.LIMITED)
    assert content.title == "Missing during the day: 2 pupils, and 6 more"
    assert [(group.title, group.counted) for group in content.groups] == [
        ("Missing during the day", "2 pupils"),
        ("Absent without explanation", "3 pupils"),
        ("Persistent absence", "3 pupils"),
    ]
    assert "Missing during the day: 2 pupils; Absent without explanation: 3 pupils" in content.lead


@pytest.mark.parametrize(
    ("why", "title"),
    [
        (Reason.DIGEST, "Daily summary: 4 pupils, none of them urgent"),
        (Reason.QUIET_HOURS, "Since yesterday evening: 4 pupils"),
        (Reason.SCHOOL_CLOSED, "While the school was closed: 4 pupils"),
        (Reason.SILENCED, "After a silence: 4 pupils"),
    ],
)
def test_a_list_of_several_kinds_says_why_it_comes_now(many: Many, why: Reason, title: str) -> None:
    """The first line says what kind of list it is."""
    items = [
        *many(2, family="absence_level", trigger="persistent_absence", severity=Severity.LOW),
        *many(2, family="reason_overdue", trigger="reason_overdue", severity=Severity.LOW),
    ]
    assert compose_bundle(items, why).title == title


def test_the_end_of_several_is_as_plain_as_their_beginning(many: Many) -> None:
    """Green, and what was found stands first."""
    content = compose_bundle(many(3, Reason.FOUND), None)
    assert content.title == "Found, seen again in school: 3 pupils"
    assert content.tone is Tone.GOOD


def test_a_channel_that_names_nobody_gets_references_alone(many: Many) -> None:
    """A bundle discloses nothing that a message of its own would not."""
    message = build_bundle("id", many(3, disclosure=Disclosure.REFERENCE), None)
    for said in (json.dumps(message.card), message.text, message.html):
        assert message.reference in said
        assert "A.T." not in said
        assert "P1" not in said


def test_registers_are_counted_as_registers(many: Many) -> None:
    """Twelve untaken registers are no pupils."""
    items = many(12, family="register_not_taken", trigger="register_not_taken")
    items = [replace(item, incident=replace(item.incident, pupil="")) for item in items]
    assert compose_bundle(items, None).title == "Register not taken, P2: 12 registers"


def test_several_are_answered_by_one_command(many: Many, context: MessageContext) -> None:
    """By the time at which the first of them climbs; what does not climb asks nobody."""
    first, second, third = (
        replace(item, incident=replace(item.incident, escalate_at=at))
        for item, at in zip(
            many(3),
            (context.now + timedelta(minutes=9), context.now + timedelta(minutes=4), None),
            strict=True,
        )
    )

    both = compose_bundle([first, second, third], None).footer
    one = compose_bundle([first, third], None).footer
    none = compose_bundle([third, replace(third, reason=Reason.FOUND)], None).footer

    assert "If nobody sees to them by 10:17, the next people are told." in both
    assert "mis-bridge incidents ack, with their references." in both
    assert f"If nobody sees to {first.incident.reference} by 10:22" in one
    assert "incidents ack" not in none


def test_an_alert_and_its_reminder_are_one_alert_and_say_what_is_late(many: Many) -> None:
    """After a silence both wait: one child is one child, and the alert lists the steps."""
    (raised, another) = many(2, Reason.LEVEL_RAISED)
    reminds = replace(raised, reason=Reason.STEP_OVERDUE)

    alone = compose_bundle([reminds, raised], Reason.SILENCED)
    together = compose_bundle([reminds, raised, another], Reason.SILENCED)
    only_reminders = compose_bundle(
        [reminds, replace(another, reason=Reason.STEP_OVERDUE)], Reason.SILENCED
    )

    assert alone == compose(raised.incident, Reason.LEVEL_RAISED, raised.context)
    assert alone.steps
    assert together.title.endswith(": 2 pupils")
    assert [len(group.lines) for group in only_reminders.groups] == [2]


def test_a_title_counts_what_it_names(many: Many) -> None:
    """Three of six are absent: "absent: 6 pupils" would be three children too many."""
    low = many(3, family="absence_level", trigger="persistent_absence", severity=Severity.LOW)
    high = many(3, family="unexplained_absence", trigger="unexplained_absence")

    mixed = compose_bundle([*low, *high], None).title
    over = compose_bundle([*low, *many(2, Reason.FOUND)], Reason.LIMITED).title

    assert mixed == "Absent without explanation: 3 pupils, and 3 more"
    assert over.startswith("Summary of many alerts: ")
