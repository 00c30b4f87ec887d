"""Read ``config.toml`` and ``conf.d/``: every mistake is collected before anything is refused."""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from mis_bridge.errors import OperatorError, SettingsError
from mis_bridge.settings.checks import Names, check_school, check_settings
from mis_bridge.settings.model import SchoolSettings, Settings
from mis_bridge.settings.people import channels_of
from mis_bridge.settings.problems import Reader, SettingsProblems, nearest
from mis_bridge.settings.toml_lines import LineIndex

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mis_bridge.settings.interruptions import QuietSettings
    from mis_bridge.settings.people import PersonSettings


__all__ = ["Configuration", "find_config", "line_of", "load"]

_SYSTEM_CONFIG = Path("/etc/mis-bridge/config.toml")
# Read by the command line or by tests, not part of the configuration file.
_OTHER_VARIABLES = frozenset({"MIS_BRIDGE_CONFIG", "MIS_BRIDGE_STRICT", "MIS_BRIDGE_REHEARSAL"})


@dataclass(frozen=True, slots=True)
class Configuration:
    """All that is configured.

    Args:
        settings: ``config.toml`` with the environment's overrides; paths are absolute and each
            channel's disclosure is filled in.
        schools: by school id, in order.
        resting: the schools whose file says ``enabled = false``: known, and not read.
        path: the ``config.toml`` that was read.
    """

    settings: Settings
    schools: Mapping[str, SchoolSettings] = field(default_factory=dict)
    path: Path = Path()
    resting: Mapping[str, SchoolSettings] = field(default_factory=dict)

    def find_school(self, school: str) -> SchoolSettings:
        """One school, also where it rests.

        Raises:
            SettingsError: there is none of this id; names the nearest.
        """
        found = self.schools.get(school) or self.resting.get(school)
        if found is None:
            raise SettingsError(
                f'there is no school "{school}": {nearest(school, [*self.schools, *self.resting])}',
                file=str(self.settings.service.conf_dir),
            )
        return found

    def school_file(self, school: str) -> Path:
        """The file of one school, named like ``path``: relative where that is."""
        folder, base = self.settings.service.conf_dir, self.path.absolute().parent
        if folder.is_relative_to(base):
            folder = self.path.parent / folder.relative_to(base)
        return folder / f"{school}.toml"

    def routes(self, school: str) -> dict[str, list[str]]:
        """Channels and ids of people by duty, as they hold for one school."""
        return {**self.settings.routes, **self.schools[school].routes}

    def people(self, school: str) -> dict[str, PersonSettings]:
        """The people whom one school tells, by id: its own over the general ones."""
        return {**self.settings.people, **self.schools[school].people}

    def channels(self, school: str) -> dict[str, list[str]]:
        """Channel names by duty, as they hold for one school: people as their channels."""
        people = self.people(school)
        return {duty: channels_of(names, people) for duty, names in self.routes(school).items()}

    def triggers(self, school: str) -> dict[str, dict[str, Any]]:
        """Parameters by trigger, as they hold for one school: its own over the general ones."""
        general, own = self.settings.triggers, self.schools[school].triggers
        return {
            name: {**general.get(name, {}), **own.get(name, {})}
            for name in sorted({*general, *own})
        }

    def authority(self, school: str) -> str:
        """Id of the Local Authority of one school."""
        return self.schools[school].authority.id or self.settings.authority.id

    def authority_name(self, school: str) -> str:
        """Its name as the settings have it; empty where they leave it to the authority's file."""
        own, general = self.schools[school].authority, self.settings.authority
        return own.name or (general.name if own.id in (None, general.id) else "")

    def quiet(self, school: str) -> QuietSettings:
        """When the people of one school are left alone: its own table, else the general one."""
        return self.schools[school].quiet or self.settings.quiet

    def poll_seconds(self, school: str) -> int:
        """Time between two readings of one school."""
        return self.schools[school].mis.poll_seconds or self.settings.polling.interval_seconds


def find_config(given: Path | None = None) -> Path:
    """The configuration file to read.

    Args:
        given: what ``--config`` says; looked for nowhere else then.

    Returns:
        ``given``, or ``$MIS_BRIDGE_CONFIG``, or ``./config.toml``, or the system's.

    Raises:
        OperatorError: none of them is there; the text names them.
    """
    if given is not None:
        candidates = [given]
    elif os.environ.get("MIS_BRIDGE_CONFIG"):
        candidates = [Path(os.environ["MIS_BRIDGE_CONFIG"])]
    else:
        candidates = [Path("config.toml"), _SYSTEM_CONFIG]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    looked = " nor ".join(str(candidate) for candidate in candidates)
    raise OperatorError(
        f"no configuration: there is no {looked}; write one with: mis-bridge init DIR"
    )


def load(path: Path) -> Configuration:
    """Read the configuration.

    Args:
        path: of ``config.toml``.

    Raises:
        SettingsProblems: with every mistake of every file.
    """
    problems: list[SettingsError] = []
    environment = {
        name.upper(): value
        for name, value in os.environ.items()
        if name.upper().startswith("MIS_BRIDGE_") and name.upper() not in _OTHER_VARIABLES
    }
    problems += _unknown_variables(environment)
    base = path.absolute().parent
    raw, reader = _parse(path, Settings, problems, environment)
    settings = None
    names = Names.of({})
    if raw is not None:
        settings = _validate(raw, reader, problems)
        whole = settings.model_dump() if settings else raw
        names = Names.of(whole)
        problems += check_settings(names, whole, raw, reader)
    schools: dict[str, SchoolSettings] = {}
    for file in sorted((path.parent / _conf_dir(settings, raw)).glob("*.toml")):
        raw_school, school_reader = _parse(file, SchoolSettings, problems, {})
        if raw_school is None:
            continue
        school = _validate(raw_school, school_reader, problems)
        problems += check_school(raw_school, file.stem, names, school_reader)
        if isinstance(school, SchoolSettings):
            schools[file.stem] = school
    if problems or not isinstance(settings, Settings):
        raise SettingsProblems(sorted(problems, key=lambda it: (it.file, it.line or 0, it.key)))
    watched = {school: own for school, own in schools.items() if own.school.enabled}
    resting = {school: own for school, own in schools.items() if not own.school.enabled}
    return Configuration(_resolved(settings, base), watched, path, resting)


def line_of(file: Path, key: str) -> int | None:
    """The line of a key, or of the nearest table around it, in a file that was read well before.

    Args:
        file: the file.
        key: dotted, array places from 1: ``mis.connection.token``, ``calendar.closures[1].last``.
    """
    parts = re.findall(r"[^.\[\]]+", key)
    path = tuple(int(part) - 1 if f"[{part}]" in key else part for part in parts)
    try:
        return LineIndex(file.read_text(encoding="utf-8")).line_of(path)
    except (OSError, ValueError):
        return None


def _parse(
    path: Path,
    model: type[BaseModel],
    problems: list[SettingsError],
    environment: Mapping[str, str],
) -> tuple[dict[str, Any] | None, Reader]:
    try:
        text = path.read_text(encoding="utf-8")
        raw = tomllib.loads(text)
    except OSError as error:
        problems.append(SettingsError(f"can not be read: {error.strerror}", file=str(path)))
    except UnicodeDecodeError:
        problems.append(SettingsError("is not UTF-8 text: save it as UTF-8", file=str(path)))
    except tomllib.TOMLDecodeError as error:
        found = re.search(r" \(at line (\d+), column \d+\)$", str(error))
        line = int(found[1]) if found else text.count("\n") + 1
        problem = str(error)[: found.start()] if found else str(error).split(" (at ")[0]
        problem += _toml_advice(text.splitlines()[line - 1 : line])
        problems.append(SettingsError(f"this is not TOML: {problem}", file=str(path), line=line))
    else:
        return raw, Reader(model, str(path), LineIndex(text), environment)
    return None, Reader(model, str(path), None, environment)


_ADVICE = (
    (re.compile(r"=\s*\d{1,2}[-/.]\d{1,2}[-/.]\d+"), "write a date as 2026-09-03"),
    (re.compile(r"=\s*\d{1,2}[:.]?\d{2}\b"), 'write a time of day in quotes, "08:45"'),
    (re.compile(r"=\s*(True|False|yes|no|on|off)\b", re.IGNORECASE), "write true or false"),
    (re.compile(r"=\s*[^\W\d]"), "write text in quotes"),
)


def _toml_advice(lines: list[str]) -> str:
    """What was probably meant by a line that is not TOML; the line itself may hold a secret."""
    for line in lines:
        for pattern, advice in _ADVICE:
            if pattern.search(line):
                return f" ({advice})"
    return ""


def _validate(
    raw: dict[str, Any], reader: Reader, problems: list[SettingsError]
) -> BaseModel | None:
    # A key with a leading underscore would be taken for an argument of pydantic-settings.
    hidden = [key for key in raw if key.startswith("_")]
    problems += [
        reader.problem(
            (key,), f'there is no "{key}" here: {nearest(key, reader.model.model_fields)}'
        )
        for key in hidden
    ]
    try:
        return reader.model(**{key: value for key, value in raw.items() if key not in hidden})
    except ValidationError as error:
        problems += reader.read(error)
        return None


def _unknown_variables(environment: Mapping[str, str]) -> list[SettingsError]:
    """Overrides of a section that does not exist, which pydantic-settings would pass over."""
    sections = [name for name in Settings.model_fields if name != "disclosure"]
    return [
        SettingsError(
            f'there is no section "{section}": {nearest(section, sections)}',
            file=f"environment variable {name}",
        )
        for name in environment
        if "__" in name
        and (section := name.removeprefix("MIS_BRIDGE_").split("__")[0].lower()) not in sections
    ]


def _conf_dir(settings: BaseModel | None, raw: dict[str, Any] | None) -> Path:
    """The folder of the schools' files, also where ``config.toml`` has mistakes elsewhere."""
    if isinstance(settings, Settings):
        return settings.service.conf_dir
    service = (raw or {}).get("service")
    conf_dir = service.get("conf_dir") if isinstance(service, dict) else None
    return Path(conf_dir if isinstance(conf_dir, str) else "conf.d")


def _resolved(settings: Settings, base: Path) -> Settings:
    """Make paths absolute, from the configuration's folder; fill in each channel's disclosure."""
    service = settings.service
    service = service.model_copy(
        update={
            "data_dir": base / service.data_dir,
            "conf_dir": base / service.conf_dir,
            "credentials_dir": base / service.credentials_dir,
            "adapter_dirs": [base / folder for folder in service.adapter_dirs],
            "ca_bundle": str(base / service.ca_bundle) if service.ca_bundle else "",
        }
    )
    channels = {}
    for name, channel in settings.channels.items():
        update: dict[str, Any] = {"disclosure": channel.disclosure or settings.disclosure}
        if channel.kind == "folder":
            update["path"] = base / channel.path
        elif channel.kind == "secure-mail":
            update["certificates"] = [base / file for file in channel.certificates]
        channels[name] = channel.model_copy(update=update)
    return settings.model_copy(update={"service": service, "channels": channels})
