"""What can be configured about the daemon: its data, its reading, what it drops when."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from mis_bridge.settings.fields import Listen, MinuteOfDay, SecretRef, Section, WebAddress

__all__ = [
    "PollingSettings",
    "RetentionSettings",
    "ServiceSettings",
    "StoreSettings",
]


class ServiceSettings(Section):
    """The daemon itself. Relative paths are taken from the folder of ``config.toml``."""

    data_dir: Path = Field(
        default=Path("/var/lib/mis-bridge"),
        description="Folder of the embedded database and its key.",
    )
    conf_dir: Path = Field(default=Path("conf.d"), description="Folder with one file a school.")
    credentials_dir: Path = Field(
        default=Path("credentials"),
        description="Folder with one file a secret, read where systemd passes no credential "
        "of that name.",
    )
    adapter_dirs: list[Path] = Field(
        default_factory=list,
        description="More folders with adapters, beside those that come with mis-bridge.",
    )
    adapter_pins: dict[str, Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]] = Field(
        default_factory=dict,
        description="By adapter id: SHA-256 of the adapter.py of an adapter of your own. Its code "
        "runs only as long as it is this one.",
    )
    tick_seconds: float = Field(
        default=5.0,
        gt=0,
        le=60,
        description="How often the daemon looks for work that has come due.",
    )
    heartbeat_url: SecretRef = Field(
        default="",
        description="Address that is called after each clean cycle, so that an outside monitor "
        "notices silence.",
    )
    metrics_listen: Listen = Field(
        default="",
        description="Address on which Prometheus finds the metrics, host:port; empty for none. "
        "Keep it on this machine or behind a firewall: it needs no password.",
    )
    ca_bundle: str = Field(
        default="",
        description="File of certificate authorities to trust besides the machine's own, for "
        "example that of a school's web filter.",
    )
    log_format: Literal["auto", "console", "json"] = Field(
        default="auto",
        description="How log lines look; auto is console on a terminal and JSON otherwise.",
    )
    console_url: WebAddress = Field(
        default="",
        description="Address of the web pages, for the links in messages; empty for no links.",
    )


class StoreSettings(Section):
    """The database."""

    url: str = Field(
        default="",
        description="Empty for the embedded encrypted database in data_dir; otherwise a "
        "postgresql:// address without password, or a secret that holds the whole address.",
    )
    key: SecretRef = Field(
        default="",
        description="Key of the embedded database; empty for a key that is made on the first "
        "run and kept beside the database, readable by the service alone.",
    )


class PollingSettings(Section):
    """When and how the MIS is read."""

    interval_seconds: int = Field(
        default=120,
        ge=10,
        le=3600,
        description="Time between two readings of one school in its day. One more comes when a "
        "grace ends or the morning register closes.",
    )
    day_starts: MinuteOfDay = Field(
        default=7 * 60 + 30, description="When reading begins on a school day."
    )
    day_ends: MinuteOfDay = Field(
        default=17 * 60 + 30, description="When reading ends on a school day."
    )
    window_school_days: int = Field(
        default=5,
        ge=1,
        le=60,
        description="How many school days back each reading goes, because marks are corrected "
        "afterwards.",
    )
    overlap_minutes: int = Field(
        default=60,
        ge=0,
        le=1440,
        description="How far a reading of changes reaches back over the last; 15 at the least, as "
        "long as a reading may take.",
    )
    sweep_at: MinuteOfDay = Field(
        default=3 * 60 + 30, description="When the whole window is read again each night."
    )
    timeout_seconds: float | None = Field(
        default=None,
        gt=0,
        le=600,
        description="How long one answer of the MIS is waited for, if not as long as its adapter "
        "says.",
    )
    workers: int = Field(
        default=8,
        ge=1,
        le=64,
        description="How many schools are read at the same time; failing ones and first loads are "
        "read beside them, as many again.",
    )


class RetentionSettings(Section):
    """When data is dropped."""

    day_sheets_school_days: int = Field(
        default=30, ge=5, le=400, description="How many school days lesson marks are kept."
    )
    mark_changes_days: int = Field(
        default=400, ge=30, description="How long it is kept which mark was changed when."
    )
    strip_years: int = Field(
        default=3, ge=1, le=10, description="How many academic years of session marks are kept."
    )
    incidents_days: int = Field(
        default=2192, ge=30, description="How long closed incidents are kept, and notes on pupils."
    )
    outbox_days: int = Field(
        default=90, ge=7, description="How long it is kept which message went out when."
    )
    quarantine_days: int = Field(
        default=30, ge=1, description="How long rows that could not be used are kept."
    )
