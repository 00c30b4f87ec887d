"""A year of marks: realistic rates, and reasons that come late."""

from __future__ import annotations

from datetime import UTC, date, datetime

from mis_bridge.registers.codes import NOT_TAKEN, to_byte
from mis_bridge.simulator.history import instant, write_history
from mis_bridge.simulator.school import build_school

ABSENT = frozenset(map(to_byte, "CEGIMNOU"))


def test_rates_are_those_of_a_secondary_school() -> None:
    """About 7 % absence, about a tenth persistent, a few severe (DfE statistics)."""
    history = write_history(build_school(2026, 1000))
    shares = [sum(mark in ABSENT for mark in marks) / len(marks) for marks in history.marks]
    assert 0.06 <= sum(shares) / len(shares) <= 0.08
    assert 80 <= sum(share >= 0.1 for share in shares) <= 180
    assert 5 <= sum(share >= 0.5 for share in shares) <= 25


def test_equal_seeds_give_equal_years() -> None:
    """Two histories of one school are equal, corrections included."""
    school = build_school(4, 40)
    assert write_history(school) == write_history(school)


def test_nothing_is_left_unexplained_for_ever() -> None:
    """N is a first mark only, and is put right within 5 school days (reg 10(9), SI 2024/208)."""
    history = write_history(build_school(4, 200))
    assert all(to_byte("N") not in marks for marks in history.marks)
    firsts = [change for change in history.corrections.values() if change.first == to_byte("N")]
    assert firsts
    assert all(change.days <= 5 for change in firsts)


def test_keys_lead_back() -> None:
    """A mark's key gives back its pupil, day and session."""
    history = write_history(build_school(4, 20))
    for pupil, index in ((0, 0), (7, 1), (19, 379)):
        day = history.school.days[index // 2]
        assert history.place(history.key(pupil, index)) == (pupil, day, index % 2 == 1)


def test_untaken_registers_have_no_rows() -> None:
    """A register that was not taken leaves no mark at all, neither presence nor absence."""
    school = build_school(4, 800)
    history = write_history(school)
    codes = {code for _, _, code in history.versions()}
    assert NOT_TAKEN not in codes
    gaps = sum(marks.count(NOT_TAKEN) for marks in history.marks)
    assert gaps > 0


def test_instants_know_summer_time() -> None:
    """08:50 local is 07:50 UTC in September and 08:50 UTC in November."""
    for day, hour in ((date(2026, 9, 3), 7), (date(2026, 11, 17), 8)):
        expected = datetime(day.year, day.month, day.day, hour, 50, tzinfo=UTC)
        assert instant(day, 8 * 60 + 50) == expected.timestamp() * 1_000_000


def test_settled_by_brings_corrections_forward() -> None:
    """With a moment given, no version is saved later than it, and the last marks are the same."""
    school = build_school(4, 60)
    history = write_history(school)
    by = datetime(2026, 9, 20, tzinfo=UTC)
    days = [day for day in school.days if day < by.date()]
    free, settled = (list(history.versions(days, settled_by=moment)) for moment in (None, by))
    assert max(saved for saved, _, _ in settled) <= by.timestamp() * 1_000_000
    assert {(key, code) for _, key, code in free} == {(key, code) for _, key, code in settled}
