"""What ``mis-bridge check`` finds, and where in which file it stands."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mis_bridge.errors import SettingsError
from mis_bridge.settings import SettingsProblems
from mis_bridge.settings.loading import line_of

if TYPE_CHECKING:
    from mis_bridge.errors import MisBridgeError
    from mis_bridge.settings import Configuration

__all__ = ["Finding", "note", "of_error", "placed", "problem"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a person should know.

    Args:
        level: ``problem`` has to be put right, ``note`` may be as it should.
        text: what is wrong and what to do.
        file, line, key: where it stands, as far as it stands somewhere.
    """

    level: str
    text: str
    file: str = ""
    line: int | None = None
    key: str = ""

    def __str__(self) -> str:
        where = ":".join(str(part) for part in (self.file, self.line) if part)
        told = f"note: {self.text}" if self.level == "note" else self.text
        return ": ".join(part for part in (where, self.key, told) if part)


def problem(configuration: Configuration, text: str, key: str, school: str = "") -> Finding:
    """Give what has to be put right at a key of a school's file, or of ``config.toml``."""
    return placed(configuration, Finding("problem", text, key=key), school)


def note(configuration: Configuration, text: str, key: str, school: str = "") -> Finding:
    """Give what may be as it should at a key of a school's file, or of ``config.toml``."""
    return placed(configuration, Finding("note", text, key=key), school)


def of_error(error: MisBridgeError) -> list[Finding]:
    """Give the mistakes that an error tells of, each as a problem."""
    if isinstance(error, SettingsProblems):
        return [finding for one in error.problems for finding in of_error(one)]
    if isinstance(error, SettingsError):
        return [Finding("problem", error.problem, error.file, error.line, error.key)]
    return [Finding("problem", str(error))]


def placed(configuration: Configuration, finding: Finding, school: str = "") -> Finding:
    """Give a finding with the file and line of its key, where it does not carry them.

    Args:
        configuration: as loaded.
        finding: what was found.
        school: in whose file the key stands; empty for ``config.toml``.
    """
    if finding.file or not finding.key:
        return finding
    file = configuration.school_file(school) if school else configuration.path
    return replace(finding, file=str(file), line=line_of(file, finding.key))
