from __future__ import annotations

import importlib.util
from pathlib import Path

from mis_bridge.registers import absence
from mis_bridge.registers.codes import CODES
from mis_bridge.registers.definitions import DEFINITIONS

DOCS = Path(__file__).parents[3] / "docs"


def test_the_page_of_codes_is_fresh() -> None:
    """docs/reference/attendance-codes.md is what docs/make_codes.py draws from the code table."""
    spec = importlib.util.spec_from_file_location("make_codes", DOCS / "make_codes.py")
    assert spec is not None
    assert spec.loader is not None
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    page = maker.PAGE.read_text(encoding="utf-8")

    assert maker.drawn(page) == page, "run python docs/make_codes.py"
    assert all(f"| `{code.code}` | {code.meaning} |" in page for code in CODES)


def test_the_page_of_measures_has_the_numbers_of_the_program() -> None:
    """Thresholds that the page names are those that the program uses."""
    page = (DOCS / "reference" / "absence-measures.md").read_text(encoding="utf-8")

    assert f"from {absence.NEARING_PER_CENT} % to below 10 %" in page
    assert f"{absence.LIVE_MINIMUM} possible sessions or fewer" in page
    assert f"{absence.N_SCHOOL_DAYS} school days" in page
    for one in DEFINITIONS:
        assert f"| `{one.id}` | {one.years} | {one.meaning} |" in page
        for fixed in one.thresholds:
            assert f"| {one.share} | {fixed.period} | {fixed.sessions} |" in page
