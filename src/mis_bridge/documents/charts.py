"""Two pictures as SVG: a pupil's term as a heat map, and how much there is on each day.

Text in them is escaped, every cell has its words as a title, and no colour stands alone: each mark
is written with its code as well.
"""

from __future__ import annotations

from datetime import timedelta
from html import escape
from typing import TYPE_CHECKING, Final

from mis_bridge.registers.calendar import monday_of
from mis_bridge.registers.codes import NO_SESSION, CodeClass, class_of, to_code

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from mis_bridge.registers.strip import Strip

__all__ = ["COLOURS", "heat_map", "load_chart"]

COLOURS: Final[dict[CodeClass, tuple[str, str]]] = {
    CodeClass.PRESENT: ("#d5ead8", "#1f5130"),
    CodeClass.APPROVED: ("#cfe3f5", "#17436b"),
    CodeClass.AUTHORISED: ("#fbdf9d", "#6b4700"),
    CodeClass.UNAUTHORISED: ("#c0392b", "#ffffff"),
    CodeClass.NOT_POSSIBLE: ("#e6e6e6", "#555555"),
    CodeClass.NOT_COLLECTED: ("#f2f2f2", "#767676"),
    CodeClass.NOT_TAKEN: ("#ffffff", "#a02020"),
}
"""Class of a mark -> (ground, ink); readable in print and by people who do not see red."""

_CELL: Final = 22  # pixels
_LEFT: Final = 64
_TOP: Final = 34
_WEEK: Final = 7
_ROOM: Final = 20
_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri")
_BAR_HEIGHT: Final = 90
_BAR: Final = 6


def heat_map(strip: Strip, raised: Mapping[date, Sequence[str]], label: str) -> str:
    """Draw the marks of a pupil, a column a week, two rows a weekday.

    Args:
        strip: the marks.
        raised: day -> titles of what was raised on it; such days get a frame.
        label: what the picture shows, for those who do not see it.

    Returns:
        An ``<svg>`` element; empty where there is no mark at all.
    """
    days = [day for day in strip.days() if day[0].weekday() < len(_WEEKDAYS)]
    if not days:
        return ""
    first = monday_of(days[0][0])
    weeks = (days[-1][0] - first).days // 7 + 1
    width, height = _LEFT + weeks * _CELL + 2, _TOP + 2 * len(_WEEKDAYS) * _CELL + 2
    parts = [_opening(width, height, label)]
    for week in range(weeks):
        monday = first + timedelta(days=7 * week)
        # The first week of a month names it; so does the first of all, if there is room after it.
        if monday.day <= (_WEEK if week else _ROOM):
            parts.append(_text(_LEFT + week * _CELL, 12, f"{monday:%b}"))
        parts.append(_text(_LEFT + week * _CELL + _CELL / 2, 27, f"{monday.day}", "middle", "#555"))
    for number, name in enumerate(_WEEKDAYS):
        y = _TOP + 2 * number * _CELL
        parts.append(_text(4, y + _CELL + 4, name))
        parts += [
            _text(36, y + half * _CELL + 15, ("AM", "PM")[half], ink="#555") for half in (0, 1)
        ]
    frames = []
    for day, am, pm in days:
        x = _LEFT + (day - first).days // 7 * _CELL
        y = _TOP + 2 * day.weekday() * _CELL
        parts += [_cell(x, y, day, am, "AM"), _cell(x, y + _CELL, day, pm, "PM")]
        if titles := raised.get(day):
            words = escape(f"{day:%A %d %B %Y}: {', '.join(titles)}")
            frames.append(
                f'<rect x="{x}" y="{y}" width="{_CELL}" height="{2 * _CELL}" fill="none" '
                f'stroke="#111" stroke-width="2.5"><title>{words}</title></rect>'
            )
    return "".join([*parts, *frames, "</svg>"])


def load_chart(days: Sequence[date], counts: Mapping[date, int], label: str) -> str:
    """Draw how much there was on each day, a bar a day, a line at its greatest.

    Args:
        days: the school days, in order.
        counts: by day; a day that is not in it has none.
        label: what the picture shows, for those who do not see it.

    Returns:
        An ``<svg>`` element; empty without a day.
    """
    if not days:
        return ""
    most = max(1, *(counts.get(day, 0) for day in days))
    width, floor = 36 + len(days) * _BAR + 4, _BAR_HEIGHT + 10
    parts = [
        _opening(width, floor + 20, label),
        _text(30, 14, f"{most}", "end", "#555"),
        _text(30, floor, "0", "end", "#555"),
        f'<line x1="34" y1="10" x2="{width}" y2="10" stroke="#ddd"/>',
        f'<line x1="34" y1="{floor}" x2="{width}" y2="{floor}" stroke="#888"/>',
    ]
    month = 0
    for number, day in enumerate(days):
        x = 36 + number * _BAR
        if day.month != month:
            month = day.month
            parts.append(_text(x, floor + 15, f"{day:%b}", ink="#555"))
        if count := counts.get(day, 0):
            tall = round(count / most * _BAR_HEIGHT, 1)
            parts.append(
                f'<rect x="{x}" y="{floor - tall}" width="{_BAR - 1}" height="{tall}" '
                f'fill="#17436b"><title>{day:%A %d %B %Y}: {count}</title></rect>'
            )
    return "".join([*parts, "</svg>"])


def _opening(width: float, height: float, label: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" font-family="sans-serif" font-size="11">'
        f"<title>{escape(label)}</title>"
    )


def _text(x: float, y: float, words: str, anchor: str = "start", ink: str = "#111") -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="{ink}">{escape(words)}</text>'


def _cell(x: int, y: int, day: date, byte: int, session: str) -> str:
    if byte == NO_SESSION:
        return ""
    kind, code = class_of(byte), to_code(byte)
    ground, ink = COLOURS[kind]
    words = escape(f"{day:%A %d %B %Y} {session}: {code} ({kind})")
    return (
        f'<g><title>{words}</title><rect x="{x}" y="{y}" width="{_CELL}" height="{_CELL}" '
        f'fill="{ground}" stroke="#fff"/>'
        f'<text x="{x + _CELL / 2}" y="{y + 15}" text-anchor="middle" fill="{ink}">'
        f"{escape(code)}</text></g>"
    )
