"""Lines of keys in a TOML text."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mis_bridge.settings.toml_lines import LineIndex

if TYPE_CHECKING:
    from mis_bridge.settings.toml_lines import KeyPath

TEXT = '''\
# a comment with [brackets] and "quotes"
top = 1
a.b.c = "dotted"            # 3
"odd key" . 'x.y' = true

[service]                   # 6
name = """several
lines # no comment
[not.a.table]
"""
after = [                   # 11
  1, # one
  "two, ]",
  { deep = 3, 'other' = [4,
    5] },                   # 15
]

[channels.dsl-teams]        # 18
kind = 'teams'
nested = { one = { two = 2 } }
when = 2026-09-03T10:00:00Z

[[closure]]                 # 23
first = 2026-10-26

[[closure]]
first = 2026-12-21          # 27
[closure.detail]            # 28
why = "x"
[[closure.part]]
p = 1                       # 31
[[closure.part]]
p = 2                       # 33
literal = \'\'\'it''s
fine\'\'\'
last = 1e3                  # 36
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("top",), 2),
        (("a", "b", "c"), 3),
        (("odd key", "x.y"), 4),
        (("service",), 6),
        (("service", "name"), 7),
        (("service", "after"), 11),
        (("service", "after", 0), 12),
        (("service", "after", 1), 13),
        (("service", "after", 2, "deep"), 14),
        (("service", "after", 2, "other", 1), 15),
        (("channels", "dsl-teams"), 18),
        (("channels", "dsl-teams", "nested", "one", "two"), 20),
        (("closure",), 23),
        (("closure", 0, "first"), 24),
        (("closure", 1, "first"), 27),
        (("closure", 1, "detail", "why"), 29),
        (("closure", 1, "part", 0, "p"), 31),
        (("closure", 1, "part", 1, "p"), 33),
        (("closure", 1, "part", 1, "last"), 36),
    ],
)
def test_every_form_of_key_has_its_line(path: KeyPath, line: int) -> None:
    """Dotted and quoted keys, inline tables and arrays of tables stand where they were written."""
    assert LineIndex(TEXT).line_of(path) == line


def test_a_key_that_is_missing_has_the_line_of_its_table() -> None:
    """What is not written is looked for where its table begins."""
    lines = LineIndex(TEXT)

    assert lines.line_of(("channels", "dsl-teams", "url")) == 18
    assert lines.line_of(("nowhere", "at", "all")) is None


def test_escapes_in_a_quoted_key_are_read() -> None:
    """A key in double quotes may carry escapes; its path is the plain key."""
    assert LineIndex('\n"a\\u0062\\t\\"" = 1').line_of(('ab\t"',)) == 2


def leaves(value: Any, path: KeyPath = ()) -> list[KeyPath]:
    """All paths that end in a plain value, in the order of writing."""
    if isinstance(value, dict):
        return [leaf for key, item in value.items() for leaf in leaves(item, (*path, key))]
    if isinstance(value, list):
        return [leaf for at, item in enumerate(value) for leaf in leaves(item, (*path, at))]
    return [path]


def as_toml(value: Any) -> str:
    """A value as TOML: tables inline, each array item on a line of its own."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {as_toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[\n" + ",\n".join(as_toml(item) for item in value) + "]"
    return json.dumps(value)


keys = st.text("abc-_ .\"'\\#]é", min_size=1, max_size=4)
values = st.recursive(
    st.integers(0, 99) | st.booleans() | st.text("ab\"'\\,]}#=\n", max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(keys, values, max_size=5))
def test_whatever_tomllib_reads_is_found(data: dict[str, Any]) -> None:
    """Each value of a text is found on a line that holds the last of its keys, in rising order."""
    text = "".join(f"{json.dumps(key)} = {as_toml(value)}\n" for key, value in data.items())

    parsed = tomllib.loads(text)
    lines = LineIndex(text)
    found = [lines.line_of(path) for path in leaves(parsed)]

    assert parsed == data
    assert found == sorted(line for line in found if line is not None)
    for path, line in zip(leaves(parsed), found, strict=True):
        assert line is not None
        key = next(part for part in reversed(path) if isinstance(part, str))
        begins = text.splitlines()[:line]
        assert any(json.dumps(key) in earlier for earlier in begins)
