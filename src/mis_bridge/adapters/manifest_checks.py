"""What no single table of a manifest can know: joins, placeholders, capabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mis_bridge.adapters.vocabulary import FIELDS, JOINS, REQUIRED, placeholders
from mis_bridge.settings.problems import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mis_bridge.adapters.vocabulary import ManifestModel, MapEntry, StreamTable

__all__ = ["Mistake", "mistakes"]

Mistake = tuple[tuple[str, ...], str]
"""(key from the root, problem)."""

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
    sessions = manifest.stream.get("sessions")
    bounded = sessions is None or (sessions.parts is not None and sessions.parts.back_days)
    if "history" in manifest.stream and not bounded:
        needs = "this would never be read: it needs stream.sessions.parts.back_days"
        found.append((("stream", "history"), needs))
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
        found += [
            ((*here, column, key), problem)
            for key, problem in _entry_mistakes(manifest, name, column, entry)
        ]
    found += _join_mistakes(name, stream)
    if stream.repeats != "last" and name != "pupils":
        found.append((("stream", name, "repeats"), "this goes with [stream.pupils]"))
    if stream.version is not None and stream.version.first == "" and stream.version.get is None:
        wanted = [text for text in stream.version.query.values() if "{version}" not in text]
        if wanted:
            found.append((("stream", name, "version", "query"), "{version} is missing here"))
    return found


def _entry_mistakes(
    manifest: ManifestModel, stream: str, column: str, entry: MapEntry
) -> list[tuple[str, str]]:
    found = []
    kind = FIELDS[stream][column]
    own_periods = entry.via == "periods" and manifest.capabilities.needs_periods
    if entry.via is not None and JOINS.get((stream, column)) != entry.via:
        found.append(("via", f"{column} can not be an id of {entry.via}"))
    elif entry.via is not None and entry.via not in manifest.stream and not own_periods:
        found.append(("via", f"there is no [stream.{entry.via}]"))
    if entry.type is not None and kind not in _ALTERNATIVES and kind != "session":
        found.append(("type", f"{column} is a {kind}"))
    if entry.others != "refuse" and not entry.values:
        found.append(("others", "this goes with values"))
    return found


def _join_mistakes(name: str, stream: StreamTable) -> list[Mistake]:
    """What a mark needs and has neither itself nor through the timetable."""
    needed = {"sessions": ("event", ("day", "session")),
              "lessons": ("lesson", ("day", "starts", "ends", "period"))}.get(name)  # fmt: skip
    if needed is None or needed[0] in stream.map:
        return []
    period = stream.map.get("period")
    timed = {"starts", "ends"} if period is not None and period.via == "periods" else set()
    return [
        (
            ("stream", name, "map", column),
            f'"{column}" is missing here, or {needed[0]} with via = "timetable"',
        )
        for column in needed[1]
        if column not in stream.map and column not in timed
    ]


def _connection_mistakes(manifest: ManifestModel) -> list[Mistake]:
    found: list[Mistake] = []
    for key, text, secrets in _places(manifest):
        for placeholder in placeholders(text):
            table, _, parameter = placeholder.partition(".")
            if table == "token" and key[:2] != ("auth", "headers"):
                found.append((key, "{token} goes into [auth] headers"))
            if table != "connection":
                continue
            if parameter not in manifest.connection:
                advice = nearest(parameter, manifest.connection)
                found.append((key, f"there is no [connection.{parameter}]: {advice}"))
            elif manifest.connection[parameter].secret and not secrets:
                found.append((key, "a secret goes into [auth], never into an address"))
    return found


def _places(manifest: ManifestModel) -> Iterator[tuple[tuple[str, ...], str, bool]]:
    """List every text with placeholders: (key, text, whether secrets may stand in it)."""
    if manifest.auth:
        for below, text, secrets in manifest.auth.templates():
            yield ("auth", *below), text, secrets
    plain = {"http": manifest.http, "check": manifest.check}
    for name, table in plain.items():
        for below, text in table.templates() if table is not None else ():
            yield (name, *below), text, False
    for name, stream in manifest.stream.items():
        for below, text in stream.templates():
            yield ("stream", name, *below), text, False
