"""Laws that hold of every school day, whatever was marked and whenever it was saved."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mis_bridge.registers.calendar import local_datetime
from mis_bridge.registers.codes import to_byte
from mis_bridge.registers.day_sheet import DayEvent, DaySheet, Entry, Slot, SlotKind
from mis_bridge.triggers.catalogue import assess_day
from mis_bridge.triggers.day_walk import AHEAD, is_filled_in, walk
from mis_bridge.triggers.model import Assessment, PupilDay, SchoolDay

DAY = date(2026, 9, 15)
MINUTES = st.integers(500, 960)
AM = Slot("AM", SlotKind.SESSION, 525, 735, 555)
P1 = Slot("P1", SlotKind.LESSON, 535, 595)
P2 = Slot("P2", SlotKind.LESSON, 595, 655)
TRIGGERS_OF_ABSENCE = {"missing_during_day", "unexplained_absence"}


def look(pupils: list[PupilDay], minute: int) -> Assessment:
    """Look at these pupils' day at a minute."""
    return assess_day(SchoolDay(DAY, pupils), local_datetime(DAY, minute), {})


def whole(assessment: Assessment) -> tuple[Any, ...]:
    """Give findings and what is held, whatever the order of the held."""
    held = sorted((finding.identity, reason) for finding, reason in assessment.held)
    return assessment.findings, held


class TestDayLaws:
    """The laws; a class only because the strategies need one fixture."""

    @given(data=st.data(), minute=MINUTES)
    def test_the_same_day_gives_the_same_answer(
        self, pupil_day_of: Any, data: st.DataObject, minute: int
    ) -> None:
        """Looking twice, or looking in between at another minute, changes nothing."""
        pupils = [data.draw(pupil_day_of(minute, f"P-{n}")) for n in range(3)]

        first = look(pupils, minute)
        look(pupils, minute + 60)

        assert look(pupils, minute) == first

    @given(data=st.data(), minute=MINUTES)
    def test_the_order_of_entries_and_pupils_is_irrelevant(
        self, pupil_day_of: Any, data: st.DataObject, minute: int
    ) -> None:
        """Marks and pupils that come in another order give the same findings."""
        pupils = [data.draw(pupil_day_of(minute, f"P-{n}")) for n in range(3)]
        shuffled = []
        order = random.Random(data.draw(st.integers(0, 999)))  # noqa: S311 - a test's order
        for pupil in pupils:
            entries = list(pupil.sheet.entries)
            order.shuffle(entries)
            shuffled.append(replace(pupil, sheet=DaySheet(DAY, tuple(entries))))
        order.shuffle(shuffled)

        assert whole(look(shuffled, minute)) == whole(look(pupils, minute))

    @given(data=st.data(), minute=MINUTES)
    def test_nothing_changes_before_the_next_look(
        self, pupil_day_of: Any, data: st.DataObject, minute: int
    ) -> None:
        """Between now and look_again, time alone changes no finding; without it, never."""
        pupils = [data.draw(pupil_day_of(minute, f"P-{n}")) for n in range(2)]
        now = look(pupils, minute)
        last = 24 * 60
        if now.look_again is not None:
            assert now.look_again > local_datetime(DAY, minute)
            midnight = local_datetime(DAY, 0)
            last = (now.look_again - midnight) // timedelta(minutes=1)
        between = data.draw(st.integers(minute, last - 1))

        assert whole(look(pupils, between)) == whole(now)

    @given(data=st.data(), minute=st.integers(600, 800))
    def test_nothing_of_a_class_changes_before_the_next_look(
        self, class_of: Any, data: st.DataObject, minute: int
    ) -> None:
        """The same where registers are odd: raising them and letting pupils through is awaited."""
        pupils = data.draw(class_of(minute))
        settings = {"register_anomaly": {"release_minutes": data.draw(st.sampled_from([0, 20]))}}
        school_day = SchoolDay(DAY, pupils)
        now = assess_day(school_day, local_datetime(DAY, minute), settings)
        last = 24 * 60
        if now.look_again is not None:
            last = (now.look_again - local_datetime(DAY, 0)) // timedelta(minutes=1)
        between = local_datetime(DAY, data.draw(st.integers(minute, last - 1)))

        assert whole(assess_day(school_day, between, settings)) == whole(now)

    @given(data=st.data(), minute=MINUTES)
    def test_a_sighting_never_makes_a_child_missing(
        self, pupil_day_of: Any, data: st.DataObject, minute: int
    ) -> None:
        """A sign-in now closes every search and opens none."""
        pupil = data.draw(pupil_day_of(minute))
        seen = replace(
            pupil,
            events=tuple(
                sorted((*pupil.events, DayEvent(minute, "sign_in")), key=lambda one: one.minute)
            ),
        )

        after = look([seen], minute).findings

        assert not [one for one in after if one.trigger == "unexplained_absence"]
        for one in after:
            if one.trigger == "missing_during_day":
                # Only a register of a lesson that begins later can still miss the child.
                starts = {slot.name: slot.starts for slot, _ in pupil.sheet.entries}
                assert starts[one.slot] >= minute

    @given(data=st.data(), minute=MINUTES)
    def test_a_present_mark_never_adds_a_missing_finding_for_a_child_who_was_seen(
        self, pupil_day_of: Any, data: st.DataObject, minute: int
    ) -> None:
        """Changing a mark to present takes signals away; it adds none to a search that is on."""
        pupil = data.draw(pupil_day_of(minute))
        before = {one.trigger for one in look([pupil], minute).findings}
        if not pupil.sheet.entries or pupil.events:
            return
        entries = list(pupil.sheet.entries)
        place = data.draw(st.integers(0, len(entries) - 1))
        slot, old = entries[place]
        if slot.starts > minute or (slot.is_session and old.code != to_byte("N")):
            return
        entries[place] = (slot, Entry(to_byte("/"), min(minute, 930)))
        present = replace(pupil, sheet=DaySheet(DAY, tuple(entries)))

        after = {one.trigger for one in look([present], minute).findings}

        if walk(pupil, minute).sightings and "missing_during_day" not in before:
            assert "missing_during_day" not in after
        assert "unexplained_absence" not in after

    @given(data=st.data(), minute=MINUTES, later=st.integers(0, 400))
    def test_time_alone_takes_no_missing_child_away_and_no_level_down(
        self, pupil_day_of: Any, data: st.DataObject, minute: int, later: int
    ) -> None:
        """With nothing new read, a child who is missing now is missing later, no less urgently.

        Registers of lessons that have begun only: one that was opened for the next lesson may see
        the child. Events are left out for the same reason.
        """
        pupil = data.draw(pupil_day_of(minute))
        begun = tuple(
            (slot, entry)
            for slot, entry in pupil.sheet.entries
            if slot.starts <= minute or is_filled_in(slot, entry)
        )
        pupil = replace(pupil, sheet=DaySheet(DAY, begun), events=())

        def missing(at: int) -> dict[str, int]:
            return {
                one.pupil: one.level
                for one in look([pupil], at).findings
                if one.trigger == "missing_during_day"
            }

        now, then = missing(minute), missing(minute + later)

        assert all(then.get(name, 0) >= level for name, level in now.items())

    @given(data=st.data(), minute=st.integers(600, 960))
    def test_a_register_filled_in_hours_ahead_is_as_good_as_none(
        self, pupil_day_of: Any, data: st.DataObject, minute: int
    ) -> None:
        """Present marks that were there long before their lesson change no finding at all."""
        pupil = data.draw(pupil_day_of(minute))
        present = [to_byte(code) for code in "/\\LU&"]
        place = data.draw(st.integers(0, len(pupil.sheet.entries)))
        marks = list(pupil.sheet.entries)
        if place == len(marks) or marks[place][0].is_session:
            return
        slot = marks[place][0]
        marks[place] = (slot, Entry(data.draw(st.sampled_from(present)), slot.starts - AHEAD - 1))
        filled = replace(pupil, sheet=DaySheet(DAY, tuple(marks)))
        without = replace(filled, sheet=DaySheet(DAY, (*marks[:place], *marks[place + 1 :])))

        def said(day: PupilDay) -> list[tuple[Any, ...]]:
            found = look([day], minute).findings
            return [(one.identity, one.level, one.fired_at, one.raised_at) for one in found]

        assert said(filled) == said(without)

    @given(data=st.data(), minute=st.integers(680, 960))
    def test_a_corrected_morning_mark_finds_no_child_who_is_missing_since(
        self, pupil_day_of: Any, data: st.DataObject, minute: int
    ) -> None:
        """N of the morning becomes L or U: who was seen in P1 and is missing since P2 still is."""
        pupil = data.draw(pupil_day_of(minute))
        marks = [one for one in pupil.sheet.entries if one[0].name not in ("AM", "P1", "P2")]
        marks += [
            (P1, Entry(to_byte("/"), 540)),
            (P2, Entry(to_byte("N"), 600)),
        ]

        def missing(morning: str) -> list[tuple[Any, ...]]:
            day = DaySheet(DAY, (*marks, (AM, Entry(to_byte(morning), minute))))
            found = look([replace(pupil, sheet=day, events=())], minute).findings
            return [one.identity for one in found if one.trigger == "missing_during_day"]

        assert missing("L") == missing("U") == missing("N")

    @given(data=st.data(), read=MINUTES, later=st.integers(0, 500))
    def test_a_blind_feed_yields_no_absence(
        self, pupil_day_of: Any, data: st.DataObject, read: int, later: int
    ) -> None:
        """Once the data is too old, nothing is told that was not true before it was."""
        pupils = [data.draw(pupil_day_of(read, f"P-{n}")) for n in range(2)]
        school_day = SchoolDay(
            DAY, pupils, local_datetime(DAY, read), local_datetime(DAY, min(read, 450))
        )
        blind = local_datetime(DAY, read + 15)

        told = assess_day(school_day, local_datetime(DAY, read + later), {})

        assert all(one.fired_at <= blind for one in told.findings)
        assert all(one.fired_at > blind for one, why in told.held if why == "feed_blind")

    @given(data=st.data(), minute=MINUTES)
    def test_blanks_never_make_a_child_absent_or_present(
        self, pupil_day_of: Any, data: st.DataObject, minute: int
    ) -> None:
        """Taking all blank entries away changes no finding but those about untaken registers."""
        pupil = data.draw(pupil_day_of(minute))
        marked = tuple(one for one in pupil.sheet.entries if one[1].code != to_byte("-"))
        without = replace(pupil, sheet=DaySheet(DAY, marked))
        if {s.name for s, _ in marked if s.is_session} != {
            s.name for s, _ in pupil.sheet.entries if s.is_session
        }:
            return  # without its session slot the day has no afternoon to tell lessons apart by

        def absences(day: PupilDay) -> list[tuple[str, str, int]]:
            return [
                (one.trigger, one.slot, one.level)
                for one in look([day], minute).findings
                if one.trigger != "register_not_taken"
            ]

        assert absences(pupil) == absences(without)

    @given(data=st.data(), minute=MINUTES)
    def test_no_child_is_two_things_at_once(
        self, pupil_day_of: Any, data: st.DataObject, minute: int
    ) -> None:
        """Never seen, or seen and missing: a pupil is unexplained or missing, never both."""
        found = {one.trigger for one in look([data.draw(pupil_day_of(minute))], minute).findings}

        assert not found >= TRIGGERS_OF_ABSENCE

    @given(data=st.data(), minute=MINUTES)
    def test_no_finding_is_from_the_future_or_out_of_order(
        self, pupil_day_of: Any, data: st.DataObject, minute: int
    ) -> None:
        """Fired before or at now, raised between; evidence in the order of its times."""
        pupils = [data.draw(pupil_day_of(minute, f"P-{n}")) for n in range(3)]
        now = local_datetime(DAY, minute)

        for one in look(pupils, minute).findings:
            assert one.fired_at <= one.raised_at <= now
            times = [fact.at for fact in one.evidence if fact.at is not None]
            assert times == sorted(times)
            assert one.sentence.endswith((".", "?"))

    @given(data=st.data(), minute=st.integers(600, 800))
    def test_a_finding_in_a_class_is_told_or_held_and_never_lost(
        self, class_of: Any, data: st.DataObject, minute: int
    ) -> None:
        """What the same pupil alone would have raised is told or held in a whole class."""
        pupils = data.draw(class_of(minute))
        alone = {one.identity for pupil in pupils for one in look([pupil], minute).findings}

        together = look(pupils, minute)

        told = {one.identity for one in together.findings if one.pupil}
        held = {one.identity for one, _ in together.held}
        assert told | held == alone
        assert not told & held
