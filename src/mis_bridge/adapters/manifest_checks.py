"""What no single table of a manifest can know: joins, placeholders, capabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mis_bridge.adapters.vocabulary import FIELDS, REQUIRED, placeholders
from mis_bridge.settings.problems import nearest

if TYPE_CHECKING:
    from mis_bridge.adapters.vocabulary import ManifestModel, StreamTable

__all__ = ["Mistake", "mistakes"]

Mistake = tuple[tuple[str, ...], str]
"""(key from the root, problem)."""

_JOINS: Final = {
    ("sessions", "code"): "codes",
    ("lessons", "code"): "codes",
    ("lessons", "lesson"): "timetable",
    ("lessons", "period"): "periods",
    ("timetable", "period"): "periods",
}
_ALTERNATIVES: Final = {"datetime": ("datetime", "utc_datetime"), "date": ("date", "utc_datetime"),
                        "clock": ("clock", "utc_datetime")}  # fmt: skip


def mistakes(manifest: ManifestModel) -> list[Mistake]:
    """Find what no single table can know: (key, problem)."""
    found: list[Mistake] = []
    if manifest.stream and (manifest.http is None or manifest.auth is None):
        found.append((("stream",), "streams need the tables [http] and [auth]"))
    for name, stream in manifest.stream.items():
        found += _stream_mistakes(manifest, name, stream)
    found += _connection_mistakes(manifest)
    for capability, name in (("session", "sessions"), ("lesson", "lessons")):
        if manifest.stream and getattr(manifest.capabilities, capability) != (
            name in manifest.stream
        ):
            found.append(
                (
                    ("capabilities", capability),
                    f"must be true exactly where there is a [stream.{name}]",
                )
            )
    return found


def _stream_mistakes(manifest: ManifestModel, name: str, stream: StreamTable) -> list[Mistake]:
    known, here = FIELDS[name], ("stream", name, "map")
    found: list[Mistake] = [
        ((*here, column), f'"{column}" is missing here')
        for column in REQUIRED[name]
        if column not in stream.map
    ]
    for column, entry in stream.map.items():
        if column not in known:
            advice = nearest(column, known)
            found.append(((*here, column), f'there is no "{column}" here: {advice}'))
            continue
        if entry.via is not None and _JOINS.get((name, column)) != entry.via:
            found.append(((*here, column, "via"), f"{column} can not be an id of {entry.via}"))
        elif entry.via is not None and entry.via not in manifest.stream:
            found.append(((*here, column, "via"), f"there is no [stream.{entry.via}]"))
        if entry.type is not None and known[column] not in _ALTERNATIVES:
            found.append(((*here, column, "type"), f"{column} is a {known[column]}"))
        if entry.others != "refuse" and not entry.values:
            found.append(((*here, column, "others"), "this goes with values"))
    if name == "lessons" and "lesson" not in stream.map:
        found += [
            ((*here, column), f'"{column}" is missing here, or lesson with via = "timetable"')
            for column in ("day", "starts", "ends", "period")
            if column not in stream.map
        ]
    return found


def _connection_mistakes(manifest: ManifestModel) -> list[Mistake]:
    places: list[Mistake] = []
    if manifest.auth:
        places += [
            (("auth", key), getattr(manifest.auth, key)) for key in ("token", "user", "password")
        ]
        places += [(("auth", "headers", key), text) for key, text in manifest.auth.headers.items()]
    if manifest.http:
        places.append((("http", "base"), manifest.http.base))
        places += [(("http", "headers", key), text) for key, text in manifest.http.headers.items()]
    secret_free = len(places)
    for name, stream in manifest.stream.items():
        here = ("stream", name)
        places.append(((*here, "get" if stream.get else "post"), stream.get or stream.post or ""))
        places.append(((*here, "body"), stream.body or ""))
        places += [((*here, "query", key), text) for key, text in stream.query.items()]
        places += [((*here, "page", "query", key), text) for key, text in stream.page.query.items()]
    found: list[Mistake] = []
    for number, (key, text) in enumerate(places):
        for placeholder in placeholders(text):
            table, _, parameter = placeholder.partition(".")
            if table != "connection":
                continue
            if parameter not in manifest.connection:
                advice = nearest(parameter, manifest.connection)
                found.append((key, f"there is no [connection.{parameter}]: {advice}"))
            elif manifest.connection[parameter].secret and number >= secret_free:
                found.append((key, "a secret goes into [auth], never into an address"))
    return found
