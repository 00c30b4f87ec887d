"""The configuration: the one place that reads its files and its part of the environment."""

from mis_bridge.settings.calendar import CalendarSettings
from mis_bridge.settings.channels import (
    AppriseChannel,
    ChannelSettings,
    FolderChannel,
    GraphChannel,
    HttpsChannel,
    SecureMailChannel,
    SftpChannel,
    SmtpChannel,
    TeamsActivityChannel,
    TeamsBotChannel,
    TeamsChannel,
)
from mis_bridge.settings.escalation import EscalationSettings
from mis_bridge.settings.loading import Configuration, find_config, load
from mis_bridge.settings.model import (
    AuthoritySettings,
    IncidentSettings,
    SchoolSettings,
    Settings,
)
from mis_bridge.settings.people import AUDIENCES, DUTIES, PersonSettings
from mis_bridge.settings.problems import SettingsProblems
from mis_bridge.settings.service import (
    PollingSettings,
    RetentionSettings,
    ServiceSettings,
    StoreSettings,
)

__all__ = [
    "AUDIENCES",
    "DUTIES",
    "AppriseChannel",
    "AuthoritySettings",
    "CalendarSettings",
    "ChannelSettings",
    "Configuration",
    "EscalationSettings",
    "FolderChannel",
    "GraphChannel",
    "HttpsChannel",
    "IncidentSettings",
    "PersonSettings",
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
    "TeamsActivityChannel",
    "TeamsBotChannel",
    "TeamsChannel",
    "find_config",
    "load",
]
