"""What can be configured: one model a table of ``config.toml`` and of ``conf.d/<school>.toml``.

Every field carries the sentence that the reference page prints. Units are in the names. What a
value may be is in ``fields``; the tables of one subject are in ``service``, ``channels``,
``calendar`` and ``interruptions``.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from mis_bridge.settings.calendar import CalendarSettings
from mis_bridge.settings.channels import ChannelSettings
from mis_bridge.settings.daily import DailySettings
from mis_bridge.settings.escalation import EscalationSettings
from mis_bridge.settings.fields import (
    WHEN_IT_ENDS,
    DfeNumber,
    DisclosureName,
    Name,
    OneLine,
    Section,
    SeverityName,
    Urn,
)
from mis_bridge.settings.interruptions import QuietSettings, TellingSettings
from mis_bridge.settings.people import DUTIES, PersonSettings
from mis_bridge.settings.service import (
    PollingSettings,
    RetentionSettings,
    ServiceSettings,
    StoreSettings,
)

__all__ = [
    "AuthoritySettings",
    "IncidentSettings",
    "MisSettings",
    "SchoolAuthoritySettings",
    "SchoolIdentity",
    "SchoolSettings",
    "Settings",
]

_DEADLINES: dict[SeverityName, int] = {"critical": 15, "high": 15, "normal": 120, "low": 720}


def _deadlines(value: object) -> object:
    return {**_DEADLINES, **value} if isinstance(value, dict) else value


class IncidentSettings(Section):
    """How incidents behave."""

    damping_minutes: int = Field(
        default=60,
        ge=0,
        le=1440,
        description="An incident that comes back within this time is the same one, opened again.",
    )
    ack_minutes: int = Field(
        default=15,
        ge=1,
        le=1440,
        description="How long an alert may go without an acknowledgement before the next people of "
        "the route are told.",
    )
    deadline_minutes: Annotated[
        dict[SeverityName, Annotated[int, Field(ge=1)]],
        BeforeValidator(_deadlines),
    ] = Field(
        default_factory=_DEADLINES.copy,
        description="By severity: how long one channel may take before the next is used.",
    )


class AuthoritySettings(Section):
    """The Local Authority whose thresholds and forms are used."""

    id: Name = Field(
        default="national",
        description="Folder under adapters/la; `mis-bridge authorities list` shows them.",
    )
    name: OneLine = Field(
        default="",
        description="Its name, as messages should print it; empty: as its own file says.",
    )


class SchoolAuthoritySettings(Section):
    """The Local Authority of this school, where it is another than that of config.toml."""

    id: Name | None = Field(
        default=None, description="Folder under adapters/la; unset: as in config.toml."
    )
    name: OneLine = Field(
        default="",
        description="Its name, as messages should print it; empty: as its own file says.",
    )


class Settings(BaseSettings):
    """``config.toml`` with what the environment overrides."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        env_prefix="MIS_BRIDGE_",
        env_nested_delimiter="__",
    )

    disclosure: DisclosureName = Field(
        default="initials",
        description="How a pupil is named in messages: by the incident's reference only, by "
        "initials and form, or in full.",
    )
    service: ServiceSettings = ServiceSettings()
    store: StoreSettings = StoreSettings()
    polling: PollingSettings = PollingSettings()
    channels: dict[Name, ChannelSettings] = Field(
        default_factory=dict, description="Ways out, each with a name of your choice."
    )
    routes: dict[str, list[str]] = Field(
        default_factory=dict,
        description="For each duty the channels that tell it, or the people who have it; the "
        "second is used when the first fails, and when nobody answers.",
        json_schema_extra={"propertyNames": {"enum": list(DUTIES)}},
    )
    people: dict[Name, PersonSettings] = Field(
        default_factory=dict, description="People who are told, each under an id of your choice."
    )
    escalation: list[EscalationSettings] = Field(
        default_factory=list,
        description="Who is told in which order, one table a rule; where none fits, those whom the "
        "trigger names.",
    )
    triggers: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="Parameters of triggers, one table a trigger."
    )
    incidents: IncidentSettings = IncidentSettings()
    daily: DailySettings = DailySettings()
    quiet: QuietSettings = QuietSettings()
    telling: TellingSettings = TellingSettings()
    retention: RetentionSettings = RetentionSettings()
    authority: AuthoritySettings = AuthoritySettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment win over the file, and nothing else have a say."""
        return env_settings, init_settings


class SchoolIdentity(Section):
    """Which school it is."""

    id: Name = Field(description="The file's name without .toml; it names the school for good.")
    name: OneLine = Field(min_length=1, description="Its name, as messages should print it.")
    urn: Urn = Field(default="", description="Unique reference number, six digits.")
    dfe_number: DfeNumber = Field(
        default="",
        description="DfE number, three digits of the authority and four of the school.",
    )
    phase: Literal["", "nursery", "primary", "secondary", "all-through", "special", "ap"] = Field(
        default="", description="Kind of school."
    )
    enabled: bool = Field(
        default=True,
        description="false: the school is known and listed, and not read; nobody is told of its "
        "missing children.",
    )


class MisSettings(Section):
    """Where its registers are read."""

    adapter: Name = Field(description="Id of the adapter; `mis-bridge adapters list` shows them.")
    poll_seconds: int | None = Field(
        default=None,
        ge=10,
        le=3600,
        description="Time between two readings, if not that of [polling].",
    )
    connection: dict[str, str | int | float | bool] = Field(
        default_factory=dict,
        description="What the adapter needs; `mis-bridge adapters show ID` lists it. Secrets "
        "are named, not written.",
    )
    secret_expires: dt.date | None = Field(default=None, description=WHEN_IT_ENDS)
    leave_out: list[Literal["pupils", "sessions", "lessons", "events", "deletions"]] = Field(
        default_factory=list,
        description="Lists that the school does not grant, so that their refusal is not told as a "
        "failure. What they would tell is then not noticed.",
    )


class SchoolSettings(Section):
    """``conf.d/<school>.toml``: one school."""

    school: SchoolIdentity
    mis: MisSettings
    calendar: CalendarSettings
    codes: dict[str, str] = Field(
        default_factory=dict,
        description="Codes of this school's own that the national table does not know, each "
        "with the national code it means.",
    )
    routes: dict[str, list[str]] = Field(
        default_factory=dict,
        description="Duties whose people this school tells by other channels.",
        json_schema_extra={"propertyNames": {"enum": list(DUTIES)}},
    )
    people: dict[Name, PersonSettings] = Field(
        default_factory=dict, description="People of this school, beside those of config.toml."
    )
    escalation: list[EscalationSettings] = Field(
        default_factory=list,
        description="Rules of this school's own; they are asked before those of config.toml.",
    )
    triggers: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="Parameters of triggers that differ at this school."
    )
    authority: SchoolAuthoritySettings = SchoolAuthoritySettings()
    quiet: QuietSettings | None = Field(
        default=None, description="When the people of this school are left alone; unset: as all."
    )
