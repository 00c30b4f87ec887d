"""What is said of an incident, for which reason, and what is withheld."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from mis_bridge.incidents.families import ASKED_FOR
from mis_bridge.incidents.model import State
from mis_bridge.incidents.reasons import Reason
from mis_bridge.messages.build import build, build_test
from mis_bridge.messages.compose import Tone, compose, pupil_label
from mis_bridge.messages.model import Disclosure, PupilIdentity
from mis_bridge.messages.wording import WORDING, wording_of
from mis_bridge.triggers.catalogue import TRIGGERS

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
PACKAGES = [reason for reason in SENT if reason.startswith("package_")]


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


@pytest.mark.parametrize(
    ("identity", "disclosure", "label"),
    [
        (PupilIdentity("1", "o'Brien", "siân"), Disclosure.INITIALS, "S.O."),
        (PupilIdentity("1", "", "Ada", "", 0), Disclosure.INITIALS, "A., Reception"),
        (PupilIdentity("1", "*Łukasz", "'Éva", "8B"), Disclosure.INITIALS, "É.Ł., 8B"),
        (PupilIdentity("1", "李", "Mei", "8B"), Disclosure.INITIALS, "M., 8B"),
        (PupilIdentity("1", "李", "伟", "8B"), Disclosure.INITIALS, "initials not given, 8B"),
        (PupilIdentity("1", "李", "伟", "8B"), Disclosure.FULL, "伟 李, 8B"),
        (PupilIdentity("1", "Testpupil", "", "", -1), Disclosure.FULL, "Testpupil, Nursery"),
        (PupilIdentity("1", "", "", "", 11), Disclosure.INITIALS, "name not known, Year 11"),
        (
            PupilIdentity("1", "Testpupil", "Ada", "8B", alike=1),
            Disclosure.INITIALS,
            "A.T., 8B (2 pupils of the form have these initials: open the incident to see which)",
        ),
        (
            PupilIdentity("1", "Testpupil", "Ada", "8B", alike=1),
            Disclosure.FULL,
            "Ada Testpupil, 8B (2 pupils of the form have this name: make sure which)",
        ),
        (PupilIdentity("1", "Testpupil", "Ada", "8B", alike=1), Disclosure.REFERENCE, ""),
        (None, Disclosure.INITIALS, "not on the roll that was read"),
        (None, Disclosure.REFERENCE, ""),
    ],
)
def test_what_a_pupil_is_called(identity: Any, disclosure: Any, label: str) -> None:
    """Initials with the form, or the year group where there is no form; never a whole name.

    The first character of a Chinese name is the name, and a name of one letter is its own initial.
    Where two of a form are called the same it is said: nobody shall look for the wrong twin.
    """
    assert pupil_label(identity, disclosure) == label


def test_the_title_names_the_level_and_the_lead_what_happened(missing: Any, context: Any) -> None:
    """A DSL in a hurry reads two lines and knows."""
    content = compose(missing, Reason.OPENED, context)

    assert content.title == "Missing during the day, level 2"
    assert content.lead == "In school at P1, marked absent in P2 (10:02). Not signed out."
    assert content.tone is Tone.ATTENTION


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


def test_an_acknowledgement_that_ran_out_is_not_called_no_answer(
    missing: Any, context: Any
) -> None:
    """Somebody did answer: the next people read that it was so, and that it is so no more."""
    content = compose(missing, Reason.LAPSED, context)

    assert content.title.startswith("Nobody sees to it any more: missing during the day")
    assert "somebody saw to it, and has not said so again" in content.lead
    assert "nobody has" not in f"{content.lead} {content.footer}"


def test_a_reminder_names_the_steps_that_are_late_and_by_when_they_were_due(
    missing: Any, context: Any
) -> None:
    """In the first sentence, by reference too: a step says nothing of the pupil."""
    at = missing.opened_at + timedelta(minutes=11)
    late = replace(missing, steps=(replace(missing.steps[0], reminded_at=at), *missing.steps[1:]))
    by_reference = replace(context, now=at, disclosure=Disclosure.REFERENCE)

    said = compose(late, Reason.STEP_OVERDUE, replace(context, now=at))

    assert said.title == "Not written down as done: missing during the day, level 2"
    assert said.lead.startswith(
        "Late, and nobody has written that it was done: “Search the site” (staff, by 10:22)."
    )
    assert missing.sentence in said.lead
    assert "Search the site" in compose(late, Reason.STEP_OVERDUE, by_reference).lead
    assert missing.sentence not in compose(late, Reason.STEP_OVERDUE, by_reference).lead


def test_a_reminder_after_the_return_lists_what_is_left_to_do_then(
    missing: Any, context: Any
) -> None:
    """Not the search, which is over."""
    found = replace(missing, state=State.FOUND)

    said = compose(found, Reason.STEP_OVERDUE, context)

    assert [step.text for step in said.steps] == ["Talk with the pupil."]


def test_an_acknowledgement_that_runs_out_names_its_owner_and_its_end(
    missing: Any, context: Any
) -> None:
    """Whoever reads it knows whom to ask, and what happens then."""
    owned = replace(
        missing,
        state=State.ACKNOWLEDGED,
        owner="A. Lead",
        ack_expires_at=missing.opened_at + timedelta(hours=2),
    )

    said = compose(owned, Reason.ACK_ENDING, context)

    assert said.title == "Still being seen to? Missing during the day, level 2"
    assert said.lead.startswith("A. Lead sees to it until 12:12 and has not said so again.")


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


@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        (0, "read at 10:13, just now"),
        (1, "read at 10:12, 1 minute ago"),
        (15, "read at 09:58, 15 minutes ago"),
        (16, "read at 09:57, 16 minutes ago: anything newer is not known"),
        (180, "read at 07:13, 3 hours ago: anything newer is not known"),
        (24 * 60, "read at Wed 11 Nov 10:13, 24 hours ago: anything newer is not known"),
    ],
)
def test_the_age_of_the_registers_is_said(
    missing: Any, context: Any, minutes: int, said: str
) -> None:
    """Older than 15 minutes, it is said in so many words what that means."""
    read = context.now - timedelta(minutes=minutes)
    content = compose(missing, Reason.OPENED, replace(context, data_as_of=read))

    assert dict(content.facts)["Registers"] == said


@pytest.mark.parametrize(
    ("delay", "minutes", "since", "behind"),
    [
        (10, 12, "10:01", "10 minutes behind"),
        (30, 33, "09:40", "30 minutes behind; anything newer is not known"),
        (24 * 60, 1445, "Wed 11 Nov 10:08", "24 hours behind; anything newer is not known"),
    ],
)
def test_what_the_mis_may_be_behind_is_part_of_the_age(
    missing: Any, context: Any, delay: int, minutes: int, since: str, behind: str
) -> None:
    """Nobody takes the moment of the reading for the moment of the data."""
    known = context.now - timedelta(minutes=minutes)
    told = replace(context, data_as_of=known, delay=timedelta(minutes=delay))

    said = dict(compose(missing, Reason.OPENED, told).facts)["Registers"]
    assert said == f"as of {since} or later: the MIS may have been {behind}"


def test_registers_that_were_never_read_are_not_called_fresh(missing: Any, context: Any) -> None:
    """No reading is not a recent reading."""
    content = compose(missing, Reason.OPENED, replace(context, data_as_of=None))

    assert "not read yet" in dict(content.facts)["Registers"]


def test_summer_times_are_london_times(missing: Any, context: Any) -> None:
    """09:12 UTC on a day in June is 10:12 in school."""
    from datetime import UTC, datetime

    june = datetime(2026, 6, 11, 9, 12, tzinfo=UTC)
    content = compose(
        replace(missing, opened_at=june), Reason.OPENED, replace(context, now=june, data_as_of=june)
    )

    assert dict(content.facts)["Raised"] == "10:12 today, Thu 11 Jun"


def test_when_the_child_was_last_seen_is_not_when_the_alert_was_raised(
    missing: Any, context: Any
) -> None:
    """Seen at 09:00, raised at 10:12 after the grace: whoever searches needs the first."""
    seen = replace(missing, facts={"last_seen": "P1"})
    facts = dict(compose(seen, Reason.OPENED, context).facts)

    assert facts["Last seen"] == "09:00 in P1"
    assert facts["Raised"] == "10:12 today, Thu 12 Nov"
    assert "Since" not in facts
    assert "Last seen" not in dict(compose(seen, Reason.FOUND, context).facts)


@pytest.mark.parametrize("last_seen", ["", "P9"])
def test_a_sighting_without_a_mark_of_its_own_is_left_to_the_sentence(
    missing: Any, context: Any, last_seen: str
) -> None:
    """A pupil who signed in at the desk has no register to name; nothing is made up."""
    seen = replace(missing, facts={"last_seen": last_seen})

    assert "Last seen" not in dict(compose(seen, Reason.OPENED, context).facts)


def test_a_run_of_days_counts_from_its_first_day(missing: Any, context: Any) -> None:
    """Ten school days since 22 October are not "since" the day on which they were complete."""
    run = replace(
        missing,
        family="ten_day_absence",
        trigger="ten_day_absence",
        facts={"first_day": "2026-10-22", "days": 10},
    )
    facts = dict(compose(run, Reason.OPENED, context).facts)

    assert facts["Since"] == "Thu 22 Oct 2026"
    assert facts["Raised"] == "Thu 12 Nov 2026"


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


def test_how_old_the_registers_are_is_not_said_of_a_channel(missing: Any, context: Any) -> None:
    """IT mends a channel; the registers have nothing to do with it."""
    broken = replace(missing, pupil="", trigger="channel_failing", family="channel_failing")

    assert "Registers" not in dict(compose(broken, Reason.OPENED, context).facts)


def test_a_long_name_of_a_lesson_does_not_cost_the_subject_its_reference(
    missing: Any, context: Any
) -> None:
    """The reference is how a copy is recognised; a mail's subject is cut at 150 characters."""
    odd = replace(missing, trigger="register_not_taken", slot="Tuesday period two " * 20)
    subject = build(odd, Reason.OPENED, "id", context).subject

    assert len(subject) <= 150
    assert subject.endswith(f"… {missing.reference}")


def test_whoever_sees_to_it_is_named(missing: Any, context: Any) -> None:
    """So that nobody calls the parents twice."""
    taken = replace(missing, state=State.ACKNOWLEDGED, owner="A. Lead")

    assert dict(compose(taken, Reason.LEVEL_RAISED, context).facts)["Seen to by"] == "A. Lead"


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


def test_the_authority_reads_what_kind_of_notification_it_gets(missing: Any, context: Any) -> None:
    """A child missing education is another desk than an attendance return."""
    kind = "Notification of a child missing education"
    message = build(missing, Reason.PACKAGE_APPROVED, "id", replace(context, detail=kind))

    assert message.subject == f"[mis-bridge] {kind} {missing.reference}"


@pytest.mark.parametrize("reason", [Reason.PACKAGE_REJECTED, Reason.PACKAGE_EXPIRED])
def test_a_package_that_is_over_asks_for_no_approval(
    missing: Any, context: Any, reason: Any
) -> None:
    """It can not be approved any more; what is said is that nothing was sent."""
    content = compose(missing, reason, context)

    assert "nothing was sent" in content.lead.lower()
    assert content.steps == ()


@pytest.mark.parametrize("reason", PACKAGES)
def test_what_a_person_asked_for_is_not_called_a_notification_to_the_authority(
    missing: Any, context: Any, reason: Any
) -> None:
    """It may be for the virtual school, or for a person; what the registers ask for is one."""
    asked_for = replace(missing, family=ASKED_FOR.id, trigger=ASKED_FOR.id)

    assert "Local Authority" not in compose(asked_for, reason, context).title
    assert "Local Authority" in compose(missing, reason, context).title


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


def test_every_trigger_has_words_of_its_own() -> None:
    """A new trigger without words would be called by its id; this list is complete."""
    assert set(WORDING) == set(TRIGGERS)
    assert wording_of("left_quietly").title == "Left quietly"


@pytest.mark.parametrize("trigger", sorted(TRIGGERS))
def test_titles_are_short_enough_for_a_telephones_subject_line(trigger: str) -> None:
    """Beyond about 60 characters a telephone cuts the subject."""
    assert len(f"[mis-bridge] {wording_of(trigger).title}") <= 60


def test_the_subject_is_one_line_whatever_the_register_says(missing: Any, context: Any) -> None:
    """A line break in a subject would be a header of its own."""
    odd = replace(missing, trigger="register_not_taken", slot="P2\r\nBcc: all@evil.example")

    assert "\n" not in build(odd, Reason.OPENED, "id", context).subject
    assert "\r" not in build(odd, Reason.OPENED, "id", context).subject


def test_the_authority_hears_in_its_own_words(missing: Any, context: Any) -> None:
    """School, document, reference and authority are put in; nothing of the child can be."""
    letter = "OFFICIAL-SENSITIVE. {title} {reference} of {school} for {authority}. {pupil}"
    own = replace(context, letter=letter, detail="Attendance return")

    content = compose(missing, Reason.PACKAGE_APPROVED, own)

    assert content.lead == (
        f"OFFICIAL-SENSITIVE. Attendance return {missing.reference} of Hilltop Invented School for "
        "Invented Council. {pupil}"
    )
    usual = compose(missing, Reason.PACKAGE_APPROVED, replace(own, letter=""))
    assert "sends the attached notification" in usual.lead
