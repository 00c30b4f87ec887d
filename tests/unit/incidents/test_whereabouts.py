"""An absence without a reason: told on the authority's first day, again when it is to be told."""

from __future__ import annotations

from datetime import date
from typing import Any

from mis_bridge.incidents.model import Outcome, Scope
from mis_bridge.incidents.reasons import Reason
from mis_bridge.triggers.model import Audience, Kind

STRIP = Scope(Kind.STRIP, date(2026, 11, 12))
RUN = {"slot": "", "day": date(2026, 11, 9), "episode": "2026-11-05"}


def test_the_day_on_which_the_authority_is_told_raises_what_was_opened_for_the_enquiries(
    world: Any,
) -> None:
    """One incident from the enquiries to the referral; people hear of both."""
    first = world.look("14:00", world.finding("whereabouts_unknown", "13:30", **RUN), scope=STRIP)
    assert {plan.audience for plan in first.messages} == {Audience.ATTENDANCE, Audience.DSL}
    assert world.only.severity == "normal"
    assert [step.id for step in world.only.steps][:3] == ["danger_first", "enquire", "home_visit"]

    same = world.look("15:00", world.finding("whereabouts_unknown", "13:30", **RUN), scope=STRIP)
    assert not same.messages

    due = world.finding("whereabouts_unknown", "13:30", level=2, **RUN)
    raised = world.look("15:30", due, scope=STRIP)
    assert {plan.reason for plan in raised.messages} == {Reason.LEVEL_RAISED}
    assert world.only.severity == "high"


def test_it_prepares_no_notification_and_its_end_is_heard(world: Any) -> None:
    """A child on roll is never sent as missing education; who was told hears of the end."""
    opened = world.look("14:00", world.finding("whereabouts_unknown", "13:30", **RUN), scope=STRIP)
    over = world.look("16:00", scope=STRIP)

    assert not opened.packages
    assert {plan.audience for plan in over.messages} == {Audience.ATTENDANCE, Audience.DSL}
    assert world.only.outcome == Outcome.CORRECTED
