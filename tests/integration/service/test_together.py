"""What has one cause goes out as one message through the real daemon, Teams and mail."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mis_bridge.incidents.reasons import Reason
from mis_bridge.store import outbox

from .conftest import SCHOOL

if TYPE_CHECKING:
    from .conftest import Bench, Watched

AT_ONCE = "group_seconds = 0\nagain_seconds = 0"


def _held(watched: Watched) -> set[str]:
    with watched.store.reading() as tx:
        return {
            row.held
            for one in watched.incidents("unexplained_absence")
            for row in outbox.of_incident(tx, SCHOOL, one.id)
            if row.reason == Reason.OPENED
        }


async def test_the_absences_of_a_register_are_one_card_and_one_mail(bench: Bench) -> None:
    """Four pupils have not come: each telephone rings once, and each pupil can be answered for."""
    bench.edit(AT_ONCE, "group_seconds = 60")
    bench.session("AM", "08:50", **dict.fromkeys(bench.pupils[:4], "N"))
    async with bench.daemon() as watched:
        await watched.until("09:20", every=1)
        references = {one.reference for one in watched.incidents("unexplained_absence")}
        assert len(references) == 4
        assert _held(watched) == {Reason.GROUPED}

    (card,) = [str(post.content) for post in bench.webhook.posted]
    assert "Absent without explanation: 4 pupils" in card
    assert all(reference in card for reference in references)
    (mail,) = bench.mails_to("attendance")
    assert "Absent without explanation: 4 pupils" in str(mail.message["Subject"])
    assert set(str(mail.message["X-Mis-Bridge-Id"]).split()) == references
    assert len(str(mail.message["References"]).split()) == 4


@pytest.mark.thorough
async def test_their_ends_come_together_too_and_a_single_one_as_ever(bench: Bench) -> None:
    """Three come in with one correction of the register: one message; the fourth has its own."""
    bench.edit(AT_ONCE, "group_seconds = 60")
    bench.session("AM", "08:50", **dict.fromkeys(bench.pupils[:4], "N"))
    async with bench.daemon() as watched:
        await watched.until("09:20", every=1)
        bench.session("AM", "09:25", **{bench.pupils[3]: "N"})
        await watched.until("09:40", every=1)
        bench.session("AM", "09:45", **{bench.pupils[3]: "I"})
        await watched.until("10:00", every=1)

    titles = [str(mail.message["Subject"]).strip() for mail in bench.mails_to("attendance")]
    assert [title.partition(" MB-")[0] for title in titles] == [
        "[mis-bridge] Absent without explanation: 4 pupils",
        "[mis-bridge] Found, in school after all: 3 pupils",
        "[mis-bridge] Explained: absent without explanation",
    ]
