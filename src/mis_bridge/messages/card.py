"""Content as the body of a Teams Workflows webhook: one Adaptive Card in a message envelope.

Elements are those of schema 1.2, which Teams on telephones surely shows; ``style: heading`` is why
the card declares 1.5. Teams counts the message after it has expanded it, at about 28 KB; on the
wire the body therefore stays under ``SIZE_BUDGET`` bytes, and a longer one loses evidence first.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mis_bridge.messages.content import Content, Group, Line

__all__ = ["SIZE_BUDGET", "adaptive_card", "card", "escape", "wire_size"]

SIZE_BUDGET = 19_000
"""Bytes of the body as ASCII JSON, the longest way in which it could be written."""

_SCHEMA = "http://adaptivecards.io/schemas/adaptive-card.json"
_MARKDOWN = re.compile(r"([\\`*_\[\]<>~|])")
# At the start of a text these would begin a list, a heading or a quotation.
_OPENING = re.compile(r"^(\d+(?=[.)])|(?=[#+-]))(.)")
_LONGEST_LINK = 2_000
_WHO = "Pupil"
_NO_TIME = "·"
_MOST_STEPS = 8

# (evidence lines, longest text): each next one is tried where the card is still too big.
_FITS = ((12, 400), (8, 240), (5, 120), (2, 60), (0, 40))


def escape(text: str) -> str:
    """Return text of a register so that Markdown shows it as it is, on one line."""
    flat = " ".join(text.split())
    return _OPENING.sub(r"\1\\\2", _MARKDOWN.sub(r"\\\1", flat))


# The same for a bundle: (incidents a kind, longest text of each, whether each has a line).
_BUNDLE_FITS: Final = (
    (500, 200, True),
    (500, 80, True),
    (500, 0, True),
    (500, 0, False),
    (150, 0, False),
    (50, 0, False),
    (15, 0, False),
    (3, 0, False),
)


def card(content: Content) -> dict[str, Any]:
    """Return the whole JSON body for the webhook, under ``SIZE_BUDGET`` bytes."""
    body: dict[str, Any] = {}
    if content.groups:
        for fit in _BUNDLE_FITS:
            groups = [
                part
                for group in content.groups
                for part in _group(group, *fit, left_out=content.left_out)
            ]
            body = _envelope(adaptive_card(content, groups=groups))
            if wire_size(body) <= SIZE_BUDGET:
                return body
    for lines, longest in _FITS:
        body = _envelope(adaptive_card(content, lines=lines, longest=longest))
        if wire_size(body) <= SIZE_BUDGET:
            break
    return body


def wire_size(body: dict[str, Any]) -> int:
    """Return the bytes of a body as compact ASCII JSON."""
    return len(json.dumps(body, ensure_ascii=True, separators=(",", ":")))


def _envelope(content: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "message",
        "attachments": [
            {
                "contentType": "application/vnd.microsoft.card.adaptive",
                "contentUrl": None,
                "content": content,
            }
        ],
    }


def adaptive_card(
    content: Content,
    *,
    lines: int = 12,
    longest: int = 400,
    groups: Sequence[dict[str, Any]] = (),
) -> dict[str, Any]:
    """Return the card alone.

    Args:
        content: what to say.
        lines: how many pieces of evidence are shown, the latest; the rest is counted.
        longest: characters that any one text may have; longer ones end in an ellipsis.
        groups: elements that list the incidents of a bundle.
    """

    def clip(text: str) -> str:
        return escape(_clipped(text, longest))

    body: list[dict[str, Any]] = [
        {
            "type": "Container",
            "style": content.tone.value,
            "bleed": True,
            "items": _head(content, clip),
        },
        _fact_set([(label, clip(value)) for label, value in content.facts if label != _WHO]),
    ]
    body += groups
    if content.evidence:
        # The latest: where the pupil was seen last, or what shows that it is over.
        shown = content.evidence[max(len(content.evidence) - lines, 0) :]
        body.append(_heading(content.evidence_title))
        if more := len(content.evidence) - len(shown):
            body.append(_text(_left_out(more, paged=bool(content.link)), isSubtle=True))
        rows = [(clip(f"{e.when} {e.where}".strip()) or _NO_TIME, clip(e.what)) for e in shown]
        if rows:
            body.append(_fact_set(rows))
    if content.uncertain:
        body.append(_text(f"**Not certain:** {clip(content.uncertain)}"))
    if content.steps:
        body.append(_heading(content.steps_title))
        body += [
            _text(
                _numbered(n, clip(step.due), f"{clip(step.text)} ({clip(step.who)})"),
                spacing="Small",
            )
            for n, step in enumerate(content.steps[:_MOST_STEPS], 1)
        ]
        if (more := len(content.steps) - _MOST_STEPS) > 0:
            left = f"… and {more} more: mis-bridge incidents show {content.reference}"
            body.append(_text(escape(left), isSubtle=True, spacing="Small"))
    if content.footer:
        body.append(_text(clip(content.footer), size="Small", isSubtle=True, separator=True))
    result: dict[str, Any] = {
        "$schema": _SCHEMA,
        "type": "AdaptiveCard",
        "version": "1.5",
        "fallbackText": clip(f"{content.title}. {content.reference} Open mis-bridge."),
        "msteams": {"width": "Full"},
        "body": body,
    }
    if content.link.startswith("https://") and len(content.link) <= _LONGEST_LINK:
        result["actions"] = [
            {
                "type": "Action.OpenUrl",
                "title": "Open the incident" if content.reference else "Open mis-bridge",
                "url": content.link,
            }
        ]
    return result


def _head(content: Content, clip: Callable[[str], str]) -> list[dict[str, Any]]:
    """Say how it stands, what it is, whom to look for, and what happened: five seconds."""
    status = [_text(clip(content.status), weight="Bolder")] if content.status else []
    who = [
        _text(clip(value), size="Medium", spacing="None")
        for label, value in content.facts
        if label == _WHO
    ]
    return [
        *status,
        _text(clip(content.title), size="Medium", weight="Bolder", style="heading"),
        *who,
        _text(clip(content.lead), spacing="Small"),
    ]


def _group(
    group: Group,
    most: int,
    longest: int,
    each: bool,  # noqa: FBT001 - the rows of _BUNDLE_FITS
    *,
    left_out: str,
) -> list[dict[str, Any]]:
    """List the incidents of one kind in a bundle.

    Args:
        group: the kind.
        most: how many are shown; the rest is counted.
        longest: characters that the text of each may have; 0 for none.
        each: one line an incident with a link; otherwise they follow each other.
        left_out: what shows the rest.
    """
    parts = [_heading(escape(f"{group.title}: {group.counted}"))] if group.title else []
    if group.text:
        parts.append(_text(escape(_clipped(group.text, 300)), spacing="Small"))
    shown = group.lines[:most]
    if each:
        parts += [
            _text(_line(line, longest), spacing="Small", separator=n > 0)
            for n, line in enumerate(shown)
        ]
    else:
        names = (escape(f"{line.label} {line.reference}".strip()) for line in shown)
        parts.append(_text(" · ".join(names), spacing="Small"))
    if more := len(group.lines) - len(shown):
        parts.append(
            _text(f"… and {more} more: {escape(left_out)}", isSubtle=True, spacing="Small")
        )
    return parts


def _line(line: Line, longest: int) -> str:
    reference = escape(line.reference)
    if line.link.startswith("https://") and len(line.link) <= _LONGEST_LINK:
        reference = f"[{line.reference}]({line.link})"
    who = f"**{escape(line.label)}** {reference}" if line.label else reference
    # Two blanks and a new line would be a break in Markdown; Teams shows every new line.
    what = escape(_clipped(line.text, longest)) if longest and line.text else ""
    return f"{who}  {what}".rstrip()


def _clipped(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


def _left_out(count: int, *, paged: bool) -> str:
    ones = "1 earlier one is" if count == 1 else f"{count} earlier ones are"
    where = "on the incident's page" if paged else "left out"
    return f"… {ones} {where}"


def _text(text: str, **look: Any) -> dict[str, Any]:
    return {"type": "TextBlock", "wrap": True, "text": text, **look}


def _numbered(number: int, due: str, text: str) -> str:
    # In bold and in one text: a Markdown list would begin anew with every element.
    return f"**{number}. {due}** {text}" if due else f"**{number}.** {text}"


def _heading(text: str) -> dict[str, Any]:
    return _text(text, weight="Bolder", spacing="Medium", separator=True)


def _fact_set(rows: list[tuple[str, str]]) -> dict[str, Any]:
    return {
        "type": "FactSet",
        "facts": [{"title": title, "value": value} for title, value in rows],
    }
