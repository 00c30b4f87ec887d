"""The configuration: the one place that reads its files and its part of the environment."""

from mis_bridge.settings.loading import Configuration, find_config, load
from mis_bridge.settings.model import (
    AUDIENCES,
    AuthoritySettings,
    CalendarSettings,
    ChannelSettings,
    FolderChannel,
    GraphChannel,
    HttpsChannel,
    IncidentSettings,
    PollingSettings,
    RetentionSettings,
    SchoolSettings,
    SecureMailChannel,
    ServiceSettings,
    Settings,
    SftpChannel,
    SmtpChannel,
    StoreSettings,
    TeamsChannel,
)
from mis_bridge.settings.problems import SettingsProblems

__all__ = [
    "AUDIENCES",
    "AuthoritySettings",
    "CalendarSettings",
    "ChannelSettings",
    "Configuration",
    "FolderChannel",
    "GraphChannel",
    "HttpsChannel",
    "IncidentSettings",
    "PollingSettings",
    "RetentionSettings",
    "SchoolSettings",
    "SecureMailChannel",
    "ServiceSettings",
    "Settings",
    "SettingsProblems",
    "SftpChannel",
    "SmtpChannel",
    "StoreSettings",
    "TeamsChannel",
    "find_config",
    "load",
]
