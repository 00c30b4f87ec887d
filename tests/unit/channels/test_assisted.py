"""The folder from which a person uploads to the authority's portal."""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mis_bridge.channels.assisted import README, AssistedFolder
from mis_bridge.channels.outcome import Result
from mis_bridge.messages.model import Attachment, Carried, Disclosure

if TYPE_CHECKING:
    from mis_bridge.messages.model import Message


@pytest.fixture
def channel(tmp_path: Path) -> AssistedFolder:
    """A folder that is not there yet, in a place that is."""
    return AssistedFolder(
        "portal",
        disclosure=Disclosure.FULL,
        path=tmp_path / "portal",
        portal="https://portal.la.example/cme",
    )


def package(tmp_path: Path) -> Path:
    """The one folder that was written."""
    (folder,) = (tmp_path / "portal").iterdir()
    return folder


async def test_files_and_the_fields_to_copy(
    channel: AssistedFolder, alert: Message, tmp_path: Path
) -> None:
    """The files are there whole, and the README says what to copy and what to upload."""
    outcome = await channel.send(alert)

    folder = package(tmp_path)
    readme = (folder / README).read_text()
    assert outcome.result is Result.SENT
    assert sorted(f.name for f in folder.iterdir()) == [README, "return.csv", "return.pdf"]
    for file in alert.attachments:
        assert (folder / file.name).read_bytes() == file.content
        assert f"{file.name}  {len(file.content)} bytes" in readme
        assert hashlib.sha256(file.content).hexdigest() in readme
    assert alert.text in readme
    assert alert.reference in readme
    assert "https://portal.la.example/cme" in readme


async def test_a_package_says_what_to_copy_in_the_forms_order_and_what_to_do_then(
    channel: AssistedFolder, alert: Message, tmp_path: Path
) -> None:
    """Section by section; an unknown field says so, one of two lines stays in its column."""
    form = (
        ("Pupil", (("Surname", "Testpupil"), ("Address", ""))),
        ("Attempts", (("Home visit", "12 November\nnobody in"),)),
    )
    carried = Carried("c0ffee" * 10 + "abcd", "cme", 1, form)

    outcome = await channel.send(dataclasses.replace(alert, package=carried))

    readme = (package(tmp_path) / README).read_text()
    assert outcome.by_hand
    assert (
        "  Pupil\n    Surname  Testpupil\n    Address  (not known: ask for it)\n\n"
        "  Attempts\n    Home visit  12 November\n                nobody in\n"
    ) in readme
    command = f'mis-bridge notify done {alert.reference} --kind cme --reference "..." --by'
    assert command in readme


@pytest.mark.parametrize(
    ("own", "shown"), [("", "https://la.example/a"), ("https://la.example/b",) * 2]
)
async def test_the_portal_is_the_channels_own_or_the_authoritys(
    alert: Message, tmp_path: Path, own: str, shown: str
) -> None:
    """What the school has set goes before what the authority's file says."""
    channel = AssistedFolder(
        "portal", disclosure=Disclosure.FULL, path=tmp_path / "portal", portal=own
    )
    carried = Carried("c0ffee" * 10 + "abcd", "cme", 1, (), "https://la.example/a")

    await channel.send(dataclasses.replace(alert, package=carried))

    assert f"Portal: {shown}\n" in (package(tmp_path) / README).read_text()


async def test_files_that_are_no_package_wait_for_nobody(
    channel: AssistedFolder, alert: Message
) -> None:
    """A test message has a file, and nobody is reminded of it."""
    assert not (await channel.send(alert)).by_hand


async def test_an_alert_without_files_is_not_taken_for_an_upload(
    channel: AssistedFolder, alert: Message, tmp_path: Path
) -> None:
    """Where the folder is somebody's route for alerts, it holds the alert and nothing else."""
    outcome = await channel.send(dataclasses.replace(alert, attachments=()))

    assert (package(tmp_path) / README).read_text() == alert.text
    assert outcome.detail.endswith("README.txt is in the folder")


async def test_only_the_service_reads_them(
    channel: AssistedFolder, alert: Message, tmp_path: Path
) -> None:
    """Files are 0600 and folders 0700, whatever the umask allows."""
    await channel.send(alert)

    folder = package(tmp_path)
    assert {stat.S_IMODE(f.stat().st_mode) for f in folder.iterdir()} == {0o600}
    assert {stat.S_IMODE(f.stat().st_mode) for f in (folder, folder.parent)} == {0o700}


async def test_the_outcome_names_no_pupil(
    channel: AssistedFolder, alert: Message, tmp_path: Path
) -> None:
    """Neither the outcome nor the name of a folder or file is about a person."""
    outcome = await channel.send(alert)

    assert "Testpupil" not in repr(outcome)
    assert "Testpupil" not in str(list(package(tmp_path).iterdir()))


async def test_sent_again_it_is_where_it_was(
    channel: AssistedFolder, alert: Message, tmp_path: Path
) -> None:
    """A second attempt finds the files, says so, and leaves nothing beside them."""
    first = await channel.send(alert)
    second = await channel.send(dataclasses.replace(alert, text="Read at 09:40\n"))

    assert (first.result, second.result) == (Result.SENT, Result.SENT)
    assert "already" not in first.detail
    assert "already" in second.detail
    assert first.proof == second.proof
    assert len(list(package(tmp_path).iterdir())) == 3
    assert "Read at 09:40" in (package(tmp_path) / README).read_text()


@pytest.mark.parametrize("content", [b"cut", b"SURNAME\r\nTESTPUPIL\r\n"])
async def test_a_file_with_other_content_is_left_and_told(
    channel: AssistedFolder, alert: Message, tmp_path: Path, content: bytes
) -> None:
    """Somebody changed it, in size or not: it is not overwritten, and a person is asked."""
    await channel.send(alert)
    (package(tmp_path) / "return.csv").write_bytes(content)

    outcome = await channel.send(alert)

    assert (outcome.result, outcome.config_alarm) == (Result.PERMANENT, True)
    assert "return.csv" in outcome.detail
    assert (package(tmp_path) / "return.csv").read_bytes() == content


async def test_what_a_crash_left_behind_is_no_obstacle(
    channel: AssistedFolder, alert: Message, tmp_path: Path
) -> None:
    """A half-written file has another name, and the next attempt replaces it."""
    await channel.send(alert)
    folder = package(tmp_path)
    (folder / "return.csv").unlink()
    (folder / README).unlink()
    (folder / ".return.csv.part").write_bytes(b"sur")

    outcome = await channel.send(alert)

    assert outcome.result is Result.SENT
    assert (folder / "return.csv").read_bytes() == alert.attachments[0].content
    assert not (folder / ".return.csv.part").exists()


async def test_a_share_that_is_not_mounted_is_tried_again_and_told(alert: Message) -> None:
    """The folder above is missing: nothing is written in its place."""
    channel = AssistedFolder(
        "portal", disclosure=Disclosure.FULL, path=Path("/nonexistent/share/portal")
    )

    sent, checked = await channel.send(alert), await channel.check()

    assert (sent.result, sent.config_alarm) == (Result.RETRY, True)
    assert (checked.result, checked.config_alarm) == (Result.RETRY, True)


@pytest.mark.parametrize(
    ("code", "result"),
    [
        (errno.EACCES, Result.PERMANENT),
        (errno.EROFS, Result.PERMANENT),
        (errno.ENOSPC, Result.RETRY),
        (errno.EIO, Result.RETRY),
    ],
)
async def test_a_disk_that_refuses(
    channel: AssistedFolder,
    alert: Message,
    monkeypatch: pytest.MonkeyPatch,
    code: int,
    result: Result,
) -> None:
    """No right to write stays so until somebody acts; a full disk may be emptied. IT is told."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(code, "refused for Ada Testpupil")

    monkeypatch.setattr("os.fsync", refuse)

    outcome = await channel.send(alert)

    assert (outcome.result, outcome.config_alarm) == (result, True)
    assert "Testpupil" not in outcome.detail


@pytest.mark.parametrize(
    "names", [("../up.csv",), ("a/b.csv",), (".hidden",), ("",), (README,), ("a.csv", "a.csv")]
)
async def test_names_that_lead_elsewhere_are_refused(
    channel: AssistedFolder, alert: Message, tmp_path: Path, names: tuple[str, ...]
) -> None:
    """A name from outside never becomes a path, and no file hides another."""
    files = tuple(Attachment(name, "text/csv", b"x") for name in names)

    outcome = await channel.send(dataclasses.replace(alert, attachments=files))

    assert outcome.result is Result.PERMANENT
    assert not (tmp_path / "portal").exists()


async def test_a_reference_that_leads_elsewhere_stays_in_the_folder(
    channel: AssistedFolder, alert: Message, tmp_path: Path
) -> None:
    """The name of the folder is made of letters, digits and hyphens alone."""
    await channel.send(dataclasses.replace(alert, reference="../../x", id="/etc/passwd"))

    assert package(tmp_path).name == "------x--etc-passwd"[: len("------x-") + 12]


async def test_check_leaves_nothing_behind(channel: AssistedFolder, tmp_path: Path) -> None:
    """A file is written and taken away."""
    outcome = await channel.check()

    assert outcome.result is Result.SENT
    assert list((tmp_path / "portal").iterdir()) == []
