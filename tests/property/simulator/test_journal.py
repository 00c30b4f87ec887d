"""The journal against the plainest possible model of a table with an ``updated_at``."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mis_bridge.simulator.journal import GONE, Journal

versions = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, 8), st.integers(GONE, 3)), max_size=40
)


def table(rows: list[tuple[int, int, int]], as_of: int) -> dict[int, tuple[int, int]]:
    """Play the versions into a dictionary: key to (updated, value), deleted rows left out."""
    latest: dict[int, tuple[int, int]] = {}
    for saved, key, value in sorted(rows, key=lambda row: row[0]):
        if saved <= as_of:
            latest[key] = (saved, value)
    return {key: row for key, row in latest.items() if row[1] != GONE}


def rows_of(journal: Journal, positions: list[int]) -> list[tuple[int, int, int]]:
    """Give the versions at places of a journal."""
    return [journal.version(position) for position in positions]


@given(versions, st.integers(0, 30))
def test_shows_what_a_table_would_hold(rows: list[tuple[int, int, int]], as_of: int) -> None:
    """At any moment the journal shows one row a key: the latest saved up to then."""
    journal = Journal(rows)
    seen = rows_of(journal, journal.rows(journal.span(as_of), as_of))
    assert {key: (saved, value) for saved, key, value in seen} == table(rows, as_of)
    assert len({key for _, key, _ in seen}) == len(seen)


@given(versions, st.integers(0, 30), st.integers(0, 30))
def test_updated_after_gives_the_rows_changed_since(
    rows: list[tuple[int, int, int]], after: int, as_of: int
) -> None:
    """``updated_after`` gives exactly the rows of the table whose time is later."""
    journal = Journal(rows)
    seen = rows_of(journal, journal.rows(journal.span(as_of, after), as_of))
    expected = {key: row for key, row in table(rows, as_of).items() if row[0] > after}
    assert {key: (saved, value) for saved, key, value in seen} == expected


@given(versions, st.integers(0, 30), st.integers(1, 12))
def test_pages_partition_the_rows(rows: list[tuple[int, int, int]], as_of: int, limit: int) -> None:
    """Pages of any size hold every row once, in order; only the last may be short."""
    journal = Journal(rows)
    span = journal.span(as_of)
    pages = []
    start: int | None = span.start
    while start is not None:
        page = journal.page(range(start, span.stop), as_of, limit)
        pages.append(page.positions)
        start = page.next
    assert [place for page in pages for place in page] == journal.rows(span, as_of)
    assert all(len(page) == limit for page in pages[:-1])
    assert len(pages[-1]) > 0 or len(pages) == 1


@given(versions, st.integers(0, 30))
def test_reading_on_from_a_moment_misses_nothing(
    rows: list[tuple[int, int, int]], then: int
) -> None:
    """Everything read at a moment, and later what changed since, give the table of the end."""
    journal = Journal(rows)
    first = rows_of(journal, journal.rows(journal.span(then), then))
    since = journal.span(30, then)
    later = rows_of(journal, journal.rows(since, 30))
    merged = {key: (saved, value) for saved, key, value in [*first, *later]}
    final = table(rows, 30)
    # Deleted rows are not announced by updated_after: that is what the deletions list is for.
    assert {key: merged[key] for key in final} == final


@given(versions, versions)
def test_adding_is_as_good_as_having_had(
    rows: list[tuple[int, int, int]], more: list[tuple[int, int, int]]
) -> None:
    """A journal that was added to shows the same as one that was made of everything."""
    journal = Journal(rows)
    journal.add(more)
    whole = Journal([*rows, *more])
    for as_of in (0, 15, 30):
        shown = rows_of(journal, journal.rows(journal.span(as_of), as_of))
        assert shown == rows_of(whole, whole.rows(whole.span(as_of), as_of))


@given(versions, st.integers(0, 30), st.integers(0, 30), st.integers(1, 12))
def test_equal_digests_mean_equal_pages(
    rows: list[tuple[int, int, int]], first: int, second: int, limit: int
) -> None:
    """Two pages with one digest hold the same places, whatever the moments they were asked at."""
    journal = Journal(rows)
    pages = [journal.page(journal.span(as_of), as_of, limit) for as_of in (first, second)]
    if pages[0].digest == pages[1].digest:
        assert pages[0].positions == pages[1].positions


@given(versions, st.integers(0, 30))
def test_created_is_the_first_saving(rows: list[tuple[int, int, int]], as_of: int) -> None:
    """A row's creation is when its key was saved for the first time."""
    journal = Journal(rows)
    for position in journal.rows(journal.span(as_of), as_of):
        _, key, _ = journal.version(position)
        assert journal.created(position) == min(row[0] for row in rows if row[1] == key)
