"""What an adapter does, in words for people: what is asked for, how pages go on, what fields are.

Everything is told from the manifest, so that what people read can not fall behind it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin

from mis_bridge.adapters.template import fill
from mis_bridge.adapters.vocabulary import FIELDS, LOOKUPS, placeholders

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mis_bridge.adapters.vocabulary import (
        ManifestModel,
        MapEntry,
        OnlyRule,
        PageTable,
        PartsTable,
        StreamTable,
    )

__all__ = ["FieldTold", "StreamTold", "limits", "streams"]

Given = dict[str, str]
"""What schools give unless they say otherwise, by placeholder."""

_MINUTE: Final = 60
_HOUR: Final = 3600


@dataclass(frozen=True, slots=True)
class FieldTold:
    """One field of a record.

    Args:
        name: of the field.
        source: where its value comes from: paths, or the value itself.
        meaning: how the value is understood; empty where its type says it all.
    """

    name: str
    source: str
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class StreamTold:
    """One list.

    Args:
        name: of the stream.
        method: ``GET`` or ``POST``.
        address: whole, with placeholders.
        query: parameters, with placeholders.
        body: of a POST, as it is written in the manifest.
        records: where the records are in the answer.
        pages: how the list goes on, and when it ends.
        changes: how what has changed is asked for; empty where nobody asks.
        parts: how the list is asked for in parts; empty where it is not.
        choice: which records are meant; empty for all.
        notes: what else is to be known.
        fields: of its records.
    """

    name: str
    method: str
    address: str
    query: dict[str, str]
    body: str
    records: str
    pages: str
    changes: str
    parts: str = ""
    choice: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    fields: tuple[FieldTold, ...] = field(default=())


def streams(manifest: ManifestModel) -> list[StreamTold]:
    """Tell of every list of a manifest; none where an ``adapter.py`` reads the MIS."""
    if manifest.http is None:
        return []
    given = {
        f"connection.{name}": parameter.default
        for name, parameter in manifest.connection.items()
        if parameter.default
    }
    base = _shown(manifest.http.base, given)
    return [_told(str(name), table, base, given) for name, table in manifest.stream.items()]


def _told(name: str, table: StreamTable, base: str, given: Given) -> StreamTold:
    query = dict(table.query)
    if table.page.type in {"page", "offset"}:
        query |= table.page.query
    return StreamTold(
        name,
        "GET" if table.get else "POST",
        urljoin(base, _shown(table.get or table.post or "", given)),
        {key: _shown(text, given) for key, text in query.items()},
        (table.graphql or table.body or "").strip(),
        _records(table),
        " ".join(_pages(table.page)),
        "" if name in LOOKUPS else _changes(table, given),
        _parts(table.parts),
        tuple(_chosen(rule) for rule in table.only),
        tuple(_notes(name, table)),
        tuple(_field(name, column, entry) for column, entry in table.map.items()),
    )


def _shown(text: str, given: Given) -> str:
    """Write a template; placeholders that every school fills in its own way stay as they are."""
    return fill(text, {name: given.get(name, f"{{{name}}}") for name in placeholders(text)})


def _records(table: StreamTable) -> str:
    places = " or ".join("the answer itself" if p == "@" else p for p in table.records_paths)
    return places if table.within is None else f"{places}, of each of them {table.within}"


def _pages(page: PageTable) -> Iterator[str]:
    match page.type:
        case "none":
            yield "One answer has the whole list."
        case "page":
            yield f"Pages are counted from {page.start}; {_end(page)}"
        case "offset":
            yield f"Each page is asked for by the number of records before it; {_end(page)}"
        case "cursor":
            where = page.next or f"The header {page.next_header}"
            sent = " and ".join(f"{k} = {v}" for k, v in page.query.items())
            yield f"{where} names the token of the next page, sent as {sent}; none ends the list."
        case "next_link":
            yield f"{page.next} is the address of the next page; none ends the list."
    if page.more is not None and page.type in {"cursor", "next_link"}:
        yield f"{page.more} says whether more follows."
    total = page.total or (page.total_header and f"The header {page.total_header}")
    if total:
        yield f"{total} states how many there are; fewer are an error."
    if page.type != "none":
        yield f"More than {page.max_pages} pages are an error."


def _end(page: PageTable) -> str:
    if page.pages is not None:
        return f"{page.pages} states how many there are."
    if page.more is not None:
        return f"{page.more} says whether more follows."
    if page.size == 1:
        return "an empty page ends the list."
    return f"a page of fewer than {page.size} ends the list."


def _changes(table: StreamTable, given: Given) -> str:
    cursor, version = table.cursor, table.version
    if version is not None:
        sent = _sent(version.query, given)
        where = f"{version.next} of {version.get}" if version.get else f"{version.next} of the list"
        return f"Since the MIS's version, kept from {where}, sent as {sent}."
    if cursor is None:
        return "There is no asking for changes: each reading asks for all."
    told = f"Since a moment, sent as {_sent(cursor.query, given)}."
    if cursor.lead_days is not None:
        told += (
            f" A reading of everything asks for what was saved from {cursor.lead_days} days before "
            "the window, so that what is gone is not seen."
        )
    return told


def _sent(query: dict[str, str], given: Given) -> str:
    return ", ".join(f"{key} = {_shown(text, given)}" for key, text in query.items())


def _parts(table: PartsTable | None) -> str:
    if table is None:
        return ""
    if table.of is not None:
        return f"Once for each of {table.of}."
    told = "A day at a time" if table.days == 1 else f"{table.days} days at a time"
    told += ", the newest first"
    if table.back_days is not None:
        told += f", at most {table.back_days} days back"
    return f"{told}."


def _chosen(rule: OnlyRule) -> str:
    where = " or ".join(rule.paths)
    if rule.past_days is not None:
        return f"{where} does not lie more than {rule.past_days} days before the window"
    values = [value or "empty" for value in rule.equals or rule.unlike or ()]
    verb = "is" if rule.equals is not None else "is not"
    return f"{where} {verb} {' or '.join(values)}"


def _notes(name: str, table: StreamTable) -> Iterator[str]:
    if name in LOOKUPS:
        kept = f"kept for {_span(table.keep_seconds)}" if table.keep_seconds else "read each time"
        yield f"Gives out no records: other lists name its entries. It is {kept}."
    if table.empty == "refuse":
        yield "An empty list is a failure of access."
    if table.missing == "skip":
        yield "Where it is not there (404) the school has none of these."
    if table.repeats == "on_roll":
        yield "Of several records about one pupil the one that is on roll counts."


def _span(seconds: int) -> str:
    for size, word in ((_HOUR, "hour"), (_MINUTE, "minute"), (1, "second")):
        if seconds % size == 0 and seconds >= size:
            count = seconds // size
            return f"{count} {word}{'' if count == 1 else 's'}"
    return "0 seconds"


def _field(stream: str, column: str, entry: MapEntry) -> FieldTold:
    if entry.fixed is not None:
        source = f"always {_word(entry.fixed)}"
    elif entry.flags is not None:
        flags = [f"{_word(value)} if {path}" for path, value in entry.flags.items()]
        source = ", else ".join(flags)
    else:
        source = ", else ".join(entry.paths)
    meaning = [] if FIELDS[stream][column] == "text" else [FIELDS[stream][column]]
    if entry.type == "utc_datetime":
        meaning.append("UTC where the text does not say")
    if entry.via is not None:
        meaning.append(f"id of {entry.via}")
    if entry.values:
        pairs = ", ".join(f"{key or 'empty'} = {_word(v)}" for key, v in entry.values.items())
        meaning.append(pairs)
        meaning.append(
            {
                "refuse": "others are set aside",
                "skip": "others are not for us",
                "empty": "others are empty",
                "keep": "others stay",
            }[entry.others]
        )
    return FieldTold(column, source, "; ".join(meaning))


def _word(value: str | bool) -> str:  # noqa: FBT001 - a value of a manifest
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "both halves of the day" if value == "DAY" else value or "empty"


def limits(manifest: ManifestModel) -> list[str]:
    """Tell how gently the MIS is asked."""
    http = manifest.http
    if http is None:
        return []
    told = [f"At most {_times(http.concurrency, 'request')} at once to one host."]
    if http.rate:
        told.append(f"At most {http.rate:g} requests a second.")
    if http.minimum_interval:
        told.append(f"At least {http.minimum_interval:g} seconds between two requests.")
    told.append(f"A request may take {http.timeout:g} seconds.")
    return told


def _times(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"
