"""``adapter.toml`` as a whole: what the adapter is, what the MIS can tell, and its lists."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mis_bridge.adapters.vocabulary.access import (
    AuthTable,
    CheckTable,
    HttpTable,
    ParameterTable,
)
from mis_bridge.adapters.vocabulary.streams import StreamTable
from mis_bridge.adapters.vocabulary.types import RegisterCode, Table, Word

__all__ = ["CapabilityTable", "IdentityTable", "ManifestModel"]


class IdentityTable(Table):
    """``[adapter]``: what this is, and how far it can be trusted."""

    id: str = Field(pattern=r"^[a-z][a-z0-9-]*$", description="Name of the adapter, its folder's.")
    name: str = Field(min_length=1, description="What people call the MIS.")
    vendor: str = Field(min_length=1, description="Who makes it.")
    version: str = Field(min_length=1, description="Version of this adapter.")
    evidence: str = Field(min_length=1, description="What the adapter was built from and run with.")
    grade: Literal["bronze", "silver", "gold"] | None = Field(
        default=None,
        description="What the conformance kit finds; `mis-bridge adapters test` says if it is not "
        "so.",
    )


class CapabilityTable(Table):
    """``[capabilities]``: what the MIS can tell us."""

    session: bool = Field(default=False, description="AM and PM marks.")
    lesson: bool = Field(default=False, description="Lesson marks.")
    register_taken: bool = Field(
        default=False, description="Says outright that a register was taken, or was not."
    )
    corrections: bool = Field(default=False, description="Marks carry when they were last saved.")
    presence: bool = Field(
        default=True,
        description="Sends the marks of those who are present too. Without them silence is "
        "neither presence nor absence, and no rate of absence is worked out.",
    )
    delay_minutes: int = Field(
        default=0,
        ge=0,
        le=1440,
        description="How old an answer may be when it comes, by the vendor's word; told in alerts.",
    )
    needs_periods: bool = Field(
        default=False,
        description="Lesson marks name a period and no time: the school gives the times under "
        "[calendar.periods].",
    )


class ManifestModel(Table):
    """``adapter.toml``."""

    adapter: IdentityTable = Field(description="What this is.")
    capabilities: CapabilityTable = Field(description="What the MIS can tell us.")
    connection: dict[Word, ParameterTable] = Field(
        default_factory=dict, description="What a school has to give."
    )
    auth: AuthTable | None = Field(default=None, description="How requests show who asks.")
    http: HttpTable | None = Field(default=None, description="Where the API is.")
    check: CheckTable | None = Field(
        default=None, description="How the school stands with the vendor."
    )
    stream: dict[
        Literal["codes", "periods", "timetable", "details", "pupils", "history", "sessions",
                "lessons", "events", "deletions"],
        StreamTable,
    ] = Field(default_factory=dict, description="The lists.")  # fmt: skip
    codes: dict[str, RegisterCode] = Field(
        default_factory=dict, description="Marks of this MIS that are no register codes = code."
    )
    meanings: dict[str, RegisterCode] = Field(
        default_factory=dict,
        description="What the MIS says a mark means (field meaning) = code, for marks that are in "
        "no table.",
    )
    exempt: dict[str, str] = Field(
        default_factory=dict,
        description="Case of the conformance kit = why this adapter can not meet it.",
    )
