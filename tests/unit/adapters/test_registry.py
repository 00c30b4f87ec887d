"""Finding adapters."""

from __future__ import annotations

import hashlib
import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from mis_bridge.adapters import registry
from mis_bridge.errors import AdapterInvalid, SettingsError
from mis_bridge.io.clock import SystemClock
from mis_bridge.io.http import Transport
from mis_bridge.io.secrets import Secret, Secrets
from mis_bridge.settings import PollingSettings, SettingsProblems

if TYPE_CHECKING:
    from pathlib import Path

CODE = """
from mis_bridge.adapters.source import Standing

class Own:
    async def read(self, plan):
        return
        yield

    async def check(self):
        return Standing(3)

def open_source(context):
    return Own()
"""
MANIFEST = """
[adapter]
id = "{id}"
name = "Own MIS"
vendor = "Nobody"
version = "1"
evidence = "invented for tests"
[capabilities]
"""


def folder(where: Path, name: str, code: str | None = CODE) -> Path:
    """Write an adapter of one's own."""
    made = where / name
    made.mkdir(parents=True)
    (made / "adapter.toml").write_text(MANIFEST.replace("{id}", name))
    if code is not None:
        (made / "adapter.py").write_text(code)
    return made


def test_the_shipped_adapters_are_there_and_valid() -> None:
    """In a checkout they stand beside the package."""
    found = registry.load()

    assert {"csv", "wonde"} <= set(found)
    assert found.broken == {}


def test_a_broken_adapter_does_not_stop_the_others(tmp_path: Path) -> None:
    """Its error is raised when somebody wants it."""
    folder(tmp_path, "good")
    (folder(tmp_path, "bad") / "adapter.toml").write_text("[adapter]")

    found = registry.load([tmp_path])

    assert "good" in found
    with pytest.raises(AdapterInvalid, match="bad/adapter"):
        found.find("bad")


def test_two_folders_with_one_id_are_refused_and_both_named(tmp_path: Path) -> None:
    """Nobody can know which of them was meant."""
    one, other = folder(tmp_path / "a", "twin"), folder(tmp_path / "b", "twin")

    with pytest.raises(AdapterInvalid) as caught:
        registry.load([one.parent, other.parent])
    assert str(one) in str(caught.value)
    assert str(other) in str(caught.value)

    folder(tmp_path / "c", "wonde")
    with pytest.raises(AdapterInvalid, match="two adapters"):
        registry.load([tmp_path / "c"])


def test_an_id_that_is_not_there_is_answered_with_the_nearest() -> None:
    """With the key of the school's file."""
    with pytest.raises(SettingsError, match='"wonde"') as caught:
        registry.load().find("wodne")
    assert caught.value.key == "mis.adapter"


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    """A typing mistake in service.adapter_dirs."""
    with pytest.raises(SettingsError, match="is not a folder"):
        registry.load([tmp_path / "nowhere"])


async def test_code_of_one_s_own_runs_only_with_its_digest(tmp_path: Path) -> None:
    """The error gives the digest of what is there, for the person who has read it."""
    made = folder(tmp_path, "own")
    digest = hashlib.sha256((made / "adapter.py").read_bytes()).hexdigest()
    clock = SystemClock()

    async with Transport() as transport:
        for pins in ({}, {"own": "0" * 64}):
            with pytest.raises(AdapterInvalid, match=digest):
                registry.load([tmp_path], pins)["own"].open({}, transport=transport, clock=clock)

        adapter = registry.load([tmp_path], {"own": digest})["own"]
        assert (await adapter.open({}, transport=transport, clock=clock).check()).pupils == 3

        (made / "adapter.py").write_text(CODE + "# changed\n")
        with pytest.raises(AdapterInvalid, match="did not come with"):
            adapter.open({}, transport=transport, clock=clock)


@pytest.mark.parametrize(
    "code",
    [
        "raise RuntimeError('x')",
        "import nothing_of_this_name",
        "x = 1",
        "def open_source(context):\n    return context.connection['nothing']",
    ],
)
async def test_code_that_is_no_adapter_is_named(tmp_path: Path, code: str) -> None:
    """It breaks on import, has no open_source, or can open no school: other schools go on."""
    made = folder(tmp_path, "own", code)
    digest = hashlib.sha256(code.encode()).hexdigest()

    async with Transport() as transport:
        with pytest.raises(AdapterInvalid, match=str(made)):
            registry.load([tmp_path], {"own": digest})["own"].open(
                {}, transport=transport, clock=SystemClock()
            )


def test_secrets_are_found_by_their_references() -> None:
    """A value that was written in place of a reference is refused, not used."""
    wonde = registry.load()["wonde"]
    secrets = Secrets(None, {"WONDE_TOKEN": "invented-token"})

    found = wonde.connection({"school": "A1", "token": "env:WONDE_TOKEN"}, secrets)
    assert isinstance(found["token"], Secret)
    assert found["token"].reveal() == "invented-token"

    with pytest.raises(SettingsProblems) as caught:
        wonde.connection({"school": "A1", "token": "invented-token"}, secrets)
    assert "invented-token" not in str(caught.value)


async def test_a_token_is_not_sent_without_encryption_but_to_this_machine() -> None:
    """Plain http is for rehearsals on loopback."""
    wonde = registry.load()["wonde"]
    given: dict[str, str | Secret] = {
        "school": "A1",
        "token": Secret("invented-token"),
        "scheme": "http",
    }

    async with Transport() as transport:
        with pytest.raises(SettingsError, match="without encryption"):
            wonde.open(given, transport=transport, clock=SystemClock())
        wonde.open({**given, "domain": "127.0.0.1:8080"}, transport=transport, clock=SystemClock())


def test_adapters_inside_an_installed_package_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wheel carries them in the package itself."""
    package = tmp_path / "site" / "mis_bridge"
    shutil.copytree(registry.shipped(), package / "_shipped" / "adapters")
    monkeypatch.setattr(registry, "__file__", os.fspath(package / "adapters" / "registry.py"))

    assert registry.shipped() == package / "_shipped" / "adapters"
    assert "wonde" in registry.load()


@pytest.mark.parametrize(("given", "waited"), [({}, 60.0), ({"timeout_seconds": 7}, 7.0)])
async def test_an_answer_is_waited_for_as_long_as_the_adapter_says_or_the_settings(
    tmp_path: Path, given: dict[str, float], waited: float
) -> None:
    """A MIS that works out its answers slowly is not cut off by a default."""
    code = CODE.replace("return Own()", "own = Own(); own.http = context.manifest.http; return own")
    made = folder(tmp_path, "own", code)
    manifest = made / "adapter.toml"
    manifest.write_text(
        manifest.read_text()
        + '[auth]\ntype = "none"\n[http]\nbase = "https://own.example.test/"\ntimeout = 60\n'
    )
    digest = hashlib.sha256((made / "adapter.py").read_bytes()).hexdigest()
    timeout = PollingSettings.model_validate(given).timeout_seconds

    async with Transport() as transport:
        source: Any = registry.load([tmp_path], {"own": digest})["own"].open(
            {}, transport=transport, clock=SystemClock(), timeout=timeout
        )

    assert source.http.timeout == waited
