"""Authorities are data: what they set holds, and a mistake is named with file and key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mis_bridge.adapters.authorities import authority_ids, load_authority
from mis_bridge.errors import SettingsError
from mis_bridge.incidents.protocol import NATIONAL
from mis_bridge.triggers.catalogue import TRIGGERS, parameters

if TYPE_CHECKING:
    from pathlib import Path


def _write(folder: Path, text: str) -> Path:
    place = folder / "la" / "exampleshire"
    place.mkdir(parents=True)
    (place / "authority.toml").write_text(text, "utf-8")
    return folder


def test_the_national_authority_sets_what_the_triggers_default_to() -> None:
    """Its file spells the defaults out, so that an officer can start from it; it moves none."""
    national = load_authority("national")

    assert {name: parameters(name, national.triggers.get(name, {})) for name in TRIGGERS} == {
        name: parameters(name) for name in TRIGGERS
    }


def test_an_authority_of_ones_own_stands_beside_the_shipped_ones(tmp_path: Path) -> None:
    """A folder under adapter_dirs is enough; the protocols that it does not name are national."""
    dirs = [
        _write(
            tmp_path,
            '[authority]\nid = "exampleshire"\nname = "Exampleshire"\n'
            "[triggers.register_not_taken]\nminutes = 20\n",
        )
    ]

    assert "exampleshire" in authority_ids(dirs)
    authority = load_authority("exampleshire", dirs)
    assert authority.triggers["register_not_taken"]["minutes"] == 20
    assert authority.protocols == NATIONAL


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('[authority]\nid = "other"\n', "authority.id"),
        ('[authority]\nid = "exampleshire"\n[trigers.x]\na = 1\n', "trigers"),
        (
            '[authority]\nid = "exampleshire"\n[triggers.register_not_taken]\nminuts = 2\n',
            "triggers.register_not_taken",
        ),
        ('[authority]\nid = "exampleshire"\n[[protocol.mising]]\nid = "a"\n', "protocol.mising"),
    ],
)
def test_a_mistake_is_named_with_its_key(tmp_path: Path, text: str, key: str) -> None:
    """A wrong id, table, parameter or protocol is refused, and the text says where it stands."""
    with pytest.raises(SettingsError, match=r"authority\.toml") as caught:
        load_authority("exampleshire", [_write(tmp_path, text)])

    assert caught.value.key == key


def test_an_unknown_authority_is_refused_with_those_that_there_are() -> None:
    """A misspelt id never falls back to another authority's thresholds."""
    with pytest.raises(SettingsError, match="national"):
        load_authority("natoinal")
