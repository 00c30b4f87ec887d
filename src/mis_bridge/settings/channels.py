"""What can be configured about the ways out: one model a kind of channel."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from mis_bridge.settings.entra_app import EntraApp
from mis_bridge.settings.fields import (
    WHEN_IT_ENDS,
    DisclosureName,
    HostKey,
    MailAddress,
    RequiredSecretRef,
    RequiredWebAddress,
    SecretRef,
    Section,
    WebAddress,
)
from mis_bridge.settings.teams_fields import Conversation, MentionName, Person, TeamsLink

__all__ = [
    "AppriseChannel",
    "ChannelSettings",
    "FolderChannel",
    "GraphChannel",
    "HttpsChannel",
    "SecureMailChannel",
    "SftpChannel",
    "SmtpChannel",
    "TeamsActivityChannel",
    "TeamsBotChannel",
    "TeamsChannel",
]


_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


class _Channel(Section):
    disclosure: DisclosureName | None = Field(
        default=None,
        description="How a pupil is named on this channel; unset takes the global setting.",
    )
    timeout_seconds: float = Field(
        default=30.0, ge=1, le=100, description="How long one attempt to send may take."
    )


class MentionSettings(Section):
    """Somebody who is named on a card, and rung by Teams."""

    name: MentionName = Field(description="As it stands on the card: `DSL on duty`.")
    id: Person = Field(description="Entra object id, or user principal name.")


_MENTIONS = (
    "Who is named on the cards of severity high and critical, and rung by Teams: at most five, "
    'each as `{ name = "DSL on duty", id = "dsl@school.example" }`.'
)


class TeamsChannel(_Channel):
    """A Microsoft Teams channel or chat, by a Workflows webhook."""

    kind: Literal["teams"] = Field(description="`teams`.")
    url: RequiredSecretRef = Field(description="The webhook's address; it is a secret.")
    header_name: str = Field(
        default="",
        description="Name of an extra header that the flow's trigger condition asks for.",
    )
    header_secret: SecretRef = Field(default="", description="Value of that header.")
    owner: str = Field(
        default="",
        description="Whose flow it is. Microsoft counts what a person's flows post together, so "
        "channels with one owner share one allowance; empty: an allowance of its own.",
    )
    mentions: list[MentionSettings] = Field(
        default_factory=list, max_length=5, description=_MENTIONS
    )
    allow_insecure_loopback: bool = Field(
        default=False,
        description="Allow an http:// address on this machine, for a demonstration.",
    )


class _Login(EntraApp):
    """How a mail server knows us: not at all, by a password, or by an app's token (XOAUTH2)."""

    username: str = Field(
        default="",
        description="User name, where the server asks for one; the mailbox, where an app signs in.",
    )
    password: SecretRef = Field(default="", description="Password of that user.")

    @model_validator(mode="after")
    def _one_login(self) -> Self:
        if self.signs_in and self.password:
            raise PydanticCustomError(
                "two_logins",
                "write how to log in: either password, or the app that signs in (tenant_id, "
                'client_id and certificate, or identity = "managed")',
            )
        if bool(self.username) != (self.signs_in or bool(self.password)):
            raise PydanticCustomError(
                "half_a_login",
                "username and password go together, or username (the mailbox) and the app that "
                "signs in: write both or neither",
            )
        return self


class SmtpChannel(_Channel, _Login):
    """Email by a mail server."""

    kind: Literal["smtp"] = Field(description="`smtp`.")
    host: str = Field(min_length=1, description="Name of the mail server.")
    port: int = Field(default=587, ge=1, le=65535, description="Port of the mail server.")
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls",
        description="How the connection is encrypted; none only to this machine.",
    )
    sender: MailAddress = Field(description="Address that mails come from.")
    recipients: list[MailAddress] = Field(min_length=1, description="Addresses that mails go to.")

    @model_validator(mode="after")
    def _plain_text_only_here(self) -> SmtpChannel:
        if self.security == "none" and self.host not in _LOCAL_HOSTS:
            raise PydanticCustomError(
                "plain_mail",
                'security = "none" sends pupil data unencrypted: use "starttls" or "tls"; '
                "only a relay on this machine may go without",
            )
        return self


SignedIn = TypeVar("SignedIn", bound=EntraApp)


def _signed_in(settings: SignedIn) -> SignedIn:
    if not settings.signs_in:
        raise PydanticCustomError(
            "app",
            "write tenant_id, client_id and certificate of the app registration, or "
            'identity = "managed"',
        )
    return settings


class GraphChannel(_Channel, EntraApp):
    """Email by Microsoft Graph, sent from one mailbox by an app that may use that one alone."""

    kind: Literal["graph"] = Field(description="`graph`.")
    sender: MailAddress = Field(description="Mailbox that mails are sent from.")
    recipients: list[MailAddress] = Field(min_length=1, description="Addresses that mails go to.")
    must_not_send_as: MailAddress | None = Field(
        default=None,
        description="A mailbox of the school that the app has to be refused. `channels test` and "
        "`doctor` see that it is, with a mail that would go to `sender` alone.",
    )
    graph_url: str = Field(
        default="https://graph.microsoft.com/v1.0",
        description="Graph service, for a national cloud.",
    )

    @model_validator(mode="after")
    def _signs_in(self) -> GraphChannel:
        _signed_in(self)
        if self.must_not_send_as and self.must_not_send_as.lower() == self.sender.lower():
            raise PydanticCustomError(
                "must_not_send_as",
                "must_not_send_as is the mailbox that mails are sent from: name another one",
            )
        return self


class TeamsActivityChannel(_Channel, EntraApp):
    """A line in the activity feed of named people in Teams, which rings."""

    kind: Literal["teams-activity"] = Field(description="`teams-activity`.")
    recipients: list[Person] = Field(
        min_length=1,
        max_length=20,
        description="Who is notified: Entra object ids, or user principal names.",
    )
    link: TeamsLink = Field(
        description="What opens when somebody taps the notification: an address in Teams, "
        "`https://teams.microsoft.com/l/...`, such as that of the channel with the alerts.",
    )
    team_id: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9-]*$",
        description="Team in which the Teams app is installed; empty where it is installed for "
        "each person.",
    )
    activity_type: str = Field(
        default="systemDefault",
        pattern=r"^[A-Za-z][A-Za-z0-9]*$",
        description="Type of the activity in the app's manifest; the default needs none.",
    )
    template_parameter: str = Field(
        default="systemDefaultText",
        pattern=r"^[A-Za-z][A-Za-z0-9]*$",
        description="Parameter of that type's text that takes what has happened.",
    )
    graph_url: RequiredWebAddress = Field(
        default="https://graph.microsoft.com/v1.0",
        description="Graph service, for a national cloud.",
    )

    @model_validator(mode="after")
    def _signs_in(self) -> TeamsActivityChannel:
        return _signed_in(self)


class TeamsBotChannel(_Channel, EntraApp):
    """Cards in a Teams channel or chat by a bot, which are kept up to date."""

    kind: Literal["teams-bot"] = Field(description="`teams-bot`.")
    conversation: Conversation = Field(
        description="Link of the channel or chat, or its id, `19:...@thread.tacv2`."
    )
    mentions: list[MentionSettings] = Field(
        default_factory=list, max_length=5, description=_MENTIONS
    )
    service_url: RequiredWebAddress = Field(
        default="https://smba.trafficmanager.net/teams",
        description="Where the bot service is.",
    )

    @model_validator(mode="after")
    def _signs_in(self) -> TeamsBotChannel:
        if not self.client_id:
            raise PydanticCustomError("bot", "write client_id: the application id of the bot")
        return _signed_in(self)


class SecureMailChannel(_Channel, _Login):
    """Email to the Local Authority: TLS always, and S/MIME where it publishes a certificate."""

    kind: Literal["secure-mail"] = Field(description="`secure-mail`.")
    host: str = Field(min_length=1, description="Name of the school's mail server.")
    port: int = Field(default=587, ge=1, le=65535, description="Port of the mail server.")
    security: Literal["starttls", "tls"] = Field(
        default="starttls",
        description="How the connection is encrypted; a server that can not is sent nothing.",
    )
    sender: MailAddress = Field(description="Address that mails come from.")
    recipients: list[MailAddress] = Field(
        min_length=1, description="Addresses of the authority that packages go to."
    )
    certificates: list[Path] = Field(
        default_factory=list,
        description="PEM files with the certificates that the authority publishes: packages are "
        "encrypted for all of them; empty for no S/MIME encryption.",
    )
    signing: SecretRef = Field(
        default="",
        description="PEM text with the school's own S/MIME key and certificate, which signs; empty "
        "for no signature.",
    )


class SftpChannel(_Channel):
    """Files put on the Local Authority's SFTP server; for approved packages only."""

    kind: Literal["sftp"] = Field(description="`sftp`.")
    host: str = Field(min_length=1, description="Name of the server.")
    port: int = Field(default=22, ge=1, le=65535, description="Port of the server.")
    username: str = Field(min_length=1, description="User name there.")
    key: SecretRef = Field(
        default="", description="Private key that logs in, OpenSSH or PEM text without passphrase."
    )
    password: SecretRef = Field(default="", description="Password, where there is no key.")
    secret_expires: dt.date | None = Field(default=None, description=WHEN_IT_ENDS)
    host_keys: list[HostKey] = Field(
        min_length=1,
        description='The server\'s own public keys, each as `"ssh-ed25519 AAAA..."`; a server that '
        "shows none of them is sent nothing.",
    )
    folder: str = Field(
        default="", description="Folder for the files; empty for the one that the login opens."
    )

    @model_validator(mode="after")
    def _has_a_login(self) -> SftpChannel:
        if bool(self.key) == bool(self.password):
            raise PydanticCustomError(
                "login", "write how to log in: either key or password, each a credential"
            )
        return self


class HttpsChannel(_Channel):
    """JSON posted to the Local Authority's portal; for approved packages only."""

    kind: Literal["https"] = Field(description="`https`.")
    url: RequiredWebAddress = Field(description="Address that packages are posted to.")
    token_url: WebAddress = Field(
        default="", description="Where OAuth2 gives tokens (client credentials)."
    )
    client_id: str = Field(default="", description="Our name there.")
    client_secret: SecretRef = Field(default="", description="The secret that goes with it.")
    secret_expires: dt.date | None = Field(default=None, description=WHEN_IT_ENDS)
    scope: str = Field(default="", description="What the token is for, where the portal says so.")
    client_certificate: SecretRef = Field(
        default="",
        description="PEM text with the key and certificate that the portal knows us by (mutual "
        "TLS).",
    )
    reference: str = Field(
        default="reference",
        pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$",
        description="Where the portal's answer holds its reference: a key, or keys joined by dots.",
    )

    @model_validator(mode="after")
    def _is_known_there(self) -> HttpsChannel:
        oauth = (self.token_url, self.client_id, self.client_secret)
        if any(oauth) and not all(oauth):
            raise PydanticCustomError(
                "oauth", "token_url, client_id and client_secret go together: write all three"
            )
        if not all(oauth) and not self.client_certificate:
            raise PydanticCustomError(
                "open_portal",
                "a portal that asks nobody who they are is sent nothing: write token_url, "
                "client_id and client_secret, or client_certificate",
            )
        return self


class FolderChannel(_Channel):
    """Files put in a folder, for a person to take to the authority's portal."""

    kind: Literal["folder"] = Field(description="`folder`.")
    path: Path = Field(description="Folder that receives one folder a package.")
    portal: str = Field(
        default="",
        description="Address of the authority's portal, for the file with the fields; empty: the "
        "one that the authority's own file names.",
    )


class AppriseChannel(_Channel):
    """Any service that Apprise knows, as an extra: never the only way to tell somebody."""

    kind: Literal["apprise"] = Field(description="`apprise`; needs the extra `apprise`.")
    url: RequiredSecretRef = Field(description="Apprise's address of the service; it is a secret.")


ChannelSettings = Annotated[
    TeamsChannel
    | SmtpChannel
    | GraphChannel
    | TeamsActivityChannel
    | TeamsBotChannel
    | FolderChannel
    | SecureMailChannel
    | SftpChannel
    | HttpsChannel
    | AppriseChannel,
    Field(discriminator="kind"),
]
