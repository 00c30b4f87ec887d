"""A package as a PDF on A4, to be read by an officer and signed off by a person."""

from __future__ import annotations

import io
from html import escape
from typing import TYPE_CHECKING, Any, Final

from mis_bridge.documents.typeface import BOLD, PLAIN, Lettering

if TYPE_CHECKING:
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.pdfgen.canvas import Canvas
    from reportlab.platypus import Flowable

    from mis_bridge.messages.package import Field, PackageData, Section, Table

__all__ = ["render_pdf"]

_MARGIN: Final = 48  # points; 17 mm
_LABEL_SHARE: Final = 0.36
_INK: Final = "#1a1a1a"
_QUIET: Final = "#666666"
_LINE: Final = "#bbbbbb"
_BAND: Final = "#e9f1f8"
_GAP: Final = "#fff4e0"
_SPELLED: Final = (
    "A character that this document's typeface does not have is written as [U+....]. The CSV and "
    "JSON files of this package hold it as it is registered."
)


def render_pdf(data: PackageData) -> bytes:
    """Return a PDF; the same data gives the same bytes.

    Every character is drawn or spelled out (see ``typeface``); nothing vanishes.
    """
    _, pages = _build(data, 0)
    content, _ = _build(data, pages)
    return content


def _build(data: PackageData, pages: int) -> tuple[bytes, int]:
    """Return the file with a number of pages in its foot, and how many pages it has."""
    from reportlab.lib.pagesizes import A4
    from reportlab.platypus import SimpleDocTemplate

    page = _Page(data, pages)
    out = io.BytesIO()
    document = SimpleDocTemplate(
        out,
        pagesize=A4,
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=_MARGIN,
        bottomMargin=_MARGIN + 12,
        invariant=1,
        title=f"{data.title} {data.reference}",
        author="mis-bridge",
        subject=data.kind,
        lang="en-GB",
    )
    story = page.story(A4[0] - 2 * _MARGIN)
    document.build(story, onFirstPage=page.foot, onLaterPages=page.foot)
    return out.getvalue(), int(document.page)


class _Page:
    """Lays one package out; made for one document."""

    def __init__(self, data: PackageData, pages: int) -> None:
        from reportlab.lib.colors import HexColor
        from reportlab.lib.styles import ParagraphStyle

        self._data = data
        self._pages = pages
        self._letters = Lettering()
        base: dict[str, Any] = {"fontName": PLAIN, "textColor": HexColor(_INK), "splitLongWords": 1}
        self._body = ParagraphStyle("body", fontSize=9.5, leading=12.5, **base)
        self._label = ParagraphStyle("label", parent=self._body, textColor=HexColor(_QUIET))
        self._head = ParagraphStyle("head", parent=self._body, fontName=BOLD)
        self._title = ParagraphStyle(
            "title", parent=self._head, fontSize=18, leading=22, spaceAfter=2
        )
        self._small = ParagraphStyle("small", parent=self._label, fontSize=8, leading=10)

    def story(self, width: float) -> list[Flowable]:
        from reportlab.platypus import Spacer

        data = self._data
        story: list[Flowable] = [
            self._text(data.title, self._title),
            self._text(data.basis, self._label),
            Spacer(0, 8),
            self._grid(
                [
                    ("From", data.school_name),
                    ("To", data.authority_name or "the Local Authority"),
                    ("Reference", f"{data.reference}, version {data.version}"),
                    ("Prepared", data.prepared_on),
                ],
                width,
            ),
            Spacer(0, 8),
        ]
        if data.missing:
            story += [self._gaps(data.missing, width), Spacer(0, 4)]
        for section in data.sections:
            story += self._section(section, width)
        for table in data.tables:
            story += self._rows(table, width)
        if self._letters.spelled_out:
            story += [Spacer(0, 8), self._text(_SPELLED, self._small)]
        return story

    def foot(self, canvas: Canvas, document: Any) -> None:
        canvas.saveState()
        canvas.setFont(PLAIN, 8)
        canvas.setFillColor(_QUIET)
        right = document.pagesize[0] - _MARGIN
        line = "Personal data of a child. Keep it confidential and send it by a secure route only."
        canvas.drawString(_MARGIN, _MARGIN - 10, line)
        canvas.drawRightString(
            right, _MARGIN - 10, f"{self._data.reference}   page {document.page} of {self._pages}"
        )
        canvas.restoreState()

    def _text(self, text: str, style: ParagraphStyle) -> Flowable:
        from reportlab.platypus import Paragraph

        # The document's own markup is XML: what is in the data is text, never markup.
        marked = escape(self._letters.drawable(text), quote=False).replace("\n", "<br/>")
        return Paragraph(marked, style)

    def _grid(self, rows: list[tuple[str, str]], width: float) -> Flowable:
        from reportlab.platypus import Table

        cells = [
            [self._text(label, self._label), self._text(value, self._body)] for label, value in rows
        ]
        return Table(
            cells,
            colWidths=[width * 0.16, width * 0.84],
            style=[
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LEFTPADDING", (0, 0), (-1, -1), 6),
                ("TOPPADDING", (0, 0), (-1, -1), 1),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 1),
            ],
        )

    def _gaps(self, missing: tuple[Field, ...], width: float) -> Flowable:
        from reportlab.platypus import Table

        names = "; ".join(f.label for f in missing)
        count = "1 field is" if len(missing) == 1 else f"{len(missing)} fields are"
        text = f"{count} not known here and still to be filled in: {names}."
        return Table(
            [[self._text(text, self._body)]],
            colWidths=[width],
            style=[
                ("BACKGROUND", (0, 0), (-1, -1), _GAP),
                ("BOX", (0, 0), (-1, -1), 0.5, "#b26a00"),
                ("LEFTPADDING", (0, 0), (-1, -1), 8),
                ("RIGHTPADDING", (0, 0), (-1, -1), 8),
                ("TOPPADDING", (0, 0), (-1, -1), 6),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 7),
            ],
        )

    def _section(self, section: Section, width: float) -> list[Flowable]:
        from reportlab.platypus import KeepTogether, Spacer, Table

        cells: list[list[Any]] = [[self._text(section.title, self._head), ""]]
        style: list[tuple[Any, ...]] = [
            ("BACKGROUND", (0, 0), (-1, 0), _BAND),
            ("SPAN", (0, 0), (-1, 0)),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LINEBELOW", (0, 1), (-1, -1), 0.4, _LINE),
            ("LEFTPADDING", (0, 0), (-1, -1), 6),
            ("TOPPADDING", (0, 0), (-1, -1), 3),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 4),
        ]
        for number, f in enumerate(section.fields, 1):
            cells.append([self._text(f.label, self._label), self._value(f)])
            if f.missing:
                style += [
                    ("BACKGROUND", (1, number), (1, number), _GAP),
                    ("BOTTOMPADDING", (0, number), (-1, number), 14),
                ]
        table = Table(
            cells,
            colWidths=[width * _LABEL_SHARE, width * (1 - _LABEL_SHARE)],
            style=style,
            repeatRows=1,
            splitInRow=1,
        )
        return [Spacer(0, 6), KeepTogether([table])]

    def _value(self, f: Field) -> Flowable:
        if f.value:
            return self._text(f.value, self._body)
        words = "to be filled in" if f.needed else "not known"
        return self._text(f"{words}: {f.hint}" if f.hint else words, self._small)

    def _rows(self, table: Table, width: float) -> list[Flowable]:
        from reportlab.platypus import Spacer
        from reportlab.platypus import Table as Grid

        shares = (0.3, 0.35, 0.35) if table.key == "marks" else (0.24, 0.2, 0.56)
        cells: list[list[Any]] = [
            [self._text(table.title, self._head), "", ""],
            [self._text(column, self._label) for column in table.columns],
            *([self._text(value, self._body) for value in row] for row in table.rows),
        ]
        grid = Grid(
            cells,
            colWidths=[width * share for share in shares],
            repeatRows=2,
            splitInRow=1,
            style=[
                ("BACKGROUND", (0, 0), (-1, 0), _BAND),
                ("SPAN", (0, 0), (-1, 0)),
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LINEBELOW", (0, 1), (-1, -1), 0.4, _LINE),
                ("LEFTPADDING", (0, 0), (-1, -1), 6),
                ("TOPPADDING", (0, 0), (-1, -1), 2),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
            ],
        )
        return [Spacer(0, 8), grid]
