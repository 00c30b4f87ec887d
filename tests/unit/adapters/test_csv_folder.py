"""The watched folder: half-written files wait, bad rows are set aside, the rest goes in."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest

from mis_bridge import errors
from mis_bridge.adapters import registry
from mis_bridge.adapters.source import BATCH_RECORDS, ReadPlan
from mis_bridge.io.clock import ManualClock
from mis_bridge.io.http import Transport
from mis_bridge.registers.codes import to_byte
from mis_bridge.simulator.shelf import shelf

if TYPE_CHECKING:
    from pathlib import Path

    from mis_bridge.adapters.source import Batch

WINDOW = (date(2026, 9, 7), date(2026, 9, 11))
MONDAY_NOON = datetime(2026, 9, 7, 11, 0, tzinfo=UTC)
HEADER = "pupil_id,date,session,code,recorded_at\n"


def write(file: Path, text: str, at: datetime = MONDAY_NOON) -> None:
    """Write a file as if at a moment."""
    file.write_text(text, encoding="utf-8")
    os.utime(file, (at.timestamp(), at.timestamp()))


@pytest.fixture
def source(tmp_path: Path) -> Any:
    """The folder adapter on an empty folder at Monday noon, with a hand on its waits."""
    clock = ManualClock(MONDAY_NOON)
    opened: Any = registry.load()["csv"].open(
        {"folder": str(tmp_path), "settle_seconds": 2},
        transport=Transport(),
        clock=clock,
        codes={"!": "X"},
    )
    opened.clock, opened.waits = clock, []

    async def sleep(seconds: float) -> None:
        opened.waits.append(seconds)
        if opened.meanwhile:
            opened.meanwhile()

    opened.meanwhile = None
    opened._sleep = sleep
    return opened


async def taken(source: Any, **plan: Any) -> tuple[list[Batch], errors.MisError | None]:
    """Read until the end or an error."""
    batches: list[Batch] = []
    try:
        async for batch in source.read(ReadPlan(**{"window": WINDOW, **plan})):
            batches.append(batch)  # noqa: PERF401 - what came before an error counts
    except errors.MisError as error:
        return batches, error
    return batches, None


def pupils(batches: list[Batch]) -> list[str]:
    """Whose records came."""
    return [record.pupil for batch in batches for record in batch.records]  # type: ignore[union-attr]


async def test_each_kind_of_file_is_its_stream(tmp_path: Path, source: Any) -> None:
    """Files are told by the beginning of their names."""
    write(tmp_path / "Sessions week 1.csv", HEADER + "P1,2026-09-07,AM,!,\n")
    write(
        tmp_path / "pupils.csv",
        "pupil_id,upn,surname,forename,dob,year_group,form\nP1,,Testpupil,Ada,,8,8X\n",
    )
    write(tmp_path / "events.csv", "pupil_id,at,kind,reason\nP1,2026-09-07T10:40,sign_in,\n")
    write(tmp_path / "notes.csv", "anything\n")

    batches, error = await taken(source)

    assert error is None
    assert [batch.stream for batch in batches] == ["pupils", "sessions", "events"]
    assert batches[1].records[0].code == to_byte("X")  # type: ignore[union-attr]
    assert batches[1].data_as_of == MONDAY_NOON
    assert not any(batch.complete for batch in batches)


async def test_a_bad_row_is_set_aside_with_its_line(tmp_path: Path, source: Any) -> None:
    """The rest goes in."""
    write(tmp_path / "sessions.csv", HEADER + "P1,2026-09-07,AM,/,\nP1,2026-09-07,PM,Q9,\n")

    (batch,) = (await taken(source))[0]

    assert len(batch.records) == 1
    (odd,) = batch.quarantined
    assert (odd.place, odd.value) == ("sessions.csv line 3", "Q9")


async def test_a_file_that_is_being_written_waits_for_the_next_reading(
    tmp_path: Path, source: Any
) -> None:
    """It changes between two looks; the others are read meanwhile."""
    write(tmp_path / "sessions-a.csv", HEADER + "P1,2026-09-07,AM,/,\n")
    growing = tmp_path / "sessions-b.csv"
    write(growing, HEADER + "P2,2026-09-07,A")
    write(tmp_path / "sessions-c.csv.part", HEADER + "P3,2026-09-07,AM,/,\n")
    source.meanwhile = lambda: write(growing, HEADER + "P2,2026-09-07,AM,/,\n")

    batches, _ = await taken(source)
    assert pupils(batches) == ["P1"]
    assert source.waits == [2.0]

    source.meanwhile = None
    known = batches[0].digests
    later, _ = await taken(source, known_digests=known)
    assert pupils(later) == ["P2"]

    await taken(source)
    assert len(source.waits) == 2  # nothing is new: no second look


async def test_a_correction_stands_when_the_file_that_it_corrects_is_written_again(
    tmp_path: Path, source: Any
) -> None:
    """The later file has not changed, and what it says counts all the same."""
    early, late = tmp_path / "sessions-1.csv", tmp_path / "sessions-2.csv"
    write(early, HEADER + "P1,2026-09-07,AM,N,\n", datetime(2026, 9, 7, 9, tzinfo=UTC))
    write(late, HEADER + "P1,2026-09-07,AM,I,\n", datetime(2026, 9, 7, 10, tzinfo=UTC))
    with shelf() as store:
        for text in ("P1,2026-09-07,AM,N,\n", "P1,2026-09-07,AM,N,\nP2,2026-09-07,AM,/,\n"):
            write(early, HEADER + text, datetime(2026, 9, 7, 9, 30, tzinfo=UTC))
            plan = store.plan(WINDOW, source.clock.now(), sweep=False)
            async for batch in source.read(plan):
                store.keep(batch, plan, source.clock.now())
            store.finish(source.clock.now())

        assert store.marks() == {
            ("P1", date(2026, 9, 7), "AM"): "I",
            ("P2", date(2026, 9, 7), "AM"): "/",
        }


async def test_an_unchanged_file_costs_a_hash(tmp_path: Path, source: Any) -> None:
    """A later file is read again where an earlier one has changed, since it corrects that one."""
    early, late = tmp_path / "sessions-1.csv", tmp_path / "sessions-2.csv"
    write(early, HEADER + "P1,2026-09-07,AM,N,\n", datetime(2026, 9, 7, 9, tzinfo=UTC))
    write(late, HEADER + "P1,2026-09-07,AM,I,\n", datetime(2026, 9, 7, 10, tzinfo=UTC))
    first, _ = await taken(source)
    known = {key: digest for batch in first for key, digest in batch.digests.items()}

    again, _ = await taken(source, known_digests=known)
    assert [batch.unchanged for batch in again] == [True, True]

    write(late, HEADER + "P1,2026-09-07,AM,M,\n", datetime(2026, 9, 7, 10, 30, tzinfo=UTC))
    third, _ = await taken(source, known_digests=known)
    assert [batch.unchanged for batch in third] == [True, False]

    write(early, HEADER + "P1,2026-09-07,AM,O,\n", datetime(2026, 9, 7, 9, 30, tzinfo=UTC))
    fourth, _ = await taken(source, known_digests=known)
    assert [batch.unchanged for batch in fourth] == [False, False]
    assert [mark.code for batch in fourth for mark in batch.records] == [  # type: ignore[union-attr]
        to_byte("O"), to_byte("M"),
    ]  # fmt: skip

    swept, _ = await taken(source, known_digests=known, sweep=True)
    assert not any(batch.unchanged for batch in swept)


async def test_a_correction_inside_a_file_comes_last(tmp_path: Path, source: Any) -> None:
    """A later recorded_at for the same slot corrects, wherever its row stands."""
    write(
        tmp_path / "sessions.csv",
        HEADER + "P1,2026-09-07,AM,I,11:00\nP1,2026-09-07,AM,N,08:52\n",
    )

    (batch,) = (await taken(source))[0]

    assert [mark.code for mark in batch.records] == [  # type: ignore[union-attr]
        to_byte("N"), to_byte("I"),
    ]  # fmt: skip


async def test_a_large_file_is_cut_and_its_digest_goes_with_its_end(
    tmp_path: Path, source: Any
) -> None:
    """A reading that is interrupted half-way reads the file again."""
    rows = (f"P{n},2026-09-07,AM,/,\n" for n in range(BATCH_RECORDS + 5))
    write(tmp_path / "sessions.csv", HEADER + "".join(rows))

    batches, _ = await taken(source)

    assert [len(batch.records) for batch in batches] == [BATCH_RECORDS, 5]
    assert [bool(batch.digests) for batch in batches] == [False, True]
    assert [batch.last_of_stream for batch in batches] == [False, True]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"pupil,date,session,code\nP1,2026-09-07,AM,/\n", "pupil_id"),
        (HEADER.encode() + b"P1,2026-09-07,AM,/,\nP\xff,2026-09-07,AM,/,\n", "bad.csv:3"),
    ],
)
async def test_a_file_that_can_not_be_read_at_all_is_named_and_the_others_go_in(
    tmp_path: Path, source: Any, content: bytes, told: str
) -> None:
    """A wrong header, another encoding."""
    write(tmp_path / "sessions-a.csv", HEADER + "P1,2026-09-07,AM,/,\n")
    (tmp_path / "sessions-bad.csv").write_bytes(content)

    batches, error = await taken(source)

    assert len(batches) == 1
    assert isinstance(error, errors.MisAnswerInvalid)
    assert told in str(error)


async def test_an_empty_and_a_missing_folder_are_named(tmp_path: Path, source: Any) -> None:
    """No file is not 'no absences'."""
    assert isinstance((await taken(source))[1], errors.MisNotThere)

    tmp_path.rmdir()  # noqa: ASYNC240 - one folder of a test
    _, error = await taken(source)
    assert isinstance(error, errors.MisUnreachable)
    assert "mounted" in str(error)


@pytest.mark.parametrize(
    ("written", "read_at", "stale"),
    [
        (datetime(2026, 9, 7, 6, tzinfo=UTC), datetime(2026, 9, 8, 7, tzinfo=UTC), False),
        (datetime(2026, 9, 7, 6, tzinfo=UTC), datetime(2026, 9, 8, 9, tzinfo=UTC), True),
        # Friday evening to Monday morning: the weekend does not count.
        (datetime(2026, 9, 4, 16, tzinfo=UTC), datetime(2026, 9, 7, 8, tzinfo=UTC), False),
        (datetime(2026, 9, 4, 6, tzinfo=UTC), datetime(2026, 9, 7, 12, tzinfo=UTC), True),
        # The hour that the clocks go back is an hour of the weekend.
        (datetime(2026, 10, 23, 16, tzinfo=UTC), datetime(2026, 10, 26, 9, tzinfo=UTC), False),
    ],
)
async def test_a_folder_that_nobody_writes_to_any_more_is_stale(
    tmp_path: Path, source: Any, written: datetime, read_at: datetime, stale: bool
) -> None:
    """After 26 hours, weekends not counted; what there is goes in all the same."""
    write(tmp_path / "sessions.csv", HEADER + "P1,2026-09-07,AM,/,\n", written)
    source.clock.set(read_at)

    batches, error = await taken(source)

    assert len(batches) == 1
    assert isinstance(error, errors.MisDataStale) is stale


async def test_a_check_counts_pupils_and_names_unknown_codes(tmp_path: Path, source: Any) -> None:
    """In one line."""
    write(tmp_path / "sessions.csv", HEADER + "P1,2026-09-07,AM,Q9,\n")
    write(
        tmp_path / "pupils.csv",
        "pupil_id,upn,surname,forename,dob,year_group,form\nP1,,x,y,,8,8X\nP2,,x,y,,8,8X\n",
    )

    standing = await source.check()

    assert (standing.pupils, standing.unknown_codes) == (2, ("Q9",))
    assert standing.detail.startswith("2 files")
