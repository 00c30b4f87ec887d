"""What is said of an incident, for which reason, and what is withheld."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from mis_bridge.incidents.model import State
from mis_bridge.incidents.reasons import Reason
from mis_bridge.messages.build import build, build_test
from mis_bridge.messages.compose import compose
from mis_bridge.messages.content import Tone
from mis_bridge.messages.model import Disclosure

SENT = (
    Reason.OPENED,
    Reason.LEVEL_RAISED,
    Reason.REOPENED,
    Reason.FOUND,
    Reason.EXPLAINED,
    Reason.CORRECTED,
    Reason.FEED_BACK,
    Reason.UNACKNOWLEDGED,
    Reason.LAPSED,
    Reason.UNSEEN,
    Reason.ACK_ENDING,
    Reason.STEP_OVERDUE,
    Reason.CHANNEL_FAILED,
    Reason.PACKAGE_READY,
    Reason.PACKAGE_APPROVED,
    Reason.PACKAGE_TO_UPLOAD,
    Reason.PACKAGE_REJECTED,
    Reason.PACKAGE_EXPIRED,
)


def _all_of(message: Any) -> str:
    return " ".join((message.subject, message.text, message.html, str(message.card)))


@pytest.mark.parametrize("reason", SENT)
@pytest.mark.parametrize("disclosure", [Disclosure.INITIALS, Disclosure.REFERENCE])
def test_no_name_leaves_in_the_default_disclosure(
    missing: Any, context: Any, reason: Any, disclosure: Any
) -> None:
    """Neither subject, text, HTML nor card holds it, for whatever reason they are sent."""
    message = build(missing, reason, "id", replace(context, disclosure=disclosure))

    said = _all_of(message)
    assert not re.search(r"\bAda\b", said)
    assert "Testpupil" not in said
    assert "4711" not in said
    assert missing.reference in message.subject


@pytest.mark.parametrize("reason", SENT)
def test_by_reference_nothing_about_the_pupil_is_said(
    missing: Any, context: Any, reason: Any
) -> None:
    """No initials, form, year group, lesson or sentence; the reference leads whoever may know."""
    message = build(missing, reason, "id", replace(context, disclosure=Disclosure.REFERENCE))

    said = _all_of(message)
    for withheld in ("A.T.", "8B", "Year 8", "P2", "P3", "marked N"):
        assert withheld not in said
    assert missing.reference in message.text


def test_initials_and_form_are_the_default_and_the_name_is_only_said_in_full(
    missing: Any, context: Any
) -> None:
    """Even then no name stands in the subject, which shows on locked screens."""
    usual = build(missing, Reason.OPENED, "id", context)
    full = build(missing, Reason.OPENED, "id", replace(context, disclosure=Disclosure.FULL))

    assert "A.T., 8B" in usual.text
    assert "Ada Testpupil, 8B" in full.text
    assert "Ada" not in full.subject


def test_steps_are_numbered_with_their_deadlines_and_done_ones_left_out(
    missing: Any, context: Any
) -> None:
    """What was done is not asked for again; what comes after the return is not asked yet."""
    text = build(missing, Reason.OPENED, "id", context).text
    assert "1. by 10:22: Search the site. (staff)" in text
    assert "Talk with the pupil" not in text

    done = replace(missing.steps[0], done_at=context.now, done_by="C. Caretaker")
    later = replace(missing, steps=(done, *missing.steps[1:]))
    assert "Search the site." not in build(later, Reason.UNACKNOWLEDGED, "id", context).text


def test_a_reminder_after_the_return_lists_what_is_left_to_do_then(
    missing: Any, context: Any
) -> None:
    """Not the search, which is over."""
    found = replace(missing, state=State.FOUND)

    said = compose(found, Reason.STEP_OVERDUE, context)

    assert [step.text for step in said.steps] == ["Talk with the pupil."]


def test_a_deadline_that_is_over_is_called_that(missing: Any, context: Any) -> None:
    """Whoever is told last sees at once what should have been done by now."""
    late = replace(context, now=context.now + timedelta(minutes=20))

    assert "1. by 10:22: Search" in build(missing, Reason.OPENED, "id", context).text
    assert "1. by 10:22, passed: Search" in build(missing, Reason.UNACKNOWLEDGED, "id", late).text


def test_found_says_where_and_what_is_left_to_do(missing: Any, context: Any) -> None:
    """As clear as the alert was."""
    found = replace(missing, state=State.FOUND, trigger="internal_truancy")
    content = compose(found, Reason.FOUND, context)

    assert content.title == "Found: seen again in school"
    assert content.lead.startswith("Seen again at 11:18 in P3.")
    assert content.tone is Tone.GOOD
    assert [step.text for step in content.steps] == ["Talk with the pupil."]


@pytest.mark.parametrize("base", ["", "http://bridge.school.example", "javascript:alert(1)"])
def test_only_an_https_link_is_a_link(missing: Any, context: Any, base: str) -> None:
    """Without a safe address the reference is enough to find the incident."""
    message = build(missing, Reason.OPENED, "id", replace(context, link_base=base))

    assert "actions" not in message.card["attachments"][0]["content"]
    assert "<a " not in message.html
    assert missing.reference in message.text


def test_the_link_leads_to_the_incident_by_its_reference(missing: Any, context: Any) -> None:
    """The address holds nothing but the reference."""
    content = compose(missing, Reason.OPENED, context)

    assert content.link == "https://bridge.school.example/incidents/MB-0VQ2-9GK2"


@pytest.mark.parametrize(
    ("trigger", "heading"),
    [
        ("missing_during_day", "What the registers show"),
        ("persistent_absence", "What the registers show"),
        ("feed_blind", "What is known"),
        ("channel_failing", "What is known"),
        ("certificate_expiring", "What is known"),
        ("not_watched", "What is known"),
    ],
)
def test_only_what_registers_show_is_called_so(
    missing: Any, context: Any, trigger: str, heading: str
) -> None:
    """A refused message and a reading that failed stand in no register."""
    message = build(replace(missing, trigger=trigger, family=trigger), Reason.OPENED, "id", context)

    for said in (message.text, message.html, str(message.card)):
        assert heading in said


def test_a_long_name_of_a_lesson_does_not_cost_the_subject_its_reference(
    missing: Any, context: Any
) -> None:
    """The reference is how a copy is recognised; a mail's subject is cut at 150 characters."""
    odd = replace(missing, trigger="register_not_taken", slot="Tuesday period two " * 20)
    subject = build(odd, Reason.OPENED, "id", context).subject

    assert len(subject) <= 150
    assert subject.endswith(f"… {missing.reference}")


def test_a_return_to_the_authority_says_who_sends_it_and_nothing_of_the_pupil(
    missing: Any, context: Any
) -> None:
    """The attached files hold the data; the mail around them does not."""
    message = build(missing, Reason.PACKAGE_APPROVED, "id", context)

    assert "Hilltop Invented School sends the attached notification" in message.text
    for withheld in ("A.T.", "8B", "P2"):
        assert withheld not in _all_of(message)


def test_the_authority_gets_no_link_into_the_school(missing: Any, context: Any) -> None:
    """Its people have no account there, and are not told how the school works."""
    message = build(missing, Reason.PACKAGE_APPROVED, "id", context)

    assert "https://" not in message.text
    assert "<a " not in message.html
    assert "actions" not in message.card["attachments"][0]["content"]
    assert "people decide and call" not in message.text


def test_a_message_about_a_channel_says_what_the_channel_did(missing: Any, context: Any) -> None:
    """IT hears of the channel, not of the pupil."""
    detail = "Channel dsl-teams: the flow was deleted."
    message = build(missing, Reason.CHANNEL_FAILED, "id", replace(context, detail=detail))

    assert detail in message.text
    assert "A.T." not in _all_of(message)


def test_a_test_message_says_that_nothing_has_happened(context: Any) -> None:
    """Nobody starts a search because of it."""
    message = build_test("id", context)

    assert message.subject == "[mis-bridge] Test message"
    assert "Nothing has happened: this is a test." in " ".join(message.text.split())


def test_the_subject_is_one_line_whatever_the_register_says(missing: Any, context: Any) -> None:
    """A line break in a subject would be a header of its own."""
    odd = replace(missing, trigger="register_not_taken", slot="P2\r\nBcc: all@evil.example")

    assert "\n" not in build(odd, Reason.OPENED, "id", context).subject
    assert "\r" not in build(odd, Reason.OPENED, "id", context).subject


@pytest.mark.parametrize("reason", [Reason.OPENED, Reason.LEVEL_RAISED, Reason.UNACKNOWLEDGED])
def test_who_is_asked_reads_until_when_and_how_to_answer(
    missing: Any, context: Any, reason: Any
) -> None:
    """An alert that climbs says so, and how to stop it, before it does."""
    waits = replace(missing, escalate_at=context.now + timedelta(minutes=14))

    footer = compose(waits, reason, context).footer

    assert "If nobody sees to it by 10:27, the next people are told." in footer
    assert f"mis-bridge incidents ack {missing.reference}." in footer


def test_nobody_is_asked_to_answer_where_nobody_waits_for_it(missing: Any, context: Any) -> None:
    """Taken on, over, a reminder, or nothing that climbs: there is nothing to stop."""
    waits = replace(missing, escalate_at=context.now + timedelta(minutes=14))
    taken_on = replace(waits, state=State.ACKNOWLEDGED, owner="A. Lead", escalate_at=None)
    for incident, reason in (
        (missing, Reason.OPENED),
        (taken_on, Reason.LEVEL_RAISED),
        (waits, Reason.FOUND),
        (waits, Reason.STEP_OVERDUE),
        (waits, Reason.PACKAGE_READY),
    ):
        assert "incidents ack" not in compose(incident, reason, context).footer


def test_a_time_that_has_passed_is_not_promised(missing: Any, context: Any) -> None:
    """A message that was held up by its channel: others may have been told by now."""
    late = replace(missing, escalate_at=context.now - timedelta(minutes=1))

    assert "If nobody sees to it, the next" in compose(late, Reason.OPENED, context).footer
