"""A law of the PDF over text of any kind."""

from __future__ import annotations

from datetime import datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from mis_bridge.documents.pdf import render_pdf
from mis_bridge.messages.package_model import Field, PackageData, Section, Table
from mis_bridge.registers.calendar import LONDON

words = st.text(max_size=800)


@settings(max_examples=25, deadline=None)
@given(words, st.lists(st.tuples(words, words), max_size=4))
def test_any_text_can_be_drawn_as_an_accessible_document(
    text: str, rows: list[tuple[str, str]]
) -> None:
    """Whatever somebody typed, the officer gets a PDF, and the library refuses no glyph of it."""
    data = PackageData(
        "early_help",
        "Title",
        text,
        "MB-0VQ2-9GK2",
        1,
        datetime(2026, 11, 12, 15, 30, tzinfo=LONDON),
        text,
        text,
        (Section("Section", (Field("a", text, text), Field("b", "Label", "", True, text))),),
        (Table("t", "Table", ("One", "Two"), tuple(rows)),),
    )

    assert render_pdf(data).startswith(b"%PDF")
