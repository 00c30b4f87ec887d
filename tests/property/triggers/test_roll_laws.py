"""What holds of the roll's triggers on every day, whatever happened."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from mis_bridge.registers.calendar import AcademicYear, SchoolCalendar
from mis_bridge.triggers.catalogue import assess_history, assess_roll
from mis_bridge.triggers.roll_model import Enrolment, Episode, EpisodeKind, SchoolRoll

FIRST = date(2026, 9, 2)
CALENDAR = SchoolCalendar(AcademicYear(2026), FIRST, date(2027, 7, 21))
WINDOW, ENOUGH = 20, 3
SETTINGS = {"repeat_missing": {"window_days": WINDOW, "episodes": ENOUGH}}


@given(st.sets(st.integers(0, 80), max_size=25))
def test_repeat_missing_is_true_exactly_while_there_are_enough(days: set[int]) -> None:
    """Counted afresh each day; one stretch of such days is one matter, and two are two."""
    episodes = [Episode("P-1", FIRST + timedelta(days=n), EpisodeKind.MISSING) for n in days]
    before, names = "", []
    for n in range(110):
        found = assess_history(episodes, FIRST + timedelta(days=n), SETTINGS).findings
        enough = sum(n - WINDOW < day <= n for day in days) >= ENOUGH

        assert bool(found) == enough
        name = found[0].episode if found else ""
        if name and name != before:
            assert before == ""  # never from one matter straight into another
            names.append(name)
        before = name
    assert len(names) == len(set(names))


@given(
    st.dates(date(2026, 9, 3), date(2027, 7, 1)),
    st.integers(-1, 13) | st.none(),
    st.sets(st.sampled_from(["lac", "sen", "cp"])),
)
def test_a_leaver_stays_one_matter_and_only_rises(
    left: date, group: int | None, flags: set[str]
) -> None:
    """From the day after the last one on roll, without a gap, to the end of the look back."""
    pupil = Enrolment("P-1", FIRST, left, year_group=group, flags=frozenset(flags))
    stays = [Enrolment(f"S-{n}", year_group=11) for n in range(5)]
    roll = SchoolRoll([pupil, *stays], CALENDAR)
    seen = []
    for n in range(-2, 200):
        found = assess_roll(roll, left + timedelta(days=n), {}).findings
        seen.append(found[0] if found else None)

    true = [n for n, finding in enumerate(seen, start=-2) if finding is not None]
    assert true in ([], list(range(1, 181)))
    there = [finding for finding in seen if finding is not None]
    assert len({finding.identity for finding in there}) <= 1
    assert [finding.level for finding in there] == sorted(finding.level for finding in there)
    if group is not None and not 0 <= group <= 11:
        assert there == []
