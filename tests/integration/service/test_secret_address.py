"""A webhook's address opens it: no row of the database and no line of the log ever holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from mis_bridge.simulator.faults import Fault, FaultKind
from mis_bridge.store.schema import metadata

if TYPE_CHECKING:
    from .conftest import Bench, Watched

SIG = "SECRET-sig-0123456789abcdefghij"


def _stored(watched: Watched) -> str:
    """Every value of every table, as text."""
    with watched.store.reading() as tx:
        return "\n".join(
            repr(row) for table in metadata.sorted_tables for row in tx.execute(select(table))
        )


@pytest.mark.parametrize(
    "fault",
    [
        None,
        Fault(FaultKind.STATUS, status=401),
        Fault(FaultKind.STATUS, status=503),
        Fault(FaultKind.RESET),
    ],
)
async def test_the_address_of_a_webhook_is_nowhere_but_in_its_credential(
    bench: Bench, capfd: pytest.CaptureFixture[str], fault: Fault | None
) -> None:
    """Taken, refused, unavailable, cut off: what is stored and logged names host and id alone."""
    address = f"{bench.webhook.url}-{SIG}"
    (bench.folder / "credentials" / "dsl-webhook").write_text(address, encoding="utf-8")
    if fault is not None:
        bench.webhook.faults.add(fault)
    pupil = next(
        one.id for one in bench.state.school.pupils if not one.flags and (one.year_group or 0) > 6
    )
    bench.session("AM", "08:50")
    bench.lesson("P1", "09:00")
    bench.lesson("P2", "10:02", **{pupil: "N"})
    async with bench.daemon() as watched:
        await watched.at("10:12")
        await watched.at("10:13")

        stored = _stored(watched)
        assert "dsl-teams" in stored
        printed = capfd.readouterr()
        for told in (stored, printed.out, printed.err, str(bench.mails.mails)):
            assert SIG not in told
            assert "sig=" not in told
