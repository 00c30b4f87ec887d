"""Whatever an officer's slip does to an authority's file, it is read or its mistakes are named."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from mis_bridge.adapters.authorities import find_authority, load_authority
from mis_bridge.adapters.authority.comparing import differences
from mis_bridge.adapters.registry import shipped
from mis_bridge.settings import SettingsProblems

if TYPE_CHECKING:
    from mis_bridge.errors import SettingsError

FILES = {
    name: (shipped() / "la" / name / "authority.toml").read_text("utf-8").splitlines()
    for name in ("ealing", "cheshire-east", "birmingham")
}
SLIPS = (
    "",
    "= 5",
    '= ""',
    "= true",
    "= -1",
    "= [1]",
    '= ["dsl"]',
    "= {}",
    '= { key = "own.x" }',
    "= 2026-09-01",
    "[[contact]]",
    "[cme]",
    "[form]",
    "[protocol.feed_blind]",
    "[[form.cme.section]]",
    "[calendar]",
    "[told]",
    "[triggers.feed_blind]",
)


@st.composite
def slips(draw: st.DrawFn) -> tuple[str, str]:
    """An authority's name, and its file with a few lines dropped, doubled, moved or overwritten."""
    name = draw(st.sampled_from(sorted(FILES)))
    lines = list(FILES[name])
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(lines) - 1))
        what = draw(st.sampled_from(("drop", "double", "move", "value", "key", "table")))
        line = lines[place]
        slip = draw(st.sampled_from(SLIPS))
        if what == "drop":
            del lines[place]
        elif what == "double":
            lines.insert(draw(st.integers(0, len(lines))), line)
        elif what == "move":
            lines.insert(draw(st.integers(0, len(lines) - 1)), lines.pop(place))
        elif what == "value":
            lines[place] = f"{line.partition('=')[0]}{slip if slip.startswith('=') else '= 1'}"
        elif what == "key":
            lines[place] = f"{draw(st.sampled_from('abcdxyz'))}{line}"
        else:
            lines[place] = slip if slip.startswith("[") else line
    return name, "\n".join(lines) + "\n"


@given(slips())
def test_a_slip_is_read_or_named_and_never_a_crash(slip: tuple[str, str]) -> None:
    """Each mistake names the file, what is read can be compared, and no line is beyond the file."""
    name, text = slip
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / name / "authority.toml"
        file.parent.mkdir()
        file.write_text(text, "utf-8")
        problems: tuple[SettingsError, ...] = ()
        try:
            read = find_authority(str(file.parent))
        except SettingsProblems as error:
            problems = error.problems
            read = load_authority(name)

    assert read.id == name
    differences(load_authority("national"), read)
    assert {problem.file for problem in problems} <= {str(file)}
    assert all(problem.problem for problem in problems)
    lines = {problem.line for problem in problems} - {None}
    assert lines <= set(range(1, len(text.splitlines()) + 1))
