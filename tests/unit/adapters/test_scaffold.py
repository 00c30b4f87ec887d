"""A new adapter begins as one that works."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mis_bridge.adapters.kit.model import Tier
from mis_bridge.adapters.kit.run import CASES, run
from mis_bridge.adapters.registry import load, load_folder
from mis_bridge.adapters.scaffold import new_adapter
from mis_bridge.errors import OperatorError
from mis_bridge.simulator.shelf import shelf

if TYPE_CHECKING:
    from pathlib import Path

BRONZE = [case.id for case in CASES if case.tier is Tier.BRONZE]


def test_a_new_adapter_is_bronze_as_it_is_and_has_no_grade_yet(tmp_path: Path) -> None:
    """Under its own name; the grade is for its author to record."""
    folder = new_adapter("acorn-mis", "Acorn", tmp_path / "not-there-yet")

    report = run(folder, shelf, only=BRONZE)
    manifest = load_folder(folder).manifest
    assert [(one.case.id, one.detail) for one in report.outcomes if not one.is_met] == []
    assert len(report.outcomes) == len(BRONZE)
    assert (manifest.adapter.id, manifest.adapter.name) == ("acorn-mis", "Acorn")
    assert manifest.adapter.grade is None
    assert "not yet run against a live school" in manifest.adapter.evidence
    texts = [file.read_text("utf-8") for file in folder.rglob("*") if file.is_file()]
    assert not [text for text in texts if "template" in text.lower()]


def test_the_folder_to_begin_with_is_no_adapter_of_a_school(tmp_path: Path) -> None:
    """Nobody can choose it by mistake."""
    assert "template" not in load()


@pytest.mark.parametrize("adapter_id", ["", "Acorn", "2acorn", "acorn mis", "../acorn", "template"])
def test_what_can_be_no_id_is_refused(adapter_id: str, tmp_path: Path) -> None:
    """Before anything is written."""
    with pytest.raises(OperatorError, match="can not be the id"):
        new_adapter(adapter_id, "Acorn", tmp_path)

    assert not list(tmp_path.iterdir())


def test_an_id_that_is_taken_is_refused(tmp_path: Path) -> None:
    """Two folders with one id would stop everything."""
    with pytest.raises(OperatorError, match="already"):
        new_adapter("wonde", "Wonde", tmp_path, known=load())

    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_there_is_not_touched(tmp_path: Path) -> None:
    """Not even an empty one: somebody made it."""
    (tmp_path / "acorn").mkdir()

    with pytest.raises(OperatorError, match="is there already"):
        new_adapter("acorn", "Acorn", tmp_path)

    assert not list((tmp_path / "acorn").iterdir())


def test_a_place_that_can_not_be_written_is_named(tmp_path: Path) -> None:
    """A file where the folder should go."""
    (tmp_path / "adapters").write_text("")

    with pytest.raises(OperatorError, match="can not be written"):
        new_adapter("acorn", "Acorn", tmp_path / "adapters")
