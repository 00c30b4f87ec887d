"""Secrets: found by reference, refused when others may read them, never printed."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mis_bridge.errors import SecretMissing
from mis_bridge.io.secrets import MASK, Secret, Secrets, is_reference

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

VALUE = "invented-secret-value"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The configured folder of credentials."""
    path = tmp_path / "credentials"
    path.mkdir()
    return path


@pytest.fixture
def write(folder: Path) -> Callable[..., Path]:
    """Write a credential as a person would, readable by its owner alone."""

    def write(name: str, content: str | bytes = VALUE + "\n", mode: int = 0o600) -> Path:
        path = folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        path.chmod(mode)
        return path

    return write


def test_a_secret_does_not_print() -> None:
    """Neither repr nor str  shows the value, alone or in a list."""
    secret = Secret(VALUE, reference="credential:dsl")

    shown = f"{secret} {secret!r} {[secret]} {Secret(VALUE)!r}"

    assert VALUE not in shown
    assert MASK in shown
    assert secret.reveal() == VALUE


def test_a_secret_is_compared_by_value_and_not_copied_out() -> None:
    """Equal values are equal; no other type is; a pickle would outlive its use."""
    assert Secret("aaaa") == Secret("aaaa", reference="env:A")
    assert len({Secret("aaaa"), Secret("aaaa")}) == 1
    assert Secret("aaaa") != Secret("bbbb")
    assert Secret("aaaa") != "aaaa"
    with pytest.raises(TypeError):
        pickle.dumps(Secret("aaaa"))
    with pytest.raises(TypeError):
        copy.deepcopy(Secret("aaaa"))


@pytest.mark.parametrize("text", ["credential:dsl-teams", "credential:a.b_c", "env:DSL_URL"])
def test_references_are_recognised(text: str) -> None:
    """Both forms name a secret."""
    assert is_reference(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "credential:",
        "credential:../etc/shadow",
        "credential:a/b",
        "credential:.hidden",
        "file:x",
        "https://hook.example/?sig=abc",
        "credential:a\n",
    ],
)
def test_anything_else_is_refused_without_being_repeated(text: str, folder: Path) -> None:
    """What stands in the place of a reference may be the secret itself."""
    with pytest.raises(SecretMissing) as caught:
        Secrets(folder, {}).resolve(text)

    assert "credential:NAME or env:VAR" in str(caught.value)
    assert "sig" not in str(caught.value)
    assert not is_reference(text)


def test_the_environment(folder: Path) -> None:
    """``env:VAR`` is the variable's value, as it stands."""
    assert Secrets(folder, {"DSL_URL": VALUE}).resolve("env:DSL_URL").reveal() == VALUE


@pytest.mark.parametrize("environment", [{}, {"DSL_URL": ""}])
def test_a_variable_that_is_missing_or_empty(environment: dict[str, str]) -> None:
    """The text names the variable."""
    with pytest.raises(SecretMissing, match="DSL_URL"):
        Secrets(None, environment).resolve("env:DSL_URL")


@pytest.mark.parametrize(
    "content", [VALUE, VALUE + "\n", VALUE + "\r\n", "\ufeff" + VALUE + "\r\n"]
)
def test_a_file_without_what_editors_add(
    content: str, folder: Path, write: Callable[..., Path]
) -> None:
    """A line ending and a byte order mark are not part of a password."""
    write("dsl", content)

    assert Secrets(folder, {}).resolve("credential:dsl").reveal() == VALUE


def test_inner_lines_and_blanks_are_kept(folder: Path, write: Callable[..., Path]) -> None:
    """Keys have lines, and a password may begin with a blank."""
    write("key", " a line\nanother line \n\n")

    assert Secrets(folder, {}).resolve("credential:key").reveal() == " a line\nanother line "


def test_systemd_comes_before_the_folder(
    tmp_path: Path, folder: Path, write: Callable[..., Path]
) -> None:
    """What systemd passes wins; what it does not pass is looked for in the folder."""
    given = tmp_path / "run"
    given.mkdir()
    (given / "dsl").write_text("from systemd")
    write("dsl", "from folder")
    write("it", "from folder")
    secrets = Secrets(folder, {"CREDENTIALS_DIRECTORY": str(given)})

    assert secrets.resolve("credential:dsl").reveal() == "from systemd"
    assert secrets.resolve("credential:it").reveal() == "from folder"


def test_systemds_access_list_is_not_taken_for_open_doors(tmp_path: Path) -> None:
    """Systemd's files can show group bits that stand for an access list of one user."""
    (tmp_path / "dsl").write_text(VALUE)
    (tmp_path / "dsl").chmod(0o440)

    secrets = Secrets(None, {"CREDENTIALS_DIRECTORY": str(tmp_path)})

    assert secrets.resolve("credential:dsl").reveal() == VALUE


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666, 0o610])
def test_a_file_that_others_may_open_is_refused(
    mode: int, folder: Path, write: Callable[..., Path]
) -> None:
    """The text says the command that mends it."""
    path = write("dsl", mode=mode)

    with pytest.raises(SecretMissing) as caught:
        Secrets(folder, {}).resolve("credential:dsl")

    assert f"chmod 600 {path}" in str(caught.value)
    assert VALUE not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"\x30\x82\x04\xff", "is not text"),
        (b"abc", "fewer than 4"),
        (b"x" * 1_048_577, "larger than any secret"),
    ],
)
def test_a_file_that_can_not_be_a_secret(
    content: bytes, problem: str, folder: Path, write: Callable[..., Path]
) -> None:
    """Empty, binary, too short to be kept out of logs, too large: the text says which."""
    write("dsl", content)

    with pytest.raises(SecretMissing, match=problem) as caught:
        Secrets(folder, {}).resolve("credential:dsl")

    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_secret_that_is_nowhere_names_the_places(tmp_path: Path, folder: Path) -> None:
    """The person learns which file to write, and where."""
    with pytest.raises(SecretMissing) as caught:
        Secrets(folder, {"CREDENTIALS_DIRECTORY": str(tmp_path)}).resolve("credential:dsl")

    assert str(folder) in str(caught.value)
    assert str(tmp_path) in str(caught.value)
    with pytest.raises(SecretMissing, match=r"service\.credentials_dir"):
        Secrets(None, {}).resolve("credential:dsl")


def test_a_folder_in_the_place_of_a_file(folder: Path) -> None:
    """A folder of that name is not a secret."""
    (folder / "dsl").mkdir()

    with pytest.raises(SecretMissing):
        Secrets(folder, {}).resolve("credential:dsl")


def test_all_values_given_out_are_known_for_redaction() -> None:
    """Nothing is known before it is asked for; afterwards the value is."""
    secrets = Secrets(None, {"A": "first-secret", "B": "second-secret"})

    assert secrets.known_values() == frozenset()
    secrets.resolve("env:A")
    secrets.resolve("env:B")
    assert secrets.known_values() >= {"first-secret", "second-secret"}


def test_the_telling_parts_of_an_address_are_known_as_well() -> None:
    """A log line that holds the ``sig`` alone, as it stood or decoded, opens the door too."""
    url = "https://user:pass-word@hook.example/workflows/1/x?sv=1.0&sig=abc%2Fdef%3Dghi"

    secrets = Secrets(None, {"URL": url})
    secrets.resolve("env:URL")

    assert secrets.known_values() == {url, "abc%2Fdef%3Dghi", "abc/def=ghi", "pass-word"}


def test_each_line_of_a_key_is_known_but_not_its_heading() -> None:
    """A traceback may print one line of a key; the heading is in every manual."""
    key = "-----BEGIN PRIVATE KEY-----\nTUlJRXZRSUJBREFOQg==\nQUJDREVGR0hJSktM\n-----END-----"

    secrets = Secrets(None, {"KEY": key})
    secrets.resolve("env:KEY")

    assert secrets.known_values() == {key, "TUlJRXZRSUJBREFOQg==", "QUJDREVGR0hJSktM"}


@given(st.text(min_size=4, max_size=200).filter(lambda text: text.strip()))
def test_any_text_can_be_a_secret_and_none_prints(text: str) -> None:
    """Whatever the value, resolving knows it and printing hides it."""
    secrets = Secrets(None, {"A": text})

    secret = secrets.resolve("env:A")

    assert secret.reveal() == text
    assert text in secrets.known_values()
    assert (str(secret), repr(secret)) == (MASK, "Secret('env:A')")
